// What tests of the start-up protocol do inside a container, and what a service manager does
// outside: sd_notify(3) from both of its ends, and the session keyring.

#include <errno.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static socklen_t address(struct sockaddr_un *un, const char *name) {
  memset(un, 0, sizeof *un);
  un->sun_family = AF_UNIX;
  strncpy(un->sun_path, name, sizeof un->sun_path - 1);
  if (name[0] != '@') return sizeof *un;
  un->sun_path[0] = 0;
  return offsetof(struct sockaddr_un, sun_path) + strlen(name);
}

static int fail(const char *what) {
  printf("%s: %s\n", what, strerror(errno));
  return 1;
}

// Prints each message, with its descriptors counted and closed; a third argument leaves them open.
static int listen_at(const char *name, int deaf) {
  struct sockaddr_un un;
  socklen_t length = address(&un, name);
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (bind(fd, (struct sockaddr *)&un, length) != 0) return fail("bind");
  printf("listening\n");
  for (;;) {
    char text[4096], control[256];
    struct iovec vector = {text, sizeof text - 1};
    struct msghdr message = {0};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t got = recvmsg(fd, &message, 0);
    if (got < 0) return fail("recvmsg");
    text[got] = 0;
    int descriptors = 0;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head != NULL && head->cmsg_type == SCM_RIGHTS) {
      descriptors = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (int i = 0; i < descriptors && !deaf; i++) close(((int *)CMSG_DATA(head))[i]);
    }
    printf("[%s] %d\n", text, descriptors);
  }
}

// Sends one message to NOTIFY_SOCKET, with the writing end of a pipe if there is one.
static int send_text(int fd, const char *text, int descriptor) {
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec vector = {(void *)text, strlen(text)};
  struct msghdr message = {0};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &descriptor, sizeof(int));
  }
  return sendmsg(fd, &message, 0) < 0 ? fail("sendmsg") : 0;
}

static int notify(const char *text, int barrier) {
  const char *name = getenv("NOTIFY_SOCKET");
  if (name == NULL) return printf("no NOTIFY_SOCKET\n"), 1;
  struct sockaddr_un un;
  socklen_t length = address(&un, name);
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (connect(fd, (struct sockaddr *)&un, length) != 0) return fail("connect");
  if (send_text(fd, text, -1) != 0) return 1;
  if (!barrier) return 0;
  int ends[2];
  if (pipe(ends) != 0 || send_text(fd, "BARRIER=1", ends[1]) != 0) return fail("barrier");
  close(ends[1]);
  struct pollfd waiting = {ends[0], POLLIN, 0};
  printf("barrier %s\n", poll(&waiting, 1, 5000) == 1 ? "passed" : "stands");
  return 0;
}

static int keyring(void) {
  char text[256] = "";
  if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text) < 0) {
    return fail("keyctl");
  }
  printf("%s\n", text);
  return 0;
}

int main(int count, char **arguments) {
  setvbuf(stdout, NULL, _IONBF, 0);
  const char *verb = count > 1 ? arguments[1] : "";
  const char *text = count > 2 ? arguments[2] : "";
  if (strcmp(verb, "listen") == 0) return listen_at(text, count > 3);
  if (strcmp(verb, "notify") == 0) return notify(text, count > 3);
  if (strcmp(verb, "keyring") == 0) return keyring();
  return 2;
}
