#!/bin/bash
# The shipped policies keep what their cases say, and no rule of them goes untested.
#   tests/lint/policies.sh BUILD_FOLDER
set -euo pipefail
postern=$1/postern
cd "$(dirname "$0")/../.."
[ -x "$postern" ] || { echo "$postern is not built" >&2; exit 2; }

"$postern" test policies --coverage

# The examples are meant to stand beside the starter set.
together=$(mktemp -d)
trap 'rm -rf "$together"' EXIT
cp policies/*.yaml policies/examples/*.yaml "$together"
"$postern" test "$together" --coverage
