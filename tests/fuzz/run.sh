#!/bin/bash
# Fuzzes: builds the preset `fuzz` and runs each target for a while, on copies of its seeds and regressions.
#   tests/fuzz/run.sh [SECONDS] [NAME...]      60 seconds, all targets
# What it finds new stays in build/fuzz/corpus-work/NAME, a crash in build/fuzz/crashes/NAME-*. JOBS: at a time (1).
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
here=tests/fuzz build=build/fuzz
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for file in "$here"/fuzz_*.c; do
    name=${file##*/fuzz_}
    names+=("${name%.c}")
  done
fi

cmake --preset fuzz >/dev/null
ninja -C "$build" "${names[@]/#/fuzz_}" >"$build/fuzz-build.log" || {
  tail -n 40 "$build/fuzz-build.log"
  exit 2
}
mkdir -p "$build/crashes" "$build/fuzz-logs"

# What a target writes goes to memory where there is such a place, and away with this script.
base=${TMPDIR:-/tmp}
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || base=/dev/shm
TMPDIR=$(mktemp -d "$base/postern-fuzz-run-XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# fuzz NAME: one line on how it went.
fuzz() {
  local name=$1 work=$build/corpus-work/$1 log=$build/fuzz-logs/$1.log verdict=ok
  mkdir -p "$work"
  for folder in "$here/corpus/$name" "$here/regressions/$name"; do
    [ ! -d "$folder" ] || find "$folder" -maxdepth 1 -type f -exec cp -t "$work" {} +
  done
  local length=4096
  [ "$name" != token ] || length=32768
  local words=()
  [ ! -f "$here/$name.dict" ] || words=(-dict="$here/$name.dict")
  "$build/tests/fuzz/fuzz_$name" "$work" "${words[@]}" -max_total_time="$seconds" \
    -max_len=$length -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" \
    >"$log" 2>&1 || verdict=CRASH
  printf '%-18s %12s runs  cov %5s  corpus %5s  %s\n' "$name" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
    "$(grep -o ' cov: [0-9]*' "$log" | tail -n 1 | cut -d' ' -f3)" \
    "$(find "$work" -type f | wc -l)" "$verdict"
  [ $verdict = ok ] || grep -E '^(==[0-9]+==|SUMMARY|.*bug:|Test unit written)' "$log" | tail -n 3 | sed 's/^/    /'
  [ $verdict = ok ]
}

failed=0
running=0
for name in "${names[@]}"; do
  fuzz "$name" &
  running=$((running + 1))
  if [ $running -ge "${JOBS:-1}" ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
done
while [ $running -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done
exit $failed
