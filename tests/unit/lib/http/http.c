/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/http/http.h"
#include "tests/unit/test.h"

#define TOKEN "a-token-of-the-tests"

/* What a handler saw, for the test to look at after the answer. */
struct seen {
	char method[16], rest[64], query[64];
	size_t body_len;
	int calls;
};

static void
on_health(void *arg, const struct http_request *rq, struct http_reply *rp)
{
	buf_puts(&rp->body, "{\"status\":\"ok\"}\n");
}

static void
on_metrics(void *arg, const struct http_request *rq, struct http_reply *rp)
{
	rp->type = "text/plain; version=0.0.4";
	buf_puts(&rp->body, "up 1\n");
}

static void
on_item(void *arg, const struct http_request *rq, struct http_reply *rp)
{
	const char *query = http_query(rq, "q");
	struct seen *s = arg;

	s->calls++;
	s->body_len = rq->body_len;
	snprintf(s->method, sizeof(s->method), "%s", rq->method);
	snprintf(s->rest, sizeof(s->rest), "%s", rq->rest);
	snprintf(
	    s->query, sizeof(s->query), "%s", query != NULL ? query : "(none)");
	buf_puts(&rp->body, "{}\n");
}

static void
on_missing(void *arg, const struct http_request *rq, struct http_reply *rp)
{
	http_error(rp, 404, "not_found", "no such \"thing\"");
}

static void
on_flood(void *arg, const struct http_request *rq, struct http_reply *rp)
{
	rp->body.max = 100;
	while (rp->body.err == 0)
		buf_puts(&rp->body, "0123456789");
}

static const struct http_route routes[] = {
	{ "GET", "/healthz", HTTP_OPEN, on_health, "alive?" },
	{ "GET", "/metrics", HTTP_READ, on_metrics, "numbers" },
	{ "GET", "/items/*", 0, on_item, "an item" },
	{ "POST", "/items/*", 0, on_item, "change it" },
	{ "GET", "/missing", 0, on_missing, "never there" },
	{ "GET", "/flood", 0, on_flood, "too much" },
	{ .method = NULL },
};

static struct seen seen;

static struct http_server *
start(const char *token)
{
	struct addr a = addr_v4(127, 0, 0, 1, 0);
	struct http_server *s;

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(http_start(&a, token, routes, &seen, &s), 0);
	return s;
}

static int
dial(const struct http_server *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(http_port(s)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

/* One request on a connection of its own; the whole answer. */
static const char *
ask(const struct http_server *s, const char *line, const char *token,
    const char *body, size_t body_len)
{
	static char answer[8192];
	char head[512];
	size_t got = 0;
	ssize_t n;
	int fd = dial(s);

	n = snprintf(head, sizeof(head),
	    "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "%s%s%sContent-Length: %zu\r\n\r\n",
	    line, token != NULL ? "Authorization: " : "",
	    token != NULL ? token : "", token != NULL ? "\r\n" : "", body_len);
	assert_int_equal(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
	while (body_len > 0) {
		n = send(fd, body, body_len, MSG_NOSIGNAL);
		assert_true(n > 0);
		body += n;
		body_len -= (size_t)n;
	}
	while ((n = recv(fd, answer + got, sizeof(answer) - 1 - got, 0)) > 0)
		got += (size_t)n;
	close(fd);
	answer[got] = '\0';
	return answer;
}

static int
status(const char *answer)
{
	int code;

	assert_int_equal(sscanf(answer, "HTTP/1.1 %d ", &code), 1);
	return code;
}

static const char *
content(const char *answer)
{
	const char *p = strstr(answer, "\r\n\r\n");

	assert_non_null(p);
	return p + 4;
}

#define GET(path, token) ask(s, "GET " path, token, NULL, 0)

static void
open_routes(void **state)
{
	struct http_server *s = start(TOKEN);
	const char *a = GET("/healthz", NULL);

	assert_int_equal(status(a), 200);
	assert_non_null(strstr(a, "Content-Type: application/json\r\n"));
	assert_string_equal(content(a), "{\"status\":\"ok\"}\n");
	assert_int_equal(status(GET("/healthz", "Bearer wrong")), 200);
	a = ask(s, "HEAD /healthz", NULL, NULL, 0);
	assert_int_equal(status(a), 200);
	assert_string_equal(content(a), "");
	http_stop(s);
}

static void
token_decides(void **state)
{
	static const char *const wrong[] = { NULL, "", "Bearer", "Bearer ",
		"Bearer wrong", "Bearer " TOKEN "x",
		"Bearer a-token-of-the-test", "Basic " TOKEN, TOKEN,
		"Bearer  " TOKEN };
	struct http_server *s = start(TOKEN);
	const char *a;
	size_t i;

	for (i = 0; i < LEN(wrong); i++) {
		a = GET("/items/1", wrong[i]);
		assert_int_equal(status(a), 401);
		assert_non_null(strstr(a, "WWW-Authenticate: Bearer\r\n"));
		assert_string_equal(content(a),
		    "{\"err\":{\"code\":\"unauthorized\",\"msg\":\""
		    "Authorization: Bearer TOKEN is needed\"}}\n");
		assert_int_equal(status(GET("/metrics", wrong[i])), 401);
	}
	assert_int_equal(seen.calls, 0);
	assert_int_equal(status(GET("/items/1", "Bearer " TOKEN)), 200);
	assert_int_equal(status(GET("/items/1", "bearer " TOKEN)), 200);
	a = GET("/metrics", "Bearer " TOKEN);
	assert_non_null(strstr(a, "Content-Type: text/plain; version=0.0.4"));
	assert_string_equal(content(a), "up 1\n");
	http_stop(s);
}

static void
without_a_token(void **state)
{
	struct http_server *s = start(NULL);

	assert_int_equal(status(GET("/healthz", NULL)), 200);
	assert_int_equal(status(GET("/metrics", NULL)), 200);
	assert_int_equal(status(GET("/items/1", NULL)), 401);
	assert_int_equal(status(GET("/items/1", "Bearer ")), 401);
	assert_int_equal(seen.calls, 0);
	http_stop(s);
}

static void
dispatches(void **state)
{
	struct http_server *s = start(TOKEN);
	const char *a;

	a = GET("/items/a%20b?q=x%26y&r=1", "Bearer " TOKEN);
	assert_int_equal(status(a), 200);
	assert_string_equal(seen.rest, "a b");
	assert_string_equal(seen.query, "x&y");
	a = ask(s, "POST /items/7", "Bearer " TOKEN, "{\"a\":1}", 7);
	assert_int_equal(status(a), 200);
	assert_string_equal(seen.method, "POST");
	assert_string_equal(seen.query, "(none)");
	assert_int_equal(seen.body_len, 7);

	a = GET("/nowhere", "Bearer " TOKEN);
	assert_int_equal(status(a), 404);
	assert_string_equal(content(a),
	    "{\"err\":{\"code\":\"not_found\",\"msg\":\"no such path; see "
	    "/\"}}\n");
	a = GET("/missing", "Bearer " TOKEN);
	assert_int_equal(status(a), 404);
	assert_string_equal(content(a),
	    "{\"err\":{\"code\":\"not_found\",\"msg\":\"no such "
	    "\\\"thing\\\"\"}}\n");
	a = ask(s, "DELETE /items/7", "Bearer " TOKEN, NULL, 0);
	assert_int_equal(status(a), 405);
	assert_non_null(strstr(a, "Allow: GET, HEAD, POST\r\n"));
	a = GET("/", NULL);
	assert_non_null(strstr(content(a),
	    "{\"method\":\"POST\",\"path\":\"/items/*\",\"help\":\"change "
	    "it\"}"));
	http_stop(s);
}

static void
body_has_a_limit(void **state)
{
	struct http_server *s = start(TOKEN);
	char *big = calloc(1, HTTP_BODY_MAX + 1);
	const char *a;

	a = ask(s, "POST /items/1", "Bearer " TOKEN, big, HTTP_BODY_MAX);
	assert_int_equal(status(a), 200);
	assert_int_equal(seen.body_len, HTTP_BODY_MAX);
	a = ask(s, "POST /items/1", "Bearer " TOKEN, big, HTTP_BODY_MAX + 1);
	assert_int_equal(status(a), 413);
	assert_int_equal(seen.calls, 1);
	free(big);
	http_stop(s);
}

static void
answer_that_does_not_fit(void **state)
{
	struct http_server *s = start(TOKEN);
	const char *a = GET("/flood", "Bearer " TOKEN);

	assert_int_equal(status(a), 500);
	assert_non_null(strstr(content(a), "\"internal\""));
	http_stop(s);
}

static void
refuses_to_start(void **state)
{
	struct addr any = addr_v4(0, 0, 0, 0, 0), a;
	struct http_server *s, *second = NULL;

	assert_int_equal(
	    http_start(&any, NULL, routes, &seen, &second), -EPERM);
	s = start(TOKEN);
	a = addr_v4(127, 0, 0, 1, http_port(s));
	assert_int_equal(
	    http_start(&a, TOKEN, routes, &seen, &second), -EADDRINUSE);
	assert_null(second);
	http_stop(s);
	http_stop(NULL);
}

static void
half_a_request_does_not_hold_it_up(void **state)
{
	struct http_server *s = start(TOKEN);
	int fd = dial(s);

	assert_int_equal(send(fd, "GET /heal", 9, 0), 9);
	assert_int_equal(status(GET("/healthz", NULL)), 200);
	http_stop(s);
	close(fd);
}

static int
init(void **state)
{
	return crypto_init();
}

static int
fini(void **state)
{
	crypto_fini();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_routes),
		cmocka_unit_test(token_decides),
		cmocka_unit_test(without_a_token),
		cmocka_unit_test(dispatches),
		cmocka_unit_test(body_has_a_limit),
		cmocka_unit_test(answer_that_does_not_fit),
		cmocka_unit_test(refuses_to_start),
		cmocka_unit_test(half_a_request_does_not_hold_it_up),
	};

	return cmocka_run_group_tests(tests, init, fini);
}
