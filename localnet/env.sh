# Sourced by the Makefile's recipes and by every script: where tools and builds are cached, outside the tree.
# CAIRN_CACHE may be set to move all of it.
export CAIRN_CACHE="${CAIRN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cairn}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$CAIRN_CACHE/target}"
# RocksDB's C++ is built once into the cache and linked by every profile.
export ROCKSDB_LIB_DIR="${ROCKSDB_LIB_DIR:-$CAIRN_CACHE/rocksdb}"
export ROCKSDB_STATIC=1
export PATH="$CAIRN_CACHE/bin:$PATH"
