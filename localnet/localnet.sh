#!/usr/bin/env bash
# The local network: four validators, a gateway, and the main job on real data.
# usage: localnet/localnet.sh start|stop|reset|status       (make localnet, make localnet-stop, make localnet-reset)
set -euo pipefail
cd "$(dirname "$0")/.."
. localnet/env.sh

NET="${CAIRN_LOCALNET:-$CAIRN_CACHE/localnet}"
BIN="$CARGO_TARGET_DIR/debug"
NODES=4 BASE=26600 GATEWAY=8780 CHAIN=cairn-local-1
export CAIRN_PASSPHRASE=cairn-local
say() { printf '\033[1m[localnet]\033[0m %s\n' "$*"; }
die() { printf '[localnet] %s\n' "$*" >&2; exit 1; }
rpc() { echo "http://127.0.0.1:$((BASE + 10 * $1))"; }
alive() { [ -e "$NET/run/$1.pid" ] && kill -0 "$(cat "$NET/run/$1.pid")" 2>/dev/null; }

launch() { # name command...
  local name=$1; shift
  alive "$name" && return
  setsid "$@" >>"$NET/log/$name.log" 2>&1 </dev/null &
  echo $! >"$NET/run/$name.pid"
}

halt() { # name: asks the process to stop, by its own id, and waits for it
  alive "$1" || { rm -f "$NET/run/$1.pid"; return 0; }
  local pid; pid=$(cat "$NET/run/$1.pid")
  kill -TERM "$pid"
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$NET/run/$1.pid"
}

digits() {
  local csv; csv=$(localnet/digits/fetch.sh)
  [ -e "$NET/digits/truth.csv" ] || "$BIN/cairn-driver" digits --csv "$csv" --job localnet/digits/job.toml --out "$NET/digits"
}

create() {
  say "creating $NODES validators in $NET"
  mkdir -p "$NET/log" "$NET/run"
  local args=() line
  while read -r line; do args+=(--account "$line"); done < <("$BIN/cairn-driver" accounts --file "$NET/accounts.json")
  "$BIN/cairnd" testnet --out "$NET/nodes" --validators $NODES --chain-id $CHAIN --base-port $BASE \
    --timeout-commit "${CAIRN_BLOCK_PAUSE:-500ms}" "${args[@]}"
  local name
  for name in requester buyer faucet; do
    "$BIN/cairnd" keys add $name --recover --home "$NET/client" >/dev/null < <(mnemonic $name)
  done
}

mnemonic() { tr -d '\n' <"$NET/accounts.json" | grep -o "{[^}]*\"name\": *\"$1\"[^}]*}" | sed 's/.*"mnemonic": *"\([^"]*\)".*/\1/'; }

height() { curl -s --max-time 2 "$(rpc "$1")/status" | sed -n 's/.*"latest_block_height":"\([0-9]*\)".*/\1/p'; }

wait_for_blocks() {
  local i h
  for i in $(seq 240); do
    h=$(height 0 || true)
    [ "${h:-0}" -ge 3 ] && { say "blocks are made: height $h"; return; }
    sleep 0.5
  done
  tail -n 5 "$NET"/log/node*.log >&2
  die "no blocks after two minutes; the ends of the logs are above, all of them in $NET/log"
}

start_nodes() {
  local i
  for i in $(seq 0 $((NODES - 1))); do launch "node$i" "$BIN/cairnd" start --home "$NET/nodes/node$i"; done
  launch gateway "$BIN/cairn-gateway" --listen "127.0.0.1:$GATEWAY" --node "$(rpc 0)" --store "$NET/content"
}

endpoints() {
  local i
  say "the network runs; stop it with 'make localnet-stop', delete it with 'make localnet-reset'"
  for i in $(seq 0 $((NODES - 1))); do
    printf '  node%s   RPC %s   REST http://127.0.0.1:%s   gRPC 127.0.0.1:%s   metrics 127.0.0.1:%s\n' "$i" "$(rpc "$i")" \
      $((BASE + 10 * i + 2)) $((BASE + 10 * i + 3)) $((BASE + 10 * i + 4))
  done
  cat <<T
  gateway http://127.0.0.1:$GATEWAY
  logs    $NET/log
  faucet  the key 'faucet' in --home $NET/client (passphrase $CAIRN_PASSPHRASE), address $("$BIN/cairnd" keys show faucet --address --home "$NET/client")
          its words: $(mnemonic faucet)
  look    $BIN/cairnd status --node $(rpc 0)
          $BIN/cairnd query annotation job 1 --node $(rpc 0)
          $BIN/cairnd query asset holders 1 --node $(rpc 0)
          http://127.0.0.1:$((BASE + 2))/   every REST endpoint
T
}

main_job() {
  [ -e "$NET/out/report.json" ] && { say "the main job is done; its report is $NET/out/report.json ('make localnet-reset' starts afresh)"; return; }
  local nodes=() i resume=()
  for i in $(seq 0 $((NODES - 1))); do nodes+=(--node "$(rpc "$i")"); done
  local found; found=$("$BIN/cairnd" query annotation jobs --node "$(rpc 0)" --output json | sed -n 's/.*"id": "\([0-9]*\)".*/\1/p' | head -1)
  [ -n "$found" ] && resume=(--resume "$found") && say "going on with job $found"
  "$BIN/cairn-driver" run "${nodes[@]}" --gateway "http://127.0.0.1:$GATEWAY" --accounts "$NET/accounts.json" --job "$NET/digits" \
    --home "$NET/client" --out "$NET/out" --cairnd "$BIN/cairnd" "${resume[@]}"
}

case "${1:-}" in
  start)
    [ -e "$NET/nodes" ] || create
    digits
    start_nodes
    wait_for_blocks
    main_job
    endpoints
    ;;
  stop)
    for p in gateway $(seq -f 'node%g' 0 $((NODES - 1))); do halt "$p"; done
    say "stopped; the data is in $NET"
    ;;
  reset)
    "$0" stop
    rm -rf "$NET"
    say "deleted $NET"
    ;;
  status)
    for p in gateway $(seq -f 'node%g' 0 $((NODES - 1))); do alive "$p" && echo "$p runs" || echo "$p is down"; done
    ;;
  *) die "usage: localnet/localnet.sh start|stop|reset|status" ;;
esac
