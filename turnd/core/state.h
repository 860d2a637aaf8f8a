/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * state: the objects that a server keeps: allocations, their permissions and
 * channels, and the tables that find them. Only the files of turnd/core see it.
 * Invariant: a permission or channel lives no longer than its allocation, and
 * every object that is in a table is in a wheel too.
 * Owns: a server owns all of them, in pools.  Thread: the server's.
 */
#ifndef FLOE_TURND_CORE_STATE_H
#define FLOE_TURND_CORE_STATE_H

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

/* One relayed transport address. An allocation has one or, dual (RFC 8656
 * section 7.2), one of each family; they are refreshed and end apart. */
struct turn_half {
	struct addr relayed; /* ADDR_NONE: never had one */
	uint32_t relay;
	uint64_t expires_ms; /* 0: it is over */
};

struct turn_alloc {
	struct turn_tuple tuple;
	struct turn_half halves[TURN_FAMILIES]; /* by enum turn_family */
	struct turn_tuple next; /* where the client moves to, or, arrived, has
				   come from; ADDR_NONE: neither */
	bool arrived;
	bool adrift;           /* the connection that it was on is closed */
	uint64_t old_until_ms; /* arrived: so long next may send */
	uint32_t ticket;       /* number of the one it has; 0: none */
	uint8_t move_txid[STUN_TXID_LEN]; /* of the Refresh that moved it */
	uint64_t id;
	struct wheel_timer timer; /* of the half that ends first */
	LIST_HEAD(, turn_perm) perms;
	LIST_HEAD(, turn_chan) chans;
	LIST_HEAD(, turn_conn) conns;
	uint32_t nperms, nchans;
	bool tcp;                    /* RFC 6062 */
	uint32_t nconns, npending;   /* npending: those that are not bound */
	uint8_t txid[STUN_TXID_LEN]; /* of its Allocate */
	uint32_t lifetime_s;         /* as that was answered */
	uint16_t denied; /* ADDRESS-ERROR-CODE of that answer; 0: none */
	uint8_t token[TURN_TOKEN_LEN];
	bool reserved; /* token was part of the answer */
	const struct turn_realm *realm;
	char *user;
	uint64_t user_id;
	uint64_t share_id;         /* for quotas and bandwidth */
	struct turn_token *access; /* NULL: not by one */
	uint64_t user_expires_s;   /* of the REST name that opened it */
	uint64_t icmp_ms;          /* up to then ICMP has used its share */
	uint64_t created_ms, created_s;
	struct turn_traffic traffic[TURN_DIRECTIONS]; /* but its channels' */
	struct bucket meter[TURN_DIRECTIONS];
	struct turn_part *user_part; /* NULL: no limit */
	bool metered;                /* by any of them */
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
	bool metered; /* as the allocation */
	/* What it writes: the next line. */
	struct turn_traffic traffic[TURN_DIRECTIONS];
	struct turn_alloc *alloc;
	uint64_t bound_until_ms;
	LIST_ENTRY(turn_chan) link;
	struct wheel_timer timer;
};

/* A Connect that waits for its answer: what that is made from. */
struct turn_asked {
	uint8_t head[STUN_HEADER_LEN];
	uint16_t len;
	bool fingerprint;
	bool authed;
	enum crypto_hash seal;
	struct turn_key key;
};

/* A peer's connection of a TCP allocation. */
enum turn_conn_state { CONN_CONNECTING, CONN_PENDING, CONN_BOUND };

struct turn_conn {
	struct turn_peer_key key;
	uint32_t id; /* its CONNECTION-ID */
	enum turn_conn_state state;
	struct turn_alloc *alloc;
	LIST_ENTRY(turn_conn) link;
	uint64_t until_ms;
	struct wheel_timer timer;
	struct turn_asked asked; /* while connecting */
};

struct turn_server {
	const struct turn_config *cfg;
	struct turn_ops ops;
	struct turn_stats stats;
	struct htab allocs;      /* by tuple */
	struct htab tickets;     /* allocations that have one, by id */
	struct htab moving;      /* those on their way, by next */
	struct htab perms;       /* by peer key, port 0 */
	struct htab chan_tuples; /* by tuple with channel */
	struct htab chan_peers;  /* by peer key */
	struct htab conns;       /* by id */
	struct htab conn_peers;  /* by peer key */
	struct pool *alloc_pool, *perm_pool, *chan_pool, *conn_pool;
	struct wheel alloc_wheel, perm_wheel, chan_wheel;
	struct limit *answers, *failures;    /* of strangers */
	struct wheel dial_wheel, conn_wheel; /* connecting; pending */
	uint32_t last_conn;
	bool draining;
	struct turn_alternates instead; /* meanwhile; n 0: the settings' */
	uint64_t redirected;            /* clients */
	uint64_t last_id;
	uint64_t indications;          /* sent, for their transaction ids */
	struct turn_peer_key send_key; /* where a Send indication goes */
	struct turn_time seen;
};

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
