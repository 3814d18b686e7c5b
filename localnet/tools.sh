#!/usr/bin/env bash
# Installs what building, running and testing Cairn needs and is missing. Safe to run again: what is there is left alone.
# usage: localnet/tools.sh [run|test|bench]    (each includes the one before)
set -euo pipefail
cd "$(dirname "$0")/.."
. localnet/env.sh
level=${1:-run}

# Pinned versions. A change here changes what everybody runs.
COMETBFT=v0.38.26
GRPCURL=v1.9.4
IBC_GO=v8.8.0 # its simd is what tests and the benchmark compare with

mkdir -p "$CAIRN_CACHE/bin" "$ROCKSDB_LIB_DIR"
bold=$'\033[1m' plain=$'\033[0m'
[ -t 1 ] || bold='' plain=''
say() { printf '%s[tools]%s %s\n' "$bold" "$plain" "$*"; }
die() { printf '[tools] %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Compilers that no package registry of ours can bring: say what is missing and how to get it.
has cargo || die "Rust is missing. Install it with rustup (https://rustup.rs), then run this again."
has go || die "Go is missing. Install Go 1.22 or newer (https://go.dev/dl), then run this again."
if [ "$level" != run ]; then has npm || die "Node.js is missing. Install Node 20 or newer (https://nodejs.org), then run this again."; fi

# Debian packages: a C++ compiler for RocksDB, libclang for its bindings, curl and unzip for the scripts; where no driver of Vulkan is there,
# one that computes on the processor, as a device for programs.
missing=()
need() { dpkg -s "$1" >/dev/null 2>&1 || missing+=("$1"); }
if has dpkg; then
  for p in g++ make pkg-config curl unzip util-linux ca-certificates; do need "$p"; done
  python3 -m pip --version >/dev/null 2>&1 || need python3-pip
  [ "$level" = run ] || python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || need python3-venv
  # libclang itself: libclang-cpp, which the driver of Vulkan brings along, is another library.
  compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null || compgen -G '/usr/lib/llvm-*/lib/libclang-[0-9]*.so*' >/dev/null || need libclang-dev
  compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null || compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null || need mesa-vulkan-drivers
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing packages: ${missing[*]}"
    sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
fi

gotool() { # name module@version
  local stamp="$CAIRN_CACHE/bin/.$1-${2##*@}"
  [ -x "$CAIRN_CACHE/bin/$1" ] && [ -e "$stamp" ] && return
  say "building $1 ${2##*@} (about a minute)"
  GOBIN="$CAIRN_CACHE/bin" go install "$2"
  touch "$stamp"
}
gotool cometbft "github.com/cometbft/cometbft/cmd/cometbft@$COMETBFT"
[ "$level" = run ] || gotool grpcurl "github.com/fullstorydev/grpcurl/cmd/grpcurl@$GRPCURL"

# The Python packages with which the e2e test `readers` opens exports, and cosmpy of `wallets`, in an environment of their own.
readers() {
  local home="$CAIRN_CACHE/readers" list=e2e/readers/requirements.txt stamp
  stamp="$home/.$(cksum <"$list" | cut -d' ' -f1)"
  [ -e "$stamp" ] && return
  has python3 || die "Python is missing. Install Python 3.11 or newer, then run this again."
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "$(python3 --version) is too old for the readers of exports; install 3.11 or newer."
  say "installing the readers of exports (Python packages, 150 MB to download, once per machine)"
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/python" -m pip install -q --disable-pip-version-check -r "$list"
  touch "$stamp"
}
[ "$level" = run ] || readers

# The unmodified simd of a released ibc-go. 'go install' refuses it, because its go.mod has a replace directive: its main is built in a
# module of its own that takes that go.mod over whole, so that every dependency has the version it was released with. simd-cairn is the same
# command line for addresses of this chain: their prefix is a constant of the SDK, which each chain's own program sets.
simd() { # version
  local stamp="$CAIRN_CACHE/bin/.simd-$1-cairn" build
  [ -x "$CAIRN_CACHE/bin/simd" ] && [ -x "$CAIRN_CACHE/bin/simd-cairn" ] && [ -e "$stamp" ] && return
  say "building simd of ibc-go $1 (about 6 minutes on two cores, once per machine)"
  build=$(mktemp -d)
  (
    cd "$build"
    source=$(go mod download -json "github.com/cosmos/ibc-go/v8@$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    sed -e 's#^module .*#module simd#' -e '/^retract (/,/^)/d' -e '/^retract/d' "$source/go.mod" >go.mod
    cat "$source/go.sum" >go.sum
    cat "$source/testing/simapp/simd/main.go" >main.go
    go mod edit -require="github.com/cosmos/ibc-go/v8@$1"
    v=github.com/cosmos/cosmos-sdk/version
    named=(-mod=mod -trimpath -ldflags "-X $v.Name=simd -X $v.AppName=simd -X $v.Version=$1")
    {
      go build -v "${named[@]}" -o simd .
      cp -r "$(go list -mod=mod -m -f '{{.Dir}}' github.com/cosmos/cosmos-sdk)" sdk
      chmod -R u+w sdk
      sed -i 's/\(Bech32MainPrefix *= \)"cosmos"/\1"cairn"/' sdk/types/address.go
      grep -q 'Bech32MainPrefix = "cairn"' sdk/types/address.go
      go mod edit -replace=github.com/cosmos/cosmos-sdk=./sdk
      go build -v "${named[@]}" -o simd-cairn .
    } 2>packages &
    pid=$!
    while kill -0 $pid 2>/dev/null; do
      sleep 20
      kill -0 $pid 2>/dev/null && say "simd: $(grep -vc '^go: ' packages || true) packages compiled"
    done
    wait $pid || { tail -n 20 packages >&2; exit 1; }
  )
  mv "$build/simd" "$build/simd-cairn" "$CAIRN_CACHE/bin/"
  touch "$stamp"
  rm -rf "$build"
}
[ "$level" = run ] || simd "$IBC_GO"

# What proofs are compared with, which may be missing: the report then says so.
# gnark: our own program on the released library, built from the Go module proxy.
gnark() {
  local stamp
  stamp="$CAIRN_CACHE/bin/.bench-gnark-$(cat bench/gnark/* | cksum | cut -d' ' -f1)"
  [ -x "$CAIRN_CACHE/bin/bench-gnark" ] && [ -e "$stamp" ] && return
  say "building the comparison with gnark (about a minute)"
  go build -C bench/gnark -trimpath -o "$CAIRN_CACHE/bin/bench-gnark.part" . || return 1
  rm -f "$CAIRN_CACHE"/bin/.bench-gnark-*
  mv "$CAIRN_CACHE/bin/bench-gnark.part" "$CAIRN_CACHE/bin/bench-gnark" && touch "$stamp"
}

# ezkl: a published Python package, in an environment of its own.
ezkl() {
  local home="$CAIRN_CACHE/ezkl" list=bench/ezkl/requirements.txt stamp
  stamp="$home/.$(cksum <"$list" | cut -d' ' -f1)"
  [ -e "$stamp" ] && return
  say "installing ezkl (Python packages, 60 MB to download, once per machine)"
  rm -rf "$home"
  python3 -m venv "$home" && "$home/bin/python" -m pip install -q --disable-pip-version-check -r "$list" && touch "$stamp"
}
if [ "$level" = bench ]; then
  gnark || say "gnark cannot be built; proofs are measured without it"
  ezkl || say "ezkl cannot be installed; proofs are measured without it"
fi

# RocksDB's static library, at the version that Cargo.lock pins.
version=$(sed -n '/^name = "librocksdb-sys"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
if [ ! -e "$ROCKSDB_LIB_DIR/.version-$version" ]; then
  say "building RocksDB $version (C++; about 15 minutes on two cores, once per machine)"
  # A target folder of its own, so that the library survives a 'cargo clean'; without ROCKSDB_LIB_DIR the crate builds its own C++.
  build="$CAIRN_CACHE/rocksdb-build"
  (
    unset ROCKSDB_LIB_DIR ROCKSDB_STATIC
    # On a machine that has never built Rust the sources, and the folder they lie in, are not there yet.
    cargo fetch --locked
    cargo build --release --locked -p librocksdb-sys --target-dir "$build" &
    pid=$!
    # What find does not find, or what vanishes under it, only makes the progress less exact.
    total=$({ find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -path "*librocksdb-sys-$version/rocksdb_lib_sources.txt" -exec cat {} + || true; } 2>/dev/null | wc -l)
    while kill -0 $pid 2>/dev/null; do
      sleep 20
      done=$({ find "$build" -name '*.o' -path '*librocksdb-sys*' || true; } 2>/dev/null | wc -l)
      kill -0 $pid 2>/dev/null && say "RocksDB: $done of about ${total:-340} files compiled"
    done
    wait $pid
  )
  lib=$(find "$build" -name librocksdb.a -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2-)
  [ -n "$lib" ] || die "RocksDB was built but librocksdb.a is not to be found below $build"
  rm -f "$ROCKSDB_LIB_DIR"/.version-*
  cp "$lib" "$ROCKSDB_LIB_DIR/librocksdb.a.part"
  mv "$ROCKSDB_LIB_DIR/librocksdb.a.part" "$ROCKSDB_LIB_DIR/librocksdb.a"
  touch "$ROCKSDB_LIB_DIR/.version-$version"
  rm -rf "$build"
fi
say "ready: CometBFT $(cometbft version), RocksDB $version, $(rustc --version | cut -d' ' -f1,2), $(go version | cut -d' ' -f3)"
