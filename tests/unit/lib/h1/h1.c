/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/h1/h1.h"

#include "tests/unit/test.h"

static char text[16384];

static int
parse(const char *head, struct h1_head *out)
{
	size_t len = strlen(head);

	assert_true(len < sizeof(text));
	memcpy(text, head, len);
	assert_int_equal(h1_head_len(text, len, 0), len);
	return h1_parse(text, len, out);
}

static void
test_request(void **state)
{
	struct h1_head h;

	assert_int_equal(parse("POST /api/v1/login?x=1&y HTTP/1.1\r\n"
			       "Host: example.org:8080\r\n"
			       "content-length:  17 \r\n"
			       "X-Empty:\r\n"
			       "Origin: https://example.org\t \r\n\r\n",
			     &h),
	    0);
	assert_int_equal(h.method, H1_POST);
	assert_string_equal(h.path, "/api/v1/login");
	assert_string_equal(h.query, "x=1&y");
	assert_int_equal(h.body_len, 17);
	assert_true(h.keep_alive);
	assert_false(h.expects_continue);
	assert_string_equal(h1_get(&h, "HOST"), "example.org:8080");
	assert_string_equal(h1_get(&h, "origin"), "https://example.org");
	assert_string_equal(h1_get(&h, "X-Empty"), "");
	assert_null(h1_get(&h, "Cookie"));
	assert_int_equal(h.nfields, 4);
}

static void
test_unescape(void **state)
{
	struct h1_head h;
	char out[8];

	assert_int_equal(h1_unescape("a%20+b", 6, out, sizeof(out)), 0);
	assert_string_equal(out, "a +b");
	assert_int_equal(h1_unescape("%c3%A4", 6, out, sizeof(out)), 0);
	assert_string_equal(out, "\xc3\xa4");
	assert_int_equal(h1_unescape("", 0, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(h1_unescape("%41x", 2, out, sizeof(out)), -EBADMSG);
	assert_int_equal(h1_unescape("%g0", 3, out, sizeof(out)), -EBADMSG);
	assert_int_equal(h1_unescape("%00", 3, out, sizeof(out)), -EBADMSG);
	assert_int_equal(h1_unescape("1234567", 7, out, sizeof(out)), 0);
	assert_int_equal(
	    h1_unescape("12345678", 8, out, sizeof(out)), -EMSGSIZE);
	assert_int_equal(parse("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", &h), 0);
	assert_int_equal(h.method, H1_DELETE);
}

static void
test_upgrade(void **state)
{
	struct h1_head h;

	assert_int_equal(parse("GET /ws HTTP/1.1\r\nHost: a\r\n"
			       "Connection: keep-alive\r\n"
			       "Connection: Upgrade\r\nUpgrade: websocket\r\n"
			       "Sec-WebSocket-Version: 13\r\n\r\n",
			     &h),
	    0);
	assert_string_equal(h.path, "/ws");
	assert_string_equal(h.query, "");
	assert_int_equal(h1_count(&h, "connection"), 2);
	assert_string_equal(h1_get(&h, "Upgrade"), "websocket");
}

static void
test_forms(void **state)
{
	struct h1_head h;

	assert_int_equal(
	    parse("GET http://a.example/x?q HTTP/1.1\r\nHost: a\r\n\r\n", &h),
	    0);
	assert_string_equal(h.path, "/x");
	assert_string_equal(h.query, "q");
	assert_memory_equal(h.host, "a.example", h.host_len);
	assert_int_equal(h.host_len, 9);
	assert_int_equal(parse("GET http://[::1]:80/ HTTP/1.1\r\nHost: a\r\n"
			       "\r\n",
			     &h),
	    0);
	assert_memory_equal(h.host, "[::1]:80", h.host_len);
	assert_int_equal(h.host_len, 8);
	assert_int_equal(parse("GET / HTTP/1.1\r\nhost: b:1\r\n\r\n", &h), 0);
	assert_memory_equal(h.host, "b:1", h.host_len);
	assert_int_equal(h.host_len, 3);
	assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n", &h), 0);
	assert_null(h.host);
	assert_false(h.keep_alive);
	assert_int_equal(
	    parse(
		"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &h),
	    0);
	assert_int_equal(h.method, H1_HEAD);
	assert_false(h.keep_alive);
	assert_int_equal(parse("PUT / HTTP/1.1\r\nHost: a\r\n\r\n", &h), 0);
	assert_int_equal(h.method, H1_OTHER);
	assert_int_equal(parse("POST / HTTP/1.1\r\nHost: a\r\n"
			       "Content-Length: 5\r\n"
			       "Expect: 100-Continue\r\n\r\n",
			     &h),
	    0);
	assert_true(h.expects_continue);
}

static void
test_refusals(void **state)
{
#define START "POST / HTTP/1.1\r\nHost: a\r\n"
	static const struct {
		const char *head;
		int status;
	} rows[] = {
		{ "nonsense\r\n\r\n", 400 },
		{ "GET /\r\n\r\n", 505 }, /* HTTP/0.9 */
		{ "GET nothing HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 }, /* no Host */
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
		{ "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHo st: a\r\n\r\n", 400 },
		{ START "X: a\x01\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\nHost: a\n\nGET /b HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\n\r\n\r\n", 400 },
		{ START "X: 1\nContent-Length: 5\r\n\r\n", 400 },
		{ START "Content-Length:\r\n\r\n", 400 },
		{ START "Content-Length: \r\n\r\n", 400 },
		{ START "Content-Length: 5x\r\n\r\n", 400 },
		{ START "Content-Length: -1\r\n\r\n", 400 },
		{ START "Content-Length: 99999999999999999999\r\n\r\n", 400 },
		{ START "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400 },
		{ START "Transfer-Encoding: chunked\r\n\r\n", 411 },
		{ START "Transfer-Encoding: gzip, chunked\r\n\r\n", 411 },
		{ START "Transfer-Encoding: chunked\r\n"
			"Content-Length: 5\r\n\r\n",
		    400 },
	};
	struct h1_head h;
	size_t i;
	int status;

	for (i = 0; i < LEN(rows); i++) {
		status = parse(rows[i].head, &h);
		if (status != rows[i].status)
			print_error("%s", rows[i].head);
		assert_int_equal(status, rows[i].status);
	}
}

static void
test_too_many_fields(void **state)
{
	struct h1_head h;
	size_t at, i;

	at = (size_t)snprintf(
	    text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
	for (i = 1; i < H1_FIELDS_MAX; i++)
		at += (size_t)snprintf(
		    text + at, sizeof(text) - at, "X-%d: 1\r\n", (int)i);
	memcpy(text + at, "\r\n", 2);
	assert_int_equal(h1_parse(text, at + 2, &h), 0);
	at = (size_t)snprintf(
	    text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
	for (i = 0; i < H1_FIELDS_MAX; i++)
		at += (size_t)snprintf(
		    text + at, sizeof(text) - at, "X-%d: 1\r\n", (int)i);
	memcpy(text + at, "\r\n", 2);
	assert_int_equal(h1_parse(text, at + 2, &h), 431);
}

static void
test_end_of_head(void **state)
{
	const char *head = "GET / HTTP/1.1\r\n\r\nbody\r\n\r\n";
	size_t i;

	for (i = 0; i < 18; i++)
		assert_int_equal(h1_head_len(head, i, 0), 0);
	assert_int_equal(h1_head_len(head, 18, 0), 18);
	assert_int_equal(h1_head_len(head, 18, 17), 18);
	assert_int_equal(h1_head_len(head, 18, 14), 18);
	assert_int_equal(h1_head_len(head, 26, 0), 18);
}

static void
query(const char *from, const char *name, int rc, const char *value)
{
	char out[8] = "";

	assert_int_equal(h1_query(from, name, out, sizeof(out)), rc);
	if (rc == 0)
		assert_string_equal(out, value);
}

static void
test_query(void **state)
{
	query("a=1&bb=2", "a", 0, "1");
	query("a=1&bb=2", "bb", 0, "2");
	query("a=1&a=2", "a", 0, "1");
	query("a=", "a", 0, "");
	query("a=b+c%20%2b%26", "a", 0, "b c +&");
	query("ba=1&c", "a", -ENOENT, NULL);
	query("", "a", -ENOENT, NULL);
	query("a", "a", -ENOENT, NULL);
	query("a=1234567", "a", 0, "1234567");
	query("a=12345678", "a", -EMSGSIZE, NULL);
	query("a=%", "a", -EBADMSG, NULL);
	query("a=%4", "a", -EBADMSG, NULL);
	query("a=%4&b=1", "a", -EBADMSG, NULL);
	query("a=%4g", "a", -EBADMSG, NULL);
	query("a=%00", "a", -EBADMSG, NULL);
}

static void
test_reasons(void **state)
{
	assert_string_equal(h1_reason(404), "Not Found");
	assert_string_equal(h1_reason(429), "Too Many Requests");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_too_many_fields),
		cmocka_unit_test(test_end_of_head),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
