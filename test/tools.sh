#!/bin/sh
# Installs what the tests need and this machine lacks, by apt, as root.
set -eu
cd "$(dirname "$0")/.."

# File that is looked for, and the Debian package that has it.
needed='
/bin/busybox busybox-static
/usr/bin/strace strace
/usr/bin/prlimit util-linux
/usr/bin/ps procps
/usr/bin/newuidmap uidmap
/usr/sbin/ip iproute2
/usr/bin/gcc gcc
/usr/include/x86_64-linux-gnu/sys/types.h libc6-dev
/usr/include/seccomp.h libseccomp-dev
'
# For the virtual machines of test/vm and the shim's messages, without which those tests are skipped.
wanted='
/usr/bin/protoc protobuf-compiler
/usr/bin/qemu-system-x86_64 qemu-system-x86
/usr/bin/mmdebstrap mmdebstrap
/usr/sbin/mke2fs e2fsprogs
/usr/bin/cpio cpio
/usr/sbin/depmod kmod
'
# For test/callers, where what is missing is skipped.
callers='
/usr/bin/containerd containerd
/usr/sbin/dockerd docker.io
/usr/bin/podman podman
/usr/bin/catatonit catatonit
/usr/bin/slirp4netns slirp4netns
/usr/bin/fuse-overlayfs fuse-overlayfs
'

# install PACKAGE...; lists of packages may be absent or too old.
install() {
  if [ "$(id -u)" != 0 ] || [ ! -x /usr/bin/apt-get ]; then
    echo "the tests need these packages: $*" >&2
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -o DPkg::Lock::Timeout=120 -y -qq --no-install-recommends "$@" > /dev/null 2>&1 && return
  apt-get update -qq && apt-get install -o DPkg::Lock::Timeout=120 -y -qq --no-install-recommends "$@" > /dev/null
}

# install_quietly PACKAGE...: no package starts a service. A policy that is there is left alone.
install_quietly() {
  policy=/usr/sbin/policy-rc.d
  if [ -e $policy ]; then
    install "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod 755 $policy
  status=0
  install "$@" || status=$?
  rm $policy
  return $status
}

# Whether there is a Go that can build what asks for a newer one (1.21 and later).
has_go() {
  PATH=$PWD/build/go/bin:$PATH:/usr/local/go/bin go version 2> /dev/null | grep -qE 'go1\.(2[1-9]|[3-9])'
}

# Debian's Go may be older; it can fetch a newer one, which is published as a module.
install_go() {
  command -v go > /dev/null || install golang-go || return
  folder=$(GOPATH=$PWD/build/gopath GOFLAGS=-modcacherw go mod download -json \
    golang.org/toolchain@v0.0.1-go1.24.9.linux-amd64 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  [ -n "$folder" ] || return
  # Modules have no executable files.
  chmod -R a+x "$folder/bin" "$folder/pkg/tool"
  ln -sfn "$folder" build/go
}

# The default seccomp profile of Podman, out of a package that depends on much more.
fetch_profile() {
  folder=$(mktemp -d)
  (cd "$folder" && apt-get download -qq golang-github-containers-common > /dev/null 2>&1 &&
    dpkg-deb --extract ./*.deb .) && cp "$folder/usr/share/containers/seccomp.json" build/
  rm -r "$folder"
  [ -e build/seccomp.json ]
}

# missing LIST: the packages of what is not there.
missing() {
  echo "$1" | while read -r file package; do
    [ -z "$file" ] || [ -e "$file" ] || echo "$package"
  done
}

packages=$(missing "$needed")
# shellcheck disable=SC2086 # one word a package
[ -z "$packages" ] || install $packages

packages=$(missing "$wanted")
# shellcheck disable=SC2086 # one word a package
[ -z "$packages" ] || install $packages || echo "without $packages less is tested" >&2

packages=$(missing "$callers")
# shellcheck disable=SC2086 # one word a package
[ -z "$packages" ] || install_quietly $packages ||
  echo "without $packages fewer engines are tested" >&2

mkdir -p build
[ -e build/seccomp.json ] || fetch_profile || { apt-get update -qq && fetch_profile; } ||
  echo "without golang-github-containers-common its seccomp profile is not compared" >&2
has_go || install_go || echo "without Go the conformance tests are skipped" >&2
