/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "lib/stun/message.h"
#include "tests/turn/fake.h"

/* A test that cannot be set up is no test. */
static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fake: cannot %s\n", what);
	exit(1);
}

struct addr
fake_addr(const char *text)
{
	struct addr a;

	must(addr_parse(text, &a) == 0, text);
	return a;
}

uint32_t
fake_relay_at(const struct fake *f, const struct addr *addr)
{
	uint32_t i;

	for (i = 0; i < f->nrelays; i++) {
		if (f->relays[i].open && addr_equal(&f->relays[i].addr, addr))
			return i;
	}
	return FAKE_RELAYS;
}

static uint32_t
claim(struct fake *f, const struct turn_want *want)
{
	uint32_t i;

	for (i = 0; i < f->nrelays; i++) {
		if (f->relays[i].reserved && f->relays[i].user == want->user &&
		    memcmp(f->relays[i].token, want->token, TURN_TOKEN_LEN) ==
			0)
			break;
	}
	return i < f->nrelays ? i : FAKE_RELAYS;
}

static uint32_t
relay_new(struct fake *f, enum addr_family family)
{
	uint32_t i = (uint32_t)f->nrelays++;

	f->relays[i].addr = family == ADDR_V4 ? addr_v4(203, 0, 113, 1, 0)
					      : fake_addr("2001:db8:1::1");
	f->relays[i].addr.port = (uint16_t)(FAKE_FIRST_PORT + i);
	return i;
}

static int
relay_open(void *arg, const struct turn_want *want, struct turn_relay *out)
{
	struct fake *f = arg;
	uint32_t i, above;

	if (want->token == NULL &&
	    (want->family == ADDR_V6 ? !f->conf.has_v6 : f->conf.no_v4))
		return -EAFNOSUPPORT;
	if (f->relay_error != 0)
		return f->relay_error;
	if (f->nrelays + 2 > f->conf.ports)
		return want->even ? -ENOENT : -EADDRINUSE;
	if (want->token != NULL) {
		i = claim(f, want);
		if (i == FAKE_RELAYS)
			return -ENOENT;
		f->relays[i].reserved = false;
	} else {
		if (want->even && f->nrelays % 2 != 0)
			f->nrelays++;
		i = relay_new(f, want->family);
	}
	f->relays[i].tcp = want->tcp;
	if (want->reserve) {
		above = relay_new(f, want->family);
		f->relays[above].reserved = true;
		f->relays[above].user = want->user;
		memset(f->relays[above].token, (int)above, TURN_TOKEN_LEN);
		memcpy(out->token, f->relays[above].token, TURN_TOKEN_LEN);
	}
	f->relays[i].open = true;
	out->id = i;
	out->addr = f->relays[i].addr;
	return 0;
}

static void
relay_close(void *arg, uint32_t id)
{
	struct fake *f = arg;

	must(id < f->nrelays && f->relays[id].open, "close that relay");
	f->relays[id].open = false;
}

static bool
relay_live(void *arg, const struct addr *addr, bool tcp)
{
	const struct fake *f = arg;
	uint32_t i = fake_relay_at(f, addr);

	return i != FAKE_RELAYS && f->relays[i].tcp == tcp;
}

static struct fake_conn *
conn_add(struct fake *f, const struct addr *peer, uint32_t id)
{
	must(f->nconns < FAKE_CONNS, "keep so many connections");
	f->conns[f->nconns] =
	    (struct fake_conn){ .id = id, .peer = *peer, .open = true };
	return &f->conns[f->nconns++];
}

static int
conn_open(void *arg, uint32_t relay, const struct addr *peer, uint32_t id)
{
	struct fake *f = arg;

	must(
	    relay < f->nrelays && f->relays[relay].open && f->relays[relay].tcp,
	    "connect that relay");
	if (f->dial_error == 0)
		conn_add(f, peer, id)->dialing = true;
	return f->dial_error;
}

static void
conn_close(void *arg, uint32_t id)
{
	struct fake *f = arg;
	size_t i;

	for (i = 0; i < f->nconns; i++) {
		if (f->conns[i].open && f->conns[i].id == id)
			break;
	}
	must(i < f->nconns, "close that connection");
	f->conns[i].open = f->conns[i].dialing = false;
}

static int
quota_take(void *arg, const struct turn_share *share)
{
	return turn_quota_take(((struct fake *)arg)->quota, share);
}

static void
quota_give(void *arg, const struct turn_share *share)
{
	turn_quota_give(((struct fake *)arg)->quota, share);
}

static uint16_t
realm_of(void *arg, uint16_t link)
{
	const struct fake *f = arg;

	return link < f->core.nrealms ? link : 0;
}

static void
ended(void *arg, const struct turn_alloc_info *info, enum turn_end why)
{
	struct fake *f = arg;

	f->ended++;
	f->last = *info;
	f->last.user = NULL;
	f->last_why = why;
}

static struct fake_record *
record_at(struct fake *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->nrecords; i++) {
		if (strcmp(f->records[i].name, name) == 0)
			return &f->records[i];
	}
	return NULL;
}

static int
user_find(void *arg, const char *realm, const struct turn_name *name,
    struct turn_record *rec)
{
	struct fake *f = arg;
	const struct fake_record *r = record_at(f, name->name);

	if (f->records_error != 0)
		return f->records_error;
	if (r == NULL || strcmp(r->realm, realm) != 0)
		return -ENOENT;
	*rec = r->rec;
	return 0;
}

static int
user_by_hash(void *arg, const char *realm, const uint8_t *hash,
    char name[TURN_NAME_MAX + 1])
{
	struct fake *f = arg;
	uint8_t own[CRYPTO_SHA256_LEN];
	size_t i;

	if (f->records_error != 0)
		return f->records_error;
	for (i = 0; i < f->nrecords; i++) {
		stun_userhash(f->records[i].name, realm, own);
		if (memcmp(own, hash, sizeof(own)) != 0)
			continue;
		snprintf(name, TURN_NAME_MAX + 1, "%s", f->records[i].name);
		return 0;
	}
	return -ENOENT;
}

struct turn_record *
fake_record(
    struct fake *f, const char *realm, const char *name, const char *password)
{
	struct fake_record *r = record_at(f, name);

	if (r == NULL) {
		must(f->nrecords < FAKE_RECORDS, "keep so many users");
		r = &f->records[f->nrecords++];
	}
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->realm, sizeof(r->realm), "%s",
	    realm == NULL ? FAKE_REALM : realm);
	must(turn_record_keys(&r->rec, name, r->realm, password) == 0,
	    "keep that user");
	return &r->rec;
}

void
fake_forget(struct fake *f, const char *name)
{
	struct fake_record *r = record_at(f, name);

	must(r != NULL, "forget a user who is not there");
	r->name[0] = '\0';
}

static void
left(void *arg, const struct addr *client, uint16_t link)
{
	struct fake *f = arg;

	f->left++;
	f->last_left = *client;
}

void
fake_rule(struct fake *f, const char *prefix, enum prefix_verdict verdict)
{
	struct prefix_rule rule = { .verdict = verdict,
		.name = verdict == PREFIX_ALLOW ? "allow-peer" : "deny-peer" };

	must(prefix_parse(prefix, &rule.prefix) == 0, prefix);
	must(prefix_list_add(f->peers, &rule) == 0, "add a rule");
}

static void
add_own(struct fake *f, const char *prefix)
{
	struct prefix_rule rule = { .verdict = PREFIX_DENY,
		.name = turn_own_address };

	must(prefix_parse(prefix, &rule.prefix) == 0, prefix);
	must(prefix_list_add(f->peers, &rule) == 0, "add a rule");
}

struct turn_users *
fake_realm(struct fake *f, const char *name)
{
	struct hash_key key = { f->core.hash_key.k0,
		f->core.hash_key.k1 ^ f->core.nrealms };
	struct turn_realm *r = &f->realms[f->core.nrealms];

	must(f->core.nrealms < FAKE_REALMS, "serve so many realms");
	f->core.realms = f->realms;
	r->name = name;
	r->users = f->realm_users[f->core.nrealms++] =
	    turn_users_new(name, &key);
	must(r->users != NULL, "allocate");
	r->nonce_key.life_ms = 600000;
	r->nonce_key.bytes[0] = (uint8_t)f->core.nrealms;
	return f->realm_users[f->core.nrealms - 1];
}

void
fake_origin(struct fake *f, const char *realm, const char *origin)
{
	uint16_t i;

	for (i = 0; i < f->core.nrealms; i++) {
		if (strcmp(f->realms[i].name, realm) == 0)
			break;
	}
	must(i < f->core.nrealms && f->core.norigins < FAKE_REALMS,
	    "take that origin");
	f->realms[i].by_origin = true;
	f->origins[f->core.norigins++] = (struct turn_origin){ origin, i };
	f->core.origins = f->origins;
}

int
fake_oauth(struct fake *f, const char *server, const char *kid, const char *key)
{
	struct turn_oauth *o = &f->core.oauth;
	struct turn_token_key *k = &o->keys[o->nkeys];

	if (o->nkeys == TURN_TOKEN_KEYS || strlen(kid) >= sizeof(k->kid))
		return -EINVAL;
	o->server = server;
	o->nkeys++;
	memcpy(k->kid, kid, strlen(kid) + 1);
	turn_users_need_names(f->users);
	return turn_token_key_parse(k, key);
}

void
fake_init(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	must(crypto_init() == 0, "start crypto");
	f->conf = (struct fake_conf){
		.max_allocations = 64,
		.max_permissions = 8,
		.max_channels = 8,
		.max_connections = 8,
		.connections = FAKE_CONNS,
		.servers = 1,
		.channel_max = STUN_CHANNEL_MAX_5766,
		.ports = FAKE_RELAYS,
		.expired_grace_s = 24 * 3600,
	};
	f->t = (struct turn_time){ 1000000, FAKE_WALL_S };
	f->core.hash_key = (struct hash_key){ 1, 2 };
	f->users = fake_realm(f, FAKE_REALM);
	f->peers = prefix_list_new();
	must(f->users != NULL && f->peers != NULL, "allocate");
	must(turn_users_add(f->users, "alice", "wonderland") == 0, "add alice");
	must(prefix_list_add_special(f->peers) == 0, "add special rules");
	add_own(f, "203.0.113.1");
	add_own(f, "2001:db8:1::1");
}

static struct bucket_rate
rate_of(uint64_t per_s)
{
	return (struct bucket_rate){ per_s, per_s };
}

static int
user_part(void *arg, uint64_t user, uint64_t bandwidth, struct turn_part **part)
{
	struct fake *f = arg;
	struct bucket_rate rate =
	    rate_of(bandwidth != 0 ? bandwidth : f->conf.user_bandwidth);

	return turn_quota_part(f->quota, user, &rate, 0, 1, part);
}

void
fake_start(struct fake *f)
{
	struct turn_ops ops = {
		.arg = f,
		.server = f->conf.server,
		.servers = f->conf.servers,
		.conn_open = conn_open,
		.conn_close = conn_close,
		.relay_open = relay_open,
		.relay_close = relay_close,
		.relay_live = relay_live,
		.quota_take = quota_take,
		.quota_give = quota_give,
		.user_part = user_part,
		.ended = ended,
		.left = left,
		.realm_of = realm_of,
		.user_find = user_find,
		.user_by_hash = user_by_hash,
	};
	struct turn_config *c = &f->core;
	size_t i;

	for (i = 0; i < c->nrealms; i++)
		turn_realm_offer(&f->realms[i]);
	c->peers = f->peers;
	c->no_auth = f->conf.no_auth;
	c->mobility = f->conf.mobility;
	c->expired_grace_s = f->conf.expired_grace_s;
	memset(c->ticket_key, 't', sizeof(c->ticket_key));
	c->channel_max = f->conf.channel_max;
	c->max_lifetime_s = 3600;
	c->max_allocations = f->conf.max_allocations;
	c->max_permissions = f->conf.max_permissions;
	c->max_channels = f->conf.max_channels;
	c->limits.answers = limit_rate(f->conf.rate_limit, f->conf.rate_burst);
	turn_config_backoff(c, f->conf.auth_failures);
	c->max_connections = f->conf.max_connections;
	c->connections = f->conf.connections;
	f->quota = turn_quota_new(
	    f->conf.user_quota, f->conf.realm_quota, f->conf.max_allocations);
	c->alloc_rate = rate_of(f->conf.alloc_bandwidth);
	if (f->conf.total_bandwidth != 0) {
		f->total = turn_pipe_new(
		    &(struct bucket_rate){
			f->conf.total_bandwidth, f->conf.total_bandwidth },
		    1);
		must(f->total != NULL, "allocate");
		ops.total = turn_pipe_part(f->total, 0);
	}
	f->ops = ops;
	f->server = turn_server_new(c, &ops);
	must(f->quota != NULL && f->server != NULL, "make a server");
}

void
fake_fini(struct fake *f)
{
	size_t i;

	turn_server_free(f->server);
	turn_quota_free(f->quota);
	turn_pipe_free(f->total);
	for (i = 0; i < f->core.nrealms; i++)
		turn_users_free(f->realm_users[i]);
	prefix_list_free(f->peers);
}

static void
keep_sent(struct fake *f)
{
	f->sent_len = 0;
	if (f->out.to == TURN_NOBODY)
		return;
	memcpy(f->sent, f->out.head, f->out.head_len);
	memcpy(f->sent + f->out.head_len, f->out.data, f->out.len);
	f->sent_len = f->out.head_len + f->out.len;
}

static void
feed(struct fake *f, struct turn_in *in, const void *data, size_t len)
{
	must(len <= FAKE_DATAGRAM, "take so long a datagram");
	in->data = f->room + TURN_HEAD_ROOM;
	memcpy(in->data, data, len);
	in->len = len;
	in->head_room = TURN_HEAD_ROOM;
	in->tail_room = sizeof(f->room) - TURN_HEAD_ROOM - len;
	f->out.reply = f->reply;
	turn_server_input(f->server, in, f->t, &f->out);
	keep_sent(f);
}

void
fake_from_client(
    struct fake *f, const struct addr *client, const void *data, size_t len)
{
	struct turn_in in = {
		.from = TURN_CLIENT,
		.src = client,
		.verified = f->verified,
		.link = f->link,
		.stream = f->stream,
	};

	feed(f, &in, data, len);
}

void
fake_from_peer(struct fake *f, const struct addr *peer, uint32_t relay,
    const void *data, size_t len)
{
	struct turn_in in = { .from = TURN_PEER, .src = peer, .relay = relay };

	feed(f, &in, data, len);
}

void
fake_icmp(struct fake *f, const struct turn_icmp *icmp)
{
	f->out.reply = f->reply;
	turn_server_icmp(f->server, icmp, f->t, &f->out);
	keep_sent(f);
}

void
fake_elapse(struct fake *f, uint64_t ms)
{
	f->t.now_ms += ms;
	f->t.wall_s += ms / 1000;
	turn_server_expire(f->server, f->t);
}

void
fake_dialed(struct fake *f, const struct addr *peer, int err)
{
	size_t i;

	for (i = 0; i < f->nconns; i++) {
		if (f->conns[i].dialing && addr_equal(&f->conns[i].peer, peer))
			break;
	}
	must(i < f->nconns, "end a connect that was never begun");
	f->conns[i].dialing = false;
	f->out.reply = f->reply;
	turn_server_connected(f->server, f->conns[i].id, err, f->t, &f->out);
	keep_sent(f);
}

uint32_t
fake_arrives(struct fake *f, const struct addr *peer, uint32_t relay)
{
	uint32_t id = 0;

	f->out.reply = f->reply;
	if (turn_server_incoming(f->server, relay, peer, f->t, &id, &f->out))
		conn_add(f, peer, id);
	keep_sent(f);
	return id;
}

bool
fake_overdue(struct fake *f)
{
	bool more;

	f->out.reply = f->reply;
	more = turn_server_overdue(f->server, f->t, &f->out);
	keep_sent(f);
	return more;
}

size_t
fake_open_conns(const struct fake *f)
{
	size_t i, n = 0;

	for (i = 0; i < f->nconns; i++)
		n += f->conns[i].open;
	return n;
}
