#!/bin/bash
# The flags were asked for; this looks whether the binary has them: PIE, full RELRO, no executable stack,
# stack protector, fortified calls.
set -euo pipefail
binary=$1
bad=0
# Read whole first: a pipe into `grep -q` may end its writer, which pipefail takes for a failure.
head=$(readelf -hW "$binary") dynamic=$(readelf -dW "$binary") segments=$(readelf -lW "$binary") calls=$(nm -D "$binary")
check() { if ! grep -Eq "$2" <<<"$3"; then echo "$binary: not $1"; bad=1; fi; }
check "position independent" 'Type:.*DYN' "$head"
check "bound at start (BIND_NOW)" 'BIND_NOW|FLAGS_1.*NOW' "$dynamic"
check "read-only after relocation (RELRO)" 'GNU_RELRO' "$segments"
check "without an executable stack" 'GNU_STACK.* RW ' "$segments"
check "stack-protected" '__stack_chk_fail' "$calls"
check "fortified" '_chk(@|$)' "$calls"
exit $bad
