/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply: writes a group of appends inside one transaction of the store.
 * Whether an append is right is judged before its first row is written, so one
 * that is not fails alone; a store that fails, fails them all.
 * Owns: requests own their append and the record made of it.
 * Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_APPLY_H
#define FLOE_SIGNALD_LOG_APPLY_H

#include <sys/queue.h>

#include "lib/base/buf.h"
#include "lib/store/store.h"
#include "signald/core/append.h"

struct msglog_port;

struct apply_request {
	STAILQ_ENTRY(apply_request) next;
	struct msglog_port *port; /* where the result goes */
	uint64_t ticket;
	bool own;
	struct sig_append *append;
	size_t cost; /* bytes of memory, about */
	struct sig_appended done;
	struct buf record;       /* what done.text points into */
	struct sig_receiver *to; /* what done.to points to */
};

STAILQ_HEAD(apply_list, apply_request);

struct apply_group {
	struct apply_list *requests;
	uint64_t mid_keep_ms;
	/* Results, of the run that was committed. */
	uint64_t count, messages, duplicates, mids_expired;
};

/* A store_write_fn over a struct apply_group; may run more than once. */
int apply_group(struct store_txn *, void *group);

#endif
