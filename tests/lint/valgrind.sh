#!/bin/bash
# All unit tests under valgrind, but for those that only repeat many times what others do once.
#   tests/lint/valgrind.sh BUILD_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
supp=$here/valgrind.supp
export supp
check() {
  log=$(mktemp)
  if timeout 600 valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite --suppressions="$supp" "$1" \
    >"$log" 2>&1; then
    echo "ok $1"
  else
    echo "FAIL $1"
    grep -A12 '^==' "$log" | head -60
    exit 255
  fi
  rm -f "$log"
}
export -f check
# Those left out: 200,000 mutated documents, 30,000 steps of a ledger, a hundred thousand requests, minutes of throughput,
# hundreds of questions to an index, a hundred lives of a sink; and the fronts', whose deadlines of real time run out while valgrind thinks, and the
# one that takes all descriptors, of which valgrind needs some itself (the address sanitizer watches those), and the one
# that looks for secrets in what is freed, written or not.
find "$1/tests/unit" -type f -perm -u+x -printf '%p\n' | sort |
  grep -Ev '/(json_jansson|test_policy_properties|test_policy_diff_properties|test_journal_threads|test_front_[a-z]*|test_listen|test_policy_ere|test_quota_walk|iam_wipe|test_policy_globset|test_audit_index|test_sinks_property)$' |
  xargs -P "$(nproc)" -I{} bash -c 'check {}'
