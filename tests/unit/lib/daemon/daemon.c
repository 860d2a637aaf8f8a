/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/lib/daemon/sample.h"
#include "tests/unit/test.h"

#define TOKEN "0123456789abcdef0123"

static char folder[] = "/tmp/floe-daemon-XXXXXX";
static char conf[64], out[64], token[64], notify[64];

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const char *
read_out(void)
{
	static char text[16384];
	FILE *f = fopen(out, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* The sample as a process, its words in the file out. */
static pid_t
start(const char *const *argv)
{
	int argc = 0,
	    fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666);
	pid_t pid;

	while (argv[argc] != NULL)
		argc++;
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		close(fd);
		/* exit, so that a leak check gets its turn. */
		exit(daemon_main(
		    &sample_daemon, argc, (char **)(uintptr_t)argv));
	}
	close(fd);
	return pid;
}

static int
end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define RUN(...) end(start((const char *const[]){ "stund", __VA_ARGS__, NULL }))

static void
says(const char *want)
{
	const char *text = read_out();

	if (strstr(text, want) == NULL)
		fail_msg("no \"%s\" in: %s", want, text);
}

/* A free port, for an instant. */
static uint16_t
port_free(int *held)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	if (held != NULL) {
		assert_int_equal(listen(fd, 1), 0);
		*held = fd;
	} else {
		close(fd);
	}
	return ntohs(in.sin_port);
}

static uint16_t
write_conf(const char *more, int *held)
{
	uint16_t port = port_free(held);
	char text[1024];

	snprintf(text, sizeof(text),
	    "[floe]\nworkers = 3\n"
	    "[stund]\nadmin = http://127.0.0.1:%d\n"
	    "admin-token-file = %s\n%s",
	    port, token, more);
	write_file(conf, text);
	return port;
}

static const char *
ask(uint16_t port, const char *path)
{
	static char text[4096];
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t got = 0;
	ssize_t n;

	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	dprintf(fd,
	    "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Authorization: Bearer " TOKEN "\r\n\r\n",
	    path);
	while ((n = recv(fd, text + got, sizeof(text) - 1 - got, 0)) > 0)
		got += (size_t)n;
	close(fd);
	text[got] = '\0';
	return text;
}

/* The service manager's end of sd_notify(3). */
static int
manager(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = 20 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", notify);
	unlink(notify);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	chmod(notify, 0666);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setenv("NOTIFY_SOCKET", notify, 1);
	return fd;
}

static void
hears(int fd, const char *want)
{
	char text[64];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		fail_msg("no \"%s\": %s", want, read_out());
	text[n] = '\0';
	assert_string_equal(text, want);
}

static void
arguments(void **state)
{
	assert_int_equal(RUN("-h"), 0);
	says("usage: stund [-c FILE] [-T] [-V] [-h]");
	assert_int_equal(RUN("--help"), 0);
	assert_int_equal(RUN("-V"), 0);
	says("stund ");
	assert_int_equal(RUN("-Z"), 2);
	says("--help");
	assert_int_equal(RUN("-T", "more"), 2);
	says("unexpected argument \"more\"");
	assert_int_equal(RUN("-c"), 2);
}

static void
configuration(void **state)
{
	assert_int_equal(RUN("-c", "/nowhere.conf"), 2);
	says("stund: /nowhere.conf: No such file");
	write_file(conf, "[stund]\ncolour = blue\n");
	assert_int_equal(RUN("-c", conf), 2);
	says(":2: [stund] colour: unknown key");
	write_file(conf, "[stund]\nfault = check\n");
	assert_int_equal(RUN("-c", conf, "-T"), 2);
	says("stund: the check says no");
	write_file(conf, "[floe]\nturn-secret = hunter2\n");
	assert_int_equal(RUN("--test", "--config", conf), 0);
	says("turn-secret = (set)");
	says("[stund]\nfault = none\n");
}

static void
lives_and_ends(void **state)
{
	int fd = manager();
	uint16_t port = write_conf("", NULL);
	const char *const argv[] = { "stund", "-c", conf, NULL };
	pid_t pid = start(argv);

	hears(fd, "READY=1");
	assert_non_null(
	    strstr(ask(port, "/workers"), "worker 0\nworker 1\nworker 2\n"));
	assert_non_null(
	    strstr(ask(port, "/process"), " nofile=1 nonewprivs=1\n"));
	kill(pid, SIGPIPE);
	kill(pid, SIGTERM);
	hears(fd, "STOPPING=1");
	assert_int_equal(end(pid), 0);
	says("open workers=3\n");
	says("worker_new 2 own_loop=1\n");
	says("worker_stop 1\n");
	says("worker_free 0\n");
	assert_string_equal(strstr(read_out(), "close\n"), "close\n");
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

/* The configuration of lives_and_ends with more, which it is to take. */
static void
reload(pid_t pid, int fd, const char *before, const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s", before, more);
	write_file(conf, text);
	kill(pid, SIGHUP);
	hears(fd, "RELOADING=1");
	hears(fd, "READY=1");
}

static void
reloads(void **state)
{
	static char before[1024];
	const char *const argv[] = { "stund", "-c", conf, NULL };
	int fd = manager();
	uint16_t port = write_conf("", NULL);
	FILE *f = fopen(conf, "r");
	pid_t pid;

	before[fread(before, 1, sizeof(before) - 1, f)] = '\0';
	fclose(f);
	pid = start(argv);
	hears(fd, "READY=1");
	reload(pid, fd, before, "shade = 2\n");
	says("shade 2\n");
	says("reloaded file=");
	says("stale=0");
	/* What cannot be changed is named, the rest is taken. */
	reload(pid, fd, before, "shade = 3\nsize = 2\n");
	says("shade 3\n");
	says("reload_needs_restart section=stund key=size line=7");
	/* Nothing is taken from a file with an error. */
	reload(pid, fd, before, "shade = 4\nshape = 1\n");
	says(":7: [stund] shape: unknown key");
	assert_null(strstr(read_out(), "shade 4"));
	reload(pid, fd, before, "shade = 9\n");
	says("reload_refused why=\"no such shade\"");
	assert_non_null(strstr(ask(port, "/workers"), "worker 2\n"));
	kill(pid, SIGTERM);
	hears(fd, "STOPPING=1");
	assert_int_equal(end(pid), 0);
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

/* A worker that is late costs the one who asked an error, nothing more. */
static void
late_worker(void **state)
{
	int fd = manager();
	uint16_t port = write_conf("", NULL);
	const char *const argv[] = { "stund", "-c", conf, NULL };
	pid_t pid = start(argv);
	int i;

	hears(fd, "READY=1");
	for (i = 0; i < 3; i++)
		assert_non_null(strstr(ask(port, "/busy"), " 503 "));
	assert_non_null(
	    strstr(ask(port, "/workers"), "worker 0\nworker 1\nworker 2\n"));
	kill(pid, SIGINT);
	assert_int_equal(end(pid), 0);
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

/* The counters and the users of a relay are not for the network to read. */
static void
admin_for_all(void **state)
{
	static const char *const open[] = { "192.0.2.1", "0.0.0.0",
		"[2001:db8::1]", "[::]" };
	char text[256], want[256];
	size_t i;

	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		snprintf(text, sizeof(text), "[stund]\nadmin = http://%s:1\n",
		    open[i]);
		write_file(conf, text);
		snprintf(want, sizeof(want), "%s:2: [stund] admin: ", conf);
		assert_int_equal(RUN("-c", conf), 2);
		says(want);
		says("is not loopback; allowed:");
		assert_int_equal(RUN("-T", "-c", conf), 2);
	}
	write_file(conf,
	    "[stund]\nadmin = http://192.0.2.1:1\n"
	    "admin-token-file = /some/file\n");
	assert_int_equal(RUN("-T", "-c", conf), 0);
	write_file(conf, "[stund]\nadmin = http://[::1]:1\n");
	assert_int_equal(RUN("-T", "-c", conf), 0);
}

static void
failures(void **state)
{
	char want[256];
	uint16_t port;
	int held;

	write_conf("fault = open\n", NULL);
	assert_int_equal(RUN("-c", conf), 1);
	says("stund: 192.0.2.1:3478 is taken");
	assert_null(strstr(read_out(), "worker_new"));

	write_conf("fault = worker\n", NULL);
	assert_int_equal(RUN("-c", conf), 1);
	says("worker_free 0\n");
	says("worker_free 2\n");
	says("close\n");

	port = write_conf("", &held);
	assert_int_equal(RUN("-c", conf), 1);
	snprintf(want, sizeof(want),
	    "%s:4: [stund] admin: cannot listen on 127.0.0.1:%d: Address", conf,
	    port);
	says(want);
	says("close\n");
	close(held);

	write_file(token, "short\n");
	write_conf("", NULL);
	assert_int_equal(RUN("-c", conf), 1);
	snprintf(want, sizeof(want), "%s:5: [stund] admin-token-file: %s", conf,
	    token);
	says(want);
	write_file(token, TOKEN "\n");

	write_file(conf, "[floe]\nuser = no-such-account\n");
	if (geteuid() == 0) {
		assert_int_equal(RUN("-c", conf), 1);
		says(":2: [floe] user: no such account: no-such-account");
	}
}

static void
drops_privileges(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	const char *const argv[] = { "stund", "-c", conf, NULL };
	char want[64], text[512];
	uint16_t port;
	pid_t pid;
	int fd;

	if (geteuid() != 0 || nobody == NULL) {
		skip();
		return;
	}
	fd = manager();
	assert_int_equal(chmod(folder, 0755), 0);
	port = port_free(NULL);
	snprintf(text, sizeof(text),
	    "[floe]\nuser = nobody\n[stund]\nadmin = http://127.0.0.1:%d\n",
	    port);
	write_file(conf, text);
	pid = start(argv);
	hears(fd, "READY=1");
	snprintf(want, sizeof(want), "uid=%d ", (int)nobody->pw_uid);
	assert_non_null(strstr(ask(port, "/process"), want));
	kill(pid, SIGTERM);
	assert_int_equal(end(pid), 0);
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

static int
init(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(conf, sizeof(conf), "%s/floe.conf", folder);
	snprintf(out, sizeof(out), "%s/out", folder);
	snprintf(token, sizeof(token), "%s/token", folder);
	snprintf(notify, sizeof(notify), "%s/notify", folder);
	write_file(token, TOKEN "\n");
	return 0;
}

static int
fini(void **state)
{
	unlink(conf);
	unlink(out);
	unlink(token);
	unlink(notify);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(configuration),
		cmocka_unit_test(lives_and_ends),
		cmocka_unit_test(reloads),
		cmocka_unit_test(late_worker),
		cmocka_unit_test(admin_for_all),
		cmocka_unit_test(failures),
		cmocka_unit_test(drops_privileges),
	};

	return cmocka_run_group_tests(tests, init, fini);
}
