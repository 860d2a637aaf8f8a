/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Against a server of a few lines: each connection is read once and answered
 * with what the test has set.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"

#include "lib/fetch/fetch.h"

#define ANSWER_MAX 64

static int listener;
static pthread_t server;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *_Atomic reply; /* NULL: says nothing */
static char request[4096];        /* under lock */
static char url[64];

static sem_t answered;
static struct {
	uint64_t id;
	int status;
	char body[ANSWER_MAX + 1];
} last;
static int answers;

static void
on_answer(void *arg, uint64_t id, const struct fetch_answer *a)
{
	pthread_mutex_lock(&lock);
	assert_ptr_equal(arg, &last);
	last.id = id;
	last.status = a->status;
	assert_true(a->len <= ANSWER_MAX);
	memcpy(last.body, a->len > 0 ? a->body : "", a->len);
	last.body[a->len] = '\0';
	assert_true(a->status != 0 || a->why != NULL);
	answers++;
	pthread_mutex_unlock(&lock);
	sem_post(&answered);
}

static void *
serve(void *arg)
{
	const char *text;
	char more;
	ssize_t n;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		text = reply;
		pthread_mutex_lock(&lock);
		n = read(fd, request, sizeof(request) - 1);
		request[n > 0 ? n : 0] = '\0';
		pthread_mutex_unlock(&lock);
		if (text != NULL)
			n = write(fd, text, strlen(text));
		else
			n = read(fd, &more, 1); /* until it is given up */
		close(fd);
	}
	return NULL;
}

static struct fetch *
open_fetch(uint32_t under_way, uint32_t waiting)
{
	const struct fetch_conf conf = {
		.url = url,
		.token = "a word",
		.timeout_ms = 300,
		.under_way = under_way,
		.waiting = waiting,
		.answer_max = ANSWER_MAX,
		.fn = on_answer,
		.arg = &last,
	};
	struct fetch *f = fetch_new(&conf);

	assert_non_null(f);
	return f;
}

static int
setup(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sem_init(&answered, 0, 0);
	answers = 0;
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(listener, 16) != 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &len) != 0)
		return 1;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/turn-key",
	    ntohs(a.sin_port));
	return pthread_create(&server, NULL, serve, NULL);
}

static int
teardown(void **state)
{
	shutdown(listener, SHUT_RDWR);
	pthread_join(server, NULL);
	close(listener);
	sem_destroy(&answered);
	return 0;
}

static void
ask(const char *answer, int status, const char *body)
{
	struct fetch *f = open_fetch(2, 2);

	reply = answer;
	assert_int_equal(fetch_post(f, 7, "{\"a\":1}", 7), 0);
	sem_wait(&answered);
	assert_int_equal(last.id, 7);
	assert_int_equal(last.status, status);
	assert_string_equal(last.body, body);
	fetch_free(f);
}

static void
test_answers(void **state)
{
	ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}");
	pthread_mutex_lock(&lock);
	assert_non_null(strstr(request, "POST /turn-key HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "Authorization: Bearer a word\r\n"));
	assert_non_null(strstr(request, "\r\n\r\n{\"a\":1}"));
	pthread_mutex_unlock(&lock);
	ask("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, "");
	/* We are not sent anywhere else. */
	ask("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
	    "Content-Length: 0\r\n\r\n",
	    302, "");
}

static void
test_no_answer(void **state)
{
	char text[256] = "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n";

	ask("nonsense\r\n\r\n", 0, "");
	ask("", 0, "");
	ask(NULL, 0, ""); /* in time */
	memset(text + strlen(text), 'x', ANSWER_MAX + 1);
	ask(text, 0, "");
	shutdown(listener, SHUT_RDWR);
	ask(NULL, 0, "");
}

static void
test_bounded(void **state)
{
	struct fetch *f = open_fetch(1, 3);
	int i, posted = 0;

	reply = NULL;
	for (i = 0; i < 20; i++)
		posted += fetch_post(f, (uint64_t)i, "{}", 2) == 0;
	assert_true(posted >= 3 && posted < 20);
	assert_int_equal(fetch_post(f, 99, "{}", 2), -EBUSY);
	for (i = 0; i < posted; i++)
		sem_wait(&answered);
	assert_int_equal(answers, posted);
	assert_int_equal(fetch_post(f, 99, "{}", 2), 0);
	fetch_free(f); /* with one under way */
}

static void
test_own_url_and_fields(void **state)
{
	struct fetch *f;
	char other[80];
	struct fetch_request r = {
		.id = 8, .url = other, .token = "mine", .field = "X-More: 1"
	};

	snprintf(other, sizeof(other), "%.*s/v1/status",
	    (int)(strrchr(url, '/') - url), url);
	reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	f = open_fetch(1, 1);
	assert_int_equal(fetch_send(f, &r), 0);
	sem_wait(&answered);
	assert_int_equal(last.id, 8);
	assert_string_equal(last.body, "ok");
	pthread_mutex_lock(&lock);
	assert_non_null(strstr(request, "GET /v1/status HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "Authorization: Bearer mine\r\n"));
	assert_null(strstr(request, "a word"));
	assert_non_null(strstr(request, "X-More: 1\r\n"));
	pthread_mutex_unlock(&lock);
	/* What it does not say is the conf's. */
	r = (struct fetch_request){
		.id = 9, .field = "X-More: 2", .body = "{}", .len = 2
	};
	assert_int_equal(fetch_send(f, &r), 0);
	sem_wait(&answered);
	pthread_mutex_lock(&lock);
	assert_non_null(strstr(request, "POST /turn-key HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "Authorization: Bearer a word\r\n"));
	assert_non_null(strstr(request, "X-More: 2\r\n"));
	pthread_mutex_unlock(&lock);
	fetch_free(f);
}

static void
on_tick(void *arg, struct fetch *f)
{
	const struct fetch_request r = { .id = 5, .url = url };

	assert_ptr_equal(arg, &last);
	fetch_send(f, &r);
}

static void
test_ticks(void **state)
{
	struct fetch_conf conf = {
		.timeout_ms = 300,
		.under_way = 1,
		.waiting = 1,
		.answer_max = ANSWER_MAX,
		.fn = on_answer,
		.arg = &last,
		.tick = on_tick,
		.tick_ms = 5,
	};
	struct fetch *f;
	int i;

	reply = "HTTP/1.1 204 No Content\r\n\r\n";
	f = fetch_new(&conf);
	assert_non_null(f);
	for (i = 0; i < 3; i++)
		sem_wait(&answered);
	fetch_free(f);
	/* Nobody waits for one. */
	conf.tick_ms = 3600000;
	f = fetch_new(&conf);
	assert_non_null(f);
	for (i = 0; i < 3; i++) {
		sem_wait(&answered);
		fetch_wake(f);
	}
	fetch_free(f);
	assert_int_equal(last.status, 204);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_answers),
		CASE(test_no_answer),
		CASE(test_bounded),
		CASE(test_own_url_and_fields),
		CASE(test_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
