// An agent for SCMP_ACT_NOTIFY. Arguments: path of its socket, what it does with each call:
//   errno NUMBER    the call fails
//   value NUMBER    the call returns that, without having been made
//   continue 0      the call is made
//   deaf 0          accepts connections and never reads
//   rude 0          closes the first connection unread
// It takes one state, prints it, what its descriptor is and how the connection ends; then, a line
// each, the number of every call that it answers. It ends with the last process of the filter.

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static char state[4 << 20];

static int take_state(int connection)
{
	char control[CMSG_SPACE(4 * sizeof(int))], link[64], target[128] = "";
	struct iovec part = { state, sizeof(state) - 1 };
	struct msghdr message = { 0 };
	struct cmsghdr *header;
	ssize_t got, all;
	int fd = -1;

	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	all = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	if (all <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header != NULL && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	while ((got = read(connection, state + all, sizeof(state) - 1 - all)) > 0)
		all += got;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0)
		strcpy(target, "nothing");
	printf("%s\n%s\n%s\n", state, target, got == 0 ? "closed" : strerror(errno));
	return fd;
}

static void answer(int listener, const char *verb, long number)
{
	struct seccomp_notif_sizes sizes;
	struct seccomp_notif *call;
	struct seccomp_notif_resp *response;
	struct pollfd ready = { listener, POLLIN, 0 };

	syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
	call = malloc(sizes.seccomp_notif);
	response = malloc(sizes.seccomp_notif_resp);
	for (;;) {
		if (poll(&ready, 1, -1) < 0 || (ready.revents & POLLIN) == 0)
			return;
		memset(call, 0, sizes.seccomp_notif);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, call) != 0)
			continue;
		printf("%d\n", call->data.nr);
		memset(response, 0, sizes.seccomp_notif_resp);
		response->id = call->id;
		if (strcmp(verb, "continue") == 0)
			response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		else if (strcmp(verb, "errno") == 0)
			response->error = -(int)number;
		else
			response->val = number;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int socket_fd, connection, listener;

	if (argc != 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
	unlink(argv[1]);
	socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(socket_fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(socket_fd, 8) != 0)
		return 3;
	puts("listening");
	connection = accept(socket_fd, NULL, NULL);
	if (strcmp(argv[2], "deaf") == 0)
		pause();
	if (strcmp(argv[2], "rude") == 0)
		return 0;
	listener = take_state(connection);
	if (listener < 0)
		return 4;
	answer(listener, argv[2], atol(argv[3]));
	return 0;
}
