/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turnd_replay: runs scripts (README.md) against turnd/core. Without arguments
 * all of tests/replay/turnd; ends with 1 when one of them failed.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/words.h"
#include "tests/turn/client.h"

#define TICKETS_MAX 16
#define TICKET_LEN  32
#define CLIENTS_MAX 64
#define NAMES_MAX   32
#define TEXT_MAX    1500
#define COOKIE      "obMatJos2" /* RFC 8489 section 9.2 */
#define SCRIPTS     "tests/replay/turnd"

struct run {
	struct fake f;
	bool started;
	bool stream; /* the line's client comes over TCP */
	struct client clients[CLIENTS_MAX];
	size_t nclients;
	uint8_t token[TURN_TOKEN_LEN];
	struct {
		char name[16];
		uint32_t id;
	} conns[NAMES_MAX]; /* CONNECTION-IDs by the script's names */
	size_t nconns;
	/* Tickets, each once, and which of them, from 1, the last answer had.
	 */
	uint8_t tickets[TICKETS_MAX][TICKET_LEN];
	size_t ntickets, ticket;
	char domain[256]; /* alternate-domain */
	/* what the line has led to */
	bool is_request;
	int code; /* of a request: 0 success, an error, -1 no answer */
	bool failed;
};

static void fail(struct run *, struct words *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
fail(struct run *r, struct words *w, const char *fmt, ...)
{
	va_list ap;

	if (r->failed)
		return;
	r->failed = true;
	printf("%s:%d: %s\n  ", w->file, w->line, w->text);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static void
start(struct run *r)
{
	if (!r->started)
		fake_start(&r->f);
	r->started = true;
}

static struct client *
client_at(struct run *r, const char *addr)
{
	struct addr a = fake_addr(addr);
	size_t i;

	for (i = 0; i < r->nclients; i++) {
		if (addr_equal(&r->clients[i].addr, &a))
			return &r->clients[i];
	}
	if (r->nclients == CLIENTS_MAX) {
		printf("more than %d clients\n", CLIENTS_MAX);
		exit(1);
	}
	client_init(&r->clients[r->nclients], &r->f, addr);
	return &r->clients[r->nclients++];
}

/* name:password cut in two; the words stay until the script ends. */
static const char *
cut_user(char *spec)
{
	char *colon = strrchr(spec, ':');

	if (colon == NULL)
		return "";
	*colon = '\0';
	return colon + 1;
}

/* realm NAME [secret S] */
static void
do_conf_realm(struct run *r, struct words *w, const char *name)
{
	struct turn_users *users = fake_realm(&r->f, name);

	if (strcmp(words_next(w), "secret") == 0)
		turn_users_add_secret(users, words_next(w));
}

/* oauth SERVER KID KEY: once for each key */
static void
do_conf_oauth(struct run *r, struct words *w, const char *server)
{
	struct turn_oauth *o = &r->f.core.oauth;
	struct turn_token_key *key = &o->keys[o->nkeys++];

	o->server = server;
	turn_users_need_names(r->f.users);
	snprintf(key->kid, sizeof(key->kid), "%s", words_next(w));
	if (turn_token_key_parse(key, words_next(w)) != 0)
		fail(r, w, "not a key");
}

/* The ones with a word of their own. */
static void
do_conf_word(struct run *r, struct words *w, const char *key, char *value)
{
	if (strcmp(key, "alternate-server") == 0) {
		r->f.core.alternates.addrs[r->f.core.alternates.n++] =
		    fake_addr(value);
	} else if (strcmp(key, "alternate-domain") == 0) {
		snprintf(r->domain, sizeof(r->domain), "%s", value);
		r->f.core.alternates.domain = r->domain;
	} else if (strcmp(key, "allow-peer") == 0) {
		fake_rule(&r->f, value, PREFIX_ALLOW);
	} else if (strcmp(key, "deny-peer") == 0) {
		fake_rule(&r->f, value, PREFIX_DENY);
	} else if (strcmp(key, "secret") == 0) {
		turn_users_add_secret(r->f.users, value);
	} else if (strcmp(key, "realm") == 0) {
		do_conf_realm(r, w, value);
	} else if (strcmp(key, "oauth") == 0) {
		do_conf_oauth(r, w, value);
	} else if (strcmp(key, "origin") == 0) {
		fake_origin(&r->f, value, words_next(w));
	} else if (strcmp(key, "user") == 0) {
		turn_users_add(r->f.users, value, cut_user(value));
	} else {
		fail(r, w, "unknown conf %s", key);
	}
}

static void
do_conf(struct run *r, struct words *w)
{
	const struct {
		const char *key;
		uint32_t *value;
	} numbers[] = {
		{ "user-quota", &r->f.conf.user_quota },
		{ "realm-quota", &r->f.conf.realm_quota },
		{ "max-allocations", &r->f.conf.max_allocations },
		{ "max-permissions", &r->f.conf.max_permissions },
		{ "max-channels", &r->f.conf.max_channels },
		{ "max-connections", &r->f.conf.max_connections },
		{ "tcp-relay-connections", &r->f.conf.connections },
		{ "ports", &r->f.conf.ports },
		{ "expired-grace", &r->f.conf.expired_grace_s },
		{ "rate-limit", &r->f.conf.rate_limit },
		{ "rate-burst", &r->f.conf.rate_burst },
		{ "auth-failures", &r->f.conf.auth_failures },
		{ "allocation-bandwidth", &r->f.conf.alloc_bandwidth },
		{ "user-bandwidth", &r->f.conf.user_bandwidth },
		{ "total-bandwidth", &r->f.conf.total_bandwidth },
	};
	const char *key = words_next(w);
	char *value;
	size_t i;

	if (r->started) {
		fail(r, w, "conf after the first datagram");
		return;
	}
	if (strcmp(key, "no-auth") == 0) {
		r->f.conf.no_auth = true;
		return;
	}
	if (strcmp(key, "mobility") == 0) {
		r->f.conf.mobility = true;
		return;
	}
	if (strcmp(key, "relay-v6-only") == 0) {
		r->f.conf.has_v6 = r->f.conf.no_v4 = true;
		return;
	}
	if (strcmp(key, "relay-v6") == 0) {
		r->f.conf.has_v6 = true;
		return;
	}
	if (strcmp(key, "strict-channels") == 0) {
		r->f.conf.channel_max = STUN_CHANNEL_MAX;
		return;
	}
	value = words_next(w);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(key, numbers[i].key) == 0) {
			*numbers[i].value = (uint32_t)strtoul(value, NULL, 0);
			return;
		}
	}
	do_conf_word(r, w, key, value);
}

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

	start(r);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) == 0) {
			fake_elapse(&r->f, n * units[i].ms);
			return;
		}
	}
	fail(r, w, "elapse in ms, s, m or h");
}

static void
do_live(struct run *r, struct words *w)
{
	uint64_t want = strtoull(words_next(w), NULL, 10);
	uint64_t live;

	start(r);
	live = turn_server_stats(r->f.server)->allocations;
	if (live != want)
		fail(r, w, "%llu live", (unsigned long long)live);
}

static void
do_record(struct run *r, struct words *w)
{
	char *name = words_next(w), *word;
	const char *password = cut_user(name);
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
			fail(r, w, "unknown word %s", word);
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
	fail(r, w, "records work, fail, pending or busy");
}

/* so many peers' connections live now, for the core and for the shell */
static void
do_connections(struct run *r, struct words *w)
{
	uint64_t want = words_number(w), live;

	start(r);
	live = turn_server_stats(r->f.server)->connections;
	if (live != want || fake_open_conns(&r->f) != want)
		fail(r, w, "%llu live, %zu open", (unsigned long long)live,
		    fake_open_conns(&r->f));
}

/* NULL: a new name. */
static uint32_t *
conn_named(struct run *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->nconns; i++) {
		if (strcmp(r->conns[i].name, name) == 0)
			return &r->conns[i].id;
	}
	return NULL;
}

/* The script's next word names this CONNECTION-ID, or is the name that it has
 * already. */
static void
expect_conn(struct run *r, struct words *w, uint32_t id)
{
	const char *name = words_next(w);
	const uint32_t *known = conn_named(r, name);

	if (known != NULL) {
		if (*known != id)
			fail(r, w, "another connection");
		return;
	}
	if (id == 0 || r->nconns == NAMES_MAX) {
		fail(r, w, "no CONNECTION-ID");
		return;
	}
	snprintf(
	    r->conns[r->nconns].name, sizeof(r->conns[0].name), "%s", name);
	r->conns[r->nconns++].id = id;
}

static void
do_over(struct run *r, struct words *w)
{
	const uint32_t *id = conn_named(r, words_next(w));

	if (id == NULL)
		fail(r, w, "no connection of this name");
	else
		turn_server_conn_over(r->f.server, *id, r->f.t);
}

static uint32_t
family_of(const char *word)
{
	if (strcmp(word, "v4") == 0)
		return 1;
	return strcmp(word, "v6") == 0 ? 2 : (uint32_t)strtoul(word, NULL, 0);
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
			    family_of(words_next(w)) << 24);
		} else if (strcmp(word, "additional") == 0) {
			stun_put_u32(&c->out, STUN_ADDITIONAL_ADDRESS_FAMILY,
			    family_of(words_next(w)) << 24);
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
			const uint32_t *id = conn_named(r, words_next(w));

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
		c->password = cut_user(user);
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
		fail(r, w, "unknown word %s", w->last);
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
	struct client *c = client_at(r, words_next(w));
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
		fail(r, w, "unknown action %s", action);
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
	fail(r, w, "unknown end of a connect");
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
		fail(r, w, "other UNKNOWN-ATTRIBUTES: %zu bytes",
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
		fail(r, w, "no such ALTERNATE-SERVER");
		return;
	}
	/* The getter takes the first. */
	m.attrs[0] = m.attrs[i];
	if (stun_get_addr(&m, STUN_ALTERNATE_SERVER, &got) != 0 ||
	    !addr_equal(&got, &want))
		fail(r, w, "another ALTERNATE-SERVER");
	if (!c->authentic)
		fail(r, w, "the answer is not protected");
}

static void
expect_domain(struct run *r, struct words *w, const struct client *c)
{
	const struct stun_attr *a =
	    stun_find(&c->answer, STUN_ALTERNATE_DOMAIN);
	const char *want = words_next(w);

	if (a == NULL || a->len != strlen(want) ||
	    memcmp(stun_value(&c->answer, a), want, a->len) != 0)
		fail(r, w, "another ALTERNATE-DOMAIN, or none");
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
				fail(r, w, "offered: %zu bytes", c->offer_len);
		} else if (c != NULL && strcmp(word, "unknown") == 0) {
			expect_unknown(r, w, c);
		} else if (c != NULL && strcmp(word, "third-party") == 0) {
			if (strcmp(words_next(w), c->third_party) != 0)
				fail(r, w, "third party %s", c->third_party);
		} else if (c != NULL && strcmp(word, "in") == 0) {
			if (strcmp(words_next(w), c->realm) != 0)
				fail(r, w, "challenged by %s", c->realm);
		} else if (c != NULL && strcmp(word, "alternate") == 0) {
			expect_alternate(r, w, c, nalternates++);
		} else if (c != NULL && strcmp(word, "domain") == 0) {
			expect_domain(r, w, c);
		} else if (c != NULL && strcmp(word, "features") == 0) {
			word = words_next(w);
			if (strncmp(c->nonce, COOKIE, strlen(COOKIE)) != 0 ||
			    strncmp(c->nonce + strlen(COOKIE), word, 4) != 0)
				fail(r, w, "the nonce is %s", c->nonce);
		} else if (strcmp(word, reason_now(r)) != 0) {
			fail(r, w, "the reason is %s", reason_now(r));
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
		fail(r, w, "%s is %s", what, addr_format(got, text));
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
	uint32_t family = family_of(words_next(w)), code = words_number(w);
	const uint8_t *v;

	if (a == NULL) {
		fail(r, w, "no ADDRESS-ERROR-CODE");
		return;
	}
	v = stun_value(&c->answer, a);
	if (v[0] != family || v[1] != 0 || v[2] * 100u + v[3] != code)
		fail(r, w, "denied %u %u", v[0], v[2] * 100u + v[3]);
}

static void
expect_success(struct run *r, struct words *w, const struct client *c)
{
	struct addr a;
	int relayed = 0, tickets = 0;
	char *word;

	if (!r->is_request || r->code != 0) {
		fail(r, w, "answered %d (%s)", r->code, reason_now(r));
		return;
	}
	if (c->nonce[0] != '\0' && !c->authentic && !r->f.conf.no_auth &&
	    c->answer.method != STUN_BINDING)
		fail(r, w, "the answer is not protected");
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
				fail(r, w, "one relayed address");
			relayed++;
		} else if (strcmp(word, "denied") == 0) {
			expect_denied(r, w, c);
		} else if (strcmp(word, "mapped") == 0) {
			if (stun_get_xor_addr(
				&c->answer, STUN_XOR_MAPPED_ADDRESS, &a) != 0)
				fail(r, w, "no mapped address");
			else
				expect_addr(r, w, word, &a);
		} else if (strcmp(word, "lifetime") == 0) {
			if (client_lifetime(c) != words_number(w))
				fail(r, w, "lifetime %u", client_lifetime(c));
		} else if (strcmp(word, "id") == 0) {
			expect_conn(r, w, client_conn(c));
		} else if (strcmp(word, "joins") == 0) {
			if (r->f.out.then != TURN_THEN_JOIN)
				fail(r, w, "joins nothing");
			expect_conn(r, w, r->f.out.conn);
		} else if (strcmp(word, "ticket") == 0) {
			if (words_number(w) != r->ticket)
				fail(r, w, "ticket %zu", r->ticket);
			tickets++;
		} else if (strcmp(word, "token") == 0) {
			if (stun_find(&c->answer, STUN_RESERVATION_TOKEN) ==
			    NULL)
				fail(r, w, "no token");
		} else {
			fail(r, w, "unknown word %s", word);
		}
	}
	if (r->ticket != 0 && tickets == 0)
		fail(r, w, "a ticket");
	if (relayed > 0 && relayed_at(c, relayed, &a))
		fail(r, w, "one more relayed address");
}

static void
expect_bytes(struct run *r, struct words *w, const void *data, size_t len)
{
	const char *text = words_next(w);

	if (strlen(text) != len || memcmp(text, data, len) != 0)
		fail(r, w, "%zu bytes \"%.*s\"", len, (int)len,
		    (const char *)data);
}

static void
expect_to_peer(struct run *r, struct words *w)
{
	const struct turn_out *out = &r->f.out;

	if (out->to != TURN_PEER) {
		fail(r, w, "nothing to a peer (%s)", reason_now(r));
		return;
	}
	expect_addr(r, w, "the peer", out->dst);
	expect_bytes(r, w, r->f.sent, r->f.sent_len);
	if (out->whole != (strcmp(words_next(w), "whole") == 0))
		fail(r, w, "DF is %s", out->whole ? "set" : "clear");
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
		fail(r, w, "no ChannelData (%s)", reason_now(r));
		return;
	}
	if (channel != words_number(w))
		fail(r, w, "channel 0x%x", channel);
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
		fail(r, w, "no Data indication (%s)", reason_now(r));
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
		fail(r, w, "no word of ICMP (%s)", reason_now(r));
		return;
	}
	expect_addr(r, w, "the peer", &peer);
	if (words_hex(w, want, sizeof(want)) != icmp->len ||
	    memcmp(want, stun_value(&m, icmp), icmp->len) != 0)
		fail(r, w, "another ICMP");
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
		fail(r, w, "code %d, no connect to there", r->code);
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
		fail(r, w, "no ConnectionAttempt (%s)", reason_now(r));
		return;
	}
	expect_addr(r, w, "the peer", &peer);
	words_next(w); /* id */
	expect_conn(r, w, id);
}

static void
expect(struct run *r, struct words *w, const struct client *c)
{
	const char *what = words_next(w), *wrong;

	wrong = r->is_request && r->code >= 0 ? unsound(c, r->code) : NULL;
	if (wrong != NULL)
		fail(r, w, "%d: %s", r->code, wrong);
	if (strcmp(w->before, "expect") != 0)
		fail(r, w, "no expect");
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
		fail(r, w, "code %d, reason %s, %zu bytes", r->code,
		    reason_now(r), r->f.sent_len);
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
		do_conf(r, w);
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
		expect(r, w, c);
	} else if (strcmp(verb, "overdue") == 0) {
		c = do_overdue(r, w);
		expect(r, w, c);
	} else if (strcmp(verb, "arrives") == 0) {
		do_arrives(r, w);
		expect(r, w, NULL);
	} else if (strcmp(verb, "client") == 0 || strcmp(verb, "stream") == 0) {
		start(r);
		r->stream = *verb == 's';
		do_client(r, w, &c);
		if (!r->failed)
			expect(r, w, c);
	} else if (strcmp(verb, "peer") == 0) {
		start(r);
		do_peer(r, w);
		expect(r, w, NULL);
	} else if (strcmp(verb, "drain") == 0) {
		start(r);
		do_drain(r, w);
	} else if (strcmp(verb, "gone") == 0) {
		c = client_at(r, words_next(w));
		turn_server_gone(r->f.server, &c->addr, 0, r->f.t);
	} else if (strcmp(verb, "icmp") == 0) {
		start(r);
		do_icmp(r, w);
		expect(r, w, NULL);
	} else {
		fail(r, w, "unknown verb %s", verb);
	}
	if (!r->failed && *words_next(w) != '\0')
		fail(r, w, "words left over: %s", w->last);
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
