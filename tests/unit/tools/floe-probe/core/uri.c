/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"
#include "tools/floe-probe/core/uri.h"

#define UDP  (1u << TRANSPORT_UDP)
#define TCP  (1u << TRANSPORT_TCP)
#define TLS  (1u << TRANSPORT_TLS)
#define DTLS (1u << TRANSPORT_DTLS)

static void
test_good(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
		bool relay;
		unsigned int transports;
	} rows[] = {
		{ "stun:a.example", "a.example", 3478, false, UDP | TCP },
		{ "stun:a.example:5", "a.example", 5, false, UDP | TCP },
		{ "stuns:a.example", "a.example", 5349, false, TLS },
		{ "turn:192.0.2.1", "192.0.2.1", 3478, true, UDP | TCP },
		{ "turn:[2001:db8::1]:65535", "2001:db8::1", 65535, true,
		    UDP | TCP },
		{ "turn:a?transport=udp", "a", 3478, true, UDP },
		{ "turn:a:99?transport=tcp", "a", 99, true, TCP },
		{ "TURNS:a", "a", 5349, true, TLS },
		{ "turns:a?transport=tcp", "a", 5349, true, TLS },
		{ "turns:a?transport=udp", "a", 5349, true, DTLS },
	};
	const char *why;
	struct uri u;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(uri_parse(rows[i].text, &u, &why), 0);
		assert_string_equal(u.text, rows[i].text);
		assert_string_equal(u.host, rows[i].host);
		assert_int_equal(u.port, rows[i].port);
		assert_int_equal(u.relay, rows[i].relay);
		assert_int_equal(u.transports, rows[i].transports);
	}
}

static void
test_web(void **state)
{
	const char *why;
	struct uri u;

	assert_int_equal(uri_parse("wss://a.example", &u, &why), 0);
	assert_true(u.web && u.secure && !u.relay);
	assert_int_equal(u.port, 443);
	assert_int_equal(u.transports, TLS);
	assert_string_equal(u.path, "/ws");
	assert_int_equal(uri_parse("ws://[::1]:8080/chat/ws", &u, &why), 0);
	assert_string_equal(u.host, "::1");
	assert_int_equal(u.port, 8080);
	assert_int_equal(u.transports, TCP);
	assert_string_equal(u.path, "/chat/ws");
}

static void
test_bad(void **state)
{
	static const char *const texts[] = { "", "a", "http:a",
		"stun:", "stun://a", "stun:a:", "stun:a:0", "stun:a:65536",
		"stun:a:1x", "stun:a:-1", "stun:a?transport=udp",
		"turn:a?transport=sctp", "turn:a?transport=", "turn:a?udp",
		"turn:[::1", "turn:[]", "turn:[example]", "turn:a b", "turn:a/",
		"ws:a", "ws://", "wss://a:1?x", "ws://a/b c", "ws://a/\r\nX:" };
	char text[URI_TEXT_MAX + 8] = "stun:";
	const char *why;
	struct uri u;
	size_t i;

	for (i = 0; i < LEN(texts); i++) {
		why = NULL;
		assert_int_equal(uri_parse(texts[i], &u, &why), -EINVAL);
		assert_non_null(why);
	}
	memset(text + 5, 'a', URI_HOST_MAX);
	assert_int_equal(uri_parse(text, &u, &why), -EINVAL);
	memset(text + 5, 'a', URI_TEXT_MAX);
	assert_int_equal(uri_parse(text, &u, &why), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_web),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
