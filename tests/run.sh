#!/bin/bash
# Everything that CI runs, on a bare Debian 12: installs what is missing, then each stage in its turn.
#   tests/run.sh [STAGE...]     lint build unit system clang threads memory release (all, if none is named)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

python=/usr/bin/python3
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(lint build unit system clang threads memory release)
logs=build/logs
workers=$((2 * $(nproc))) # of pytest: many tests wait for a deadline or a sync more than they compute
passed=0 failed=0 names=()

# run NAME COMMAND...: quiet when it is well, its whole output when it isn't.
run() {
  local name=$1 began=$SECONDS
  shift
  if "$@" >"$logs/$name.log" 2>&1; then
    passed=$((passed + 1))
    printf '  ok    %-28s %4d s\n' "$name" $((SECONDS - began))
  else
    failed=$((failed + 1))
    names+=("$name")
    printf '  FAIL  %-28s %4d s\n' "$name" $((SECONDS - began))
    tail -n 150 "$logs/$name.log" | sed 's/^/        /'
  fi
}

wanted() {
  local stage
  for stage in "${stages[@]}"; do [ "$stage" = "$1" ] && return 0; done
  return 1
}

preset() { cmake --preset "$1" >/dev/null && cmake --build --preset "$1"; }
sources() { find src tests -name '*.[ch]' | sort; }
formatted() { sources | xargs clang-format --dry-run --Werror; }
spelled() { codespell -q 3 -L otu,te README.md CHANGELOG.md CONTRIBUTING.md docs src tests/lint tests/sim deploy policies conf; }
shell_checked() { find deploy tests .ci -type f \( -name '*.sh' -o -name run \) -print0 | xargs -0 shellcheck -x; }
tidy() { sources | grep '^src/.*\.c$' | xargs -P "$(nproc)" -n 1 clang-tidy -p build/clang --quiet; }
cpp_checked() {
  cppcheck --project=build/clang/compile_commands.json --enable=warning,style,performance,portability \
    --inline-suppr --suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 --quiet -j "$(nproc)"
}
# Load, reloads and drains over several workers, the journal and the pool by themselves, and what follows the journal.
threads() {
  export TSAN_OPTIONS="suppressions=$PWD/tests/lint/tsan.supp halt_on_error=1"
  ctest --preset tsan -R 'journal|upstream|iam|shared_cache|gateway|reconcile|sinks|server_audit' &&
    POSTERN_BUILD=build/tsan "$python" -m pytest -q -p no:cacheprovider -n "$workers" tests/system/test_concurrency.py \
      tests/system/test_reload.py tests/system/test_drain.py tests/system/test_review_stress.py \
      tests/system/test_sinks.py tests/system/test_syslog.py tests/system/test_seal.py tests/system/test_audit_admin.py \
      tests/system/test_trail_torture.py
}
memory() { tests/lint/valgrind.sh build/dev; }
grown() { "$python" tests/memory.py --requests 80000; }
hardened() { tests/lint/hardening.sh build/release/postern; }
system_tests() {
  POSTERN_BUILD=$1 "$python" -m pytest -q -p no:cacheprovider -n "$workers" tests/system
}

# shellcheck disable=SC2086 # lists of words
install_packages $build_packages $test_packages
mkdir -p "$logs"

if wanted lint; then
  for check in layers banned sizes contracts reasons advisories; do run "lint-$check" "$python" "tests/lint/$check.py"; done
  run format formatted
  run spelling spelled
  run shellcheck shell_checked
fi
if wanted build; then run build-asan preset asan; fi
if wanted unit; then
  run unit-asan ctest --preset asan -j "$(nproc)"
  run pure "$python" tests/lint/pure.py build/asan
  run policies tests/lint/policies.sh build/asan
fi
if wanted system; then run system-asan system_tests build/asan; fi
if wanted clang; then
  run build-clang preset clang
  run clang-tidy tidy
  run cppcheck cpp_checked
fi
if wanted threads; then
  run build-tsan preset tsan
  run threads threads
fi
if wanted memory; then
  run build-dev preset dev
  run valgrind memory
fi
if wanted release; then
  run build-release preset release
  run hardening hardened
  run memory-stays grown
  run demo deploy/demo.sh --once
fi

[ $failed -eq 0 ] || printf 'failed: %s\n' "${names[*]}"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
