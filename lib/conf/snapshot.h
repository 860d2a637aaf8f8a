/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * snapshot: what conf.c reads a file into, and snapshot.c tells of; for this
 * folder only.
 * Owns: everything lies in the arena.  Thread: see conf.h.
 */
#ifndef FLOE_LIB_CONF_SNAPSHOT_H
#define FLOE_LIB_CONF_SNAPSHOT_H

#include <sys/queue.h>

#include "lib/conf/conf.h"

#define CONF_LINE_MAX 4096 /* bytes */

struct setting {
	TAILQ_ENTRY(setting) next;
	const struct conf_option *option;
	const char *value;
	int line;
};

struct conf {
	struct arena *arena;
	const char *file;
	const struct conf_option *own;
	bool part;
	void *data;
	TAILQ_HEAD(, setting) settings; /* in the order of the file */
};

/* One row after the other of both tables, those that the file may set; NULL at
 * the end. */
const struct conf_option *
conf_option_next(const struct conf *, const struct conf_option *);

#endif
