/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * core: signald without sockets, clock, disk or threads. One core is one
 * shard: it owns every user, with all of that user's sessions, and every call
 * whose key hashes to it. Events go in with the time, effects come out in a
 * queue that the shell carries out in order:
 *
 *   frames of links, mail of other shards, results of the log  ->  core
 *   core  ->  send, close, move a link; post mail; append; read; tell events
 *
 * Nothing is answered before its append came back (ack after durability), and
 * a session gets messages only by walking its cursor through the user's
 * inbox log; a push that arrives in order is just the short cut.
 *
 * Owns: users, sessions, calls, rooms, pending tickets, the effect queue.
 * Thread: one; shards share nothing.
 */
#ifndef FLOE_SIGNALD_CORE_CORE_H
#define FLOE_SIGNALD_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signald/core/log.h"
#include "signald/core/mail.h"

struct sig_core;
struct sig_jwt; /* auth.h */

#define SIG_PRELOGIN_READ 8192 /* bytes of a frame before the log-in */

/* Immutable while a core lives, but for jwt and turn_uris; what it points to is
 * borrowed. */
struct sig_config {
	uint32_t shard, shards;
	const char *app;  /* in conversation ids, "main" */
	const char *node; /* told in welcome */
	uint32_t ping_ms, kill_ms, hello_ms, resume_ms, ring_ms, resend_ms;
	uint32_t mobile_ping_ms, mobile_wait_ms;
	uint32_t drain_ms;   /* over which a drain closes its links */
	uint32_t spread_ms;  /* over which they come back */
	uint32_t move_links; /* more of them are asked to move; 0: none */
	uint32_t frame_bytes, text_bytes, sdp_bytes, candidates, window;
	uint32_t max_strangers; /* links before their log-in; 0: any */
	uint32_t max_links, max_sessions_per_user, max_pending_per_session;
	bool friends_only;                   /* who may text and call a user */
	uint32_t request_rate, message_rate; /* of a user, a second; 0: any */
	uint32_t group_members;              /* at most in a group */
	uint32_t group_fanout;     /* a larger one is read by cursor */
	uint32_t max_rooms;        /* and chatrooms, that one core holds */
	uint32_t chatroom_members; /* sessions in one chatroom */
	uint8_t token_key[32];     /* signs log-in tokens */
	const struct sig_jwt *jwt; /* outside tokens; NULL: none are taken */
	uint8_t shard_key[16]; /* places users and calls; same in all shards */
	const char *const *turn_secrets; /* the first one signs; NULL ends */
	/* Best first, NULL ends. The shell may write others into the array
	 * between two events. */
	const char *const *turn_uris;
	const char *const *stun_uris;
	uint32_t ice_ttl_s;
	/* Behind users' names in TURN credentials, so that relays tell them
	 * from another app's; NULL: nothing. */
	const char *turn_suffix;
	uint32_t events;       /* bits of enum sig_event_kind that are wanted */
	bool event_bodies;     /* with the bodies of messages */
	uint64_t token_ms;     /* life of our own tokens */
	uint64_t retention_ms; /* messages are kept so long; 0: for ever */
	void (*random)(void *out, size_t len); /* the shell's source */
};

/* Both clocks of an event: timers run on now_ms, stamps are wall_ms. */
struct sig_time {
	uint64_t now_ms;  /* monotonic */
	uint64_t wall_ms; /* since 1970 */
};

struct sig_core *sig_core_new(const struct sig_config *);
void sig_core_free(struct sig_core *);

/* Other keys for outside tokens from now on. */
void sig_core_set_jwt(struct sig_core *, const struct sig_jwt *);

/* Takes up what the cores before kept in the log (keep.h); done when the
 * reads that it emits have come back. Before the first link, mail or start. */
void sig_core_load(struct sig_core *, struct sig_time);
/* All shards have loaded and can be posted to. */
void sig_core_start(struct sig_core *, struct sig_time);

/* A link has spoken WebSocket; emits the welcome. link: the shell's id, never
 * used again for another link. */
void sig_core_link_open(struct sig_core *, uint64_t link, struct sig_time);
/* A link that another shard's SIG_MOVE brought, with its hello frame;
 * opened_ms: the time of its sig_core_link_open. */
void sig_core_link_adopt(struct sig_core *, uint64_t link, uint64_t opened_ms,
    const char *hello, size_t len, struct sig_time);
/* One whole message (any number of JSON lines). */
void sig_core_link_frame(struct sig_core *, uint64_t link, const char *,
    size_t len, struct sig_time);
/* One request of a user whose token the shell has judged, without a link: on
 * the user's shard. link: an id like a link's. What comes back is one
 * SIG_SEND, the answer, or SIG_CLOSE; then the shell says it is closed. */
void sig_core_ask(struct sig_core *, uint64_t link, const char *user,
    const char *text, size_t len, struct sig_time);
/* The link brought bytes, though maybe no whole message: its client lives.
 * Whether it has logged in, and is to be given the memory that takes. */
bool sig_core_link_heard(struct sig_core *, uint64_t link, struct sig_time);
/* The link ends before its client has taken all that was sent; to be said
 * before sig_core_link_closed. */
void sig_core_link_behind(struct sig_core *, uint64_t link);
/* The link is gone; also the answer to SIG_CLOSE. Unknown ids are ignored,
 * so that a late close never touches a newer link. */
void sig_core_link_closed(struct sig_core *, uint64_t link, struct sig_time);
/* The mail becomes the core's. */
void sig_core_mail(struct sig_core *, struct sig_mail *, struct sig_time);
void sig_core_appended(struct sig_core *, uint64_t ticket,
    const struct sig_appended *, struct sig_time);
void sig_core_read(struct sig_core *, uint64_t ticket, const struct sig_rows *,
    struct sig_time);
/* The log has stored a new standing of the user, who may live on any shard. */
void sig_core_standing(struct sig_core *, const char *user,
    const struct sig_standing *, struct sig_time);
/* Ends a session of this shard at once. False: there is no such session. */
bool sig_core_kick(struct sig_core *, const char *session, struct sig_time);
/* Runs what is due; next_ms tells when to call (UINT64_MAX: never). */
void sig_core_tick(struct sig_core *, struct sig_time);
uint64_t sig_core_next_ms(const struct sig_core *);
/* Closes every link with 4003, over drain_ms; takes no new ones. */
void sig_core_drain(struct sig_core *, struct sig_time);

/* Links are taken again after a drain; those that were told to go, go. */
void sig_core_serve(struct sig_core *);

enum sig_effect_kind {
	SIG_SEND,
	SIG_CLOSE,
	SIG_MOVE,
	SIG_POST,
	SIG_APPEND,
	SIG_READ,
	SIG_TELL,
};

struct sig_effect {
	enum sig_effect_kind kind;
	uint64_t link;      /* SEND CLOSE MOVE */
	uint64_t ticket;    /* APPEND READ: comes back with the result */
	uint32_t shard;     /* MOVE POST: where to */
	uint16_t code;      /* CLOSE */
	const char *reason; /* CLOSE: static */
	char *
	    text; /* SEND MOVE TELL (event.h): a JSON text, no NUL at its end */
	size_t len;
	bool droppable; /* SEND: ephemeral, may go when the link is slow */
	struct sig_mail *mail;     /* POST */
	struct sig_append *append; /* APPEND */
	struct sig_read *read;     /* READ */
};

/* The next effect, taken off the queue, or false. What it points to belongs
 * to the caller: sig_effect_fini frees whatever was not taken (set NULL). */
bool sig_core_effect(struct sig_core *, struct sig_effect *);
void sig_effect_fini(struct sig_effect *);

uint32_t sig_shard_of(const struct sig_config *, const char *key);

/* Single-writer counters; another thread may read them (relaxed). */
struct sig_stats {
	uint64_t links, sessions, users_online, calls; /* gauges */
	uint64_t rooms;     /* with chatrooms; a gauge */
	uint64_t strangers; /* links before their log-in; a gauge */
	uint64_t messages, pushes, resends, duplicates, requests, errors;
	uint64_t calls_started, calls_answered, resumes;
	uint64_t retained; /* rows that retention took */
};
const struct sig_stats *sig_core_stats(const struct sig_core *);

/* One JSON line a session, for the admin API. */
struct buf;
void sig_core_dump_sessions(const struct sig_core *, struct buf *);

#endif
