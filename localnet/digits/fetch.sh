#!/usr/bin/env bash
# Prints the path of digits.csv.gz: the 1,797 handwritten digits that scikit-learn ships. Taken out of its wheel, which the package client
# downloads by name into the cache; no Python is needed to run anything.
set -euo pipefail
cd "$(dirname "$0")/../.."
. localnet/env.sh
csv="$CAIRN_CACHE/digits.csv.gz"
if [ ! -e "$csv" ]; then
  echo "[digits] downloading the wheel of scikit-learn 1.5.2 (13 MB) for its digits" >&2
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --platform manylinux2014_x86_64 --dest "$tmp" scikit-learn==1.5.2 >&2
  unzip -p "$tmp"/scikit_learn-*.whl sklearn/datasets/data/digits.csv.gz >"$tmp/digits.csv.gz"
  mkdir -p "$CAIRN_CACHE"
  mv "$tmp/digits.csv.gz" "$csv"
fi
echo "$csv"
