/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/turnd_run.h"

#define COOKIE "obMatJos2" /* RFC 8489 section 9.2 */

/* The script's next word names this CONNECTION-ID, or is the name that it has
 * already. */
static void
expect_conn(struct run *r, struct words *w, uint32_t id)
{
	const char *name = words_next(w);
	const uint32_t *known = run_conn(r, name);

	if (known != NULL) {
		if (*known != id)
			run_fail(r, w, "another connection");
		return;
	}
	if (id == 0 || r->nconns == NAMES_MAX) {
		run_fail(r, w, "no CONNECTION-ID");
		return;
	}
	snprintf(
	    r->conns[r->nconns].name, sizeof(r->conns[0].name), "%s", name);
	r->conns[r->nconns++].id = id;
}

static const char *
reason_now(const struct run *r)
{
	return turn_reason_info(r->f.out.note.reason)->name;
}

/* The value of UNKNOWN-ATTRIBUTES. */
static void
expect_unknown(struct run *r, struct words *w, const struct client *c)
{
	const struct stun_attr *a =
	    stun_find(&c->answer, STUN_UNKNOWN_ATTRIBUTES);
	uint8_t want[64];
	size_t n = words_hex(w, want, sizeof(want));

	if (a == NULL || a->len != n ||
	    memcmp(stun_value(&c->answer, a), want, n) != 0)
		run_fail(r, w, "other UNKNOWN-ATTRIBUTES: %zu bytes",
		    a == NULL ? (size_t)0 : a->len);
}

/*
 * What RFC 8489 sections 6.3.1.1 and 9.2.4 ask of every answer: a challenge
 * has all that the client needs and no seal, and nothing else is a challenge;
 * nobody's name goes back; 420 lists what is unknown.
 */
static const char *
unsound(const struct client *c, int code)
{
	static const uint16_t challenge[] = { STUN_REALM, STUN_NONCE,
		STUN_PASSWORD_ALGORITHMS };
	static const uint16_t never[] = { STUN_USERNAME, STUN_USERHASH,
		STUN_PASSWORD_ALGORITHM };
	const struct stun_msg *m = &c->answer;
	bool asks = code == 401 || code == 438;
	size_t i;

	for (i = 0; i < sizeof(challenge) / sizeof(challenge[0]); i++) {
		if ((stun_find(m, challenge[i]) != NULL) != asks)
			return asks ? "half a challenge" : "a challenge";
		if (stun_find(m, never[i]) != NULL)
			return "the answer names the user";
	}
	if (asks &&
	    (stun_find(m, STUN_MESSAGE_INTEGRITY) != NULL ||
		stun_find(m, STUN_MESSAGE_INTEGRITY_SHA256) != NULL))
		return "a sealed challenge";
	if ((code == 420) != (stun_find(m, STUN_UNKNOWN_ATTRIBUTES) != NULL))
		return "420 and UNKNOWN-ATTRIBUTES go together";
	return NULL;
}

/* The n-th ALTERNATE-SERVER. */
static void
expect_alternate(struct run *r, struct words *w, const struct client *c, int n)
{
	struct stun_msg m = c->answer;
	struct addr want = fake_addr(words_next(w)), got;
	size_t i;

	for (i = 0; i < m.nattrs; i++) {
		if (m.attrs[i].type == STUN_ALTERNATE_SERVER && n-- == 0)
			break;
	}
	if (i == m.nattrs) {
		run_fail(r, w, "no such ALTERNATE-SERVER");
		return;
	}
	/* The getter takes the first. */
	m.attrs[0] = m.attrs[i];
	if (stun_get_addr(&m, STUN_ALTERNATE_SERVER, &got) != 0 ||
	    !addr_equal(&got, &want))
		run_fail(r, w, "another ALTERNATE-SERVER");
	if (!c->authentic)
		run_fail(r, w, "the answer is not protected");
}

static void
expect_domain(struct run *r, struct words *w, const struct client *c)
{
	const struct stun_attr *a =
	    stun_find(&c->answer, STUN_ALTERNATE_DOMAIN);
	const char *want = words_next(w);

	if (a == NULL || a->len != strlen(want) ||
	    memcmp(stun_value(&c->answer, a), want, a->len) != 0)
		run_fail(r, w, "another ALTERNATE-DOMAIN, or none");
}

/* After an error code or "nothing": a reason, and what a challenge tells. */
static void
expect_refusal(struct run *r, struct words *w, const struct client *c)
{
	uint8_t offer[sizeof(c->offer)];
	int nalternates = 0;
	char *word;
	size_t n;

	for (word = words_next(w); *word != '\0' && !r->failed;
	     word = words_next(w)) {
		if (c != NULL && strcmp(word, "offer") == 0) {
			n = words_hex(w, offer, sizeof(offer));
			if (n != c->offer_len ||
			    memcmp(offer, c->offer, n) != 0)
				run_fail(
				    r, w, "offered: %zu bytes", c->offer_len);
		} else if (c != NULL && strcmp(word, "unknown") == 0) {
			expect_unknown(r, w, c);
		} else if (c != NULL && strcmp(word, "third-party") == 0) {
			if (strcmp(words_next(w), c->third_party) != 0)
				run_fail(
				    r, w, "third party %s", c->third_party);
		} else if (c != NULL && strcmp(word, "in") == 0) {
			if (strcmp(words_next(w), c->realm) != 0)
				run_fail(r, w, "challenged by %s", c->realm);
		} else if (c != NULL && strcmp(word, "alternate") == 0) {
			expect_alternate(r, w, c, nalternates++);
		} else if (c != NULL && strcmp(word, "domain") == 0) {
			expect_domain(r, w, c);
		} else if (c != NULL && strcmp(word, "features") == 0) {
			word = words_next(w);
			if (strncmp(c->nonce, COOKIE, strlen(COOKIE)) != 0 ||
			    strncmp(c->nonce + strlen(COOKIE), word, 4) != 0)
				run_fail(r, w, "the nonce is %s", c->nonce);
		} else if (strcmp(word, reason_now(r)) != 0) {
			run_fail(r, w, "the reason is %s", reason_now(r));
		}
	}
}

static void
expect_addr(
    struct run *r, struct words *w, const char *what, const struct addr *got)
{
	struct addr want = fake_addr(words_next(w));
	char text[ADDR_STRLEN];

	if (!addr_equal(got, &want))
		run_fail(r, w, "%s is %s", what, addr_format(got, text));
}

/* Is there an n-th relayed address in the answer? */
static bool
relayed_at(const struct client *c, int n, struct addr *out)
{
	const struct stun_msg *m = &c->answer;
	size_t i;

	for (i = 0; i < m->nattrs; i++) {
		if (m->attrs[i].type == STUN_XOR_RELAYED_ADDRESS && n-- == 0)
			return stun_read_xor_addr(m, &m->attrs[i], out) == 0;
	}
	return false;
}

/* ADDRESS-ERROR-CODE: the family and the code. */
static void
expect_denied(struct run *r, struct words *w, const struct client *c)
{
	const struct stun_attr *a =
	    stun_find(&c->answer, STUN_ADDRESS_ERROR_CODE);
	uint32_t family = run_family(words_next(w)), code = words_number(w);
	const uint8_t *v;

	if (a == NULL) {
		run_fail(r, w, "no ADDRESS-ERROR-CODE");
		return;
	}
	v = stun_value(&c->answer, a);
	if (v[0] != family || v[1] != 0 || v[2] * 100u + v[3] != code)
		run_fail(r, w, "denied %u %u", v[0], v[2] * 100u + v[3]);
}

static void
expect_success(struct run *r, struct words *w, const struct client *c)
{
	struct addr a;
	int relayed = 0, tickets = 0;
	char *word;

	if (!r->is_request || r->code != 0) {
		run_fail(r, w, "answered %d (%s)", r->code, reason_now(r));
		return;
	}
	if (c->nonce[0] != '\0' && !c->authentic && !r->f.conf.no_auth &&
	    c->answer.method != STUN_BINDING)
		run_fail(r, w, "the answer is not protected");
	for (word = words_next(w); *word != '\0' && !r->failed;
	     word = words_next(w)) {
		if (strcmp(word, "relayed") == 0) {
			a = client_relayed(c);
			expect_addr(r, w, word, &a);
			relayed++;
		} else if (strcmp(word, "relayed-too") == 0) {
			if (relayed_at(c, 1, &a))
				expect_addr(r, w, word, &a);
			else
				run_fail(r, w, "one relayed address");
			relayed++;
		} else if (strcmp(word, "denied") == 0) {
			expect_denied(r, w, c);
		} else if (strcmp(word, "mapped") == 0) {
			if (stun_get_xor_addr(
				&c->answer, STUN_XOR_MAPPED_ADDRESS, &a) != 0)
				run_fail(r, w, "no mapped address");
			else
				expect_addr(r, w, word, &a);
		} else if (strcmp(word, "lifetime") == 0) {
			if (client_lifetime(c) != words_number(w))
				run_fail(
				    r, w, "lifetime %u", client_lifetime(c));
		} else if (strcmp(word, "id") == 0) {
			expect_conn(r, w, client_conn(c));
		} else if (strcmp(word, "joins") == 0) {
			if (r->f.out.then != TURN_THEN_JOIN)
				run_fail(r, w, "joins nothing");
			expect_conn(r, w, r->f.out.conn);
		} else if (strcmp(word, "ticket") == 0) {
			if (words_number(w) != r->ticket)
				run_fail(r, w, "ticket %zu", r->ticket);
			tickets++;
		} else if (strcmp(word, "token") == 0) {
			if (stun_find(&c->answer, STUN_RESERVATION_TOKEN) ==
			    NULL)
				run_fail(r, w, "no token");
		} else {
			run_fail(r, w, "unknown word %s", word);
		}
	}
	if (r->ticket != 0 && tickets == 0)
		run_fail(r, w, "a ticket");
	if (relayed > 0 && relayed_at(c, relayed, &a))
		run_fail(r, w, "one more relayed address");
}

static void
expect_bytes(struct run *r, struct words *w, const void *data, size_t len)
{
	const char *text = words_next(w);

	if (strlen(text) != len || memcmp(text, data, len) != 0)
		run_fail(r, w, "%zu bytes \"%.*s\"", len, (int)len,
		    (const char *)data);
}

static void
expect_to_peer(struct run *r, struct words *w)
{
	const struct turn_out *out = &r->f.out;

	if (out->to != TURN_PEER) {
		run_fail(r, w, "nothing to a peer (%s)", reason_now(r));
		return;
	}
	expect_addr(r, w, "the peer", out->dst);
	expect_bytes(r, w, r->f.sent, r->f.sent_len);
	if (out->whole != (strcmp(words_next(w), "whole") == 0))
		run_fail(r, w, "DF is %s", out->whole ? "set" : "clear");
}

/* "at CLIENT" may follow. */
static void
expect_at(struct run *r, struct words *w)
{
	if (!r->failed && strcmp(words_next(w), "at") == 0)
		expect_addr(r, w, "the client", r->f.out.dst);
}

static void
expect_channel_data(struct run *r, struct words *w)
{
	const uint8_t *data;
	uint16_t channel;
	size_t len;

	if (r->f.out.to != TURN_CLIENT ||
	    stun_channel_decode(
		r->f.sent, r->f.sent_len, &channel, &data, &len) != 0) {
		run_fail(r, w, "no ChannelData (%s)", reason_now(r));
		return;
	}
	if (channel != words_number(w))
		run_fail(r, w, "channel 0x%x", channel);
	expect_bytes(r, w, data, len);
	expect_at(r, w);
}

static void
expect_data(struct run *r, struct words *w)
{
	const struct stun_attr *data;
	struct stun_msg m;
	struct addr peer;

	if (r->f.out.to != TURN_CLIENT ||
	    stun_decode(r->f.sent, r->f.sent_len, &m) != 0 ||
	    m.class != STUN_INDICATION || m.method != STUN_DATA ||
	    stun_get_xor_addr(&m, STUN_XOR_PEER_ADDRESS, &peer) != 0 ||
	    (data = stun_find(&m, STUN_DATA_ATTR)) == NULL) {
		run_fail(r, w, "no Data indication (%s)", reason_now(r));
		return;
	}
	expect_addr(r, w, "the peer", &peer);
	expect_bytes(r, w, stun_value(&m, data), data->len);
	expect_at(r, w);
}

/* The peer, the attribute in hex, and who hears it. */
static void
expect_icmp(struct run *r, struct words *w)
{
	const struct stun_attr *icmp;
	uint8_t want[8];
	struct stun_msg m;
	struct addr peer;

	if (r->f.out.to != TURN_CLIENT ||
	    stun_decode(r->f.sent, r->f.sent_len, &m) != 0 ||
	    m.class != STUN_INDICATION || m.method != STUN_DATA ||
	    stun_get_xor_addr(&m, STUN_XOR_PEER_ADDRESS, &peer) != 0 ||
	    stun_find(&m, STUN_DATA_ATTR) != NULL ||
	    (icmp = stun_find(&m, STUN_ICMP)) == NULL) {
		run_fail(r, w, "no word of ICMP (%s)", reason_now(r));
		return;
	}
	expect_addr(r, w, "the peer", &peer);
	if (words_hex(w, want, sizeof(want)) != icmp->len ||
	    memcmp(want, stun_value(&m, icmp), icmp->len) != 0)
		run_fail(r, w, "another ICMP");
	expect_addr(r, w, "the client", r->f.out.dst);
}

/* A connect is under way, and the client hears of it when it ends. */
static void
expect_dials(struct run *r, struct words *w)
{
	struct addr want = fake_addr(words_next(w));
	const struct fake *f = &r->f;
	size_t i;

	for (i = 0; i < f->nconns; i++) {
		if (f->conns[i].dialing && addr_equal(&f->conns[i].peer, &want))
			break;
	}
	if (r->code != -1 || i == f->nconns)
		run_fail(r, w, "code %d, no connect to there", r->code);
}

/* A ConnectionAttempt to the owner of the relayed address. */
static void
expect_attempt(struct run *r, struct words *w)
{
	uint32_t id = 0;
	struct stun_msg m;
	struct addr peer;

	if (r->f.out.to != TURN_CLIENT ||
	    stun_decode(r->f.sent, r->f.sent_len, &m) != 0 ||
	    m.class != STUN_INDICATION || m.method != STUN_CONNECTION_ATTEMPT ||
	    stun_get_xor_addr(&m, STUN_XOR_PEER_ADDRESS, &peer) != 0 ||
	    stun_get_u32(&m, STUN_CONNECTION_ID, &id) != 0) {
		run_fail(r, w, "no ConnectionAttempt (%s)", reason_now(r));
		return;
	}
	expect_addr(r, w, "the peer", &peer);
	words_next(w); /* id */
	expect_conn(r, w, id);
}

void
run_expect(struct run *r, struct words *w, const struct client *c)
{
	const char *what = words_next(w), *wrong;

	wrong = r->is_request && r->code >= 0 ? unsound(c, r->code) : NULL;
	if (wrong != NULL)
		run_fail(r, w, "%d: %s", r->code, wrong);
	if (strcmp(w->before, "expect") != 0)
		run_fail(r, w, "no expect");
	else if (strcmp(what, "success") == 0)
		expect_success(r, w, c);
	else if (strcmp(what, "dials") == 0)
		expect_dials(r, w);
	else if (strcmp(what, "attempt") == 0)
		expect_attempt(r, w);
	else if (strcmp(what, "to-peer") == 0)
		expect_to_peer(r, w);
	else if (strcmp(what, "channel-data") == 0)
		expect_channel_data(r, w);
	else if (strcmp(what, "data") == 0)
		expect_data(r, w);
	else if (strcmp(what, "icmp") == 0)
		expect_icmp(r, w);
	else if (strcmp(what, "nothing") == 0 && r->f.out.to == TURN_NOBODY)
		expect_refusal(r, w, c);
	else if (r->is_request && atoi(what) != 0 && atoi(what) == r->code)
		expect_refusal(r, w, c);
	else
		run_fail(r, w, "code %d, reason %s, %zu bytes", r->code,
		    reason_now(r), r->f.sent_len);
}
