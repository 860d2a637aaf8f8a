/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world: what harness.c (the tests' side) and shell.c (the cores' side) share.
 * Owns: see harness.h.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_WORLD_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_WORLD_H

#include <sys/queue.h>

#include "tests/unit/signald/core/harness.h"
#include "tests/unit/signald/core/script.h"
#include "tests/unit/signald/core/tap.h"

#define LINKS_MAX 4096

enum event_kind { MAIL, COMMIT, APPENDED, ROWS, FRAME, ADOPT, CLOSED };

/* Something that will happen to one shard. */
struct event {
	TAILQ_ENTRY(event) next;
	enum event_kind kind;
	uint64_t at;
	uint32_t shard;
	uint64_t ticket;
	int link;
	int err;
	char *text; /* FRAME ADOPT; APPENDED: what result.text is */
	size_t len;
	struct sig_mail *mail;
	struct sig_append *append;
	struct sig_appended result;
	struct sig_receiver *to; /* APPENDED: what result.to is */
	struct sig_read read;
};

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
	uint64_t frame_at; /* when the last frame arrives: they stay in order */
	struct heard_list heard, old;
	size_t unheard;
};

struct world {
	struct world_opts opts;
	uint64_t now, seed;
	struct sig_core *cores[WORLD_SHARDS_MAX];
	struct disk *disk;
	TAILQ_HEAD(events, event)
	events; /* by time; equal times as they came */
	uint64_t mail_at[WORLD_SHARDS_MAX][WORLD_SHARDS_MAX];
	uint64_t commit_at[WORLD_SHARDS_MAX], result_at[WORLD_SHARDS_MAX];
	int append_err, read_err;
	uint32_t append_errs, read_errs;
	bool lose_inbox, no_presence;
	struct link *links[LINKS_MAX];
	int nlinks;
	struct script script;
	FILE *tap;
};

struct sig_time world_time(const struct world *);
struct link *world_link(const struct world *, int link);

/* shell.c */
struct event *
event_at(struct world *, enum event_kind, uint32_t shard, uint64_t at);
void event_free(struct event *);
/* A time up to ms from now, but not before *last, which it becomes. */
uint64_t event_later(struct world *, uint32_t ms, uint64_t *last);
/* Carries out what a core wants done. */
void shell_run(struct world *, uint32_t shard);

#endif
