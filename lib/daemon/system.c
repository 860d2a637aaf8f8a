/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/daemon/system.h"

/* A client of turnd and signald is a descriptor, so the soft limit of 1024 is
 * no limit that an operator has meant. */
void
system_raise_nofile(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

static void
waited_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

void
system_forbid_privileges(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void
system_block_signals(void)
{
	sigset_t set;

	waited_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
system_wait(void)
{
	sigset_t set;
	int sig;

	waited_signals(&set);
	while (sigwait(&set, &sig) != 0)
		continue;
	return sig;
}

/* Our daemons may share an account: one that was taken over must not look
 * into the memory of the others. */
static void
forbid_tracing(void)
{
#ifndef __SANITIZE_ADDRESS__ /* whose leak check traces its own process */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static int
become(const char *user, char *err, size_t size)
{
	const struct passwd *pw;
	int e;

	if (user == NULL)
		return 0;
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL) {
		snprintf(err, size, "no such account: %.64s", user);
		return -ENOENT;
	}
	if (pw->pw_uid == geteuid())
		return 0;
	if (setgroups(0, NULL) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0) {
		e = errno;
		snprintf(
		    err, size, "cannot become %.64s: %s", user, strerror(e));
		return -e;
	}
	return 0;
}

int
system_drop(const char *user, char *err, size_t size)
{
	int e = become(user, err, size);

	forbid_tracing(); /* last: a change of account resets it */
	return e;
}

void
system_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = path == NULL ? 0 : strlen(path);
	int fd;

	if (len == 0 || len >= sizeof(un.sun_path))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	memcpy(un.sun_path, path, len);
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0'; /* an abstract socket */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}
