#!/usr/bin/env bash
# The local network: four validators, a gateway, and the main job on real data.
# usage: localnet/localnet.sh start|stop|reset|status       (make localnet, make localnet-stop, make localnet-reset)
set -euo pipefail
cd "$(dirname "$0")/.."
. localnet/env.sh

NET=$(realpath -m "${CAIRN_LOCALNET:-$CAIRN_CACHE/localnet}")
BIN="$CARGO_TARGET_DIR/debug"
NODES=4 BASE=26600 GATEWAY=8780 AGENT=8790 CHAIN=cairn-local-1
export CAIRN_PASSPHRASE=cairn-local
bold=$'\033[1m' plain=$'\033[0m'
[ -t 1 ] || bold='' plain=''
say() { printf '%s[localnet]%s %s\n' "$bold" "$plain" "$*"; }
die() { printf '[localnet] %s\n' "$*" >&2; exit 1; }
rpc() { echo "http://127.0.0.1:$((BASE + 10 * $1))"; }
processes() { echo gateway; seq -f 'node%g' 0 $((NODES - 1)); }
# Whether a process of ours runs. After a reboot its number may be somebody else's, so its command line must name our folder.
alive() { [ -e "$NET/run/$1.pid" ] && grep -qsaF -- "$NET/" "/proc/$(cat "$NET/run/$1.pid")/cmdline"; }

launch() { # name command...
  local name=$1; shift
  alive "$name" && return
  setsid "$@" >>"$NET/log/$name.log" 2>&1 </dev/null 9>&- &
  echo $! >"$NET/run/$name.pid"
  disown
  while kill -0 $! 2>/dev/null && ! alive "$name"; do sleep 0.02; done # until it has become the program
}

halt() { # names: asks the processes to stop, by their own ids, all at once, and waits for them
  local name pid pids=()
  for name in "$@"; do
    alive "$name" && pid=$(cat "$NET/run/$name.pid") && kill -TERM "$pid" && pids+=("$pid")
    rm -f "$NET/run/$name.pid"
  done
  for pid in "${pids[@]}"; do
    for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || continue 2; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
  done
}

ports_of() { # name
  local i
  case "$1" in
    gateway) echo "$GATEWAY"; return ;;
    agent) echo "$AGENT"; return ;; # serves its metrics while the main job calls the model
  esac
  for i in 0 1 2 3 4 5; do echo $((BASE + 10 * ${1#node} + i)); done
}

# Another network on this machine has the same ports: its nodes would answer in place of ours.
check_ports() {
  local name port
  for name in $(processes) agent; do
    alive "$name" && continue
    for port in $(ports_of "$name"); do
      ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
        die "port $port, which $name needs, is taken by another program, perhaps another local network: stop it, then run this again"
    done
  done
}

digits() {
  local csv; csv=$(localnet/digits/fetch.sh)
  [ -e "$NET/digits/truth.csv" ] || "$BIN/cairn-driver" digits --csv "$csv" --job localnet/digits/job.toml --out "$NET/digits"
}

create() {
  say "creating $NODES validators in $NET"
  rm -rf "$NET/nodes" "$NET/client" # of a creation that was interrupted
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
  local h first= name
  for _ in $(seq 240); do
    for name in $(processes); do
      alive "$name" || { tail -n 5 "$NET/log/$name.log" >&2; die "$name ended; the end of its log is above, all of it in $NET/log/$name.log"; }
    done
    h=$(height 0 || true)
    first=${first:-$h}
    [ "${h:-0}" -ge 3 ] && [ "$h" -gt "$first" ] && { say "blocks are made: height $h"; return; }
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

# While the main job runs, starts again what was killed. What was stopped by 'make localnet-stop' has no pid file and stays down.
keep() {
  local name
  while sleep 2 && kill -0 $$ 2>/dev/null; do
    for name in $(processes); do
      [ ! -e "$NET/run/$name.pid" ] || alive "$name" || { say "$name is gone; starting it again"; start_nodes; }
    done
  done
}

finish() { # also after Ctrl-C
  local status=$?
  [ -z "$keeper" ] || kill "$keeper" 2>/dev/null || true
  [ "$status" = 0 ] || say "not finished; what was started runs on: 'make localnet' goes on from here, 'make localnet-stop' stops it"
}

endpoints() {
  local i
  say "the network runs; stop it with 'make localnet-stop', delete it with 'make localnet-reset'"
  for i in $(seq 0 $((NODES - 1))); do
    printf '  node%s   RPC %s   REST http://127.0.0.1:%s   gRPC 127.0.0.1:%s   metrics http://127.0.0.1:%s/metrics\n' "$i" "$(rpc "$i")" \
      $((BASE + 10 * i + 2)) $((BASE + 10 * i + 3)) $((BASE + 10 * i + 5))
  done
  cat <<T
  gateway http://127.0.0.1:$GATEWAY
  logs    $NET/log
  faucet  the key 'faucet' in --home $NET/client (passphrase $CAIRN_PASSPHRASE), address $("$BIN/cairnd" keys show faucet --address --home "$NET/client")
          its words: $(mnemonic faucet)
  look    http://127.0.0.1:$((BASE + 2))/   every REST endpoint
          export PATH=$BIN:$CAIRN_CACHE/bin:\$PATH CAIRN_NODE=$(rpc 0)
          cairnd status
          cairnd job status 1
          cairnd query asset holders 1
T
}

main_job() {
  [ -e "$NET/out/report.json" ] && { say "the main job is done; its report is $NET/out/report.json ('make localnet-reset' starts afresh)"; return; }
  local nodes=() i resume=()
  for i in $(seq 0 $((NODES - 1))); do nodes+=(--node "$(rpc "$i")"); done
  local found; found=$("$BIN/cairnd" query annotation jobs --node "$(rpc 0)" --output json | sed -n 's/.*"id": "\([0-9]*\)".*/\1/p' | head -1)
  [ -n "$found" ] && resume=(--resume "$found") && say "going on with job $found"
  "$BIN/cairn-driver" run "${nodes[@]}" --gateway "http://127.0.0.1:$GATEWAY" --accounts "$NET/accounts.json" --job "$NET/digits" \
    --home "$NET/client" --out "$NET/out" --cairnd "$BIN/cairnd" --agent "$BIN/cairn-agent" --agent-metrics "127.0.0.1:$AGENT" "${resume[@]}"
}

case "${1:-}" in
  start)
    mkdir -p "$NET/log" "$NET/run"
    exec 9>"$NET/run/lock"
    flock -n 9 || die "another 'make localnet' is at work in $NET; let it end or interrupt it"
    check_ports
    keeper=
    trap finish EXIT
    [ -e "$NET/client/keyring/faucet.json" ] || create # its last file
    digits
    start_nodes
    wait_for_blocks
    keep 9>&- &
    keeper=$!
    main_job
    endpoints
    ;;
  stop)
    # shellcheck disable=SC2046
    halt $(processes)
    say "stopped; the data is in $NET"
    ;;
  reset)
    [ ! -e "$NET" ] || [ -e "$NET/run" ] || die "$NET is no local network; nothing was deleted"
    "$0" stop
    rm -rf "$NET"
    say "deleted $NET"
    ;;
  status)
    for p in $(processes); do alive "$p" && echo "$p runs" || echo "$p is down"; done
    ;;
  *) die "usage: localnet/localnet.sh start|stop|reset|status" ;;
esac
