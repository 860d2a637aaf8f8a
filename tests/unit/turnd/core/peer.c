/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every spelling of an address that a relay must not reach, at every entry and
 * on relays of both families: CreatePermission, ChannelBind and Connect answer
 * 403, Send is a counted drop, what comes from there is dropped or closed.
 */
#include "tests/unit/test.h"

#include <errno.h>

#include "tests/turn/client.h"

#define RELAY_V4 0
#define RELAY_V6 1

struct spelling {
	const char *peer;
	int relay;
};

static const char *const refused[] = {
	/* as they are */
	"0.0.0.0:9",
	"0.1.2.3:9",
	"10.0.0.1:9",
	"100.64.0.1:9",
	"100.127.255.255:9",
	"127.0.0.1:9",
	"127.255.255.254:9",
	"169.254.1.1:9",
	"169.254.169.254:80", /* cloud metadata */
	"172.16.0.1:9",
	"172.31.255.255:9",
	"192.0.0.1:9",
	"192.0.2.77:9",
	"192.168.1.1:9",
	"198.18.0.1:9",
	"198.51.100.1:9",
	"203.0.113.77:9",
	"224.0.0.1:9",
	"239.255.255.255:9",
	"240.0.0.1:9",
	"255.255.255.255:9",
	"203.0.113.1:9", /* our own, no live relay */
	"[::]:9",
	"[::1]:9",
	"[fe80::1]:9",
	"[fec0::1]:9",
	"[fc00::1]:9",
	"[fdff::1]:9",
	"[ff02::1]:9",
	"[2001:db8::1]:9",
	"[2001:db8:1::1]:9", /* our own, no live relay */
	"[100::1]:9",
	/* IPv4 in IPv6 clothes */
	"[::ffff:127.0.0.1]:9",
	"[::ffff:10.0.0.1]:9",
	"[::ffff:169.254.169.254]:80",
	"[::ffff:203.0.113.1]:9",
	"[::127.0.0.1]:9",
	"[::192.168.0.1]:9",
	"[64:ff9b::127.0.0.1]:9",
	"[64:ff9b::10.1.2.3]:9",
	"[64:ff9b:1::127.0.0.1]:9",
	"[64:ff9b:1::169.254.169.254]:9",
	"[2002:7f00:1::]:9",     /* 6to4 of 127.0.0.1 */
	"[2002:a00:1:2::3]:9",   /* of 10.0.0.1 */
	"[2002:a9fe:a9fe::1]:9", /* of 169.254.169.254 */
	/* Teredo: the client's address, inverted, in the last 32 bits */
	"[2001:0:4136:e378:8000:63bf:80ff:fffe]:9", /* 127.0.0.1 */
	"[2001:0:4136:e378:8000:63bf:f5ff:fffe]:9", /* 10.0.0.1 */
	/* a tunnel, wherever it leads */
	"[2002:808:808::1]:9",
	"[2001:0:4136:e378:8000:63bf:f7f7:f7f7]:9",
	/* ISATAP */
	"[2a00:1:2:3:0:5efe:7f00:1]:9",
	"[2a00:1:2:3:200:5efe:a00:1]:9",
};

static const struct spelling served[] = {
	{ "1.1.1.1:9", RELAY_V4 }, { "9.255.255.255:9", RELAY_V4 },
	{ "11.0.0.0:9", RELAY_V4 }, { "100.63.255.255:9", RELAY_V4 },
	{ "172.15.255.255:9", RELAY_V4 }, { "172.32.0.0:9", RELAY_V4 },
	{ "223.255.255.255:9", RELAY_V4 },
	{ "[2a00:1450:4001::200e]:9", RELAY_V6 },
	{ "[64:ff9b::8.8.8.8]:9", RELAY_V6 }, /* NAT64 to a public address */
};

struct both {
	struct fake f;
	struct client c[2];   /* with an IPv4 and an IPv6 relay */
	struct client tcp[2]; /* and with TCP allocations */
	uint32_t listening[2];
};

static void
allocate_tcp(struct client *c, uint32_t family)
{
	c->stream = true;
	client_begin(c, STUN_ALLOCATE);
	assert_int_equal(client_send(c), 401);
	client_begin(c, STUN_ALLOCATE);
	stun_put_u32(&c->out, STUN_REQUESTED_TRANSPORT, 6u << 24);
	stun_put_u32(&c->out, STUN_REQUESTED_ADDRESS_FAMILY, family << 24);
	assert_int_equal(client_send(c), 0);
}

static int
setup(void **state)
{
	static struct both b;
	struct addr relayed;
	int i;

	fake_init(&b.f);
	b.f.conf.has_v6 = true;
	b.f.conf.max_permissions = b.f.conf.max_channels = 100;
	b.f.conf.max_connections = 100;
	fake_start(&b.f);
	client_init(&b.c[RELAY_V4], &b.f, "192.0.2.1:4000");
	client_init(&b.c[RELAY_V6], &b.f, "192.0.2.1:6000");
	for (i = 0; i < 2; i++) {
		client_begin(&b.c[i], STUN_ALLOCATE);
		assert_int_equal(client_send(&b.c[i]), 401);
		client_begin(&b.c[i], STUN_ALLOCATE);
		stun_put_u32(&b.c[i].out, STUN_REQUESTED_TRANSPORT, 17u << 24);
		stun_put_u32(&b.c[i].out, STUN_REQUESTED_ADDRESS_FAMILY,
		    (uint32_t)(i + 1) << 24);
		assert_int_equal(client_send(&b.c[i]), 0);
	}
	for (i = 0; i < 2; i++) {
		client_init(&b.tcp[i], &b.f,
		    i == RELAY_V4 ? "192.0.2.1:4001" : "192.0.2.1:6001");
		allocate_tcp(&b.tcp[i], (uint32_t)i + 1);
		relayed = client_relayed(&b.tcp[i]);
		b.listening[i] = fake_relay_at(&b.f, &relayed);
	}
	*state = &b;
	return 0;
}

static int
teardown(void **state)
{
	fake_fini(&((struct both *)*state)->f);
	return 0;
}

/* What an entry answers, in the words of the table. */
static void
expect(const char *peer, int got, int want, const char *entry)
{
	if (got != want)
		fail_msg("%s of %s: %d", entry, peer, got);
}

static void
expect_refused_tcp(struct both *b, struct client *c, const char *peer)
{
	expect(peer, client_permit(c, peer), 403, "CreatePermission (TCP)");
	expect(peer, client_connect(c, peer), 403, "Connect");
	assert_non_null(b->f.out.note.rule);
	assert_int_equal(0, fake_open_conns(&b->f));
}

static void
expect_refused(struct both *b, struct client *c, const char *peer)
{
	const uint64_t *drops =
	    &turn_server_stats(b->f.server)->reasons[TURN_SEND_DENIED];
	uint64_t before = *drops;

	expect(peer, client_permit(c, peer), 403, "CreatePermission");
	assert_non_null(b->f.out.note.rule);
	expect(peer, client_bind(c, 0x4000, peer), 403, "ChannelBind");
	assert_non_null(b->f.out.note.rule);
	client_send_data(c, peer, "x");
	expect(peer, b->f.out.to, TURN_NOBODY, "Send");
	expect(peer, (int)(*drops - before), 1, "drops by Send");
	client_channel_data(c, 0x4000, "x");
	expect(peer, b->f.out.to, TURN_NOBODY, "ChannelData");
}

static void
test_refused(void **state)
{
	struct both *b = *state;
	size_t i;

	for (i = 0; i < LEN(refused); i++) {
		expect_refused(b, &b->c[RELAY_V4], refused[i]);
		expect_refused(b, &b->c[RELAY_V6], refused[i]);
		expect_refused_tcp(b, &b->tcp[RELAY_V4], refused[i]);
		expect_refused_tcp(b, &b->tcp[RELAY_V6], refused[i]);
	}
}

static void
test_incoming_of_refused(void **state)
{
	struct both *b = *state;
	struct addr from;
	size_t i;

	for (i = 0; i < LEN(refused); i++) {
		from = fake_addr(refused[i]);
		fake_from_peer(&b->f, &from,
		    from.family == ADDR_V4 ? RELAY_V4 : RELAY_V6, "x", 1);
		expect(refused[i], b->f.out.to, TURN_NOBODY, "incoming");
		expect(refused[i],
		    (int)fake_arrives(
			&b->f, &from, b->listening[from.family == ADDR_V6]),
		    0, "incoming connection");
	}
}

static void
test_served(void **state)
{
	struct both *b = *state;
	const struct spelling *s;
	struct client *c;
	struct addr peer;
	size_t i;

	for (i = 0; i < LEN(served); i++) {
		s = &served[i];
		c = &b->c[s->relay];
		expect(
		    s->peer, client_permit(c, s->peer), 0, "CreatePermission");
		client_send_data(c, s->peer, "x");
		expect(s->peer, b->f.out.to, TURN_PEER, "Send");
		expect(s->peer, client_bind(c, (uint16_t)(0x4000 + i), s->peer),
		    0, "ChannelBind");
		expect(s->peer, client_connect(&b->tcp[s->relay], s->peer), -1,
		    "Connect");
		peer = fake_addr(s->peer);
		fake_dialed(&b->f, &peer, -ECONNREFUSED);
		expect(s->peer, client_permit(&b->tcp[s->relay], s->peer), 0,
		    "CreatePermission (TCP)");
		expect(s->peer,
		    fake_arrives(&b->f, &peer, b->listening[s->relay]) != 0, 1,
		    "incoming connection");
	}
}

/*
 * An own address is a peer only as a live relayed address of the transport that
 * it would be reached by, and at each connection anew.
 */
static void
test_own_address(void **state)
{
	struct both *b = *state;
	struct client *c = &b->tcp[RELAY_V4], other;
	struct addr udp = fake_addr("203.0.113.1:50000"), relayed;
	char peer[ADDR_STRLEN];
	uint32_t id;

	expect("UDP relay", client_connect(c, addr_format(&udp, peer)), 403,
	    "Connect");
	client_init(&other, &b->f, "192.0.2.1:7000");
	assert_int_equal(0, client_allocate_tcp(&other));
	relayed = client_relayed(&other);
	addr_format(&relayed, peer);
	expect("TCP relay", client_permit(&b->c[RELAY_V4], peer), 403,
	    "CreatePermission");
	expect(
	    "TCP relay", client_permit(c, peer), 0, "CreatePermission (TCP)");
	expect("TCP relay", client_connect(c, peer), -1, "Connect");
	fake_dialed(&b->f, &relayed, -ECONNREFUSED);
	id = fake_arrives(&b->f, &relayed, b->listening[RELAY_V4]);
	expect("TCP relay", id != 0, 1, "incoming connection");
	turn_server_conn_over(b->f.server, id, b->f.t);
	/* It goes, and with it what it was allowed. */
	assert_int_equal(0, client_refresh(&other, 0));
	expect("TCP relay", client_connect(c, peer), 403, "Connect");
	id = fake_arrives(&b->f, &relayed, b->listening[RELAY_V4]);
	expect("TCP relay", id != 0, 0, "incoming connection");
	assert_int_equal(TURN_CONN_DENIED, b->f.out.note.reason);
}

static void
test_other_family(void **state)
{
	struct both *b = *state;

	assert_int_equal(client_permit(&b->c[RELAY_V4], "[2a00::1]:9"), 443);
	assert_int_equal(client_permit(&b->c[RELAY_V6], "1.1.1.1:9"), 443);
	assert_int_equal(
	    client_bind(&b->c[RELAY_V6], 0x4000, "1.1.1.1:9"), 443);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_refused),
		CASE(test_incoming_of_refused),
		CASE(test_served),
		CASE(test_other_family),
		CASE(test_own_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
