/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * desk: a worker's place of an app: its core there (one shard) and its ways to
 * the app's log. What the core wants done is done here, in order, after every
 * event that it gets.
 * Owns: core, port and reader. Desks are in an array of the app, one a worker,
 * so that mail to one that has closed still finds its place.
 * Thread: its worker's.
 */
#ifndef FLOE_SIGNALD_DESK_H
#define FLOE_SIGNALD_DESK_H

#include "signald/core/core.h"
#include "signald/log/msglog.h"

struct app;
struct bag;
struct worker;

struct desk {
	struct app *app;
	struct worker *worker;
	struct sig_config config;
	struct sig_core *core;    /* NULL before and after it runs */
	struct msglog_port *port; /* stays until the app closes */
	struct msglog_reader *reader;
	struct bag **bags; /* by shard: mail of this turn; NULL: none */
};

/* 0 or -ENOMEM; desk_close is fine after either. */
int desk_open(struct desk *, struct app *, struct worker *);
/* From here on, mail and results that arrive are thrown away. */
void desk_close(struct desk *);
/* Takes up what was kept, before the first link. */
void desk_load(struct desk *);
/* All desks of the app have loaded and can be posted to. */
void desk_start(struct desk *);
/* Carries out what the core wants; after every event that it gets. */
void desk_pump(struct desk *);
/* The turn ends: its mail to other workers goes, one post for each of them. */
void desk_flush(struct desk *);
struct sig_time desk_time(const struct desk *);

#endif
