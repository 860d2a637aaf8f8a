/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server: the TURN server of one worker (RFC 8656) without sockets, clocks or
 * randomness. A datagram of a client or a peer goes in with the time, at most
 * one datagram comes out; what is relayed is borrowed from the input, never
 * copied. Relay ports, quotas across workers and the news of an ended
 * allocation go through struct turn_ops, which tests fake.
 * Invariant: nothing is kept for a client before it is authenticated.
 * Owns: allocations with their permissions and channels.  Thread: one.
 */
#ifndef FLOE_TURND_CORE_SERVER_H
#define FLOE_TURND_CORE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "turnd/core/config.h"
#include "turnd/core/reason.h"

enum turn_side { TURN_NOBODY, TURN_CLIENT, TURN_PEER };

struct turn_in {
	enum turn_side from;
	uint8_t *data;
	size_t len;
	/* Writable bytes around data; peers' datagrams need TURN_HEAD_ROOM and
	 * TURN_TAIL_ROOM to become Data indications in place. */
	size_t head_room, tail_room;
	const struct addr *src;
	uint32_t relay; /* from a peer: where it came in */
	bool verified;  /* from a client: over what nobody forges, as TCP */
	bool stream;    /* from a client: over TCP or TLS */
	uint16_t link;  /* from a client: what the shell knows the server's
			   half of the 5-tuple by */
};

/* What happened to a request or why something was dropped. */
struct turn_note {
	enum turn_reason reason;
	const char *method; /* its name; NULL: not a request */
	const char *rule;   /* 403: the rule that refused peer */
	struct addr peer;
	char user[64]; /* for logs, cut; empty before authentication */
};

/* What to do with the client's connection once the answer is queued. */
enum turn_then {
	TURN_THEN_NOTHING,
	TURN_THEN_JOIN, /* with the peer's of conn: raw bytes from now on */
	/* To the server that owns its conn, message and all. For RFC 8016 the
	 * message will do, with the client's 5-tuple. */
	TURN_THEN_MOVE,
};

struct turn_out {
	/* given by the caller: TURN_REPLY_MAX bytes for answers */
	uint8_t *reply;
	/* the datagram: head, then data; to TURN_NOBODY when there is none */
	enum turn_side to;
	uint8_t head[4];
	size_t head_len;
	const uint8_t *data; /* in the input or in reply */
	size_t len;
	const struct addr *dst; /* valid until the next call */
	uint32_t relay;         /* to a peer */
	bool whole;             /* to a peer: with DF set, never in fragments */
	uint16_t link;          /* to a client */
	enum turn_then then;
	uint32_t conn;   /* to join */
	uint16_t server; /* to move to */
	/* Set on requests and drops, not on what is simply relayed. */
	bool noted;
	struct turn_note note;
};

/* An ICMP error about what a relay sent to a peer. */
struct turn_icmp {
	uint32_t relay;
	struct addr peer;
	uint8_t type, code; /* of ICMP or ICMPv6, as peer's family is */
	uint32_t mtu;       /* of the next link, if it was too long for that */
};

struct turn_server;

/* NULL: no memory. */
struct turn_server *
turn_server_new(const struct turn_config *, const struct turn_ops *);
/* Ends every allocation with TURN_END_SHUTDOWN. */
void turn_server_free(struct turn_server *);
void turn_server_input(struct turn_server *, const struct turn_in *,
    struct turn_time, struct turn_out *);
/* The same for ICMP; the client hears of it in a Data indication. */
void turn_server_icmp(struct turn_server *, const struct turn_icmp *,
    struct turn_time, struct turn_out *);
/* Is there an allocation on this 5-tuple? */
bool turn_server_has(struct turn_server *, const struct addr *client,
    uint16_t link, struct turn_time);
/* RFC 8656 section 7.1: the connection that the 5-tuple was is gone, and its
 * allocation with it, unless that has a ticket (RFC 8016). */
void turn_server_gone(struct turn_server *, const struct addr *client,
    uint16_t link, struct turn_time);
/*
 * RFC 6062, by the numbers that ops.conn_open, turn_server_incoming and
 * out.conn tell. A peer has connected to a relay: true, and out tells the
 * client; false: close it.
 */
bool turn_server_incoming(struct turn_server *, uint32_t relay,
    const struct addr *peer, struct turn_time, uint32_t *conn,
    struct turn_out *);
/* What became of ops.conn_open: 0 or -errno. */
void turn_server_connected(struct turn_server *, uint32_t conn, int err,
    struct turn_time, struct turn_out *);
/* A connect that took too long, told to its client: call until false. */
bool
turn_server_overdue(struct turn_server *, struct turn_time, struct turn_out *);
/* Does the bandwidth allow so many bytes more? Else they have to wait. */
bool turn_server_may_relay(struct turn_server *, uint32_t conn,
    enum turn_direction, size_t bytes, struct turn_time);
/* So many have gone in this direction. */
void turn_server_relayed(
    struct turn_server *, uint32_t conn, enum turn_direction, uint64_t bytes);
/* One of its ends is closed, or it could not be joined. */
void
turn_server_conn_over(struct turn_server *, uint32_t conn, struct turn_time);

/* May somebody be answered, outside of what is served here, whose address may
 * be another's? Counts one against the limit of his network. */
bool turn_server_may_answer(
    struct turn_server *, const struct addr *, struct turn_time);
/* Ends what is over; the number of allocations that ended. */
size_t turn_server_expire(struct turn_server *, struct turn_time);
/* When to call expire next; UINT64_MAX: nothing to wait for. */
uint64_t turn_server_next_ms(const struct turn_server *);

/* From now on no new allocations, or again: clients are sent to that address,
 * NULL: to those of the settings. What lives goes on. */
void turn_server_drain(
    struct turn_server *, bool draining, const struct addr *instead);

/* Counters have one writer and may be read by any thread (stats.h). */
struct turn_stats *turn_server_stats(struct turn_server *);
/* Walks the allocations: *pos 0 first; false at the end. */
bool turn_server_walk(const struct turn_server *, size_t *pos, uint64_t now_ms,
    struct turn_alloc_info *);
/* Bytes of state of one allocation with one permission and one channel. */
size_t turn_server_alloc_bytes(void);

#endif
