#!/bin/sh
# Runs the tests that the kernel's command line names, writes what they say to the second serial
# port, and switches the machine off.
exec > /dev/ttyS1 2>&1 < /dev/null
stty -F /dev/ttyS1 -opost
cd /job || exit
# word NAME: what NAME= has on the kernel's command line, one a line.
word() {
  sed -n "s/.*runt\.$1=\([^ ]*\).*/\1/p" /proc/cmdline
}
# run PROGRAM ARGUMENT...: a test runner, which prints its counts.
run() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TEST_PATIENCE=10 \
    node_modules/bun/bin/bun.exe "$@" || code=$?
}
code=0
files=$(word tests | tr ',' ' ')
programs=$(word programs)
# shellcheck disable=SC2086 # one word a file
[ -z "$files" ] || run test/run.ts --limit=240 $files
[ -z "$programs" ] || run test/conformance/run.ts --vm --only="$programs"
echo "tests ended with $code"
# The disks go at once.
exec > /dev/console 2>&1
echo o > /proc/sysrq-trigger
sleep 60
