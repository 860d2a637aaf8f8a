/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * core: what the files of turnd/core share: the server, the objects of an
 * allocation, and a request on its way through them. Nobody else includes it.
 * Invariant: a permission or channel lives no longer than its allocation, and
 * every object that is in a table is in the wheel too.
 * Owns: nothing by itself.  Thread: the server's.
 */
#ifndef FLOE_TURND_CORE_CORE_H
#define FLOE_TURND_CORE_CORE_H

#include <sys/queue.h>

#include "lib/base/htab.h"
#include "lib/base/pool.h"
#include "lib/base/wheel.h"
#include "lib/stun/message.h"
#include "turnd/core/server.h"

/* The 5-tuple (client, and by link the server's half); with a channel number
 * the key of a channel. 24 bytes without holes: hashed and compared as such. */
struct turn_tuple {
	struct addr client;
	uint16_t link;
	uint16_t channel; /* 0: the allocation itself */
};

/* A peer as one relay socket sees it; port 0: the key of a permission. */
struct turn_peer_key {
	struct addr peer;
	uint32_t relay;
};

struct turn_alloc {
	struct turn_tuple tuple;
	uint32_t relay;
	struct addr relayed;
	uint64_t id;
	uint64_t expires_ms;
	struct wheel_timer timer;
	LIST_HEAD(, turn_perm) perms;
	LIST_HEAD(, turn_chan) chans;
	uint32_t nperms, nchans;
	uint8_t txid[STUN_TXID_LEN]; /* of its Allocate */
	uint32_t lifetime_s;         /* as that was answered */
	uint8_t token[TURN_TOKEN_LEN];
	bool reserved; /* token was part of the answer */
	char *user;
	uint64_t user_id;
	uint64_t user_expires_s; /* of the REST name that opened it */
	uint64_t created_ms, created_s;
	struct turn_traffic traffic[TURN_DIRECTIONS]; /* but its channels' */
};

struct turn_perm {
	struct turn_peer_key key;
	uint64_t until_ms;
	struct turn_alloc *alloc;
	bool own; /* an own address: each port must be a live relay */
	LIST_ENTRY(turn_perm) link;
	struct wheel_timer timer;
};

struct turn_chan {
	/* The flow line: all that relaying a datagram reads, 64 bytes. */
	struct turn_tuple tuple;
	struct turn_peer_key key;
	uint64_t until_ms; /* channel and permission both live until then */
	bool own;
	/* What it writes: the next line. */
	struct turn_traffic traffic[TURN_DIRECTIONS];
	struct turn_alloc *alloc;
	uint64_t bound_until_ms;
	LIST_ENTRY(turn_chan) link;
	struct wheel_timer timer;
};

struct turn_server {
	const struct turn_config *cfg;
	struct turn_ops ops;
	struct turn_stats stats;
	struct htab allocs;      /* by tuple */
	struct htab perms;       /* by peer key, port 0 */
	struct htab chan_tuples; /* by tuple with channel */
	struct htab chan_peers;  /* by peer key */
	struct pool *alloc_pool, *perm_pool, *chan_pool;
	struct wheel alloc_wheel, perm_wheel, chan_wheel;
	uint64_t last_id;
	uint64_t indications;          /* sent, for their transaction ids */
	struct turn_peer_key send_key; /* where a Send indication goes */
	struct turn_time seen;
};

struct turn_req {
	struct turn_server *s;
	const struct turn_in *in;
	struct turn_time t;
	const struct stun_msg *msg;
	struct turn_alloc *alloc; /* of the 5-tuple; NULL: none */
	struct turn_name user;
	uint8_t key[TURN_USER_KEY_LEN];
	bool authed; /* user and key are good; the answer is protected */
	uint16_t unknown[8];
	size_t nunknown;
	struct buf buf;
	struct stun_out out;
	struct turn_note *note;
};

/* auth.c: who sends this request? */
enum turn_reason auth_check(struct turn_req *);
bool auth_owns(const struct turn_req *, const struct turn_alloc *);

/* reply.c */
void reply_success(struct turn_req *); /* begins; attributes may follow */
void reply_error(struct turn_req *, enum turn_reason);
/* Protects and ends; the length, 0 when it did not fit. */
size_t reply_end(struct turn_req *);

/* peer.c: NULL when the peer may be reached, else the rule that refuses.
 * *own: it may be, but only as a live relayed address. */
const struct prefix_rule *
peer_refused(const struct turn_server *, const struct addr *, bool *own);
/* The same for a request, whose note is filled; TURN_OK, _PEER_DENIED or
 * _PEER_FAMILY. */
enum turn_reason
peer_check(struct turn_req *, const struct addr *peer, bool *own);

/* alloc.c */
struct turn_alloc *
alloc_find(struct turn_server *, const struct addr *client, uint16_t link);
void alloc_end(struct turn_server *, struct turn_alloc *, enum turn_end);
void alloc_info(
    const struct turn_alloc *, uint64_t now_ms, struct turn_alloc_info *);
enum turn_reason alloc_allocate(struct turn_req *);
enum turn_reason alloc_refresh(struct turn_req *);

/* perm.c */
struct turn_perm *
perm_find(struct turn_server *, uint32_t relay, const struct addr *peer);
/* Installs or refreshes; TURN_OK, or TURN_PEER_LIMIT and nothing changed. */
enum turn_reason perm_grant(struct turn_server *, struct turn_alloc *,
    const struct addr *peer, bool own);
void perm_free(struct turn_server *, struct turn_perm *);
enum turn_reason perm_create(struct turn_req *);

/* chan.c */
struct turn_chan *
chan_by_tuple(const struct turn_server *, const struct turn_tuple *);
struct turn_chan *
chan_by_peer(const struct turn_server *, const struct turn_peer_key *);
/* The allocation's permission for this IP now lives until perm_until_ms. */
void chan_permitted(
    struct turn_alloc *, const struct addr *ip, uint64_t perm_until_ms);
void chan_free(struct turn_server *, struct turn_chan *);
enum turn_reason chan_bind(struct turn_req *);

/* data.c: the relay itself */
void data_from_client(struct turn_server *, const struct turn_in *,
    struct turn_time, struct turn_out *); /* ChannelData */
void data_send(struct turn_server *, const struct turn_in *,
    const struct stun_msg *, struct turn_out *);
void data_from_peer(struct turn_server *, const struct turn_in *,
    struct turn_time, struct turn_out *);

/* server.c: counts and notes a drop. */
void server_drop(struct turn_server *, struct turn_out *, enum turn_reason);

static inline uint64_t
tuple_hash(const struct turn_server *s, const struct turn_tuple *k)
{
	return hash_bytes(&s->cfg->hash_key, k, sizeof(*k));
}

static inline uint64_t
peer_hash(const struct turn_server *s, const struct turn_peer_key *k)
{
	return hash_bytes(&s->cfg->hash_key, k, sizeof(*k));
}

#endif
