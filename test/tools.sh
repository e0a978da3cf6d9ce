#!/bin/sh
# Installs what the tests need and this machine lacks, by apt, as root.
set -eu

# Program or file that is looked for, and the Debian package that has it.
needed='
/bin/busybox busybox-static
/usr/bin/strace strace
/usr/bin/prlimit util-linux
/usr/bin/gcc gcc
/usr/include/x86_64-linux-gnu/sys/types.h libc6-dev
/usr/include/seccomp.h libseccomp-dev
/usr/bin/git git
'
missing=$(echo "$needed" | while read -r file package; do
  [ -z "$file" ] || [ -e "$file" ] || echo "$package"
done)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || [ ! -x /usr/bin/apt-get ]; then
  echo "the tests need these packages:" $missing >&2
  exit 1
fi
install() {
  # shellcheck disable=SC2086 # one word a package
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null
}
# The lists of packages may be absent or too old.
install 2> /dev/null || { apt-get update -qq && install; }
