/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake: turnd/core on virtual time, with a shell that is a few arrays: relayed
 * addresses count up from 203.0.113.1:50000, and what comes out stays in out.
 * Owns: the server and its configuration.  Thread: one.
 */
#ifndef FLOE_TESTS_TURN_FAKE_H
#define FLOE_TESTS_TURN_FAKE_H

#include "turnd/core/quota.h"
#include "turnd/core/server.h"

#define FAKE_RELAYS     256
#define FAKE_DATAGRAM   2048
#define FAKE_FIRST_PORT 50000
#define FAKE_CONNS      64
#define FAKE_REALM      "example.org"
#define FAKE_WALL_S     1700000000 /* when every test begins */

/* What a test may change before fake_start. */
struct fake_conf {
	uint32_t user_quota, realm_quota, max_allocations, max_permissions,
	    max_channels;
	uint32_t rate_limit, rate_burst, auth_failures;
	/* Bytes a second, and as many at once. */
	uint32_t alloc_bandwidth, user_bandwidth, total_bandwidth;
	uint32_t max_connections, connections;
	uint16_t server, servers; /* which it is, of how many */
	uint16_t channel_max;
	bool no_auth;
	bool mobility;
	uint32_t expired_grace_s;
	bool has_v6;    /* relays at 2001:db8:1::1, too */
	bool no_v4;     /* and none at 203.0.113.1 */
	uint32_t ports; /* relays that may be open at once */
};

#define FAKE_RECORDS 16
#define FAKE_REALMS  4

/* A user whom the shell finds; a name of "" was removed. */
struct fake_record {
	char name[64], realm[64];
	struct turn_record rec;
};

struct fake_relay {
	struct addr addr;
	bool open, reserved, tcp;
	uint64_t user;
	uint8_t token[TURN_TOKEN_LEN];
};

/* A peer's connection of a TCP allocation. */
struct fake_conn {
	uint32_t id;
	struct addr peer;
	bool open;
	bool dialing; /* fake_dialed is to come */
};

struct fake {
	struct fake_conf conf;
	struct turn_config core;
	struct turn_realm realms[FAKE_REALMS]; /* the first is FAKE_REALM */
	struct turn_users *realm_users[FAKE_REALMS];
	struct turn_users *users; /* the first realm's */
	struct turn_origin origins[FAKE_REALMS];
	struct fake_record records[FAKE_RECORDS];
	size_t nrecords;
	int records_error; /* what asking for them gives, when not 0 */
	struct prefix_list *peers;
	struct turn_quota *quota;
	struct turn_pipe *total;
	struct turn_server *server;
	struct turn_ops ops; /* that it was made with */
	struct turn_time t;
	uint16_t link; /* where clients come in: realm n belongs to link n */
	bool verified; /* as turn_in has it */
	bool stream;   /* over TCP */
	struct fake_relay relays[FAKE_RELAYS];
	size_t nrelays; /* ever opened; the id is the index */
	struct fake_conn conns[FAKE_CONNS];
	size_t nconns;   /* ever */
	int dial_error;  /* what conn_open gives, when not 0 */
	int relay_error; /* likewise relay_open */
	size_t ended;
	size_t left;                 /* 5-tuples that allocations moved from */
	struct addr last_left;       /* the last of them */
	struct turn_alloc_info last; /* of the last one ended; no user */
	enum turn_end last_why;
	struct turn_out out;
	uint8_t reply[TURN_REPLY_MAX];
	uint8_t room[TURN_HEAD_ROOM + FAKE_DATAGRAM + TURN_TAIL_ROOM];
	uint8_t sent[FAKE_DATAGRAM + TURN_HEAD_ROOM]; /* head and data of out */
	size_t sent_len;
};

/* Default settings, the user alice:wonderland and the special peer rules. */
void fake_init(struct fake *);
void fake_rule(struct fake *, const char *prefix, enum prefix_verdict);
/* One more; its users. The name stays the caller's. */
struct turn_users *fake_realm(struct fake *, const char *name);
/* Clients with this ORIGIN are in the realm. */
void fake_origin(struct fake *, const char *realm, const char *origin);
/* Takes tokens for this server that are sealed with "KEY[:...]" of the kid: 0
 * or -EINVAL. The server's name stays the caller's. */
int
fake_oauth(struct fake *, const char *server, const char *kid, const char *key);
/* Keeps a user, or replaces the one of this name, whenever; realm NULL:
 * FAKE_REALM. */
struct turn_record *fake_record(
    struct fake *, const char *realm, const char *name, const char *password);
void fake_forget(struct fake *, const char *name);
void fake_start(struct fake *); /* after which settings stand */
void fake_fini(struct fake *);

/* One datagram; the answer is in out, and as one piece in sent. */
void fake_from_client(
    struct fake *, const struct addr *client, const void *, size_t len);
void fake_from_peer(struct fake *, const struct addr *peer, uint32_t relay,
    const void *, size_t len);
void fake_icmp(struct fake *, const struct turn_icmp *);
/* What becomes of the connect to this peer: 0 or -errno. */
void fake_dialed(struct fake *, const struct addr *peer, int err);
/* A peer connects; the number that its connection got, 0: it was refused. */
uint32_t fake_arrives(struct fake *, const struct addr *peer, uint32_t relay);
/* The next connect that took too long, in out. */
bool fake_overdue(struct fake *);
size_t fake_open_conns(const struct fake *);
/* Time passes and what is over ends. */
void fake_elapse(struct fake *, uint64_t ms);
/* The relay that has this address; FAKE_RELAYS: none. */
uint32_t fake_relay_at(const struct fake *, const struct addr *);
struct addr fake_addr(const char *); /* exits on a bad spelling */

#endif
