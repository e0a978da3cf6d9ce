#!/bin/sh
# Starts the program with the engine's options. They cannot be built in: they are read from the
# environment before the first line of the program runs.
#   useJIT=0                 memory of the JIT is not copied by fork, and is writable and executable
#   numberOfGCMarkers=1, useConcurrentGC=0, MIMALLOC_SCAVENGER=0   one thread, so that fork is safe
#   MIMALLOC_PURGE_HOLES_MIN_INTERVAL=0   what a shim gives back, it gives back at once
dir=@LIBEXEC@

# The read-only mount of the same folder, once root has made it (see host/executable.ts).
program=/run/runt/exe$dir/runt
[ "$program" -ef "$dir/runt" ] || program=$dir/runt

# Options of the engine that the caller's environment brings along: an unknown BUN_JSC_ is fatal.
# The caller's limit of open files is told to the program because the engine raises it.
unset BUN_OPTIONS BUN_BE_BUN BUN_INSPECT NODE_OPTIONS NODE_PATH MIMALLOC_SHOW_STATS MIMALLOC_VERBOSE
caller=$(ulimit -Sn; export -p)
case $caller in
  *BUN_*) for name in $(export -p | sed -n 's/^export \(BUN_[A-Za-z0-9_]*\).*/\1/p'); do unset "$name"; done ;;
esac

export RUNT_OPEN_FILES="${caller%%[!0-9]*}"
export BUN_JSC_useJIT=0 BUN_JSC_numberOfGCMarkers=1 BUN_JSC_useConcurrentGC=0
export MIMALLOC_SCAVENGER=0 MIMALLOC_PURGE_HOLES_MIN_INTERVAL=0 BUN_GC_TIMER_DISABLE=1
exec "$program" @PROGRAM@"$@"
