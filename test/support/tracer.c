// Looks at every process that appears in its pid namespace, and tries to trace it.
//   tracer PATH [MASK]
// Prints "ready", then for each process that it may trace, or through whose root or descriptors it
// sees PATH, one line, and "seen N", the number of processes met, when a file /stop is there. With a
// MASK it stops newcomers as early as it can, and prints those that have capabilities beyond it.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

/** Permitted capabilities (proc_pid_status(5)); none when the process is gone. */
static unsigned long long permitted(int pid) {
  char path[64], line[256];
  unsigned long long set = 0;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) sscanf(line, "CapPrm: %llx", &set);
  fclose(file);
  return set;
}

/** Whether a host's path is seen through the root or a descriptor of a process. */
static int sees(int pid, const char *host) {
  static const char up[] = "/../../../../../../../..";
  char path[4400];
  snprintf(path, sizeof path, "/proc/%d/root%s", pid, host);
  if (access(path, F_OK) == 0) return 1;
  for (int fd = 0; fd < 24; fd++) {
    snprintf(path, sizeof path, "/proc/%d/fd/%d%s%s", pid, fd, up, host);
    if (access(path, F_OK) == 0) return 1;
  }
  return 0;
}

static void judge(int pid, const char *host, unsigned long long mask) {
  unsigned long long set = permitted(pid);
  if ((set & ~mask) != 0) printf("POWER %llx of %d\n", set, pid);
  if (sees(pid, host)) printf("READ the host's files through %d\n", pid);
}

int main(int argc, char **argv) {
  static char met[PIDS], traced[PIDS], read[PIDS];
  int seen = 0;
  if (argc < 2) return 2;
  unsigned long long mask = argc > 2 ? strtoull(argv[2], NULL, 16) : 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  while (access("/stop", F_OK) != 0) {
    int last = last_pid();
    for (int pid = last + 1; argc > 2 && pid < last + 4; pid++) {
      if (kill(pid, SIGSTOP) != 0) continue;
      seen++;
      judge(pid, argv[1], mask);
      kill(pid, SIGCONT);
    }
    for (int pid = last < RECENT ? 1 : last - RECENT; pid <= last && pid < PIDS; pid++) {
      if (pid == getpid() || (kill(pid, 0) != 0 && errno == ESRCH)) continue;
      if (!met[pid]) seen++;
      met[pid] = 1;
      if (argc > 2) judge(pid, argv[1], mask);
      else if (!read[pid] && sees(pid, argv[1])) {
        read[pid] = 1;
        printf("READ the host's files through %d\n", pid);
      }
      if (argc == 2 && !traced[pid] && ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
        traced[pid] = 1;
        printf("TRACED %d\n", pid);
      }
    }
  }
  printf("seen %d\n", seen);
  return 0;
}
