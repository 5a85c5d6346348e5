#!/bin/bash
# The flags were asked for; this looks whether the binary has them: PIE, full RELRO, no executable stack,
# stack protector, fortified calls.
set -euo pipefail
binary=$1
bad=0
check() { if ! eval "$2" >/dev/null; then echo "$binary: not $1"; bad=1; fi; }
check "position independent" "readelf -hW $binary | grep -q 'Type:.*DYN'"
check "bound at start (BIND_NOW)" "readelf -dW $binary | grep -Eq 'BIND_NOW|FLAGS_1.*NOW'"
check "read-only after relocation (RELRO)" "readelf -lW $binary | grep -q GNU_RELRO"
check "without an executable stack" "! readelf -lW $binary | grep GNU_STACK | grep -q RWE"
check "stack-protected" "nm -D $binary | grep -q __stack_chk_fail"
check "fortified" "nm -D $binary | grep -q '_chk'"
exit $bad
