/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/test.h"
#include "tools/floe-probe/core/web.h"

static const char *
request(const char *text, const char *key)
{
	static char mem[1024];
	struct buf b = buf_fixed(mem, sizeof(mem) - 1);
	const char *why;
	struct uri u;

	assert_int_equal(uri_parse(text, &u, &why), 0);
	assert_int_equal(
	    key != NULL ? web_upgrade(&u, key, &b) : web_health(&u, &b), 0);
	mem[b.len] = '\0';
	return mem;
}

static void
test_requests(void **state)
{
	assert_string_equal(request("wss://a.example", NULL),
	    "GET /healthz HTTP/1.1\r\nHost: a.example:443\r\n"
	    "Connection: close\r\n\r\n");
	/* Behind a proxy that has put it in a folder. */
	assert_non_null(strstr(request("ws://[::1]:8080/chat/ws?a=/b", NULL),
	    "GET /chat/healthz HTTP/1.1\r\nHost: [::1]:8080\r\n"));
	assert_non_null(
	    strstr(request("ws://a/chat/ws?a=b", "dGhlIHNhbXBsZSBub25jZQ=="),
		"GET /chat/ws?a=b HTTP/1.1\r\nHost: a:80\r\n"));
}

static void
test_status(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ "", 0 },
		{ "HTT", 0 },
		{ "HTTP/1.1 200 OK\r\n", 0 },
		{ "HTTP/1.1 200 OK\r\n\r\n", 200 },
		{ "HTTP/1.0 404 \r\nA: b\r\n\r\nbody", 404 },
		{ "HTTP/1.1 600 \r\n\r\n", -EBADMSG },
		{ "HTTP/1.1 20\r\n\r\n", -EBADMSG },
		{ "HTTP/2 200 \r\n\r\n", -EBADMSG },
		{ "220 mail", -EBADMSG },
		{ "\x15\x03\x03", -EBADMSG },
	};
	size_t i;

	for (i = 0; i < LEN(rows); i++)
		assert_int_equal(web_status(rows[i].text, strlen(rows[i].text)),
		    rows[i].want);
}

/* The example of RFC 6455 section 1.3. */
static void
test_accept(void **state)
{
	static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
	static const char good[] = "HTTP/1.1 101 a\r\n"
				   "sec-websocket-accept:  "
				   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
	char other[sizeof(good)];

	assert_true(web_accepts(good, strlen(good), key));
	memcpy(other, good, sizeof(good));
	other[strlen(good) - 6] ^= 1;
	assert_false(web_accepts(other, strlen(other), key));
	assert_false(web_accepts(good, strlen(good) - 6, key));
	assert_false(web_accepts("HTTP/1.1 101 a\r\n\r\n", 18, key));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_accept),
	};

	assert_int_equal(crypto_init(), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
