#!/bin/sh
# Runs the tests that the kernel's command line names, writes what they say to the second serial
# port, and switches the machine off.
exec > /dev/ttyS1 2>&1 < /dev/null
stty -F /dev/ttyS1 -opost
cd /job || exit
files=$(sed 's/.*runt\.tests=\([^ ]*\).*/\1/; s/,/ /g' /proc/cmdline)
# shellcheck disable=SC2086 # one word a file
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TEST_PATIENCE=10 \
  node_modules/bun/bin/bun.exe test/run.ts --limit=240 $files
echo "tests ended with $?"
# The disks go at once.
exec > /dev/console 2>&1
echo o > /proc/sysrq-trigger
sleep 60
