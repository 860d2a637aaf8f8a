/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/core/relay.h"
#include "tests/unit/test.h"

#define A  "turn:a.example?transport=udp"
#define A2 "turns:a.example"
#define B  "turn:b.example:3479"
#define B2 "turn:B.example:443?transport=tcp"
#define C  "turn:[2001:db8::1]:3478"

static const char *const uris[] = { A, B, A2, C, B2, NULL };

static void
order(const struct sig_relay *relays, size_t n, const char *const *want)
{
	const char *out[SIG_TURN_URIS_MAX + 1];
	size_t i;

	sig_relay_order(relays, n, uris, out);
	for (i = 0; want[i] != NULL; i++) {
		assert_non_null(out[i]);
		assert_string_equal(out[i], want[i]);
	}
	assert_null(out[i]);
}
#define ORDER(relays, ...) \
	order(relays, LEN(relays), (const char *const[]){ __VA_ARGS__, NULL })

static void
test_uris(void **state)
{
	static const struct {
		const char *uri, *host;
		uint16_t port;
	} good[] = {
		{ "turn:a.example", "a.example", 3478 },
		{ "turns:a.example", "a.example", 5349 },
		{ "turn:a.example:1?transport=tcp", "a.example", 1 },
		{ "turn:192.0.2.1:65535", "192.0.2.1", 65535 },
		{ "turn:[2001:db8::1]", "2001:db8::1", 3478 },
		{ "turns:[2001:db8::1]:443?transport=tcp", "2001:db8::1", 443 },
	};
	static const char *const bad[] = { "stun:a", "turn:", "turn::1",
		"turn:a:", "turn:a:0", "turn:a:65536", "turn:a:1x", "turn:[",
		"turn:[]", "turn:[::1]x", "turn:a:99999999999999999999" };
	char host[SIG_HOST_MAX + 1], longest[300];
	uint16_t port;
	size_t i;

	for (i = 0; i < LEN(good); i++) {
		assert_int_equal(sig_relay_uri(good[i].uri, host, &port), 0);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
	}
	for (i = 0; i < LEN(bad); i++)
		assert_int_equal(sig_relay_uri(bad[i], host, &port), -EINVAL);
	snprintf(longest, sizeof(longest), "turn:%0256d", 0);
	assert_int_equal(sig_relay_uri(longest, host, &port), -EINVAL);
	longest[5 + SIG_HOST_MAX] = '\0';
	assert_int_equal(sig_relay_uri(longest, host, &port), 0);
}

static void
test_nobody_watched(void **state)
{
	const struct sig_relay none[1] = { { .silent = true } };
	const char *out[SIG_TURN_URIS_MAX + 1];
	size_t i;

	sig_relay_order(none, 0, uris, out);
	for (i = 0; uris[i] != NULL; i++)
		assert_string_equal(out[i], uris[i]);
	assert_null(out[i]);
}

static void
test_load(void **state)
{
	struct sig_relay r[] = { { .host = "a.example" },
		{ .host = "b.example" }, { .host = "2001:db8::1" } };

	/* Nothing known: as written, but each relay's together. */
	ORDER(r, A, A2, B, B2, C);
	r[0].room = r[1].room = r[2].room = 1000;
	r[0].allocations = 1;
	ORDER(r, B, B2, C, A, A2);
	r[1].allocations = 1;
	ORDER(r, C, A, A2, B, B2);
	/* Shares count, not numbers. */
	r[1].room = 2000;
	ORDER(r, C, B, B2, A, A2);
	r[2].allocations = 999;
	ORDER(r, B, B2, A, A2, C);
}

static void
test_preference_goes_before_load(void **state)
{
	struct sig_relay r[] = { { .host = "a.example", .preference = 2 },
		{ .host = "b.example",
		    .preference = 1,
		    .room = 10,
		    .allocations = 9 } };

	ORDER(r, C, B, B2, A, A2);
	/* Full is full. */
	r[1].allocations = 10;
	ORDER(r, C, A, A2, B, B2);
	r[1].allocations = 11;
	ORDER(r, C, A, A2, B, B2);
}

static void
test_gone(void **state)
{
	struct sig_relay r[] = { { .host = "a.example", .draining = true },
		{ .host = "b.example" }, { .host = "2001:db8::1" } };

	ORDER(r, B, B2, C);
	r[1].silent = true;
	ORDER(r, C);
	r[2].silent = true;
	/* Better a bad one than none. */
	ORDER(r, A, A2, B, B2, C);
	r[0].draining = false;
	ORDER(r, A, A2);
}

static void
test_ports(void **state)
{
	struct sig_relay r[] = {
		{ .host = "b.example", .port = 443, .draining = true }
	};

	ORDER(r, A, B, A2, C);
	r[0].port = 3479;
	ORDER(r, A, A2, C, B2);
	r[0].port = 3478;
	ORDER(r, A, B, A2, C, B2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uris),
		cmocka_unit_test(test_nobody_watched),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_preference_goes_before_load),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
