/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * device: a page of web/sdk, what it has in memory and what it keeps on its
 * device. link.js is in device.c, outbox, inbox and chat in chat.c, calls in
 * calls.c.
 * Owns: its requests, texts and calls; the link is the world's.
 * Thread: one.
 */
#ifndef FLOE_TESTS_SIM_DEVICE_H
#define FLOE_TESTS_SIM_DEVICE_H

#include <sys/queue.h>

#include "lib/json/json.h"
#include "tests/sim/sim.h"

#define OUTGOING_MAX 16
#define REQUESTS_MAX 48
#define CALLS_MAX    24
#define EARLY_MAX    16

enum device_state { IDLE, CONNECTING, ONLINE, WAITING };

enum request_kind {
	ASK_NOTHING, /* the slot is free */
	ASK_HELLO,
	ASK_SEND, /* about: the receiver */
	ASK_LIST,
	ASK_HISTORY, /* about: the conversation */
	ASK_ROOM,
	ASK_INVITE, /* about: the call, likewise below */
	ASK_RINGING,
	ASK_ACCEPT,
	ASK_CANCEL, /* or refuse: may cross with an accept */
	ASK_HANGUP,
	ASK_SIGNAL,
};

struct request {
	enum request_kind kind;
	uint64_t id;
	int about;
	bool keep; /* goes out again on the resumed session */
	char *text;
};

/* What became of a request: ok, or code (also of our own: link_lost). */
struct answer {
	struct json_in *ok;
	const char *code;
	uint64_t retry_ms;
};

struct outgoing {
	uint32_t mid;
	int to;
};

struct arrived {
	STAILQ_ENTRY(arrived) next;
	struct told told;
};

enum call_state { CALL_NONE, INVITING, RINGING, ACTIVE, ENDED };

struct call {
	enum call_state state;
	char id[SIG_CALL_MAX + 1]; /* "": not answered yet */
	int peer;
	bool caller, invitation; /* whose answer is under way */
	bool reported;           /* the server knows that it is over */
	enum request_kind again; /* what an overloaded server is to be told */
	int tries;
};

struct early {
	char push[24], call[SIG_CALL_MAX + 1], reason[24],
	    from[SIG_NAME_MAX + 1];
};

struct device {
	struct sim *sim;
	int index, user;
	char name[8];
	bool retired; /* never to be used again */
	bool open;    /* the page is */
	/* On the device. */
	char session[64], secret[64], epoch[64];
	uint64_t kept;               /* sync */
	uint64_t has[LEDGER_CONVS];  /* seq of the last one kept */
	uint64_t read[LEDGER_CONVS]; /* the user's mark, as known here */
	struct outgoing out[OUTGOING_MAX];
	uint32_t nout;
	/* Of the page. */
	uint64_t page;  /* pages so far: timers of earlier ones are void */
	uint64_t links; /* likewise */
	int link;       /* 0: none */
	enum device_state state;
	uint32_t attempt;
	uint64_t next_id;
	uint64_t sent_at, heard_at, ping_at, up_at;
	struct request requests[REQUESTS_MAX];
	uint64_t inbox;                 /* sync of the last one let through */
	STAILQ_HEAD(, arrived) arrived; /* and not kept yet */
	struct {
		bool busy, waits;
		uint32_t attempt;
	} queues[LEDGER_USERS];
	uint32_t rows; /* of the last list of conversations */
	struct call calls[CALLS_MAX];
	struct early early[EARLY_MAX];
	uint32_t nearly;
};

struct device *device_new(struct sim *, int user);
void device_free(struct device *);
void device_open(struct device *);
/* The page goes: politely, by a reload, or with its machine (nobody tells the
 * server). */
void device_close(struct device *);
void device_reload(struct device *);
void device_die(struct device *);
void device_retire(struct device *);
/* The link breaks, and both sides learn of it. */
void device_lose(struct device *);
void device_heard(struct device *); /* ears of its link */
void device_shut(struct device *, int code);
uint64_t device_backoff(struct device *, uint32_t *attempt);

/* Says it when there is a link. */
void device_say(struct device *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A request: "'op':...". Its answer comes to chat_answer or calls_answer, at
 * once when there is no link and it is not kept. */
void device_ask(struct device *, enum request_kind, int about, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
bool device_asking(const struct device *);
/* fn(device, about) in ms, unless the page is another by then. */
typedef void device_fn(struct device *, int about);
void device_later(struct device *, uint64_t ms, device_fn *, int about);

/* chat.c */
void chat_start(struct device *);
void chat_page(struct device *); /* a new page begins */
void chat_push(struct device *, struct json_in *);
void chat_heard_read(struct device *, struct json_in *);
void
chat_answer(struct device *, const struct request *, const struct answer *);
void chat_write(struct device *, int to);
void chat_read(struct device *);
void chat_last(struct device *); /* asks for all there is */
bool chat_quiet(const struct device *);

/* rooms.c */
void rooms_act(struct device *);
void
rooms_answer(struct device *, const struct request *, const struct answer *);

/* calls.c */
void calls_page(struct device *);
void calls_session_lost(struct device *);
/* The server came back: these are all the calls there are. */
void calls_restarted(struct device *, const struct json *ids);
void calls_push(struct device *, const char *push, struct json_in *);
void
calls_answer(struct device *, const struct request *, const struct answer *);
/* Something that its user does about calls. */
void calls_act(struct device *);
void calls_hang_up(struct device *);
bool calls_quiet(const struct device *);

#endif
