#!/bin/sh
# Runs the named targets of the Makefile one after the other and adds up what they report. The last
# line is `N passed, N failed, N skipped`; fails if anything has failed or has not come to its end.
set -u

passed=0
failed=0
skipped=0
mkdir -p build/test
rm -f build/test/total

for part in "$@"; do
  echo "== $part"
  log=build/test/$part.log
  { make --no-print-directory "$part" 2>&1; echo $? > "$log.code"; } | tee "$log"
  code=$(cat "$log.code")
  counts=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$log" | tail -n 1)
  if [ -z "$counts" ]; then
    echo "$part has not come to its end"
    counts="0 1 0"
  elif [ "$code" != 0 ] && [ "${counts#* 0 }" != "$counts" ]; then
    # No test has failed, and yet the run has.
    counts=$(echo "$counts" | { read -r p _ s; echo "$p 1 $s"; })
  fi
  read -r p f s <<COUNTS
$counts
COUNTS
  passed=$((passed + p))
  failed=$((failed + f))
  skipped=$((skipped + s))
done

echo "$passed passed, $failed failed, $skipped skipped" | tee build/test/total
[ "$failed" = 0 ]
