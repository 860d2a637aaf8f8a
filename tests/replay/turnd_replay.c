/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turnd_replay: runs scripts (README.md) against turnd/core. Without arguments
 * all of tests/replay/turnd; ends with 1 when one of them failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/turnd_run.h"

#define SCRIPTS "tests/replay/turnd"

static void
do_elapse(struct run *r, struct words *w)
{
	char *unit;
	uint64_t n = strtoull(words_next(w), &unit, 10);
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 } };
	size_t i;

	run_start(r);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) == 0) {
			fake_elapse(&r->f, n * units[i].ms);
			return;
		}
	}
	run_fail(r, w, "elapse in ms, s, m or h");
}

static void
do_live(struct run *r, struct words *w)
{
	uint64_t want = strtoull(words_next(w), NULL, 10);
	uint64_t live;

	run_start(r);
	live = turn_server_stats(r->f.server)->allocations;
	if (live != want)
		run_fail(r, w, "%llu live", (unsigned long long)live);
}

static void
do_record(struct run *r, struct words *w)
{
	char *name = words_next(w), *word;
	const char *password = run_cut_user(name);
	struct turn_record *rec;
	char *realm = NULL;

	if (*password == '\0') {
		words_next(w); /* gone */
		fake_forget(&r->f, name);
		return;
	}
	(void)words_take(w, "realm", &realm);
	rec = fake_record(&r->f, realm, name, password);
	while (*(word = words_next(w)) != '\0') {
		if (strcmp(word, "quota") == 0)
			rec->quota = words_number(w);
		else if (strcmp(word, "bandwidth") == 0)
			rec->bandwidth = words_number(w);
		else if (strcmp(word, "expires") == 0)
			rec->expires_s = words_number(w);
		else
			run_fail(r, w, "unknown word %s", word);
	}
}

/* records fail|work|pending|busy */
static void
do_records(struct run *r, struct words *w)
{
	static const struct {
		const char *word;
		int error;
	} rows[] = { { "work", 0 }, { "fail", -EIO },
		{ "pending", -EINPROGRESS }, { "busy", -EBUSY } };
	const char *word = words_next(w);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(word, rows[i].word) == 0) {
			r->f.records_error = rows[i].error;
			return;
		}
	}
	run_fail(r, w, "records work, fail, pending or busy");
}

/* so many peers' connections live now, for the core and for the shell */
static void
do_connections(struct run *r, struct words *w)
{
	uint64_t want = words_number(w), live;

	run_start(r);
	live = turn_server_stats(r->f.server)->connections;
	if (live != want || fake_open_conns(&r->f) != want)
		run_fail(r, w, "%llu live, %zu open", (unsigned long long)live,
		    fake_open_conns(&r->f));
}

static void
do_over(struct run *r, struct words *w)
{
	const uint32_t *id = run_conn(r, words_next(w));

	if (id == NULL)
		run_fail(r, w, "no connection of this name");
	else
		turn_server_conn_over(r->f.server, *id, r->f.t);
}

/* The n-th that was answered. */
static void
put_ticket(const struct run *r, struct client *c, size_t n)
{
	if (n >= 1 && n <= r->ntickets)
		stun_put(&c->out, STUN_MOBILITY_TICKET, r->tickets[n - 1],
		    TICKET_LEN);
}

/* What clients learn from answers to use it later. */
static void
keep_answer(struct run *r, const struct client *c)
{
	const struct stun_attr *token, *ticket;

	token = stun_find(&c->answer, STUN_RESERVATION_TOKEN);
	if (token != NULL)
		memcpy(r->token, stun_value(&c->answer, token), TURN_TOKEN_LEN);
	ticket = stun_find(&c->answer, STUN_MOBILITY_TICKET);
	r->ticket = 0;
	if (ticket == NULL || ticket->len != TICKET_LEN)
		return;
	while (r->ticket < r->ntickets &&
	    memcmp(r->tickets[r->ticket], stun_value(&c->answer, ticket),
		TICKET_LEN) != 0)
		r->ticket++;
	if (r->ticket == TICKETS_MAX)
		return;
	memcpy(
	    r->tickets[r->ticket], stun_value(&c->answer, ticket), TICKET_LEN);
	if (r->ticket++ == r->ntickets)
		r->ntickets++;
}

/* Attributes and modifiers up to "expect". False on an unknown word. */
static bool
put_words(struct run *r, struct client *c, struct words *w, bool *transport)
{
	uint8_t raw[256];
	struct addr a;
	char *word;

	for (word = words_next(w); *word != '\0' && strcmp(word, "expect") != 0;
	     word = words_next(w)) {
		if (strcmp(word, "peer") == 0) {
			a = fake_addr(words_next(w));
			stun_put_xor_addr(&c->out, STUN_XOR_PEER_ADDRESS, &a);
		} else if (strcmp(word, "lifetime") == 0) {
			stun_put_u32(&c->out, STUN_LIFETIME, words_number(w));
		} else if (strcmp(word, "family") == 0) {
			stun_put_u32(&c->out, STUN_REQUESTED_ADDRESS_FAMILY,
			    run_family(words_next(w)) << 24);
		} else if (strcmp(word, "additional") == 0) {
			stun_put_u32(&c->out, STUN_ADDITIONAL_ADDRESS_FAMILY,
			    run_family(words_next(w)) << 24);
		} else if (strcmp(word, "transport") == 0) {
			*transport = false;
			if (strcmp(words_next(w), "none") != 0)
				stun_put_u32(&c->out, STUN_REQUESTED_TRANSPORT,
				    (uint32_t)strtoul(w->last, NULL, 0) << 24);
		} else if (strcmp(word, "even-port") == 0) {
			stun_put(&c->out, STUN_EVEN_PORT, "\0", 1);
		} else if (strcmp(word, "even-port-reserve") == 0) {
			stun_put(&c->out, STUN_EVEN_PORT, "\x80", 1);
		} else if (strcmp(word, "mobility") == 0) {
			stun_put(&c->out, STUN_MOBILITY_TICKET, NULL, 0);
		} else if (strcmp(word, "ticket") == 0) {
			put_ticket(r, c, words_number(w));
		} else if (strcmp(word, "token") == 0) {
			stun_put(&c->out, STUN_RESERVATION_TOKEN, r->token,
			    sizeof(r->token));
		} else if (strcmp(word, "origin") == 0) {
			word = words_next(w);
			stun_put(&c->out, STUN_ORIGIN, word, strlen(word));
		} else if (strcmp(word, "id") == 0) {
			const uint32_t *id = run_conn(r, words_next(w));

			stun_put_u32(&c->out, STUN_CONNECTION_ID,
			    id != NULL ? *id
				       : (uint32_t)strtoul(w->last, NULL, 0));
		} else if (strcmp(word, "attr") == 0) {
			uint16_t type = (uint16_t)words_number(w);

			stun_put(
			    &c->out, type, raw, words_hex(w, raw, sizeof(raw)));
		} else {
			return false;
		}
	}
	return true;
}

/* The type that a credential goes by in scripts; 0: none of them. */
static uint16_t
credential_of(const char *word)
{
	static const struct {
		const char *name;
		uint16_t type;
	} rows[] = {
		{ "username", STUN_USERNAME },
		{ "userhash", STUN_USERHASH },
		{ "realm", STUN_REALM },
		{ "nonce", STUN_NONCE },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(word, rows[i].name) == 0)
			return rows[i].type;
	}
	return 0;
}

/* token KID MAC AGE LIFETIME (of a token that was made AGE seconds ago), or mac
 * KID MAC: the same without the token; broken-token. */
static void
take_token(struct run *r, struct client *c, struct words *w)
{
	char *kid, *mac, *age, *lifetime;

	c->mac = NULL;
	c->token_broken = words_take(w, "broken-token", NULL);
	c->with_token = words_take(w, "by-token", &kid) &&
	    words_take(w, "age", &age) && words_take(w, "for", &lifetime);
	if (c->with_token) {
		c->token_issued_s = r->f.t.wall_s - (uint64_t)atoll(age);
		c->token_lifetime_s = (uint32_t)atoll(lifetime);
	} else if (!words_take(w, "by-kid", &kid)) {
		return;
	}
	c->user = kid;
	c->mac = words_take(w, "mac", &mac) ? mac : "";
}

/* What the words say of RFC 8489; without them a client is one of RFC 5389. */
static void
take_modern(struct client *c, struct words *w)
{
	char *word;

	c->algorithm = 0;
	if (words_take(w, "algorithm", &word)) {
		c->algorithm = (uint32_t)strtoul(word, NULL, 0) << 16;
		if (strcmp(word, "sha256") == 0)
			c->algorithm = STUN_PASSWORD_SHA256;
		else if (strcmp(word, "md5") == 0)
			c->algorithm = STUN_PASSWORD_MD5;
	}
	c->sha256 = words_take(w, "sha256", NULL);
	c->sha1_too = words_take(w, "sha1-too", NULL);
	c->userhash = words_take(w, "userhash", NULL);
}

/* The modifiers come first in effect, wherever they stand, because the
 * transaction id is written at the beginning. Takes them out of the line. */
static void
take_modifiers(struct run *r, struct client *c, struct words *w)
{
	char *user;

	c->same_id = words_take(w, "again", NULL);
	c->no_integrity = words_take(w, "unsigned", NULL);
	c->without = words_take(w, "without", &user) ? credential_of(user) : 0;
	if (words_take(w, "anonymous", NULL))
		c->nonce[0] = '\0';
	if (words_take(w, "realm", &user))
		snprintf(c->realm, sizeof(c->realm), "%s", user);
	if (words_take(w, "nonce", &user))
		snprintf(c->nonce, sizeof(c->nonce), "%s", user);
	take_modern(c, w);
	c->user = "alice";
	c->password = "wonderland";
	if (words_take(w, "user", &user)) {
		c->password = run_cut_user(user);
		c->user = user;
	}
	take_token(r, c, w);
}

static const struct {
	const char *name;
	uint16_t method;
} methods[] = {
	{ "binding", STUN_BINDING },
	{ "allocate", STUN_ALLOCATE },
	{ "refresh", STUN_REFRESH },
	{ "create-permission", STUN_CREATE_PERMISSION },
	{ "channel-bind", STUN_CHANNEL_BIND },
	{ "connect", STUN_CONNECT },
	{ "connection-bind", STUN_CONNECTION_BIND },
};

static void
do_request(struct run *r, struct client *c, struct words *w, uint16_t method)
{
	bool transport = method == STUN_ALLOCATE;

	take_modifiers(r, c, w);
	client_begin(c, method);
	if (method == STUN_CHANNEL_BIND)
		stun_put_u32(
		    &c->out, STUN_CHANNEL_NUMBER, words_number(w) << 16);
	if (!put_words(r, c, w, &transport)) {
		run_fail(r, w, "unknown word %s", w->last);
		return;
	}
	/* Unless the script asks for another one. */
	if (transport)
		stun_put_u32(&c->out, STUN_REQUESTED_TRANSPORT, 17u << 24);
	r->is_request = true;
	r->code = client_send(c);
	r->ticket = 0;
	if (r->code == 0)
		keep_answer(r, c);
}

static void
do_client(struct run *r, struct words *w, struct client **who)
{
	struct client *c = run_client(r, words_next(w));
	uint8_t raw[TEXT_MAX];
	uint16_t channel;
	char *action;
	size_t i;

	*who = c;
	c->stream = r->stream;
	words_next(w); /* > */
	action = words_next(w);
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(action, methods[i].name) == 0) {
			do_request(r, c, w, methods[i].method);
			return;
		}
	}
	if (strcmp(action, "send") == 0) {
		c->whole = words_take(w, "dont-fragment", NULL);
		words_next(w); /* peer */
		action = words_next(w);
		client_send_data(c, action, words_next(w));
	} else if (strcmp(action, "channel-data") == 0) {
		channel = (uint16_t)words_number(w);
		client_channel_data(c, channel, words_next(w));
	} else if (strcmp(action, "raw") == 0) {
		i = words_hex(w, raw, sizeof(raw));
		fake_from_client(&r->f, &c->addr, raw, i);
	} else {
		run_fail(r, w, "unknown action %s", action);
	}
	words_next(w); /* expect */
}

static void
do_peer(struct run *r, struct words *w)
{
	struct addr peer = fake_addr(words_next(w)), relayed;
	const char *text;

	words_next(w); /* > */
	relayed = fake_addr(words_next(w));
	text = words_next(w);
	fake_from_peer(
	    &r->f, &peer, fake_relay_at(&r->f, &relayed), text, strlen(text));
	words_next(w); /* expect */
}

/* drain on [ADDR], drain off */
static void
do_drain(struct run *r, struct words *w)
{
	bool on = strcmp(words_next(w), "on") == 0;
	const char *instead = words_next(w);
	struct addr a;

	if (*instead != '\0')
		a = fake_addr(instead);
	turn_server_drain(r->f.server, on, *instead != '\0' ? &a : NULL);
}

/* icmp TYPE CODE MTU about PEER > RELAYED */
static void
do_icmp(struct run *r, struct words *w)
{
	struct turn_icmp icmp;
	struct addr relayed;

	icmp.type = (uint8_t)words_number(w);
	icmp.code = (uint8_t)words_number(w);
	icmp.mtu = words_number(w);
	words_next(w); /* about */
	icmp.peer = fake_addr(words_next(w));
	words_next(w); /* > */
	relayed = fake_addr(words_next(w));
	icmp.relay = fake_relay_at(&r->f, &relayed);
	fake_icmp(&r->f, &icmp);
	words_next(w); /* expect */
}

/* The client that the last message went to hears an answer. */
static struct client *
do_hear(struct run *r)
{
	size_t i;

	for (i = 0; i < r->nclients && r->f.out.to == TURN_CLIENT; i++) {
		if (!addr_equal(&r->clients[i].addr, r->f.out.dst))
			continue;
		r->is_request = true;
		r->code = client_hear(&r->clients[i]);
		return &r->clients[i];
	}
	return NULL;
}

/* dialed PEER ok|refused|unreachable|reset */
static struct client *
do_dialed(struct run *r, struct words *w)
{
	static const struct {
		const char *name;
		int err;
	} ends[] = { { "ok", 0 }, { "refused", -ECONNREFUSED },
		{ "unreachable", -EHOSTUNREACH },
		{ "no-address", -EADDRNOTAVAIL } };
	struct addr peer = fake_addr(words_next(w));
	const char *end = words_next(w);
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(end, ends[i].name) == 0) {
			fake_dialed(&r->f, &peer, ends[i].err);
			words_next(w); /* expect */
			return do_hear(r);
		}
	}
	run_fail(r, w, "unknown end of a connect");
	return NULL;
}

/* overdue: the next connect that took too long */
static struct client *
do_overdue(struct run *r, struct words *w)
{
	fake_overdue(&r->f);
	words_next(w); /* expect */
	return do_hear(r);
}

/* arrives PEER > RELAYED */
static void
do_arrives(struct run *r, struct words *w)
{
	struct addr peer = fake_addr(words_next(w)), relayed;

	words_next(w); /* > */
	relayed = fake_addr(words_next(w));
	fake_arrives(&r->f, &peer, fake_relay_at(&r->f, &relayed));
	words_next(w); /* expect */
}

static void
do_line(struct run *r, struct words *w)
{
	const char *verb = words_next(w);
	struct client *c = NULL;

	r->is_request = false;
	r->code = -1;
	if (*verb == '\0')
		return;
	if (strcmp(verb, "conf") == 0) {
		run_conf(r, w);
	} else if (strcmp(verb, "elapse") == 0) {
		do_elapse(r, w);
	} else if (strcmp(verb, "link") == 0) {
		r->f.link = (uint16_t)words_number(w);
	} else if (strcmp(verb, "record") == 0) {
		do_record(r, w);
	} else if (strcmp(verb, "records") == 0) {
		do_records(r, w);
	} else if (strcmp(verb, "live") == 0) {
		do_live(r, w);
	} else if (strcmp(verb, "connections") == 0) {
		do_connections(r, w);
	} else if (strcmp(verb, "over") == 0) {
		do_over(r, w);
	} else if (strcmp(verb, "dialed") == 0) {
		c = do_dialed(r, w);
		run_expect(r, w, c);
	} else if (strcmp(verb, "overdue") == 0) {
		c = do_overdue(r, w);
		run_expect(r, w, c);
	} else if (strcmp(verb, "arrives") == 0) {
		do_arrives(r, w);
		run_expect(r, w, NULL);
	} else if (strcmp(verb, "client") == 0 || strcmp(verb, "stream") == 0) {
		run_start(r);
		r->stream = *verb == 's';
		do_client(r, w, &c);
		if (!r->failed)
			run_expect(r, w, c);
	} else if (strcmp(verb, "peer") == 0) {
		run_start(r);
		do_peer(r, w);
		run_expect(r, w, NULL);
	} else if (strcmp(verb, "drain") == 0) {
		run_start(r);
		do_drain(r, w);
	} else if (strcmp(verb, "gone") == 0) {
		c = run_client(r, words_next(w));
		turn_server_gone(r->f.server, &c->addr, 0, r->f.t);
	} else if (strcmp(verb, "icmp") == 0) {
		run_start(r);
		do_icmp(r, w);
		run_expect(r, w, NULL);
	} else {
		run_fail(r, w, "unknown verb %s", verb);
	}
	if (!r->failed && *words_next(w) != '\0')
		run_fail(r, w, "words left over: %s", w->last);
}

/* True when every line came out as it says. */
static bool
run_script(const char *file)
{
	static struct run r;
	struct words w;
	bool ok;

	if (words_open(&w, file) != 0) {
		printf("%s: %s\n", file, strerror(errno));
		return false;
	}
	memset(&r, 0, sizeof(r));
	fake_init(&r.f);
	while (!r.failed && words_line(&w))
		do_line(&r, &w);
	ok = !r.failed;
	fake_fini(&r.f);
	words_close(&w);
	return ok;
}

int
main(int argc, char **argv)
{
	return words_main(argc, argv, SCRIPTS, run_script);
}
