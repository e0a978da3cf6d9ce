// Looks at every process that appears in its pid namespace, and tries to trace it.
//   tracer PATH
// Prints "ready", then for each process that it may trace, or through whose root it sees PATH, one
// line, and "seen N", the number of processes met, when a file /stop is there.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

#define PIDS 4194304
#define RECENT 50

/** The pid that was given last in this pid namespace (proc_loadavg(5)). */
static int last_pid(void) {
  int last = 0;
  FILE *file = fopen("/proc/loadavg", "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%*s %*s %*s %*s %d", &last) != 1) last = 0;
  fclose(file);
  return last;
}

int main(int argc, char **argv) {
  static char met[PIDS], traced[PIDS], read[PIDS];
  int seen = 0;
  if (argc != 2) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  while (access("/stop", F_OK) != 0) {
    int last = last_pid();
    for (int pid = last < RECENT ? 1 : last - RECENT; pid <= last && pid < PIDS; pid++) {
      char path[4200];
      if (pid == getpid() || (kill(pid, 0) != 0 && errno == ESRCH)) continue;
      if (!met[pid]) seen++;
      met[pid] = 1;
      snprintf(path, sizeof path, "/proc/%d/root%s", pid, argv[1]);
      if (!read[pid] && access(path, F_OK) == 0) {
        read[pid] = 1;
        printf("READ the host's files through %d\n", pid);
      }
      if (!traced[pid] && ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
        traced[pid] = 1;
        printf("TRACED %d\n", pid);
      }
    }
  }
  printf("seen %d\n", seen);
  return 0;
}
