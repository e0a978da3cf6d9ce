// Makes seccomp filters with libseccomp, as standard input says, a command a line:
//   filter ACTION LEVEL         begins a filter with this default action; LEVEL is libseccomp's
//                               SCMP_FLTATR_CTL_OPTIMIZE: 1 a list, 2 a binary tree
//   arch NAME                   such as x86; one that libseccomp knows
//   rule ACTION NAME [INDEX OP VALUE VALUETWO]...
//   end                         prints the filter's instructions as hexadecimal bytes, or
//                               "refused" if libseccomp took one of the rules not
// With the arguments `calls ARCH` it prints the names and numbers of an architecture's system calls.
// OP is libseccomp's enum scmp_compare. A system call that libseccomp does not know is skipped.

#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refused;

static int add_rule(scmp_filter_ctx filter, char *words)
{
	struct scmp_arg_cmp args[6];
	unsigned int count = 0, index, op;
	uint64_t value, value_two;
	uint32_t action;
	char name[64];
	int used, number;

	if (sscanf(words, "%" SCNu32 " %63s%n", &action, name, &used) != 2)
		return -1;
	words += used;
	while (sscanf(words, "%u %u %" SCNu64 " %" SCNu64 "%n", &index, &op, &value, &value_two,
		      &used) == 4) {
		args[count++] = (struct scmp_arg_cmp){ index, op, value, value_two };
		words += used;
	}
	number = seccomp_syscall_resolve_name(name);
	if (number == __NR_SCMP_ERROR)
		return 0;
	if (seccomp_rule_add_array(filter, action, number, count, args) != 0)
		refused = 1;
	return 0;
}

static int print_filter(scmp_filter_ctx filter)
{
	FILE *file = tmpfile();
	int byte;

	if (refused) {
		puts("refused");
	} else {
		if (file == NULL || seccomp_export_bpf(filter, fileno(file)) != 0)
			return -1;
		rewind(file);
		while ((byte = fgetc(file)) != EOF)
			printf("%02x", byte);
		puts("");
	}
	if (file != NULL)
		fclose(file);
	return 0;
}

static int print_calls(const char *arch)
{
	/* Beyond 1000 there are ARM's own calls alone. */
	for (int number = 0; number < 0xf0010; number = number == 1000 ? 0xf0000 : number + 1) {
		char *name = seccomp_syscall_resolve_num_arch(seccomp_arch_resolve_name(arch), number);

		if (name != NULL)
			printf("%s %d\n", name, number);
		free(name);
	}
	return 0;
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = NULL;
	char line[4096], name[32];
	uint32_t action, level;
	int status;

	if (argc == 3 && strcmp(argv[1], "calls") == 0)
		return print_calls(argv[2]);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "filter %" SCNu32 " %" SCNu32, &action, &level) == 2) {
			filter = seccomp_init(action);
			if (filter == NULL)
				return 4;
			seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, level);
			refused = 0;
		} else if (sscanf(line, "arch %31s", name) == 1) {
			status = seccomp_arch_add(filter, seccomp_arch_resolve_name(name));
			if (status != 0 && status != -EEXIST)
				return 1;
		} else if (strncmp(line, "rule ", 5) == 0) {
			if (add_rule(filter, line + 5) != 0)
				return 2;
		} else if (strcmp(line, "end\n") == 0) {
			if (print_filter(filter) != 0)
				return 3;
			seccomp_release(filter);
		}
	}
	return 0;
}
