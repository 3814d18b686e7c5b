#!/usr/bin/env bash
# Measures committed sends per second side by side with simd and CometBFT's key-value app, blocks over a large state,
# and proofs beside gnark and ezkl.
# usage: bench/run.sh [options]     make bench     (options are those of cairn-bench: bench/run.sh --help)
# CAIRN_BENCH_OUT: where the reports go, and the nodes' homes while they run (a real disk; default $CAIRN_CACHE/bench).
set -euo pipefail
cd "$(dirname "$0")/.."
. localnet/env.sh

say() { printf '\033[1m[bench]\033[0m %s\n' "$*"; }
RELEASE="$CARGO_TARGET_DIR/release"

say "building for release (about 15 minutes on two cores the first time)"
cargo build --release --locked -p cairn-app -p cairn-bench

peers=()
[ -x "$CAIRN_CACHE/bin/bench-gnark" ] && peers+=(--gnark "$CAIRN_CACHE/bin/bench-gnark")
[ -x "$CAIRN_CACHE/ezkl/bin/python" ] && peers+=(--ezkl-python "$CAIRN_CACHE/ezkl/bin/python")

revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- app modules proto proof-circuits bench Cargo.lock 2>/dev/null || revision="$revision with changes"
say "measuring; about 15 minutes, longer while other programs run: they disturb the figures, and the report says how much"
exec "$RELEASE/cairn-bench" --out "${CAIRN_BENCH_OUT:-$CAIRN_CACHE/bench}" --revision "$revision" \
  --cairnd "$RELEASE/cairnd" --cometbft "$(command -v cometbft)" --simd "$(command -v simd)" ${peers[@]+"${peers[@]}"} "$@"
