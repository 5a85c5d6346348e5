#!/bin/bash
# Shows Postern at its job, on a bare Debian 12: installs, builds, makes throw-away certificates, starts a
# stand-in cloud and the gateway with the shipped policies, sends ten requests and shows what became of each.
#   deploy/demo.sh           then keeps running, with the address to try by hand
#   deploy/demo.sh --once    ends, with status 1 if anything came out otherwise than it should
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

once=no
case ${1:-} in
  --once) once=yes ;;
  "") ;;
  *) echo "usage: deploy/demo.sh [--once]" >&2; exit 2 ;;
esac

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' blue=$'\e[36m' off=$'\e[0m'
else bold='' dim='' green='' red='' blue='' off=''; fi

project=0123456789abcdef0123456789abcdef
work=$(mktemp -d)
pids=()
wrong=0

finish() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

say() { printf '%s%s%s\n' "$bold" "$*" "$off"; }
# What a file holds, word-wrapped and indented.
show() { fold -s -w 108 | sed "s/^/      /"; }

# Journal lines, a member a row.
show_lines() {
  jq -r '(to_entries[] | "\(.key)|\(if .value | type == "string" then .value else .value | tojson end)"), "|"' |
    while IFS='|' read -r key value; do
      if [ -z "$key" ]; then echo; continue; fi
      fold -s -w 92 <<<"$value" | { read -r first; printf '      %s%-15s%s %s\n' "$dim" "$key" "$off" "$first"; sed 's/^/                      /'; }
    done
}

build() {
  cmake --preset release && cmake --build --preset release --target postern modelarts-sim
}

prepare() {
  say "Preparing: packages, build, certificates"
  # shellcheck disable=SC2086 # lists of words
  install_packages $build_packages $demo_packages
  if ! build >"$work/build.log" 2>&1; then
    tail -n 40 "$work/build.log" >&2
    exit 1
  fi
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=demo CA" \
    -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=stand-in cloud" \
    -keyout "$work/cloud.key" -out "$work/cloud.csr" 2>/dev/null
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$work/san"
  openssl x509 -req -in "$work/cloud.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 \
    -extfile "$work/san" -out "$work/cloud.pem" 2>/dev/null
}

# A token in the form of the real ones: CMS SignedData around JSON, Base64 with '-' for '/'.
make_token() {
  local until
  until=$(date -u -d '+12 hours' +%Y-%m-%dT%H:%M:%S.000000Z)
  cat >"$work/token.json" <<EOF
{"token":{"expires_at":"$until","methods":["password"],"catalog":[],"roles":[{"name":"te_admin","id":"0"}],
"project":{"id":"$project","name":"eu-de","domain":{"id":"d0","name":"example"}},"issued_at":"2026-01-01T00:00:00.000000Z",
"user":{"id":"u0a11ce","name":"alice","domain":{"id":"d0","name":"example"}}}}
EOF
  openssl cms -sign -binary -nodetach -nocerts -noattr -outform DER -in "$work/token.json" \
    -signer "$work/cloud.pem" -inkey "$work/cloud.key" 2>/dev/null | base64 -w0 | tr / -
}

# Reads one line from a process that tells where it listens.
start_cloud() {
  mkfifo "$work/cloud.out"
  build/release/modelarts-sim --listen 127.0.0.1:0 --control 127.0.0.1:0 --cert "$work/cloud.pem" \
    --key "$work/cloud.key" >"$work/cloud.out" 2>"$work/cloud.log" &
  pids+=($!)
  local words
  read -r -t 20 -a words <"$work/cloud.out" || { cat "$work/cloud.log" >&2; exit 1; }
  cloud=127.0.0.1:${words[1]##*:} control=127.0.0.1:${words[3]##*:}
}

start_gateway() {
  mkdir "$work/run"
  cat >"$work/postern.yaml" <<EOF
version: 1
listen: [{address: "127.0.0.1:0"}]
status: {address: "127.0.0.1:0"}
admin: {socket: $work/run/admin.sock}
upstream: {url: "https://$cloud", ca_file: $work/ca.pem}
identity: {tokens: {verify: decode}}
policies: $PWD/policies
journal: {directory: $work/journal, low_space: 16MB, segment: 4MB}
log: {level: warning}
EOF
  mkfifo "$work/ready"
  exec 9<>"$work/ready"
  POSTERN_READY_FD=9 build/release/postern serve -c "$work/postern.yaml" 2>"$work/postern.log" &
  pids+=($!)
  local line
  read -r -t 20 line <&9 || { cat "$work/postern.log" >&2; exit 1; }
  exec 9>&-
  gateway=$(jq -r '.listen[0]' <<<"$line") status=$(jq -r .status <<<"$line")
}

sent_to_cloud() { curl -s "http://$control/requests"; }

# attempt TITLE EXPECTED BODY [METHOD PATH]: EXPECTED is allow, rewrite, refuse or failed (by the cloud).
attempt() {
  local title=$1 expected=$2 body=$3 method=${4:-POST} path=${5:-demanager/instances} http came reached line verdict id
  curl -s -X DELETE "http://$control/requests" >/dev/null
  http=$(curl -s -o "$work/answer" -D "$work/head" -w '%{http_code}' -X "$method" "http://$gateway/v1/$project/$path" \
    -H "X-Auth-Token: $token" -H 'Content-Type: application/json' --data-binary "$body")
  came=$(sent_to_cloud)
  reached=$(jq -r ".[] | select(.method == \"$method\") | .body" <<<"$came" | base64 -d)
  id=$(grep -i '^postern-id:' "$work/head" | tr -d '\r' | cut -d' ' -f2)
  # The last word on it is written before the answer is sent.
  line=$(cat "$work"/journal/*.jsonl | jq -c "select(.id == \"$id\")")
  verdict=$(jq -rs '(map(select(.event == "intent" or .event == "refusal")) | .[0].decision // "none") + " "
    + (map(select(.event == "outcome" or .event == "refusal")) | .[-1].outcome // "none")' <<<"$line")
  echo
  say "── $title"
  printf '   %ssent%s\n' "$blue" "$off"; show <<<"$body"
  printf '   %sdecision%s   %s\n' "$blue" "$off" "${verdict% *}"
  jq -r 'select(.event == "refusal") | .reasons[]? | "\(.code): \(.message)"' <<<"$line" | show
  jq -r 'select(.event == "intent") | .edits[]? | "\(.op) \(.path): \(if has("old") then .old | tojson else "nothing" end) -> \(.new | tojson)  (policy \(.policy))"' <<<"$line" | show
  printf '   %sreached the cloud%s\n' "$blue" "$off"
  if [ -n "$reached" ]; then show <<<"$reached"; else printf '      %snothing%s\n' "$dim" "$off"; fi
  printf '   %sthe caller got%s   %s\n' "$blue" "$off" "$http"
  jq -r 'if .id then "instance \(.id), \(.status), stops \(.spec.auto_stop // .lease | {enable, duration} | tojson)" else "\(.error_code): \(.error_message)" end' "$work/answer" | show
  printf '   %sjournal%s (%s)\n' "$blue" "$off" "$(jq -rs 'map(.event) | join(", then ")' <<<"$line")"
  show_lines <<<"$line"
  verify "$expected" "$http" "$reached" "$line" "$verdict" "$body"
}

verify() {
  local expected=$1 http=$2 reached=$3 line=$4 verdict=$5 body=$6 well=yes digest
  case $expected in
    allow) [[ $http =~ ^20[01]$ ]] && [[ $verdict =~ ^allow\ (created|done)$ ]] && [ "$reached" = "$body" ] || well=no ;;
    rewrite) [[ $http =~ ^20[01]$ ]] && [[ $verdict =~ ^rewrite\ (created|done)$ ]] && [ -n "$reached" ] && [ "$reached" != "$body" ] || well=no ;;
    refuse) [ "$http" = "${7:-403}" ] || [ "$http" = 400 ] || well=no
      [ -z "$reached" ] && [ "$verdict" = "refuse refused" ] || well=no ;;
    failed) [ "$http" = 400 ] && [ "$verdict" = "allow failed" ] && [ -n "$reached" ] || well=no ;;
  esac
  if [ -n "$reached" ]; then
    digest=$(printf %s "$reached" | sha256sum | cut -d' ' -f1)
    [ "$(jq -r 'select(.event == "intent") | .request_sha256' <<<"$line")" = "$digest" ] || well=no
  fi
  if [ $well = yes ]; then
    printf '   %sas it should be%s (%s)\n' "$green" "$off" "$expected"
  else
    printf '   %sNOT AS IT SHOULD BE%s: expected %s\n' "$red" "$off" "$expected"
    wrong=$((wrong + 1))
  fi
}

sample='{"name":"notebook-d115","description":"","profile_id":"Ascend-Power-Engine 1.0(python3)","flavor":"modelarts.kat1.xlarge","spec":{"storage":{"location":{"path":"/aaaaaaaaa/output/"},"type":"obs"},"auto_stop":{"enable":true,"duration":3600}},"workspace":{"id":"0"}}'

# The policies' own cases, judged without a gateway.
test_policies() {
  say "postern test policies --coverage"
  build/release/postern test policies --coverage | show || wrong=$((wrong + 1))
}

prepare
test_policies
token=$(make_token)
start_cloud
start_gateway
say "The stand-in cloud listens on https://$cloud, Postern on http://$gateway, policies are those in policies/"

attempt "1. The sample of the ModelArts manual: it complies, so it goes on byte for byte" allow "$sample"
first=$(jq -r .id "$work/answer")
attempt "2. The same without auto_stop: it would never stop, so a stop is set" rewrite \
  "$(jq -c '.name = "notebook-forgot" | del(.spec.auto_stop)' <<<"$sample")"
attempt "3. The longest time the cloud allows: it is capped" rewrite \
  "$(jq -c '.name = "notebook-long" | .spec.auto_stop.duration = 86400' <<<"$sample")"
attempt "4. A GPU that nobody approved" refuse \
  "$(jq -c '.name = "notebook-gpu" | .flavor = "modelarts.vm.gpu.v100"' <<<"$sample")"
attempt "5. Another team's OBS path" refuse \
  "$(jq -c '.name = "notebook-path" | .spec.storage.location.path = "/other-team/secret/"' <<<"$sample")"
attempt "6. Two flavors in one body: which one is meant? Refused, not repaired" refuse \
  "${sample/\"flavor\":\"modelarts.kat1.xlarge\"/\"flavor\":\"modelarts.kat1.xlarge\",\"flavor\":\"modelarts.vm.gpu.v100\"}"
curl -s -X POST "http://$control/fault" -d '{"kind":"status","match":"POST /v1/*","count":1,"status":400,
  "body":"{\"error_message\":\"The param path needs to end with /.\",\"error_code\":\"ModelArts.6318\"}"}' >/dev/null
attempt "7. Allowed here, but the cloud itself refuses (6318): its answer reaches the caller as it came" failed \
  "$(jq -c '.name = "notebook-6318"' <<<"$sample")"
attempt "8. An update that switches auto_stop off, as a real client sends it: it stays on" rewrite '{"auto_stop":{"enable":false}}' \
  PUT "demanager/instances/$first"
attempt "9. A notebook of the newer family that would run for ever (-1): it gets an end" rewrite \
  '{"name":"nb-for-ever","flavor":"modelarts.vm.cpu.2u","image_id":"e1a07296-22a8-4f05-8bc8-e936c8e54090","duration":-1,"volume":{"category":"EVS","ownership":"MANAGED","capacity":50}}' \
  POST notebooks
attempt "10. Another team's bucket mounted into it" refuse '{"category":"OBS","mount_path":"/data/x/","uri":"obs://other-team/secret/"}' \
  POST "notebooks/$(jq -r .id "$work/answer")/storage"

echo
if [ $wrong -ne 0 ]; then
  say "${red}$wrong of 10 came out otherwise than they should${off}"
  tail -n 20 "$work/postern.log" "$work/cloud.log" >&2
  exit 1
fi
say "${green}All ten came out as they should.${off}"
[ $once = yes ] && exit 0

cat <<EOF

Try it by hand (Ctrl-C ends it):
  TOKEN='$token'
  curl -s http://$gateway/v1/$project/demanager/instances -H "X-Auth-Token: \$TOKEN" -H 'Content-Type: application/json' -d '$sample'
  curl -s 'http://$gateway/v1/$project/demanager/instances?de_type=Notebook' -H "X-Auth-Token: \$TOKEN"
  curl -s http://$status/metrics
  build/release/postern status -c $work/postern.yaml
  build/release/postern audit query -c $work/postern.yaml
  build/release/postern audit verify -c $work/postern.yaml
  tail -f $work/journal/*.jsonl
EOF
wait
