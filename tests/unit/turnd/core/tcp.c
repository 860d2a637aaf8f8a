/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 6062 on virtual time: what is refused and why, what ends when. */
#include "tests/unit/test.h"

#include <errno.h>

#include "tests/turn/client.h"

#define PEER  "192.0.1.10:80"
#define OTHER "192.0.1.11:80"
#define HOST  "192.0.1.10"

struct world {
	struct fake f;
	struct client c;    /* the control connection */
	struct client data; /* another connection of the same client */
	struct addr relayed;
};

static int
setup(void **state)
{
	static struct world w;

	fake_init(&w.f);
	fake_start(&w.f);
	client_init(&w.c, &w.f, "192.0.2.1:4000");
	client_init(&w.data, &w.f, "192.0.2.1:4001");
	w.data.stream = true;
	assert_int_equal(0, client_allocate_tcp(&w.c));
	w.relayed = client_relayed(&w.c);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	fake_fini(&((struct world *)*state)->f);
	return 0;
}

static const char *
reason(const struct world *w)
{
	return turn_reason_info(w->f.out.note.reason)->name;
}

static const struct turn_stats *
stats(const struct world *w)
{
	return turn_server_stats(w->f.server);
}

/* A connection to the peer; its CONNECTION-ID. */
static uint32_t
connected(struct world *w, const char *peer)
{
	struct addr a = fake_addr(peer);

	assert_int_equal(-1, client_connect(&w->c, peer));
	fake_dialed(&w->f, &a, 0);
	assert_int_equal(0, client_hear(&w->c));
	assert_true(w->c.authentic);
	return client_conn(&w->c);
}

static uint32_t
arrives(struct world *w, const char *peer)
{
	struct addr a = fake_addr(peer);

	return fake_arrives(&w->f, &a, fake_relay_at(&w->f, &w->relayed));
}

/* As client_bind_conn, with the challenge before. */
static int
bind_conn(struct client *c, uint32_t id)
{
	int code = client_bind_conn(c, id);

	return code == 401 ? client_bind_conn(c, id) : code;
}

static void
refused(struct world *w, int code, int want, const char *why)
{
	if (code != want || strcmp(reason(w), why) != 0)
		fail_msg("%d %s", code, reason(w));
}

static void
test_connect_and_bind(void **state)
{
	struct world *w = *state;
	uint32_t id = connected(w, PEER);

	assert_int_not_equal(0, id);
	assert_string_equal("connect", w->f.out.note.method);
	assert_int_equal(1, stats(w)->connections);
	assert_int_equal(0, bind_conn(&w->data, id));
	assert_true(w->data.authentic);
	assert_int_equal(TURN_THEN_JOIN, w->f.out.then);
	assert_int_equal(id, w->f.out.conn);
	/* Only once. */
	refused(w, client_bind_conn(&w->data, id), 400, "no_connection");
	assert_int_equal(TURN_THEN_NOTHING, w->f.out.then);
	/* A bound one waits for nothing any more. */
	fake_elapse(&w->f, 300000);
	assert_int_equal(1, stats(w)->connections);
	turn_server_conn_over(w->f.server, id, w->f.t);
	assert_int_equal(0, stats(w)->connections);
	assert_int_equal(0, fake_open_conns(&w->f));
	assert_int_equal(1, stats(w)->connections_total);
}

/* The answer is to the Connect, whatever the client has asked since. */
static void
test_answers_keep_their_transaction(void **state)
{
	struct world *w = *state;
	struct addr peer = fake_addr(PEER), other = fake_addr(OTHER);
	uint8_t first[STUN_TXID_LEN], second[STUN_TXID_LEN];
	struct stun_msg m;

	client_connect(&w->c, PEER);
	memcpy(first, w->c.mem + 8, sizeof(first));
	client_connect(&w->c, OTHER);
	memcpy(second, w->c.mem + 8, sizeof(second));
	assert_int_equal(0, client_refresh(&w->c, 600));
	fake_dialed(&w->f, &other, 0);
	assert_int_equal(0, stun_decode(w->f.sent, w->f.sent_len, &m));
	assert_memory_equal(second, stun_txid(&m), sizeof(second));
	fake_dialed(&w->f, &peer, -ECONNREFUSED);
	assert_int_equal(0, stun_decode(w->f.sent, w->f.sent_len, &m));
	assert_memory_equal(first, stun_txid(&m), sizeof(first));
	assert_non_null(stun_find(&m, STUN_FINGERPRINT));
	assert_true(addr_equal(w->f.out.dst, &w->c.addr));
}

static void
test_connect_fails(void **state)
{
	static const struct {
		int err, code;
		const char *why;
	} rows[] = {
		{ -ECONNREFUSED, 447, "connect_refused" },
		{ -EPERM, 447, "connect_refused" },
		{ -ETIMEDOUT, 447, "connect_timeout" },
		{ -EHOSTUNREACH, 447, "connect_unreachable" },
		{ -ENETUNREACH, 447, "connect_unreachable" },
		{ -EADDRNOTAVAIL, 447, "connect_failed" },
		{ -EMFILE, 508, "no_socket" },
	};
	struct addr peer = fake_addr(PEER);
	struct world *w = *state;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		/* later */
		assert_int_equal(-1, client_connect(&w->c, PEER));
		fake_dialed(&w->f, &peer, rows[i].err);
		refused(w, client_hear(&w->c), rows[i].code, rows[i].why);
		assert_true(addr_equal(&peer, &w->f.out.note.peer));
		assert_string_equal("alice", w->f.out.note.user);
		/* and at once */
		w->f.dial_error = rows[i].err;
		refused(
		    w, client_connect(&w->c, PEER), rows[i].code, rows[i].why);
		w->f.dial_error = 0;
	}
	assert_int_equal(0, stats(w)->connections);
	assert_int_equal(0, fake_open_conns(&w->f));
}

static void
test_connect_times_out(void **state)
{
	struct world *w = *state;

	assert_int_equal(-1, client_connect(&w->c, PEER));
	fake_elapse(&w->f, 29999);
	assert_false(fake_overdue(&w->f));
	assert_true(turn_server_next_ms(w->f.server) <= w->f.t.now_ms + 17);
	fake_elapse(&w->f, 17);
	assert_true(fake_overdue(&w->f));
	refused(w, client_hear(&w->c), 447, "connect_timeout");
	assert_false(fake_overdue(&w->f));
	assert_int_equal(0, fake_open_conns(&w->f));
	/* And may be tried anew. */
	assert_int_not_equal(0, connected(w, PEER));
}

static void
test_connect_is_refused(void **state)
{
	struct world *w = *state;
	struct client udp, v6;

	refused(w, client_connect(&w->c, "192.0.1.10:0"), 400, "bad_attribute");
	client_begin(&w->c, STUN_CONNECT);
	refused(w, client_send(&w->c), 400, "missing_attribute");
	refused(w, client_connect(&w->c, "127.0.0.1:80"), 403, "peer_denied");
	assert_non_null(w->f.out.note.rule);
	refused(w, client_connect(&w->c, "[2a00::1]:80"), 443, "peer_family");
	client_init(&udp, &w->f, "192.0.2.1:5000");
	assert_int_equal(0, client_allocate(&udp));
	refused(w, client_connect(&udp, PEER), 400, "not_tcp");
	client_init(&v6, &w->f, "192.0.2.1:5001");
	v6.stream = true;
	client_connect(&v6, PEER);
	refused(w, client_connect(&v6, PEER), 437, "no_allocation");
	assert_int_equal(0, fake_open_conns(&w->f));
}

static void
test_one_connection_to_a_peer(void **state)
{
	struct world *w = *state;
	struct addr peer = fake_addr(PEER);
	uint32_t id;

	client_connect(&w->c, PEER);
	refused(w, client_connect(&w->c, PEER), 446, "connection_exists");
	fake_dialed(&w->f, &peer, 0);
	client_hear(&w->c);
	id = client_conn(&w->c);
	refused(w, client_connect(&w->c, PEER), 446, "connection_exists");
	assert_int_equal(0, bind_conn(&w->data, id));
	refused(w, client_connect(&w->c, PEER), 446, "connection_exists");
	/* Another port of it is another peer. */
	assert_int_not_equal(0, connected(w, "192.0.1.10:81"));
	turn_server_conn_over(w->f.server, id, w->f.t);
	assert_int_not_equal(id, connected(w, PEER));
	/* One that came by itself counts, too. */
	client_permit(&w->c, OTHER);
	assert_int_not_equal(0, arrives(w, OTHER));
	refused(w, client_connect(&w->c, OTHER), 446, "connection_exists");
}

static void
test_incoming(void **state)
{
	struct world *w = *state;
	struct stun_msg m;
	struct addr peer;
	uint32_t id, told;

	assert_int_equal(0, arrives(w, PEER));
	refused(w, w->f.out.to, TURN_NOBODY, "connection_no_permission");
	assert_int_equal(0, client_permit(&w->c, HOST ":0"));
	id = arrives(w, PEER);
	assert_int_not_equal(0, id);
	assert_int_equal(TURN_CLIENT, w->f.out.to);
	assert_true(addr_equal(w->f.out.dst, &w->c.addr));
	assert_int_equal(0, stun_decode(w->f.sent, w->f.sent_len, &m));
	assert_int_equal(STUN_CONNECTION_ATTEMPT, m.method);
	assert_int_equal(STUN_INDICATION, m.class);
	assert_int_equal(
	    0, stun_get_xor_addr(&m, STUN_XOR_PEER_ADDRESS, &peer));
	assert_int_equal(80, peer.port);
	assert_int_equal(0, stun_get_u32(&m, STUN_CONNECTION_ID, &told));
	assert_int_equal(id, told);
	assert_int_equal(0, bind_conn(&w->data, id));
	assert_int_equal(TURN_THEN_JOIN, w->f.out.then);
	/* A permission that is over lets nobody in, and closes nothing. */
	fake_elapse(&w->f, 300000);
	assert_int_equal(0, arrives(w, "192.0.1.10:81"));
	assert_int_equal(1, fake_open_conns(&w->f));
	assert_int_equal(2, stats(w)->reasons[TURN_CONN_NO_PERMISSION]);
}

/* A peer that comes again from the port of a connection that still waits: that
 * one is dead. */
static void
test_incoming_again(void **state)
{
	struct world *w = *state;
	uint32_t first, second;

	client_permit(&w->c, HOST ":0");
	first = arrives(w, PEER);
	second = arrives(w, PEER);
	assert_int_not_equal(first, second);
	assert_int_equal(1, fake_open_conns(&w->f));
	refused(w, bind_conn(&w->data, first), 400, "no_connection");
	assert_int_equal(0, bind_conn(&w->data, second));
}

static void
test_unclaimed(void **state)
{
	struct world *w = *state;
	uint32_t out = connected(w, PEER), in;

	client_permit(&w->c, OTHER);
	in = arrives(w, OTHER);
	fake_elapse(&w->f, 29999);
	assert_int_equal(2, fake_open_conns(&w->f));
	/* Exact, although the wheel is late. */
	w->f.t.now_ms++;
	refused(w, bind_conn(&w->data, out), 400, "no_connection");
	refused(w, bind_conn(&w->data, in), 400, "no_connection");
	fake_elapse(&w->f, 16);
	assert_int_equal(0, fake_open_conns(&w->f));
	assert_int_equal(2, stats(w)->reasons[TURN_CONN_UNCLAIMED]);
}

static void
test_bind_is_refused(void **state)
{
	struct world *w = *state;
	uint32_t id = connected(w, PEER);
	struct client udp;

	refused(w, client_bind_conn(&w->data, id), 401, "no_credentials");
	refused(w, client_bind_conn(&w->data, id + 1), 400, "no_connection");
	client_begin(&w->data, STUN_CONNECTION_BIND);
	refused(w, client_send(&w->data), 400, "missing_attribute");
	client_begin(&w->data, STUN_CONNECTION_BIND);
	stun_put(&w->data.out, STUN_CONNECTION_ID, "abc", 3);
	refused(w, client_send(&w->data), 400, "bad_attribute");
	/* The control connection remains what it is. */
	refused(w, client_bind_conn(&w->c, id), 437, "allocation_exists");
	client_init(&udp, &w->f, "192.0.2.1:5000");
	refused(w, bind_conn(&udp, id), 400, "not_stream");
	w->data.password = "wrong";
	refused(w, client_bind_conn(&w->data, id), 401, "wrong_password");
	assert_int_equal(TURN_THEN_NOTHING, w->f.out.then);
	/* And none of it has used the number up. */
	w->data.password = "wonderland";
	assert_int_equal(0, bind_conn(&w->data, id));
}

static void
test_bind_of_another_user(void **state)
{
	struct world *w = *state;
	uint32_t id = connected(w, PEER);

	fake_record(&w->f, FAKE_REALM, "bob", "builder");
	w->data.user = "bob";
	w->data.password = "builder";
	refused(w, bind_conn(&w->data, id), 441, "wrong_user");
	assert_int_equal(TURN_THEN_NOTHING, w->f.out.then);
}

/* Whoever has brought the nonce of the control connection is not sent away. */
static void
test_bind_with_the_first_nonce(void **state)
{
	struct world *w = *state;
	uint32_t id = connected(w, PEER);
	struct client udp;

	memcpy(w->data.nonce, w->c.nonce, sizeof(w->data.nonce));
	memcpy(w->data.realm, w->c.realm, sizeof(w->data.realm));
	udp = w->data;
	udp.stream = false;
	refused(w, client_bind_conn(&udp, id), 438, "stale_nonce");
	/* But it is good for that connection alone. */
	refused(w, client_bind_conn(&w->data, id + 1), 438, "stale_nonce");
	memcpy(w->data.nonce, w->c.nonce, sizeof(w->data.nonce));
	w->data.password = "wrong";
	refused(w, client_bind_conn(&w->data, id), 401, "wrong_password");
	memcpy(w->data.nonce, w->c.nonce, sizeof(w->data.nonce));
	w->data.password = "wonderland";
	assert_int_equal(0, client_bind_conn(&w->data, id));
	assert_int_equal(TURN_THEN_JOIN, w->f.out.then);
}

/* A name whose time is over serves its allocation, also by new connections. */
static void
test_bind_by_expired_name(void **state)
{
	struct world *w = *state;
	struct client late, data;
	struct turn_record *rec =
	    fake_record(&w->f, FAKE_REALM, "carol", "lewis");
	struct addr peer = fake_addr(PEER);
	uint32_t id;

	rec->expires_s = FAKE_WALL_S + 10;
	client_init(&late, &w->f, "192.0.2.1:6000");
	client_init(&data, &w->f, "192.0.2.1:6001");
	late.user = data.user = "carol";
	late.password = data.password = "lewis";
	data.stream = true;
	assert_int_equal(0, client_allocate_tcp(&late));
	fake_elapse(&w->f, 20000);
	assert_int_equal(-1, client_connect(&late, PEER));
	fake_dialed(&w->f, &peer, 0);
	assert_int_equal(0, client_hear(&late));
	id = client_conn(&late);
	refused(w, bind_conn(&data, id + 1), 401, "credential_expired");
	assert_int_equal(0, bind_conn(&data, id));
}

static void
test_limits(void **state)
{
	struct world *w = *state;
	char peer[32];
	int i;

	for (i = 0; i < 8; i++) {
		snprintf(peer, sizeof(peer), "192.0.1.10:%d", 100 + i);
		connected(w, peer);
	}
	refused(w, client_connect(&w->c, PEER), 508, "connection_limit");
	client_permit(&w->c, OTHER);
	assert_int_equal(0, arrives(w, OTHER));
	refused(w, w->f.out.to, TURN_NOBODY, "connection_limit");
	assert_int_equal(8, fake_open_conns(&w->f));
}

static int
setup_small(void **state)
{
	static struct world w;

	fake_init(&w.f);
	w.f.conf.max_connections = 60;
	w.f.conf.connections = TURN_PENDING_MAX + 1;
	fake_start(&w.f);
	client_init(&w.c, &w.f, "192.0.2.1:4000");
	client_init(&w.data, &w.f, "192.0.2.1:4001");
	w.data.stream = true;
	assert_int_equal(0, client_allocate_tcp(&w.c));
	w.relayed = client_relayed(&w.c);
	*state = &w;
	return 0;
}

static void
test_limits_in_all(void **state)
{
	struct world *w = *state;
	uint32_t id = 0;
	char peer[32];
	int i;

	client_permit(&w->c, OTHER);
	for (i = 0; i < TURN_PENDING_MAX; i++) {
		snprintf(peer, sizeof(peer), "192.0.1.10:%d", 100 + i);
		id = connected(w, peer);
	}
	refused(
	    w, client_connect(&w->c, PEER), 508, "connection_pending_limit");
	assert_int_equal(0, arrives(w, OTHER));
	refused(w, w->f.out.to, TURN_NOBODY, "connection_pending_limit");
	assert_int_equal(0, bind_conn(&w->data, id));
	connected(w, PEER);
	assert_int_equal(0, client_bind_conn(&w->data, client_conn(&w->c)));
	refused(w, client_connect(&w->c, OTHER), 508, "connection_full");
	assert_int_equal(0, arrives(w, OTHER));
	refused(w, w->f.out.to, TURN_NOBODY, "connection_full");
}

/* RFC 6062 section 5.5 */
static void
test_the_allocation_ends_all(void **state)
{
	struct world *w = *state;
	uint32_t id = connected(w, PEER);

	assert_int_equal(0, bind_conn(&w->data, id));
	client_connect(&w->c, OTHER);
	client_permit(&w->c, HOST ":0");
	arrives(w, "192.0.1.10:5000");
	assert_int_equal(3, fake_open_conns(&w->f));
	assert_int_equal(0, client_refresh(&w->c, 0));
	assert_int_equal(0, fake_open_conns(&w->f));
	assert_int_equal(0, stats(w)->connections);
	assert_true(w->f.last.tcp);
	assert_int_equal(3, w->f.last.connections);
	/* What comes too late for it is nobody's. */
	turn_server_conn_over(w->f.server, id, w->f.t);
	turn_server_relayed(w->f.server, id, TURN_UP, 1);
	turn_server_connected(w->f.server, id, 0, w->f.t, &w->f.out);
	assert_int_equal(TURN_NOBODY, w->f.out.to);
}

static void
test_the_control_connection_ends_all(void **state)
{
	struct world *w = *state;

	assert_int_equal(0, bind_conn(&w->data, connected(w, PEER)));
	client_connect(&w->c, OTHER);
	turn_server_gone(w->f.server, &w->c.addr, w->f.link, w->f.t);
	assert_int_equal(TURN_END_DISCONNECTED, w->f.last_why);
	assert_int_equal(0, fake_open_conns(&w->f));
	assert_int_equal(UINT64_MAX, turn_server_next_ms(w->f.server));
}

static void
test_bytes_are_counted(void **state)
{
	struct world *w = *state;
	uint32_t id = connected(w, PEER);

	turn_server_relayed(w->f.server, id, TURN_UP, 1000);
	turn_server_relayed(w->f.server, id, TURN_DOWN, 20);
	turn_server_conn_over(w->f.server, id, w->f.t);
	assert_int_equal(0, client_refresh(&w->c, 0));
	assert_int_equal(1000, w->f.last.traffic[TURN_UP].bytes);
	assert_int_equal(20, w->f.last.traffic[TURN_DOWN].bytes);
	assert_int_equal(1000, stats(w)->relayed[TURN_UP].bytes);
}

/* Streams wait for bandwidth, and what they had before is paid. */
static void
test_bandwidth(void **state)
{
	struct world *w = *state, slow;
	uint32_t id = connected(w, PEER), other;

	assert_true(
	    turn_server_may_relay(w->f.server, id, TURN_UP, 1 << 20, w->f.t));
	fake_init(&slow.f);
	slow.f.conf.alloc_bandwidth = 100000;
	fake_start(&slow.f);
	client_init(&slow.c, &slow.f, "192.0.2.1:4000");
	assert_int_equal(0, client_allocate_tcp(&slow.c));
	other = connected(&slow, PEER);
	assert_true(turn_server_may_relay(
	    slow.f.server, other, TURN_UP, 60000, slow.f.t));
	turn_server_relayed(slow.f.server, other, TURN_UP, 60000);
	assert_false(turn_server_may_relay(
	    slow.f.server, other, TURN_UP, 60000, slow.f.t));
	/* The other way is another link. */
	assert_true(turn_server_may_relay(
	    slow.f.server, other, TURN_DOWN, 60000, slow.f.t));
	/* What was there before the bind is relayed in any case. */
	turn_server_relayed(slow.f.server, other, TURN_UP, 90000);
	slow.f.t.now_ms += 300;
	assert_true(turn_server_may_relay(
	    slow.f.server, other, TURN_UP, 60000, slow.f.t));
	/* One that is over waits for nothing. */
	turn_server_conn_over(slow.f.server, other, slow.f.t);
	turn_server_relayed(slow.f.server, other, TURN_UP, 100000);
	assert_true(turn_server_may_relay(
	    slow.f.server, other, TURN_UP, 60000, slow.f.t));
	fake_fini(&slow.f);
}

/* A connection's number tells whose it is, to servers of the same keys. */
static void
test_moves_to_its_server(void **state)
{
	struct world *w = *state, other;
	uint32_t id, i;

	fake_init(&other.f);
	other.f.conf.server = 1;
	other.f.conf.servers = 3;
	fake_start(&other.f);
	client_init(&other.data, &other.f, "192.0.2.1:4001");
	other.data.stream = true;
	id = connected(w, PEER); /* of server 0 */
	/* Not before authentication. */
	assert_int_equal(401, client_bind_conn(&other.data, id));
	assert_int_equal(TURN_THEN_NOTHING, other.f.out.then);
	assert_int_equal(-1, client_bind_conn(&other.data, id));
	assert_int_equal(TURN_THEN_MOVE, other.f.out.then);
	assert_int_equal(0, other.f.out.server);
	/* A made-up number is rarely anybody's, never a server's that is not
	 * there. */
	for (i = 1; i < 2000; i++) {
		if (client_bind_conn(&other.data, id + i) == -1)
			assert_true(
			    other.f.out.server == 0 || other.f.out.server == 2);
		else
			refused(&other, 400, 400, "no_connection");
	}
	/* Nor can it tell whether a nonce was the control connection's. */
	memcpy(other.data.nonce, w->c.nonce, sizeof(w->c.nonce));
	assert_int_equal(-1, client_bind_conn(&other.data, id));
	assert_int_equal(TURN_THEN_MOVE, other.f.out.then);
	other.data.password = "wrong";
	refused(
	    &other, client_bind_conn(&other.data, id), 401, "wrong_password");
	other.data.password = "wonderland";
	other.data.stream = false;
	refused(&other, client_bind_conn(&other.data, id), 400, "not_stream");
	fake_fini(&other.f);
}

/* Numbers do not tell what the next one is. */
static void
test_numbers_are_scattered(void **state)
{
	struct world *w = *state;
	uint32_t ids[8], i, j, near = 0;
	char peer[32];

	for (i = 0; i < LEN(ids); i++) {
		snprintf(peer, sizeof(peer), "192.0.1.10:%u", 100 + i);
		ids[i] = connected(w, peer);
		for (j = 0; j < i; j++) {
			assert_int_not_equal(ids[i], ids[j]);
			near += ids[i] - ids[j] + 1000 < 2000;
		}
	}
	assert_int_equal(0, near);
}

static void
test_none_allowed(void **state)
{
	struct client c;
	struct fake f;

	fake_init(&f);
	f.conf.max_connections = 0;
	fake_start(&f);
	client_init(&c, &f, "192.0.2.1:4000");
	assert_int_equal(442, client_allocate_tcp(&c));
	fake_fini(&f);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_connect_and_bind),
		CASE(test_answers_keep_their_transaction),
		CASE(test_connect_fails),
		CASE(test_connect_times_out),
		CASE(test_connect_is_refused),
		CASE(test_one_connection_to_a_peer),
		CASE(test_incoming),
		CASE(test_incoming_again),
		CASE(test_unclaimed),
		CASE(test_bind_is_refused),
		CASE(test_bind_of_another_user),
		CASE(test_bind_with_the_first_nonce),
		CASE(test_bind_by_expired_name),
		CASE(test_limits),
		cmocka_unit_test_setup_teardown(
		    test_limits_in_all, setup_small, teardown),
		CASE(test_the_allocation_ends_all),
		CASE(test_the_control_connection_ends_all),
		CASE(test_bytes_are_counted),
		CASE(test_bandwidth),
		CASE(test_moves_to_its_server),
		CASE(test_numbers_are_scattered),
		cmocka_unit_test(test_none_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
