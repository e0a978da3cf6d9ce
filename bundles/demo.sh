#!/bin/sh
# Takes a container of bundles/hello through its life and shows each command with its output.
# Its state is kept in a folder of its own, and nothing is left behind.
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
  echo "the demo makes a container, which takes root: sudo make demo" >&2
  exit 1
fi

state=$(mktemp -d /tmp/runt-demo.XXXXXX)
# Where the first create of a boot mounts the program read-only.
mount=/run/runt/exe$PWD/build/libexec
mounted=$(mountpoint -q "$mount" && echo yes || echo no)

runt() {
  build/runt --root "$state" "$@"
}

clean_up() {
  runt delete --force hello || true
  runt delete --force limits || true
  rm -rf "$state"
  if [ "$mounted" = no ] && mountpoint -q "$mount"; then umount --lazy "$mount"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold=
plain=
if [ -t 1 ]; then
  bold=$(printf '\033[1m')
  plain=$(printf '\033[0m')
fi

# Shows a command as it is typed, then runs it.
show() {
  printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"
  "$@"
}

# The container writes on the streams of `create`, at its own pace.
wait_for_end() {
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    runt state "$1" | grep -q '"status": *"stopped"' && return
    sleep 0.1
  done
  echo "the container $1 has not ended" >&2
  exit 1
}

show runt plan --bundle bundles/hello
show runt create --bundle bundles/hello hello
show runt state hello
show runt start hello
wait_for_end hello
show runt state hello
show runt delete hello

if [ -d /sys/fs/cgroup/memory ] && [ -d /sys/fs/cgroup/pids ]; then
  show runt run --bundle bundles/limits limits
fi
