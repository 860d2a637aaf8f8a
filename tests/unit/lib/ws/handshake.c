/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/crypto/crypto.h"
#include "lib/ws/handshake.h"
#include "tests/unit/test.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455 section 1.3 */

static void
test_accept(void **state)
{
	char out[WS_ACCEPT_LEN];

	assert_int_equal(ws_accept(KEY, out), 0);
	assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void
test_offers(void **state)
{
	static const struct {
		struct ws_offer offer;
		enum ws_verdict verdict;
	} rows[] = {
		{ { "websocket", "Upgrade", "13", KEY }, WS_OK },
		{ { "WebSocket", "keep-alive, upgrade", "13", KEY }, WS_OK },
		{ { "websocket", "keep-alive,Upgrade", "13", KEY }, WS_OK },
		{ { NULL, "Upgrade", "13", KEY }, WS_NOT_UPGRADE },
		{ { "websocket", "keep-alive", "13", KEY }, WS_NOT_UPGRADE },
		{ { "websockets", "Upgrade", "13", KEY }, WS_NOT_UPGRADE },
		{ { "h2c", "Upgrade", "13", KEY }, WS_NOT_UPGRADE },
		{ { "websocket", "Upgrade", "8", KEY }, WS_BAD_VERSION },
		{ { "websocket", "Upgrade", NULL, KEY }, WS_BAD_VERSION },
		{ { "websocket", "Upgrade", "13", NULL }, WS_BAD_KEY },
		{ { "websocket", "Upgrade", "13", "" }, WS_BAD_KEY },
		{ { "websocket", "Upgrade", "13", "dGhlIHNhbXBsZQ==" },
		    WS_BAD_KEY },
		{ { "websocket", "Upgrade", "13", "dGhlIHNhbXBsZSBub25jZQ=a" },
		    WS_BAD_KEY },
		{ { "websocket", "Upgrade", "13", "dGhl HNhbXBsZSBub25jZQ==" },
		    WS_BAD_KEY },
	};
	size_t i;

	for (i = 0; i < LEN(rows); i++)
		assert_int_equal(
		    ws_offer_check(&rows[i].offer), rows[i].verdict);
}

static void
test_lists(void **state)
{
	assert_true(ws_list_has("floe.v1", "floe.v1", false));
	assert_true(ws_list_has("chat,  floe.v1", "floe.v1", false));
	assert_true(ws_list_has(",,floe.v1,", "floe.v1", false));
	assert_false(ws_list_has("floe.v10", "floe.v1", false));
	assert_false(ws_list_has("Floe.v1", "floe.v1", false));
	assert_false(ws_list_has("", "floe.v1", false));
	assert_false(ws_list_has(NULL, "floe.v1", false));
}

static int
setup(void **state)
{
	return crypto_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
