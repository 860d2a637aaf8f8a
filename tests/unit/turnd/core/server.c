/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"

#include "tests/turn/client.h"

/* What one idle allocation may cost, and what malloc and tables add. */
#define BYTES_MAX 1536

static struct fake f;
static struct client c;

static int
setup(void **state)
{
	fake_init(&f);
	fake_start(&f);
	client_init(&c, &f, "192.0.2.1:5000");
	return 0;
}

static int
teardown(void **state)
{
	fake_fini(&f);
	return 0;
}

static void
test_bytes_per_allocation(void **state)
{
	size_t bytes = turn_server_alloc_bytes();

	print_message("allocation + permission + channel: %zu bytes\n", bytes);
	assert_true(bytes <= BYTES_MAX / 2);
}

static void
test_nothing_before_authentication(void **state)
{
	const struct turn_stats *s = turn_server_stats(f.server);

	client_begin(&c, STUN_ALLOCATE);
	assert_int_equal(client_send(&c), 401);
	c.password = "wrong";
	assert_int_equal(client_allocate(&c), 401);
	assert_int_equal(s->allocations_total, 0);
	assert_int_equal(f.nrelays, 0);
	assert_true(turn_server_next_ms(f.server) == UINT64_MAX);
	assert_int_equal(s->auth_failures, 2);
}

/* The length of the answer to a request of no, or one unknown, attribute. */
static size_t
answer_to_stranger(uint16_t method, bool unknown)
{
	static const uint8_t txid[STUN_TXID_LEN] = { 1 };
	struct buf buf = buf_fixed(c.mem, sizeof(c.mem));
	struct stun_out out = stun_begin(&buf, method, STUN_REQUEST, txid);

	if (unknown)
		stun_put(&out, 0x7abc, NULL, 0);
	assert_int_equal(stun_end(&out), 0);
	fake_from_client(&f, &c.addr, buf.data, buf.len);
	assert_int_equal(f.out.to, TURN_CLIENT);
	assert_int_equal(stun_decode(f.sent, f.sent_len, &c.answer), 0);
	return f.sent_len;
}

static void
test_strangers_get_short_answers(void **state)
{
	/* At most 1.6 times what was asked. */
	assert_true(answer_to_stranger(STUN_BINDING, false) * 10 <= 20 * 16);
	assert_true(answer_to_stranger(STUN_BINDING, true) * 10 <= 24 * 16);
	/* A challenge is longer. Header, ERROR-CODE, REALM, NONCE and
	 * PASSWORD-ALGORITHMS: nothing that is not needed. */
	assert_int_equal(answer_to_stranger(STUN_ALLOCATE, false),
	    20 + 8 + 4 + (strlen(FAKE_REALM) + 3) / 4 * 4 + 4 + 28 + 4 + 8);
	assert_null(stun_find(&c.answer, STUN_SOFTWARE));
	assert_null(stun_find(&c.answer, STUN_FINGERPRINT));
}

/* Some clients refresh all their permissions in one request. */
static void
test_many_peers_in_a_request(void **state)
{
	struct addr peer = addr_v4(198, 41, 0, 0, 0);

	fake_fini(&f);
	fake_init(&f);
	f.conf.max_permissions = 150;
	fake_start(&f);
	assert_int_equal(client_allocate(&c), 0);
	client_begin(&c, STUN_CREATE_PERMISSION);
	for (peer.ip[3] = 0; peer.ip[3] < 150; peer.ip[3]++)
		stun_put_xor_addr(&c.out, STUN_XOR_PEER_ADDRESS, &peer);
	assert_int_equal(client_send(&c), 0);
	client_send_data(&c, "198.41.0.149:9", "up");
	assert_int_equal(f.out.to, TURN_PEER);
}

static void
test_relaying_copies_nothing(void **state)
{
	struct addr peer = fake_addr("198.41.0.4:9");

	assert_int_equal(client_allocate(&c), 0);
	assert_int_equal(client_bind(&c, 0x4000, "198.41.0.4:9"), 0);
	client_channel_data(&c, 0x4000, "up");
	assert_int_equal(f.out.to, TURN_PEER);
	assert_ptr_equal(
	    f.out.data, f.room + TURN_HEAD_ROOM + STUN_CHANNEL_HEADER_LEN);
	fake_from_peer(&f, &peer, 0, "down", 4);
	assert_int_equal(f.out.to, TURN_CLIENT);
	assert_ptr_equal(f.out.data, f.room + TURN_HEAD_ROOM);
	assert_int_equal(f.out.head_len, STUN_CHANNEL_HEADER_LEN);
	/* Without a channel the indication is built around the datagram. */
	peer.port++;
	fake_from_peer(&f, &peer, 0, "down", 4);
	assert_int_equal(f.out.to, TURN_CLIENT);
	assert_true(f.out.data > f.room &&
	    f.out.data + f.out.len == f.room + TURN_HEAD_ROOM + 4);
	client_send_data(&c, "198.41.0.4:10", "up");
	assert_int_equal(f.out.to, TURN_PEER);
	assert_true(f.out.data > f.room && f.out.data < f.room + 200);
}

/* RFC 8656 section 3.2: the server's address is part of the 5-tuple, so one
 * client at two of them has two of everything. */
static void
test_links_are_apart(void **state)
{
	struct addr peer = fake_addr("198.41.0.4:9");
	uint16_t link;

	for (link = 0; link < 2; link++) {
		f.link = link;
		assert_int_equal(client_refresh(&c, 600), link ? 437 : 401);
		assert_int_equal(client_allocate(&c), 0);
		assert_int_equal(f.out.link, link);
		client_channel_data(&c, 0x4000, "up");
		assert_int_equal(f.out.to, TURN_NOBODY);
		assert_int_equal(client_bind(&c, 0x4000, "198.41.0.4:9"), 0);
		assert_int_equal(client_permit(&c, "198.41.0.5"), 0);
	}
	for (link = 0; link < 2; link++) {
		f.link = link;
		client_channel_data(&c, 0x4000, "up");
		assert_int_equal(f.out.relay, link);
		client_send_data(&c, "198.41.0.5:9", "up");
		assert_int_equal(f.out.relay, link);
		peer.ip[3] = 4;
		fake_from_peer(&f, &peer, link, "down", 4);
		assert_int_equal(f.out.link, link);
		peer.ip[3] = 5;
		fake_from_peer(&f, &peer, link, "down", 4);
		assert_int_equal(f.out.link, link);
	}
	assert_int_equal(client_refresh(&c, 0), 0);
	assert_int_equal(f.last.link, 1);
}

static void
test_no_room_for_an_indication(void **state)
{
	struct addr peer = fake_addr("198.41.0.4:9");
	uint8_t room[TURN_HEAD_ROOM + 5];
	struct turn_in in = { .from = TURN_PEER,
		.data = room + TURN_HEAD_ROOM,
		.len = 5,
		.head_room = TURN_HEAD_ROOM,
		.tail_room = 2,
		.src = &peer };

	assert_int_equal(client_allocate(&c), 0);
	assert_int_equal(client_permit(&c, "198.41.0.4"), 0);
	turn_server_input(f.server, &in, f.t, &f.out);
	assert_int_equal(f.out.to, TURN_NOBODY);
	assert_int_equal(f.out.note.reason, TURN_TOO_LONG);
	in.head_room = 10;
	in.len = 4;
	turn_server_input(f.server, &in, f.t, &f.out);
	assert_int_equal(f.out.note.reason, TURN_TOO_LONG);
	in.head_room = TURN_HEAD_ROOM;
	turn_server_input(f.server, &in, f.t, &f.out);
	assert_int_equal(f.out.to, TURN_CLIENT);
}

static void
test_counters(void **state)
{
	const struct turn_stats *s = turn_server_stats(f.server);
	struct addr peer = fake_addr("198.41.0.4:9");

	assert_int_equal(client_allocate(&c), 0);
	assert_int_equal(client_bind(&c, 0x4000, "198.41.0.4:9"), 0);
	client_channel_data(&c, 0x4000, "12345");
	client_send_data(&c, "198.41.0.4:8", "123");
	fake_from_peer(&f, &peer, 0, "1234567", 7);
	assert_int_equal(s->relayed[TURN_UP].packets, 2);
	assert_int_equal(s->relayed[TURN_UP].bytes, 8);
	assert_int_equal(s->relayed[TURN_DOWN].packets, 1);
	assert_int_equal(s->relayed[TURN_DOWN].bytes, 7);
	assert_int_equal(s->allocations, 1);
	assert_int_equal(s->reasons[TURN_NO_CREDENTIALS], 1);
	assert_string_equal(turn_method_name(1), "allocate");
	assert_int_equal(s->requests[1], 2);
	assert_int_equal(s->refused[1], 1);
	assert_null(turn_method_name(TURN_METHODS));
}

static void
test_walk_and_end(void **state)
{
	struct turn_alloc_info info;
	size_t pos = 0;

	assert_int_equal(client_allocate(&c), 0);
	assert_int_equal(client_bind(&c, 0x4000, "198.41.0.4:9"), 0);
	client_channel_data(&c, 0x4000, "12345");
	client_send_data(&c, "198.41.0.4:8", "123");
	fake_elapse(&f, 2000);
	assert_true(turn_server_walk(f.server, &pos, f.t.now_ms, &info));
	assert_string_equal(info.user, "alice");
	assert_true(addr_equal(&info.client, &c.addr));
	assert_int_equal(info.age_ms, 2000);
	assert_int_equal(info.left_ms, 598000);
	assert_int_equal(info.permissions, 1);
	assert_int_equal(info.channels, 1);
	assert_int_equal(info.traffic[TURN_UP].bytes, 8);
	assert_false(turn_server_walk(f.server, &pos, f.t.now_ms, &info));
	/* What channels counted is not lost with them. */
	assert_int_equal(client_refresh(&c, 0), 0);
	assert_int_equal(f.ended, 1);
	assert_int_equal(f.last_why, TURN_END_DELETED);
	assert_int_equal(f.last.traffic[TURN_UP].packets, 2);
	assert_int_equal(f.last.created_s, FAKE_WALL_S);
	assert_true(turn_server_next_ms(f.server) == UINT64_MAX);
}

static void
test_channel_counts_outlive_it(void **state)
{
	assert_int_equal(client_allocate(&c), 0);
	assert_int_equal(client_refresh(&c, 3600), 0);
	assert_int_equal(client_bind(&c, 0x4000, "198.41.0.4:9"), 0);
	client_channel_data(&c, 0x4000, "12345");
	fake_elapse(&f, 601000);
	fake_elapse(&f, 3600000);
	assert_int_equal(f.last_why, TURN_END_EXPIRED);
	assert_int_equal(f.last.channels, 0);
	assert_int_equal(f.last.traffic[TURN_UP].bytes, 5);
}

/* Asked again and again when to come, the last one comes when it is due. */
static void
test_next_ms(void **state)
{
	uint64_t next, start = f.t.now_ms;
	int turns = 0;

	assert_int_equal(client_allocate(&c), 0);
	while ((next = turn_server_next_ms(f.server)) != UINT64_MAX) {
		assert_true(++turns < 100);
		if (next > f.t.now_ms)
			f.t.now_ms = next;
		turn_server_expire(f.server, f.t);
	}
	assert_int_equal(f.ended, 1);
	assert_true(f.t.now_ms >= start + 600000);
	assert_true(f.t.now_ms <= start + 600000 + 32);
}

/* The wheel comes by late; lifetimes are exact all the same. */
static void
test_late_wheel(void **state)
{
	const struct turn_stats *s = turn_server_stats(f.server);

	assert_int_equal(client_allocate(&c), 0);
	assert_int_equal(client_refresh(&c, 3600), 0);
	assert_int_equal(client_bind(&c, 0x4000, "198.41.0.4:9"), 0);
	f.t.now_ms += TURN_PERMISSION_S * 1000;
	client_send_data(&c, "198.41.0.4:9", "x");
	assert_int_equal(f.out.note.reason, TURN_SEND_NO_PERMISSION);
	/* The channel's number and peer are free when its time is over. */
	f.t.now_ms += (TURN_CHANNEL_S - TURN_PERMISSION_S) * 1000 - 1;
	assert_int_equal(client_bind(&c, 0x4000, "198.41.0.5:9"), 400);
	f.t.now_ms++;
	assert_int_equal(client_bind(&c, 0x4000, "198.41.0.5:9"), 438);
	assert_int_equal(client_bind(&c, 0x4000, "198.41.0.5:9"), 0);
	assert_int_equal(client_bind(&c, 0x4001, "198.41.0.4:9"), 0);
	f.t.now_ms += 3600000;
	assert_int_equal(s->allocations, 1);
	client_channel_data(&c, 0x4000, "x");
	assert_int_equal(f.out.note.reason, TURN_CHANNEL_UNBOUND);
	assert_false(turn_server_has(f.server, &c.addr, 0, f.t));
	assert_int_equal(s->allocations, 0);
	assert_int_equal(f.last_why, TURN_END_EXPIRED);
}

/* RFC 8656 section 7.1: with the connection the allocation is gone. */
static void
test_gone(void **state)
{
	assert_int_equal(client_allocate(&c), 0);
	assert_true(turn_server_has(f.server, &c.addr, 0, f.t));
	turn_server_gone(f.server, &c.addr, 1, f.t); /* another connection */
	assert_true(turn_server_has(f.server, &c.addr, 0, f.t));
	turn_server_gone(f.server, &c.addr, 0, f.t);
	assert_int_equal(f.ended, 1);
	assert_int_equal(f.last_why, TURN_END_DISCONNECTED);
	assert_false(turn_server_has(f.server, &c.addr, 0, f.t));
	assert_int_equal(client_refresh(&c, 600), 437);
}

/* Who runs here is told to the authenticated, when it is told at all. */
static void
test_software(void **state)
{
	const struct stun_attr *a;

	f.core.software = "Floe";
	assert_int_equal(client_refresh(&c, 600), 401);
	assert_null(stun_find(&c.answer, STUN_SOFTWARE));
	assert_int_equal(client_refresh(&c, 600), 437);
	a = stun_find(&c.answer, STUN_SOFTWARE);
	assert_non_null(a);
	assert_int_equal(a->len, 4);
	assert_true(c.authentic);
	f.core.software = NULL;
	assert_int_equal(client_refresh(&c, 600), 437);
	assert_null(stun_find(&c.answer, STUN_SOFTWARE));
}

/* The system gives no socket: nothing is kept, and the next try is as good. */
static void
test_no_socket(void **state)
{
	f.relay_error = -EMFILE;
	assert_int_equal(client_allocate(&c), 508);
	assert_int_equal(f.out.note.reason, TURN_NO_SOCKET);
	assert_int_equal(turn_server_stats(f.server)->allocations, 0);
	f.relay_error = 0;
	assert_int_equal(client_allocate(&c), 0);
}

static void
test_shutdown_ends_all(void **state)
{
	struct client more[10];
	char addr[32];
	size_t i;

	for (i = 0; i < LEN(more); i++) {
		snprintf(addr, sizeof(addr), "192.0.2.2:%zu", 4000 + i);
		client_init(&more[i], &f, addr);
		assert_int_equal(client_allocate(&more[i]), 0);
		assert_int_equal(
		    client_bind(&more[i], 0x4000, "198.41.0.4:9"), 0);
	}
	turn_server_free(f.server);
	f.server = NULL;
	assert_int_equal(f.ended, LEN(more));
	assert_int_equal(f.last_why, TURN_END_SHUTDOWN);
}

static void
test_fingerprint_is_mirrored(void **state)
{
	assert_int_equal(client_allocate(&c), 0);
	assert_non_null(stun_find(&c.answer, STUN_FINGERPRINT));
	assert_true(c.authentic);
}

static void
test_classic_binding(void **state)
{
	/* RFC 3489: no magic cookie, an id of 16 bytes */
	uint8_t req[20] = { 0, 1, 0, 0, 9, 8, 7, 6, 5 };
	struct addr mapped;

	fake_from_client(&f, &c.addr, req, sizeof(req));
	assert_int_equal(f.out.to, TURN_CLIENT);
	assert_memory_equal(f.sent + 4, req + 4, 16);
	assert_int_equal(stun_decode(f.sent, f.sent_len, &c.answer), 0);
	assert_int_equal(
	    stun_get_addr(&c.answer, STUN_MAPPED_ADDRESS, &mapped), 0);
	assert_true(addr_equal(&mapped, &c.addr));
	assert_null(stun_find(&c.answer, STUN_XOR_MAPPED_ADDRESS));
	/* RFC 8489 section 11: over DTLS it is an error. */
	f.verified = true;
	fake_from_client(&f, &c.addr, req, sizeof(req));
	assert_int_equal(f.out.note.reason, TURN_OLD_OVER_DTLS);
	assert_int_equal(stun_decode(f.sent, f.sent_len, &c.answer), 0);
	assert_int_equal(c.answer.class, STUN_ERROR);
	assert_memory_equal(f.sent + 4, req + 4, 16);
}

static void
test_every_reason_has_a_row(void **state)
{
	int i, k;

	for (i = 0; i < TURN_REASON_COUNT; i++) {
		const struct turn_reason_info *r =
		    turn_reason_info((enum turn_reason)i);

		assert_non_null(r->name);
		assert_non_null(r->help);
		assert_int_equal(strspn(r->name, "abcdefghijklmnopqrstuvwxyz_"),
		    strlen(r->name));
		if (r->code != 0)
			assert_string_not_equal(
			    turn_code_phrase(r->code), "Error");
		for (k = 0; k < i; k++)
			assert_string_not_equal(r->name,
			    turn_reason_info((enum turn_reason)k)->name);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_bytes_per_allocation),
		CASE(test_nothing_before_authentication),
		CASE(test_strangers_get_short_answers),
		CASE(test_many_peers_in_a_request),
		CASE(test_relaying_copies_nothing),
		CASE(test_links_are_apart),
		CASE(test_no_room_for_an_indication),
		CASE(test_counters),
		CASE(test_walk_and_end),
		CASE(test_channel_counts_outlive_it),
		CASE(test_next_ms),
		CASE(test_late_wheel),
		CASE(test_gone),
		CASE(test_software),
		CASE(test_no_socket),
		CASE(test_shutdown_ends_all),
		CASE(test_fingerprint_is_mirrored),
		CASE(test_classic_binding),
		CASE(test_every_reason_has_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
