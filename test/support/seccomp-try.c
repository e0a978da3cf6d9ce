// Makes system calls under a seccomp filter, each in a child of its own.
//   seccomp-try FLAGS PROGRAM CALL...
// FLAGS are SECCOMP_FILTER_FLAG_*, PROGRAM is a file of struct sock_filter[], a CALL is
// ABI:NUMBER:ARG0:ARG1 with ABI 64 (also for x32's numbers) or 32 (int 0x80), all numbers decimal.
// Prints a line for each: "returns N", "signal N" or "trap ERRNO" (SIGSYS caught, si_errno).

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct result {
	int kind;
	long value;
};

static struct result *result;

static void trapped(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	result->kind = 2;
	result->value = info->si_errno;
}

static long call_64(long number, long first, long second)
{
	long answer;

	__asm__ volatile("syscall"
			 : "=a"(answer)
			 : "a"(number), "D"(first), "S"(second)
			 : "rcx", "r11", "memory");
	return answer;
}

static long call_32(long number, long first, long second)
{
	int answer;

	__asm__ volatile("int $0x80"
			 : "=a"(answer)
			 : "a"((int)number), "b"((int)first), "c"((int)second)
			 : "r8", "r9", "r10", "r11", "memory");
	return answer;
}

// Nothing but memory is touched after the filter is loaded: it may forbid everything.
static void child(unsigned int flags, struct sock_fprog *filter, const char *call)
{
	struct sigaction action = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };
	unsigned long number, first, second;
	long answer;
	int abi;

	if (sscanf(call, "%d:%lu:%lu:%lu", &abi, &number, &first, &second) != 4)
		_exit(3);
	sigaction(SIGSYS, &action, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, filter) != 0) {
		result->kind = 3;
		result->value = errno;
		_exit(3);
	}
	answer = abi == 32 ? call_32(number, first, second) : call_64(number, first, second);
	if (result->kind == 0) {
		result->kind = 1;
		result->value = answer;
	}
	for (;;)
		__asm__ volatile("ud2");
}

int main(int argc, char **argv)
{
	static struct sock_filter instructions[4096];
	struct sock_fprog filter = { .filter = instructions };
	FILE *file = argc > 2 ? fopen(argv[2], "r") : NULL;
	int at, status;
	pid_t pid;

	if (file == NULL)
		return 1;
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	filter.len = fread(instructions, sizeof(instructions[0]), 4096, file);
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (at = 3; at < argc; at++) {
		*result = (struct result){ 0, 0 };
		pid = fork();
		if (pid == 0)
			child(atoi(argv[1]), &filter, argv[at]);
		if (waitpid(pid, &status, 0) != pid)
			return 2;
		if (result->kind == 1)
			printf("returns %ld\n", result->value);
		else if (result->kind == 2)
			printf("trap %ld\n", result->value);
		else if (result->kind == 3)
			printf("not loaded %ld\n", result->value);
		else if (WIFSIGNALED(status))
			printf("signal %d\n", WTERMSIG(status));
		else
			printf("exit %d\n", WEXITSTATUS(status));
	}
	return 0;
}
