/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/bench.h"
#include "lib/stun/message.h"
#include "turnd/core/lookup.h"
#include "turnd/core/server.h"

#define ALLOCS 1000 /* live ones, so that not everything is in the cache */
#define BYTES  160
#define REALM  "example.org"

static struct turn_config cfg;
static struct turn_realm realm;
static struct turn_users *users;
static struct turn_server *server;
static struct turn_time now = { 1000, 1700000000 };
static uint32_t relays;

static int
relay_open(void *arg, const struct turn_want *want, struct turn_relay *r)
{
	r->id = relays++;
	r->addr = addr_v4(203, 0, 113, 1, (uint16_t)(1024 + r->id % 60000));
	return 0;
}

static void
relay_close(void *arg, uint32_t id)
{
}

static bool
relay_live(void *arg, const struct addr *a, bool tcp)
{
	return false;
}

static int
quota_take(void *arg, const struct turn_share *share)
{
	return 0;
}

static void
quota_give(void *arg, const struct turn_share *share)
{
}

/* More than passes here, so that nothing is dropped. */
static const struct bucket_rate wide = { BUCKET_RATE_MAX / 4,
	BUCKET_RATE_MAX / 4 };
static struct turn_pipe *pipes[2]; /* NULL: no limits */

static int
user_part(void *arg, uint64_t user, uint64_t bandwidth, struct turn_part **part)
{
	*part = pipes[0] == NULL ? NULL : turn_pipe_part(pipes[0], 0);
	return 0;
}

static void
ended(void *arg, const struct turn_alloc_info *info, enum turn_end why)
{
}

static struct addr
client_at(uint64_t i)
{
	return addr_v4(
	    10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 5000);
}

static struct addr
peer_at(uint64_t i)
{
	return addr_v4(
	    198, 41, (uint8_t)(i >> 8), (uint8_t)i, (uint16_t)(9 + i));
}

static uint8_t room[TURN_HEAD_ROOM + 2048];
static uint8_t reply[TURN_REPLY_MAX];
static struct turn_out out = { .reply = reply };

static void
feed(enum turn_side from, const struct addr *src, uint32_t relay, size_t len)
{
	struct turn_in in = { .from = from,
		.data = room + TURN_HEAD_ROOM,
		.len = len,
		.head_room = TURN_HEAD_ROOM,
		.tail_room = TURN_TAIL_ROOM,
		.src = src,
		.relay = relay };

	turn_server_input(server, &in, now, &out);
}

/* A request with credentials; attribute 0 is none. */
static void
ask(const struct addr *client, uint16_t method, uint16_t type, uint32_t value,
    const struct addr *peer)
{
	static uint8_t key[CRYPTO_MD5_LEN];
	static uint64_t id;
	struct buf b = buf_fixed(room + TURN_HEAD_ROOM, 2048);
	uint8_t txid[STUN_TXID_LEN] = { 0 };
	char nonce[STUN_NONCE_LEN];
	struct stun_out o;

	if (id++ == 0)
		stun_long_term_key(
		    CRYPTO_MD5, "alice", REALM, "wonderland", key);
	memcpy(txid, &id, sizeof(id));
	stun_nonce_make(&realm.nonce_key, client, now.now_ms, nonce);
	o = stun_begin(&b, method, STUN_REQUEST, txid);
	stun_put_u32(&o, type, value);
	if (peer != NULL)
		stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, peer);
	stun_put(&o, STUN_USERNAME, "alice", 5);
	stun_put(&o, STUN_REALM, REALM, strlen(REALM));
	stun_put(&o, STUN_NONCE, nonce, strlen(nonce));
	stun_put_integrity(&o, CRYPTO_SHA1, key, sizeof(key));
	if (stun_end(&o) != 0)
		exit(1);
	feed(TURN_CLIENT, client, 0, b.len);
	if (out.note.reason != TURN_OK) {
		fprintf(stderr, "turn: %s\n",
		    turn_reason_info(out.note.reason)->name);
		exit(1);
	}
}

static void
open_server(void)
{
	const struct turn_ops ops = {
		.relay_open = relay_open,
		.relay_close = relay_close,
		.relay_live = relay_live,
		.quota_take = quota_take,
		.quota_give = quota_give,
		.user_part = user_part,
		.total = pipes[1] == NULL ? NULL : turn_pipe_part(pipes[1], 0),
		.ended = ended,
	};
	struct prefix_list *peers = prefix_list_new();

	users = turn_users_new(REALM, &cfg.hash_key);
	if (peers == NULL || users == NULL ||
	    prefix_list_add_special(peers) != 0 ||
	    turn_users_add(users, "alice", "wonderland") != 0)
		exit(1);
	realm.name = REALM;
	cfg.realms = &realm;
	cfg.nrealms = 1;
	realm.users = users;
	cfg.peers = peers;
	realm.nonce_key.life_ms = 600000;
	cfg.channel_max = STUN_CHANNEL_MAX;
	cfg.max_lifetime_s = 3600;
	cfg.max_allocations = 2 * ALLOCS;
	cfg.max_permissions = cfg.max_channels = 4;
	server = turn_server_new(&cfg, &ops);
	if (server == NULL)
		exit(1);
}

/* Allocation i has channel 0x4000 to its peer; its relay is number i. */
static void
open_all(void)
{
	struct addr client, peer;
	uint64_t i;

	if (server != NULL)
		return;
	open_server();
	for (i = 0; i < ALLOCS; i++) {
		client = client_at(i);
		peer = peer_at(i);
		ask(&client, STUN_ALLOCATE, STUN_REQUESTED_TRANSPORT, 17u << 24,
		    NULL);
		ask(&client, STUN_CHANNEL_BIND, STUN_CHANNEL_NUMBER,
		    0x4000u << 16, &peer);
	}
}

/* The same with a limit for each allocation, its user and all. */
static void
open_metered(void)
{
	if (pipes[0] != NULL)
		return;
	pipes[0] = turn_pipe_new(&wide, 1);
	pipes[1] = turn_pipe_new(&wide, 1);
	if (pipes[0] == NULL || pipes[1] == NULL)
		exit(1);
	cfg.alloc_rate = wide;
	turn_server_free(server);
	server = NULL;
	relays = 0;
	open_all();
}

static uint64_t
channel_data(uint64_t n)
{
	uint64_t got = 0, seed = 1;
	struct addr client;

	stun_channel_header(room + TURN_HEAD_ROOM, 0x4000, BYTES);
	while (n-- > 0) {
		client = client_at(bench_random(&seed) % ALLOCS);
		feed(TURN_CLIENT, &client, 0, BYTES + 4);
		got += out.len;
	}
	return got;
}

static uint64_t
from_peer(uint64_t n)
{
	uint64_t got = 0, seed = 1, i;
	struct addr peer;

	while (n-- > 0) {
		i = bench_random(&seed) % ALLOCS;
		peer = peer_at(i);
		feed(TURN_PEER, &peer, (uint32_t)i, BYTES);
		got += out.len;
	}
	return got;
}

/* Another port of the peer: no channel, so a Data indication. */
static uint64_t
from_peer_indication(uint64_t n)
{
	uint64_t got = 0, seed = 1, i;
	struct addr peer;

	while (n-- > 0) {
		i = bench_random(&seed) % ALLOCS;
		peer = peer_at(i);
		peer.port = 7;
		feed(TURN_PEER, &peer, (uint32_t)i, BYTES);
		got += out.len;
	}
	return got;
}

/* Two requests: an authenticated Allocate, and the Refresh that ends it. The
 * client's part, a MAC and a nonce each, is in the figure too. */
static uint64_t
allocate(uint64_t n)
{
	struct addr client = client_at(ALLOCS);

	while (n-- > 0) {
		ask(&client, STUN_ALLOCATE, STUN_REQUESTED_TRANSPORT, 17u << 24,
		    NULL);
		ask(&client, STUN_REFRESH, STUN_LIFETIME, 0, NULL);
	}
	return relays;
}

static struct turn_users *rest_users;

static void
open_rest_request(struct stun_msg *m)
{
	static const uint8_t wrong[CRYPTO_MD5_LEN], txid[STUN_TXID_LEN];
	struct buf b = buf_fixed(room, sizeof(room));
	struct stun_out o = stun_begin(&b, STUN_ALLOCATE, STUN_REQUEST, txid);

	stun_put_integrity(&o, CRYPTO_SHA1, wrong, sizeof(wrong));
	if (stun_end(&o) != 0 || stun_decode(b.data, b.len, m) != 0)
		exit(1);
}

static void
open_rest(void)
{
	int i;

	if (rest_users == NULL)
		rest_users = turn_users_new(REALM, &cfg.hash_key);
	if (rest_users == NULL)
		exit(1);
	for (i = 0; i < TURN_MAX_SECRETS; i++)
		turn_users_add_secret(rest_users, "a long random word");
}

/* The most that a wrong password costs: every key of every secret. */
static uint64_t
rest_wrong(uint64_t n)
{
	static const char name[] = "1700000600:somebody";
	struct turn_name who;
	struct turn_key key;
	struct stun_msg m;
	uint64_t tried = 0;
	unsigned int i;
	bool known;

	open_rest_request(&m);
	turn_users_parse(rest_users, name, strlen(name), &who);
	while (n-- > 0) {
		for (i = 0; turn_users_key(rest_users, &who, i, CRYPTO_MD5,
				&key, &known) == 0;
		     i++)
			tried += stun_check_integrity(
				     &m, CRYPTO_SHA1, key.bytes, key.len) != 0;
	}
	return tried;
}

static struct turn_oauth oauth = { .server = "turn.example", .nkeys = 1 };
static uint8_t token[128];
static size_t token_len;

static void
open_oauth(void)
{
	struct turn_token t = { .key = { "01234567890123456789", 20 },
		.issued_s = now.wall_s,
		.lifetime_s = 3600 };

	oauth.keys[0] = (struct turn_token_key){ "north",
		{ "01234567890123456789012345678901", 32 }, 0 };
	token_len =
	    turn_token_seal(&oauth, &oauth.keys[0], &t, token, sizeof(token));
	if (token_len == 0)
		exit(1);
}

static uint64_t
token_open(uint64_t n)
{
	struct turn_token t;
	uint64_t got = 0;

	while (n-- > 0) {
		if (turn_token_open(
			&oauth, &oauth.keys[0], token, token_len, &t) != 0)
			exit(1);
		got += t.lifetime_s;
	}
	return got;
}

static struct lookup *users_asked;

static void
open_lookup(void)
{
	const struct lookup_conf conf = { .entries = 2 * ALLOCS,
		.asking = 1,
		.found_ms = 3600000,
		.hash_key = { 1, 2 } };
	struct turn_record rec = { .quota = 1 };
	struct lookup_who who = { REALM, NULL, NULL, 0 };
	struct addr client = client_at(1);
	struct lookup_ask ask;
	uint64_t user;
	char name[16];
	int i;

	if (users_asked != NULL)
		return;
	users_asked = lookup_new(&conf);
	who.name = name;
	who.client = &client;
	for (i = 0; users_asked != NULL && i < ALLOCS; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		lookup_find(users_asked, &who, now.now_ms, &rec, &ask);
		lookup_answer(users_asked, ask.ticket, LOOKUP_FOUND, &rec,
		    now.now_ms, &user);
	}
}

static uint64_t
lookup_hit(uint64_t n)
{
	struct addr client = client_at(1);
	struct lookup_who who = { REALM, "user7", &client, 0 };
	struct turn_record rec;
	struct lookup_ask ask;
	uint64_t got = 0;

	while (n-- > 0) {
		if (lookup_find(users_asked, &who, now.now_ms, &rec, &ask) != 0)
			exit(1);
		got += rec.quota;
	}
	return got;
}

const struct bench turn_benches[] = {
	{ "turn: ChannelData to a peer", open_all, channel_data },
	{ "turn: peer to ChannelData", open_all, from_peer },
	{ "turn: peer to Data indication", open_all, from_peer_indication },
	{ "turn: Allocate and end, asked and served", open_all, allocate },
	{ "turn: ChannelData to a peer, all limits", open_metered,
	    channel_data },
	{ "turn: peer to ChannelData, all limits", open_metered, from_peer },
	{ "turn: a wrong REST password, 16 secrets", open_rest, rest_wrong },
	{ "turn: an access token opened", open_oauth, token_open },
	{ "turn: a user of the hook, still known", open_lookup, lookup_hit },
	{ .name = NULL },
};
