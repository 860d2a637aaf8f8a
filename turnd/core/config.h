/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config: what a server is made from: settings, and the shell's hand in what
 * the core does not do by itself (relay ports, counting over all workers).
 * Owns: nothing; a server borrows both.  Thread: settings are shared by the
 * workers and never change; the shell's functions run on the server's thread.
 */
#ifndef FLOE_TURND_CORE_CONFIG_H
#define FLOE_TURND_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr/addr.h"
#include "lib/addr/limit.h"
#include "lib/addr/prefix.h"
#include "lib/base/hash.h"
#include "lib/crypto/crypto.h"
#include "lib/stun/nonce.h"
#include "turnd/core/meter.h"
#include "turnd/core/stats.h"
#include "turnd/core/token.h"
#include "turnd/core/users.h"

#define TURN_TOKEN_LEN 8
#define TURN_REPLY_MAX 1024 /* longest STUN message the core writes */
/* What a Data indication puts in front of and behind a peer's datagram. */
#define TURN_HEAD_ROOM 48
#define TURN_TAIL_ROOM 3

/* Times of RFC 8656: sections 3.2, 9 and 12. */
#define TURN_LIFETIME_S   600
#define TURN_PERMISSION_S 300
#define TURN_CHANNEL_S    600
/* RFC 6062: how long a connect may take (section 5.2: at least that), and how
 * long a peer's connection waits for its ConnectionBind. */
#define TURN_CONNECT_S 30
#define TURN_PENDING_S 30
/* Peers' connections of an allocation that are not bound yet. */
#define TURN_PENDING_MAX 16

/* The rule for the server's own addresses in turn_config.peers carries this
 * very pointer as its name: a live relayed address passes it. */
extern const char turn_own_address[];

struct turn_time {
	uint64_t now_ms; /* monotonic: every lifetime */
	uint64_t wall_s; /* since 1970: the expiry of REST names, stamps */
};

#define TURN_MAX_REALMS  64
#define TURN_MAX_ORIGINS 256

/* A realm: users of its own, and nonces that no other one takes. */
struct turn_realm {
	const char *name;
	const struct turn_users *users;
	struct stun_nonce_key nonce_key; /* its features: turn_realm_offer */
	bool by_origin;                  /* one of origins leads to it */
};

/* Sets the security features that nonces tell (RFC 8489 section 9.2) to what
 * the users can do. */
void turn_realm_offer(struct turn_realm *);

/* A value of ORIGIN, and the place of its realm. */
struct turn_origin {
	const char *text;
	uint16_t realm;
};

/* What strangers may do; all zero: anything. */
struct turn_limits {
	/* Answers to a network without credentials, over UDP. */
	struct limit_rate answers;
	/* Wrong credentials: of one name at a host, and of all names. */
	struct limit_backoff name, host;
	/* More than so many of a network, and its hosts are trusted less. */
	uint32_t network_failures;
};

/* Other servers, for those that this one does not take. */
#define TURN_MAX_ALTERNATES 16
struct turn_alternates {
	struct addr addrs[TURN_MAX_ALTERNATES];
	size_t n;
	const char *domain; /* in the certificates of all; NULL: not told */
};

/* Immutable while a server lives, shared by the workers; all borrowed. */
struct turn_config {
	/* The first is that of clients to whom no other one belongs. */
	const struct turn_realm *realms;
	size_t nrealms;
	const struct turn_origin *origins;
	size_t norigins;
	struct turn_oauth oauth;
	const char *software; /* told to the authenticated; NULL: nothing */
	const struct prefix_list *peers;
	struct hash_key hash_key;
	bool no_auth;             /* an open relay, for labs */
	uint16_t channel_max;     /* STUN_CHANNEL_MAX or _MAX_5766 */
	uint32_t max_lifetime_s;  /* longest that a client may ask for */
	uint32_t max_allocations; /* of this server */
	uint32_t max_permissions; /* of an allocation */
	uint32_t max_channels;    /* of an allocation */
	struct turn_limits limits;
	struct bucket_rate alloc_rate; /* bytes of an allocation, each way */
	/* RFC 6062: data connections of an allocation, 0: no TCP allocations;
	 * and of this server. */
	uint32_t max_connections, connections;
	struct turn_alternates alternates;
	/* So long an allocation lives on, refreshed, after its credential. */
	uint32_t expired_grace_s;
	bool mobility; /* RFC 8016 */
	uint8_t ticket_key[CRYPTO_SHA256_LEN];
};

/* Failures that a name at a host has free; 0: no back-off. */
void turn_config_backoff(struct turn_config *, uint32_t failures);

/* The families of relayed addresses, as arrays are indexed by them. */
enum turn_family { TURN_V4, TURN_V6, TURN_FAMILIES };

static inline enum turn_family
turn_family(const struct addr *a)
{
	return a->family == ADDR_V6 ? TURN_V6 : TURN_V4;
}

/* Whose share of the server a relayed address is. */
struct turn_share {
	uint64_t user;
	uint32_t limit; /* the user's own quota; 0: as everybody */
	uint16_t realm;
	enum turn_family family;
};

/* What a client wants as its relayed transport address. */
struct turn_want {
	enum addr_family family;
	bool tcp;             /* RFC 6062: it listens */
	bool even;            /* EVEN-PORT */
	bool reserve;         /* its R bit: and keep the port above */
	const uint8_t *token; /* RESERVATION-TOKEN, or NULL */
	uint64_t user;        /* a reservation is its owner's only */
	uint16_t link;        /* by which the client came */
};

struct turn_relay {
	uint32_t id; /* the shell's; in use until relay_close */
	struct addr addr;
	uint8_t token[TURN_TOKEN_LEN]; /* set when want.reserve */
};

/* An allocation as told to logs and the admin API; borrowed. */
struct turn_alloc_info {
	uint64_t id; /* unique in the server */
	const char *user, *realm;
	struct addr client;
	uint16_t link;
	uint16_t next_link; /* where it moves to; link when it does not */
	/* One, or one of each family (ADDR_NONE: not that one): those that
	 * live, and of an allocation that ended those that it ever had. */
	struct addr relayed[TURN_FAMILIES];
	uint64_t created_s; /* wall clock */
	uint64_t age_ms;
	uint64_t left_ms; /* of the one that lives longest */
	uint32_t permissions, channels;
	bool tcp; /* RFC 6062 */
	uint32_t connections;
	struct turn_traffic traffic[TURN_DIRECTIONS];
};

enum turn_end {
	TURN_END_EXPIRED,
	TURN_END_DELETED,
	TURN_END_SHUTDOWN,
	TURN_END_DISCONNECTED, /* the client's TCP connection is gone */
};

struct turn_ops {
	void *arg;
	/* Which of the shell's servers this is, and how many there are: its
	 * CONNECTION-IDs and tickets tell it to the others. At most 256. */
	uint16_t server, servers;
	/* 0; -EAFNOSUPPORT: no relay address of this family; -ENOENT: the
	 * token or the even port is not to be had; -EADDRINUSE: no port;
	 * else no socket. */
	int (*relay_open)(
	    void *arg, const struct turn_want *, struct turn_relay *);
	void (*relay_close)(void *arg, uint32_t id);
	/* A relayed address of a live allocation on any worker? */
	bool (*relay_live)(void *arg, const struct addr *, bool tcp);
	/* Begins to connect a TCP relay to a peer; turn_server_connected tells
	 * the end. 0 or -errno, and then it never began. */
	int (*conn_open)(
	    void *arg, uint32_t relay, const struct addr *peer, uint32_t conn);
	/* Closes what there is of it: the peer's connection, one that is being
	 * made, the client's. */
	void (*conn_close)(void *arg, uint32_t conn);
	/* As turn_quota_take and turn_quota_give. */
	int (*quota_take)(void *arg, const struct turn_share *);
	void (*quota_give)(void *arg, const struct turn_share *);
	/* What this worker may relay for a user who has an allocation, and as
	 * long as he has; bandwidth: his own, 0: as everybody. *part NULL:
	 * no limit. 0 or -ENOMEM. May be NULL. */
	int (*user_part)(void *arg, uint64_t user, uint64_t bandwidth,
	    struct turn_part **part);
	struct turn_part *total; /* and for all together; may be NULL */
	void (*ended)(void *arg, const struct turn_alloc_info *, enum turn_end);
	/* An allocation that lives on has left this 5-tuple. May be NULL. */
	void (*left)(void *arg, const struct addr *client, uint16_t link);
	/* The place of the realm of those who come by a link. NULL: 0. */
	uint16_t (*realm_of)(void *arg, uint16_t link);
	/* A user who is not static. 0; -ENOENT: nobody; -EINPROGRESS: it is not
	 * known yet, and the request is dropped as TURN_AUTH_PENDING, to be
	 * given again when it is; -EBUSY: nor will it be; else it cannot be
	 * told. NULL: there are no others. */
	int (*user_find)(void *arg, const char *realm, const struct turn_name *,
	    struct turn_record *);
	/* The name that has this USERHASH, CRYPTO_SHA256_LEN bytes, as
	 * user_find. NULL as that. */
	int (*user_by_hash)(void *arg, const char *realm, const uint8_t *hash,
	    char name[TURN_NAME_MAX + 1]);
};

#endif
