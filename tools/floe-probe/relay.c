/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "tools/floe-probe/probe.h"

#define LIFETIME_S 600
#define CHANNEL    0x4000
#define PING_LEN   32
#define PING_TRIES 3 /* over UDP one may be lost */
#define PING_US    1000000

/* One end of a relayed path. */
struct side {
	struct link *link;
	struct client client;
	struct addr relayed;
};

static int
side_ask(struct side *s, const struct client_ask *what, struct trouble *t)
{
	struct client_reply reply;
	uint64_t rtt_us;

	return ask(s->link, &s->client, what, &reply, &rtt_us, t);
}

/* 0 or -errno with the trouble, c with what was told. */
static int
allocate(struct probe *p, struct side *s, struct link *l, bool ipv6,
    struct check *c, struct trouble *t)
{
	const struct client_ask what = {
		.method = STUN_ALLOCATE,
		.ipv6 = ipv6,
	};
	struct client_reply reply;
	int rc;

	*s = (struct side){ .link = l };
	s->client.user = p->user;
	s->client.password = p->password;
	rc = ask(l, &s->client, &what, &reply, &c->rtt_us, t);
	if (rc == 0 && reply.relayed.family == ADDR_NONE) {
		trouble_say(t, PROBLEM_NO_RELAY, "");
		rc = -ECONNABORTED;
	}
	if (rc != 0)
		return rc;
	s->relayed = reply.relayed;
	c->relayed = reply.relayed;
	c->mapped = reply.mapped;
	return 0;
}

static void
release(struct side *s, struct trouble *t)
{
	const struct client_ask what = { .method = STUN_REFRESH };

	(void)side_ask(s, &what, t);
}

/* Until the ping comes out at to; 0, or -errno. */
static int
ping_arrives(struct side *to, const uint8_t ping[PING_LEN], uint64_t until_us)
{
	uint8_t msg[LINK_MESSAGE_MAX];
	const uint8_t *data;
	struct addr peer;
	uint16_t channel;
	size_t len;
	ssize_t n;

	for (;;) {
		n = link_recv(to->link, msg, until_us);
		if (n < 0)
			return (int)n;
		if (link_now_us() >= until_us)
			return -ETIMEDOUT;
		if (client_data(msg, (size_t)n, &peer, &channel, &data, &len) ==
			0 &&
		    len == PING_LEN && memcmp(data, ping, PING_LEN) == 0)
			return 0;
	}
}

/* 0 with the time that it took, or -errno. */
static int
ping(struct side *from, struct side *to, uint16_t channel, uint64_t *took_us)
{
	uint8_t mem[256], data[PING_LEN];
	struct buf b = buf_fixed(mem, sizeof(mem));
	uint64_t sent_us;
	int i, rc = 0;

	crypto_random(data, sizeof(data));
	rc = client_send(&to->relayed, channel, data, sizeof(data), &b);
	for (i = 0; rc == 0 && i < PING_TRIES; i++) {
		sent_us = link_now_us();
		rc = link_send(from->link, b.data, b.len);
		if (rc == 0)
			rc = ping_arrives(to, data, sent_us + PING_US);
		if (rc == 0) {
			*took_us = link_now_us() - sent_us;
			return 0;
		}
		if (rc == -ETIMEDOUT)
			rc = 0;
	}
	return rc != 0 ? rc : -ETIMEDOUT;
}

static int
permit(struct side *s, const struct side *peer, struct trouble *t)
{
	const struct client_ask what = {
		.method = STUN_CREATE_PERMISSION,
		.peer = peer->relayed,
	};

	return side_ask(s, &what, t);
}

static int
bind_channel(struct side *s, const struct side *peer, struct trouble *t)
{
	const struct client_ask what = {
		.method = STUN_CHANNEL_BIND,
		.peer = peer->relayed,
		.channel = CHANNEL,
	};

	return side_ask(s, &what, t);
}

/*
 * There by an indication, back on a channel. Both ends are relayed addresses
 * of the one server: every other peer may be refused, be it this machine's
 * private address or one that a firewall guards.
 */
static int
round_trip(struct side *a, struct side *b, struct check *c, struct trouble *t)
{
	uint64_t there_us = 0, back_us = 0;
	int rc = permit(a, b, t);

	if (rc == 0 && a != b)
		rc = permit(b, a, t);
	if (rc != 0)
		return rc;
	rc = ping(a, b, 0, &there_us);
	if (rc != 0) {
		trouble_say(t, PROBLEM_RELAY_SILENT, "a Send indication");
		return rc;
	}
	rc = bind_channel(b, a, t);
	if (rc != 0)
		return rc;
	rc = ping(b, a, CHANNEL, &back_us);
	if (rc != 0)
		trouble_say(t, PROBLEM_RELAY_SILENT, "a channel");
	c->rtt_us = there_us + back_us;
	return rc;
}

static void
check_relay(struct probe *p, const struct target *t, struct side *a, bool ipv6)
{
	struct check c = target_begin(t, STEP_RELAY), unused;
	struct trouble trouble;
	struct link l;
	struct side b;

	c.relayed = a->relayed;
	/* Who may have one allocation only talks to himself. */
	if (target_open(p, t, &l, &trouble) == 0 &&
	    allocate(p, &b, &l, ipv6, &unused, &trouble) == 0) {
		(void)round_trip(a, &b, &c, &trouble);
		target_tell(p, &c, &trouble);
		release(&b, &trouble);
	} else {
		(void)round_trip(a, a, &c, &trouble);
		target_tell(p, &c, &trouble);
	}
	link_close(&l);
}

static void
check_refresh(
    struct probe *p, const struct target *t, struct side *a, enum step step)
{
	const struct client_ask what = {
		.method = STUN_REFRESH,
		.lifetime = step == STEP_CLOSE ? 0 : LIFETIME_S,
	};
	struct check c = target_begin(t, step);
	struct client_reply reply;
	struct trouble trouble;

	(void)ask(a->link, &a->client, &what, &reply, &c.rtt_us, &trouble);
	target_tell(p, &c, &trouble);
}

/* An allocation, and whether its address is of use to anybody. */
static void
tell_allocation(struct probe *p, struct check *c, int rc, struct trouble *t)
{
	char text[ADDR_STRLEN];

	if (t->problem == PROBLEM_NO_FAMILY)
		c->result = RESULT_NOTE;
	if (rc == 0 && report_relay_hidden(&c->relayed, &c->server))
		trouble_say(
		    t, PROBLEM_PRIVATE_RELAY, addr_format(&c->relayed, text));
	target_tell(p, c, t);
}

/* An IPv6 relay on a connection of its own. */
static void
check_ipv6(struct probe *p, const struct target *t)
{
	struct check c = target_begin(t, STEP_ALLOCATE_IPV6);
	struct trouble trouble;
	struct link l;
	struct side s;
	int rc = target_open(p, t, &l, &trouble);

	if (rc == 0)
		rc = allocate(p, &s, &l, true, &c, &trouble);
	tell_allocation(p, &c, rc, &trouble);
	if (rc == 0) {
		check_relay(p, t, &s, true);
		release(&s, &trouble);
	}
	link_close(&l);
}

void
relay_check(struct probe *p, const struct target *t, struct link *l)
{
	struct check c = target_begin(t, STEP_ALLOCATE);
	struct trouble trouble;
	struct side a;
	int rc = allocate(p, &a, l, false, &c, &trouble);

	/* The way is free: Binding was answered on it. */
	if (rc == -ETIMEDOUT)
		trouble_say(&trouble, PROBLEM_NOT_TURN,
		    "it lets an Allocate "
		    "request pass by");
	tell_allocation(p, &c, rc, &trouble);
	if (rc == 0) {
		check_relay(p, t, &a, false);
		check_refresh(p, t, &a, STEP_REFRESH);
		check_refresh(p, t, &a, STEP_CLOSE);
	}
	link_close(l);
	if (rc == 0 || c.problem == PROBLEM_NO_FAMILY)
		check_ipv6(p, t);
}
