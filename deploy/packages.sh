# shellcheck shell=bash disable=SC2034 # the lists are for whoever sources this
# What must be there, as Debian packages. Sourced: install_packages NAME... installs what is missing.
build_packages="gcc libc6-dev cmake ninja-build pkg-config libevent-dev libevhtp-dev libjansson-dev libssl-dev
  libyaml-dev libsystemd-dev libpq-dev libcjose-dev libsqlite3-dev zlib1g-dev"
demo_packages="openssl curl jq ca-certificates"
test_packages="clang clang-tidy clang-format llvm libclang-rt-14-dev cppcheck pmccabe binutils libcmocka-dev python3
  python3-pytest python3-pytest-xdist valgrind shellcheck codespell openssl curl jq procps ca-certificates python3-pycurl
  postgresql python3-cryptography python3-openstacksdk python3-pycadf rsyslog rsyslog-gnutls"
# npm comes with nodejs where that isn't Debian's own.
command -v npm >/dev/null || test_packages="$test_packages nodejs npm"

install_packages() {
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "missing packages, install them as root: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "installing ${#missing[@]} packages"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
