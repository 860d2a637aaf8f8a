/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * state: the objects of one core and who owns whom. Private to this folder.
 *
 *   core > links       from SIG_MOVE or open until closed
 *   core > users       while a session, a log-in, a guest or a call holds them
 *   user > sessions    outlive their link by resume_ms
 *   user > peers, legs whom the user talks with; the calls the user is in
 *   core > calls       those whose conversation hashes here
 *   core > crowds   the rooms and chatrooms whose id hashes here
 *   session > places    the rooms it is in; halls find those of one room
 *   core > tickets     what was asked of the log or of a call
 *
 * A link points to its session and back, both NULL when the other is gone.
 * All else names others by id and looks them up, for they may have died.
 * Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_STATE_H
#define FLOE_SIGNALD_CORE_STATE_H

#include <sys/queue.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/htab.h"
#include "lib/base/wheel.h"
#include "lib/crypto/crypto.h"
#include "signald/core/core.h"
#include "signald/core/held.h"
#include "signald/core/token.h"
#include "signald/core/rate.h"

#define SIG_SECRET_MAX        40
#define SIG_NICK_MAX          255
#define SIG_PEERS_MAX         5000 /* of one user, for presence */
#define SIG_STATUS_MAX        128  /* bytes of a status text */
#define SIG_LEGS_MAX          16   /* calls of one user */
#define SIG_USER_ROOMS        8    /* of one user, on all devices */
#define SIG_SESSION_CHATROOMS 64
#define SIG_TEXT_MAX          (4 * 1024 * 1024) /* one text we write */
#define SIG_PRELOGIN_OPS      64                /* requests before the log-in */

struct sig_timer {
	struct wheel_timer wheel; /* first: what the wheel hands back */
	void (*fire)(struct sig_core *, struct sig_timer *);
};

struct sig_node {
	STAILQ_ENTRY(sig_node) next;
	struct sig_effect effect;
};

/* How available a device or user is, the most last. */
enum sig_state {
	SIG_STATE_OFFLINE,
	SIG_STATE_INVISIBLE, /* of a device: is offline to others */
	SIG_STATE_AWAY,
	SIG_STATE_BUSY,
	SIG_STATE_ONLINE,
};

/* How a user is to its friends. */
struct sig_face {
	enum sig_state state; /* never INVISIBLE */
	bool here;            /* wants to hear of others, whatever the state */
	bool unseen;          /* last_seen is nobody's business */
	uint64_t last_seen;   /* 0: not told */
	char status[SIG_STATUS_MAX + 1];
};

enum sig_link_state {
	SIG_LINK_HELLO, /* nothing but hello is taken */
	SIG_LINK_LOGIN, /* hello is being answered */
	SIG_LINK_READY,
};

struct sig_link {
	uint64_t id;
	LIST_ENTRY(sig_link) of_core;
	bool broken; /* a send was lost; closed when the event is over */
	bool guest;  /* one request and its answer; see guest.h */
	enum sig_link_state state;
	uint32_t pending;       /* requests under way */
	uint32_t strange;       /* requests before READY */
	struct sig_timer timer; /* hello deadline, then silence */
	uint64_t opened_ms, heard_ms;
	bool mobile;           /* the profile of its heartbeat */
	bool leaves;           /* it was asked to move */
	uint64_t leave_ms;     /* while the core drains: when it is closed */
	struct sig_timer life; /* READY: of its token; see life.c */
	struct sig_grant grant;
	uint64_t warn_ms; /* wall */
	bool warned;
	struct sig_login *login;     /* LOGIN; owned */
	struct sig_session *session; /* READY */
};

/* A hello whose token was good, until it is answered. */
struct sig_login {
	LIST_ENTRY(sig_login) of_user;
	struct sig_link *link;
	struct sig_user *user;
	uint64_t request;
	struct sig_grant grant;
	bool made; /* the user: nobody had heard of it */
	char device[SIG_DEVICE_MAX + 1];
	char session[SIG_SESSION_MAX + 1]; /* "": does not ask to resume */
	char secret[SIG_SECRET_MAX + 1];
	char epoch[SIG_EPOCH_LEN]; /* "": the client did not say */
	bool has_sync;
	uint64_t sync;   /* what the client has */
	bool mobile;     /* heartbeat */
	bool keeping;    /* a fresh session for it is on its way to the disk */
	struct buf said; /* what followed the hello, and waits for its end */
	bool loaded;     /* the log has answered: */
	uint64_t cursor; /* what the device acked */
	enum sig_state state; /* of its session; OFFLINE: not said */
};

/* A session's walk through the inbox log; see inbox.c. */
struct sig_inbox {
	uint64_t acked;        /* the client has all up to here */
	uint64_t sent;         /* pushed up to here, >= acked */
	uint64_t high;         /* highest ever pushed or known to the client */
	uint64_t hole;         /* nothing is there between sent and this one */
	uint64_t flight_bytes; /* pushed and not acked, about */
	bool reading;          /* a page is on its way */
	uint8_t again;         /* resends in a row without progress */
	struct sig_timer resend;
	uint64_t saved; /* cursor in the log */
	bool saving;
	struct sig_timer save;
};

struct sig_session {
	char id[SIG_SESSION_MAX + 1];
	char secret[SIG_SECRET_MAX + 1]; /* "" while woken */
	char device[SIG_DEVICE_MAX + 1];
	/* Of an earlier core, and no client has come for it yet. What it has
	 * read and what its calls have heard is not known. */
	bool woken;
	uint8_t proof[CRYPTO_SHA256_LEN]; /* of the secret, while woken */
	struct sig_user *user;
	LIST_ENTRY(sig_session) of_user;
	/* Call pushes that were sent to it may be lost: the next hello tells
	 * its calls, until the client has said something behind the answer. */
	bool unsure;
	struct sig_link *link;   /* NULL: detached */
	bool lost;               /* could not hold a push: not to be resumed */
	struct sig_timer expiry; /* runs while detached */
	struct sig_timer ice;    /* while not: it needs new credentials */
	uint64_t detached_ms;
	uint64_t heard_wall;
	enum sig_state state;
	uint64_t stated;    /* place among all that was ever said of a state */
	uint64_t hello;     /* likewise, of its last hello among the answered */
	char *status;       /* owned; NULL: none */
	uint64_t typing_ms; /* not heard typing again before */
	struct sig_inbox inbox;
	struct sig_helds held;
	LIST_HEAD(, sig_place) places;
};

/* A friend. */
struct sig_peer {
	char name[SIG_NAME_MAX + 1];
	enum sig_state state;
	bool here; /* wants to hear how the user is */
	enum { SIG_ASK_NOT, SIG_ASK_DUE, SIG_ASK_SENT } ask;
	uint64_t last_seen;
	char *status; /* owned; NULL: none */
};

/* A call as its user sees it. Ringing: no session has it yet. Pending: the
 * session's invite is on its way and the call has no id yet. */
struct sig_leg {
	LIST_ENTRY(sig_leg) of_user;
	char conv[SIG_CONV_MAX + 1];
	char call[SIG_CALL_MAX + 1];       /* "": pending */
	char session[SIG_SESSION_MAX + 1]; /* "": ringing */
	bool told;    /* while a hello is answered: the invite is held */
	char *invite; /* ringing: the push */
	size_t invite_len;
};

struct sig_user {
	LIST_ENTRY(sig_user) of_core;
	char name[SIG_NAME_MAX + 1];
	char nick[SIG_NICK_MAX + 1];
	LIST_HEAD(, sig_session) sessions;
	LIST_HEAD(, sig_login) logins;
	LIST_HEAD(, sig_leg) legs;
	LIST_HEAD(, sig_seat) seats; /* see audience.h */
	uint32_t nsessions, nlegs;
	uint32_t guests;   /* requests without a link, under way */
	uint64_t head;     /* highest sync known to stand in the inbox */
	uint64_t contacts; /* likewise, their version */
	struct sig_rate searches, requests, states;
	struct sig_rate ops, texts; /* see flood.h */
	bool online, visible;
	uint64_t last_seen; /* when it was visible last */
	uint64_t seen_saved;
	uint32_t privacy;  /* SIG_HIDE_... of log.h */
	struct htab peers; /* struct sig_peer, owned */
	struct sig_rate profile_rate;
	struct sig_standing standing;
	bool stood;      /* that is known */
	bool held;       /* not to be freed just now */
	bool met;        /* a log-in has read them all */
	bool reading;    /* more of them are being read */
	bool asks;       /* some are to be asked */
	bool answers;    /* the next that they are told is an answer */
	uint32_t asking; /* answers that a log-in waits for */
	struct sig_timer ask_timer;
	struct sig_face told; /* what the peers were told last */
	uint64_t quiet_ms;    /* nothing is told before */
	struct sig_timer tell_timer;
	bool queued;
	TAILQ_ENTRY(sig_user) to_tell;
};

struct sig_ticket;
typedef void sig_appended_fn(
    struct sig_core *, const struct sig_ticket *, const struct sig_appended *);
typedef void sig_rows_fn(
    struct sig_core *, const struct sig_ticket *, const struct sig_rows *);

/* Something asked, and all that is needed when the answer comes. */
struct sig_ticket {
	uint64_t id;
	sig_appended_fn *appended;
	sig_rows_fn *rows;
	uint64_t link;    /* to answer, when it still lives */
	uint64_t request; /* the client's id; 0: wants no answer */
	char user[SIG_NAME_MAX + 1];
	char peer[SIG_NAME_MAX + 1];
	char session[SIG_SESSION_MAX + 1];
	char conv[SIG_CONV_MAX + 1];
	char mid[SIG_MID_MAX + 1];
	uint64_t from; /* the cursor a read started at */
	uint64_t head; /* what was known to be there */
	uint32_t op;   /* a call's */
	char *text;    /* owned */
};

/* The work on what is stored; see tend.h. */
struct sig_tend {
	struct sig_timer retain;
	uint64_t before; /* of the pass that is under way, */
	uint64_t target; /* which goes on here; 0: none is */
	struct sig_timer erase;
	bool erasing; /* asked, or the timer is set */
	bool again;   /* told of another one meanwhile */
};

struct sig_core {
	struct sig_config cfg;
	uint64_t now, wall; /* of the event at hand */
	bool started, draining;
	struct hash_key key; /* of the tables below */
	struct htab links, sessions, users, calls, tickets, audiences;
	struct htab crowds, halls;
	LIST_HEAD(, sig_link) all_links;
	LIST_HEAD(, sig_user) all_users;
	LIST_HEAD(, sig_call) all_calls, ending; /* see call_end.h */
	LIST_HEAD(, sig_crowd) all_crowds;
	bool broken; /* some link is */
	struct wheel wheel;
	STAILQ_HEAD(, sig_node) effects;
	STAILQ_HEAD(, sig_node) spare; /* of effects that were */
	size_t spares;
	struct sig_mails local;         /* of this shard to itself */
	uint64_t leaving;               /* links that were asked to move */
	uint64_t woken;                 /* sessions that an earlier core kept */
	TAILQ_HEAD(, sig_user) to_tell; /* presence.c */
	uint64_t tell_window;
	uint32_t tell_left; /* mails of this window */
	struct sig_timer tell_timer;
	uint64_t stated; /* states that were said */
	uint64_t hellos; /* that were answered */
	struct sig_tend tend;
	uint64_t last_ticket;
	char epoch[SIG_EPOCH_LEN]; /* of the store, once known */
	struct sig_stats stats;
};

/* Around every event from outside; see core.c. */
void sig_core_enter(struct sig_core *, struct sig_time);
void sig_core_leave(struct sig_core *);

#endif
