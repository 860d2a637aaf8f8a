/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world: what harness.c (the tests' side) and shell.c (the cores' side) share.
 * Owns: see harness.h.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_WORLD_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_WORLD_H

#include <sys/queue.h>

#include "tests/unit/signald/core/harness.h"
#include "tests/unit/signald/core/plant.h"
#include "tests/unit/signald/core/script.h"
#include "tests/unit/signald/core/tap.h"
#include "tests/unit/signald/core/weather.h"

#define LINKS_MAX 4096

enum event_kind {
	MAIL,
	COMMIT,
	APPENDED,
	ROWS,
	FRAME,
	ADOPT,
	CLOSED,
	/* Only in a world that is listened to (weather.h). */
	GONE,  /* the client's end is no more */
	HEARD, /* a text comes to the client */
	SHUT,  /* ... or the end of its link */
	START, /* the server, after it was killed */
	READY, /* it has loaded, perhaps */
	TIMER,
};

/* Something that will happen to one shard. */
struct event {
	TAILQ_ENTRY(event) next;
	enum event_kind kind;
	uint64_t at;
	uint32_t shard;
	uint64_t ticket;
	int link;
	int err;        /* SHUT: its code */
	bool told;      /* an append's result was given before the commit */
	bool droppable; /* HEARD */
	char *text;     /* FRAME ADOPT; APPENDED: what result.text is */
	char *peer_text;
	size_t len;
	struct sig_mail *mail;
	struct sig_append *append;
	struct sig_appended result;
	struct sig_receiver *to; /* APPENDED: what result.to is */
	struct sig_read read;
	world_fn *fn; /* TIMER */
	void *arg;
};
TAILQ_HEAD(events, event);

struct heard {
	STAILQ_ENTRY(heard) next;
	char *text;
};
STAILQ_HEAD(heard_list, heard);

struct link {
	uint32_t shard;
	bool vanished; /* the client's end is gone, the server does not know */
	bool moving;   /* between two shards: its frames wait */
	bool gone;     /* the shell has reported its end, or moved it away */
	int code;
	uint64_t opened_ms;
	uint64_t frame_at; /* when the last frame arrives: they stay in order */
	uint64_t heard_at; /* likewise, of what the client hears */
	uint32_t slow_ms;  /* each takes up to so long */
	uint64_t stall_until, ill_until;
	uint32_t bps, bytes; /* of a client that reads slowly; 0: it does not */
	uint64_t free_at;    /* when it has taken all there is */
	bool behind;         /* it ended, and had not */
	bool resumed;        /* of PLANT_TOLD_TWICE */
	int owner;
	bool shut; /* the client knows that it is over */
	struct heard_list heard, old;
	size_t unheard;
};

#define MAIL_KINDS 32

struct world {
	struct world_opts opts;
	uint64_t now, seed;
	struct sig_core *cores[WORLD_SHARDS_MAX];
	struct disk *disk;
	struct events events;  /* by time; equal times as they came */
	struct events waiting; /* appends, for the next commit */
	struct event *commit;  /* which is among the events; or NULL */
	bool commit_lazy;      /* it waits for company */
	uint64_t mail_at[WORLD_SHARDS_MAX][WORLD_SHARDS_MAX];
	uint64_t result_at[WORLD_SHARDS_MAX];
	int append_err, read_err;
	uint32_t append_errs, read_errs;
	struct {
		uint64_t all, at, now, most; /* of the moment at */
	} mails[MAIL_KINDS];
	bool lose_inbox, no_presence;
	struct heard_list told, told_old; /* events */
	struct link *links[LINKS_MAX];
	int nlinks;
	struct script script;
	FILE *tap;
	const struct world_ears *ears; /* NULL: tests look by themselves */
	enum world_plant plant;
	uint64_t mentioned[PLANT_MARKS]; /* of PLANT_STICKY_MENTIONS */
	bool down;
};

struct sig_time world_time(const struct world *);
struct link *world_link(const struct world *, int link);

/* harness.c */
void world_load_cores(struct world *); /* done when its reads are */
void world_start_cores(struct world *);
void world_free_cores(struct world *); /* and what waits for a commit */

/* shell.c */
struct event *event_new(enum event_kind, uint32_t shard);
void event_put(struct world *, struct event *, uint64_t at);
struct event *
event_at(struct world *, enum event_kind, uint32_t shard, uint64_t at);
void event_free(struct event *);
/* A time up to ms from now, but not before *last, which it becomes. */
uint64_t event_later(struct world *, uint32_t ms, uint64_t *last);
/* Carries out what a core wants done. */
void shell_run(struct world *, uint32_t shard);
void
shell_appended(struct world *, struct event *, const struct sig_appended *);
/* The shell tells the core of a link's end. */
void shell_closed(struct world *, int link);

/* What a link carries next arrives then: behind *last, which it becomes. */
uint64_t link_later(struct world *, struct link *, uint64_t *last);
void link_hears(struct link *, char *text);          /* taken over */
void link_close(struct world *, int link, int code); /* the server's end */

/* weather.c: the events of its kinds, and its sockets. */
void weather_event(struct world *, struct event *);
/* The link ends: is there something that its slow client has not taken? */
void weather_ends(const struct world *, struct link *);
/* Whether the link's socket takes a text; at is when it comes to the client,
 * and may become later. */
bool weather_takes(
    struct world *, int link, size_t len, bool droppable, uint64_t *at);

#endif
