#!/usr/bin/env bash
# Runs the attacks on the beacon, annotation, truth inference, assets, licences, rewards and disputes, and prints what each costs and gains as Markdown.
# A row is a test: what it prints are the figures it measured, and it fails where a bound that it asserts does not hold. A row with OUTSIDE is
# measured against a bound that it does not keep.
#
#   bench/attacks.sh > bench/ATTACKS.md
#
# The public label sets are read from CAIRN_TRUTH_DATA; without them their rows say so.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
failed=0

# section TITLE CRATE FILTER...: one table of the tests whose names contain a filter.
section() {
    local title=$1 crate=$2
    shift 2
    printf '\n## %s (`%s`)\n\n| attack | measured | |\n|---|---|---|\n' "$title" "$crate"
    if ! cargo test -q -p "$crate" --lib -- --nocapture --test-threads 1 --format pretty "$@" >"$log" 2>&1; then
        failed=1
        tail -n 40 "$log" >&2
    fi
    awk '
        function row(result) {
            gsub(/\|/, "\\|", text)
            short = name
            sub(/.*::/, "", short)
            gsub(/_/, " ", short)
            printf "| %s | %s | %s |\n", short, text == "" ? "asserted, no figures" : text, result
            name = ""
        }
        function take(line) {
            if (line ~ /(^|[^a-z])(ok|FAILED)$/) {
                result = line ~ /ok$/ ? "holds" : "**FAILS**"
                sub(/ *(ok|FAILED)$/, "", line)
                if (line != "") text = text (text == "" ? "" : "<br>") line
                row(result)
            } else if (line != "") {
                text = text (text == "" ? "" : "<br>") line
            }
        }
        /^test [a-z0-9_:]+ \.\.\. / {
            name = $2; text = ""
            line = $0; sub(/^test [^ ]+ \.\.\. /, "", line)
            take(line); next
        }
        / has been running for over / { next }
        name != "" { take($0) }
    ' "$log"
}

{
    section "Randomness" cairn-beacon attacks:: rotated_key beacon_reveal_missing
    section "Jobs, leases, gold" cairn-annotation attacks:: self_dealing:: stranger_leaves sybils_on_lent late_copier exam_then_constant
    section "Truth and pay" cairn-truth --include-ignored a_pair_that_copies a_ring_of_three constant_and_random throw_away under_attack::
    section "Assets" cairn-asset attacks::
    section "Licences" cairn-licensing two_providers_cannot close_races bad_key_refunds remote_refund
    section "Rewards and arenas" cairn-rewards attacks:: self_dealing
    section "Disputes" cairn-dispute attacks::
} >"$work/sections"

cat <<'HEAD'
# Attacks

What each attack on the chain's modules costs and gains, as the tests measure it; written by `bench/attacks.sh`. Amounts are base units of `ucairn` unless a row
says otherwise. *holds*: every bound that the test asserts is kept.

## Three in ten labels of public sets

Pay a label of the attackers by that of the others, with its standard error, and tasks that stay right: means over four sets of ten draws each (40) or a hundred (400); 5 % of the
tasks are gold. *Gold judged false*: where voters contradict a gold answer it is void, and with clearly more than a tenth void there is no gate, though the gold is honest. *Gold
trusted* is the same without that verdict. *Constant* is the commonest class.

| attack | pay | bound | right | |
|---|---|---|---|---|
HEAD
# The lines that name a bound, each once.
grep -o '[A-Z][a-z]*, 30 % of labels[^;]*' "$work/sections" |
    sed -E 's/^(.*): pay ([0-9.]+ \+- [0-9.]+) of honest \(bound ([0-9.]+)\), ([0-9.]+ %) right \(bound 80\): ([A-Za-z]+).*$/| \1 | \2 | \3 | \4 | \5 |/' || true
cat "$work/sections"
exit "$failed"
