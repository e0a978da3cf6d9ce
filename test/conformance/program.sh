#!/bin/sh
# Process 1 of one validation program: runs it, then writes what it left. $1 is the program, $2 the
# folder for the report. Mounts, processes and /run end with the namespaces; cgroups do not.

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 1777 /run/tmp
export TMPDIR=/run/tmp
awk '{ print $5 }' /proc/self/mountinfo | sort >"$2/mounts"

"$1"
code=$?

# Processes that were killed a moment ago take a moment to go.
[ "$(echo /proc/[0-9]*)" = /proc/1 ] || sleep 0.2
{
  for process in /proc/[0-9]*; do
    [ "$process" = /proc/1 ] && continue
    line=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline")
    [ -n "$line" ] && echo "process $line"
  done
  # A runtime may keep a mount of its own program for its next start.
  awk '{ print $5 }' /proc/self/mountinfo | sort | comm -13 "$2/mounts" - |
    grep -v '^/run/[^/]*/exe/' | sed 's/^/mount /'
  find /run -mindepth 2 -maxdepth 2 -not -path '/run/tmp/*' -type d \
    -name '*-*-*-*-*' | sed 's/^/state /'
} >"$2/left"
exit $code
