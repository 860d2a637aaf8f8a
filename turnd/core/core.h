/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * core: a request on its way through the files of turnd/core, and what they
 * call of each other. Nobody else includes it.
 * Owns: nothing.  Thread: the server's.
 */
#ifndef FLOE_TURND_CORE_CORE_H
#define FLOE_TURND_CORE_CORE_H

#include "turnd/core/state.h"

/* What a request's MOBILITY-TICKET says. */
struct turn_ticket {
	bool given;
	bool good;                   /* one of ours; then the rest counts */
	uint16_t server;             /* that keeps the allocation */
	uint32_t number;             /* how often it had moved */
	uint64_t id;                 /* of the allocation */
	struct turn_alloc *occupied; /* on the request's own 5-tuple */
};

struct turn_req {
	struct turn_server *s;
	const struct turn_in *in;
	struct turn_time t;
	const struct stun_msg *msg;
	struct turn_alloc *alloc;       /* of the 5-tuple; NULL: none */
	const struct turn_realm *realm; /* of a challenge; NULL: no_auth */
	struct turn_conn *conn; /* of a ConnectionBind; NULL: not here */
	bool moves;             /* because another server, owner, has it */
	uint16_t owner;
	bool later; /* it is answered when more is known */
	struct turn_name user;
	struct turn_record record; /* of a user found by the shell */
	bool recorded;
	uint64_t tried; /* the user's id, before a record of him changes it */
	struct turn_token token; /* by_token: whose key this is */
	bool by_token;
	struct turn_key key;
	enum crypto_hash seal; /* of the answer's MESSAGE-INTEGRITY */
	bool proven; /* user and key are good, though the nonce be old */
	bool authed; /* user and key are good; the answer is protected */
	struct turn_ticket ticket;
	uint16_t unknown[8];
	size_t nunknown;
	struct buf buf;
	struct stun_out out;
	struct turn_note *note;
};

/* realm.c: fills r->realm; true: it is the one that REALM names. */
bool realm_select(struct turn_req *);

/* auth.c: who sends this request? */
enum turn_reason auth_check(struct turn_req *);
bool auth_owns(const struct turn_req *, const struct turn_alloc *);

/* guard.c: what strangers may do. May this request, which nobody has
 * authenticated, be answered? Counts it. */
bool guard_answers(struct turn_req *);
/* Has this user or host failed so often that nothing is looked at for now? */
bool guard_waits(const struct turn_req *);
void guard_failed(struct turn_req *);

/* meter.c: TURN_FULL: no memory. */
enum turn_reason meter_begin(struct turn_req *, struct turn_alloc *);
/* May these bytes go this way? If not, they are dropped. */
bool meter_pass(struct turn_server *, struct turn_alloc *, enum turn_direction,
    size_t len, struct turn_out *);
/* For streams, which wait instead: is there room; and it is used. */
bool meter_has(
    struct turn_server *, struct turn_alloc *, enum turn_direction, size_t len);
enum turn_reason meter_take(
    struct turn_server *, struct turn_alloc *, enum turn_direction, size_t len);

/* oauth.c: RFC 7635. Does a token speak for this request? */
bool oauth_applies(const struct turn_req *, const struct stun_attr *name);
/* Fills r->user and r->token. */
enum turn_reason oauth_user(struct turn_req *, const struct stun_attr *name);
/* At most what is left of the token, section 9. */
uint32_t oauth_lifetime(const struct turn_req *, uint32_t lifetime_s);
/* The token that the request came by is the allocation's now; false: no
 * memory, and it has the one it had. */
bool oauth_keep(const struct turn_req *, struct turn_alloc *);
void oauth_forget(struct turn_alloc *);

/* reply.c */
void reply_success(struct turn_req *); /* begins; attributes may follow */
void reply_error(struct turn_req *, enum turn_reason);
/* Protects and ends; the length, 0 when it did not fit. */
size_t reply_end(struct turn_req *);

/* peer.c: NULL when the peer may be reached, else the rule that refuses.
 * *own: it may be, but only as a live relayed address. */
const struct prefix_rule *peer_refused(
    const struct turn_server *, const struct addr *, bool tcp, bool *own);
/* The same for a request, whose note is filled; TURN_OK, _PEER_DENIED or
 * _PEER_FAMILY. */
enum turn_reason
peer_check(struct turn_req *, const struct addr *peer, bool *own);

/* alloc.c */
struct turn_alloc *
alloc_find(struct turn_server *, const struct addr *client, uint16_t link);
void alloc_end(struct turn_server *, struct turn_alloc *, enum turn_end);
/* Ends what of it is over; true: all of it. */
bool alloc_expire(struct turn_server *, struct turn_alloc *);
/* What peers of this family are reached from; NULL: nothing. */
struct turn_half *alloc_half(struct turn_alloc *, const struct addr *peer);
/* Tells what lives, or of an allocation that ends all that it had. */
void alloc_info(const struct turn_alloc *, uint64_t now_ms, bool ended,
    struct turn_alloc_info *);
/* Whom its relayed address of this family is counted for. */
struct turn_share alloc_share(const struct turn_server *,
    const struct turn_realm *, uint64_t user, enum turn_family);
/* With the permissions and channels of this family. */
void
alloc_half_end(struct turn_server *, struct turn_alloc *, enum turn_family);
/* To when the first of its addresses ends. */
void alloc_set_timer(struct turn_server *, struct turn_alloc *);
/* Out of the tables, with all that it has, without a record. */
void alloc_drop(struct turn_server *, struct turn_alloc *);
void alloc_free(struct turn_server *, struct turn_alloc *); /* just memory */

/* allocate.c */
enum turn_reason alloc_allocate(struct turn_req *);
enum turn_reason alloc_refresh(struct turn_req *);

/* alternate.c: TURN_TRY_ALTERNATE if there is one for this client, else the
 * reason that it would have been refused for. */
enum turn_reason alternate_judge(const struct turn_req *, enum turn_reason);
void alternate_put(struct turn_req *); /* into an answer of 300 */

/* mobility.c: RFC 8016. Which allocation a Refresh is about. */
void mobility_find(struct turn_req *);
/* May the ticket be served, and here? */
enum turn_reason mobility_judge(struct turn_req *);
/* A new allocation has a ticket; the attribute, if it has. */
enum turn_reason mobility_grant(struct turn_req *, struct turn_alloc *);
void mobility_put_ticket(struct turn_req *, const struct turn_alloc *);
/* The 5-tuple of the request is where the allocation will be. */
enum turn_reason mobility_move(struct turn_req *);
/* Which allocation is on its way there, or from there; NULL: none. */
struct turn_alloc *mobility_at(struct turn_server *, const struct turn_tuple *);
/* Data has come from there; true: that is such an allocation, and the tuple is
 * now the one that its channels have. */
bool mobility_data(struct turn_server *, struct turn_tuple *);
/* A request for the allocation has come, which may be from its new address. */
void mobility_request(struct turn_req *);
/* An Allocate; true: the allocation has left this 5-tuple to it. */
bool mobility_abandoned(struct turn_req *);
/* The connection at either 5-tuple is gone; true: the allocation stays. */
bool mobility_gone(
    struct turn_server *, struct turn_alloc *, const struct turn_tuple *);
void mobility_end(struct turn_server *, struct turn_alloc *);

/* perm.c */
struct turn_perm *
perm_find(struct turn_server *, uint32_t relay, const struct addr *peer);
/* Installs or refreshes; TURN_OK, or TURN_PEER_LIMIT and nothing changed. */
enum turn_reason perm_grant(struct turn_server *, struct turn_alloc *,
    const struct addr *peer, bool own);
void perm_free(struct turn_server *, struct turn_perm *);
enum turn_reason perm_create(struct turn_req *);

/* tcp.c: RFC 6062 */
bool tcp_init(struct turn_server *); /* false: no memory */
void tcp_fini(struct turn_server *);
void tcp_expire(struct turn_server *);
uint64_t tcp_next_ms(const struct turn_server *);
/* Before authentication, since an expired name may serve its allocation:
 * whose connection a ConnectionBind is about. */
void tcp_find(struct turn_req *);
enum turn_reason tcp_connect(struct turn_req *);
enum turn_reason tcp_bind(struct turn_req *);
void tcp_end(struct turn_server *, struct turn_conn *);

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
void data_from_icmp(
    struct turn_server *, const struct turn_icmp *, struct turn_out *);

/* server.c: counts and notes a drop. */
void server_drop(struct turn_server *, struct turn_out *, enum turn_reason);
void server_reset(struct turn_out *);
/* Seals and addresses the answer to a request, success when reason is TURN_OK;
 * and counts it. */
void server_answer(struct turn_req *, enum turn_reason, struct turn_out *);
/* A transaction id for an indication of ours. */
void server_txid(struct turn_server *, uint8_t txid[STUN_TXID_LEN]);

#endif
