/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * device: a page of web/sdk, what it has in memory and what it keeps on its
 * device. Its link is in wire.c, what it asks in request.c, outbox and inbox
 * in chat.c, what comes by cursor in large.c, calls in calls.c.
 * Owns: its requests, texts and calls; the link is the world's.
 * Thread: one.
 */
#ifndef FLOE_TESTS_SIM_DEVICE_H
#define FLOE_TESTS_SIM_DEVICE_H

#include <sys/queue.h>

#include "lib/json/json.h"
#include "tests/sim/calls.h"
#include "tests/sim/changes.h"
#include "tests/sim/chat.h"
#include "tests/sim/groups.h"
#include "tests/sim/kept.h"
#include "tests/sim/large.h"
#include "tests/sim/marks.h"
#include "tests/sim/request.h"
#include "tests/sim/review.h"
#include "tests/sim/rooms.h"
#include "tests/sim/sim.h"
#include "tests/sim/wire.h"

#define OUTGOING_MAX 16

enum device_state { IDLE, CONNECTING, ONLINE, WAITING };

struct outgoing {
	uint32_t mid;
	int to;
};

struct arrived {
	STAILQ_ENTRY(arrived) next;
	struct told told;
};

struct device {
	struct sim *sim;
	int index, user;
	char name[8];
	bool retired; /* never to be used again */
	bool open;    /* the page is */
	/* On the device. */
	char session[64], secret[64], epoch[64];
	uint64_t kept;                                  /* sync */
	struct kept entries[LEDGER_CONVS][LEDGER_SEQS]; /* by seq */
	uint64_t has[LEDGER_CONVS]; /* all that comes up to this seq is kept */
	uint64_t shown[LEDGER_CONVS]; /* the last one, but for notices */
	uint64_t read[LEDGER_CONVS];  /* the user's mark, as known here */
	struct outgoing out[OUTGOING_MAX];
	uint32_t nout;
	/* Of the page. */
	uint64_t page;  /* pages so far: timers of earlier ones are void */
	uint64_t links; /* likewise */
	int link;       /* 0: none */
	enum device_state state;
	uint32_t attempt;
	uint64_t next_id;
	uint64_t sent_at, heard_at, ping_at;
	struct request requests[REQUESTS_MAX];
	uint64_t inbox;                 /* sync of the last one let through */
	STAILQ_HEAD(, arrived) arrived; /* and not kept yet */
	struct {
		bool busy, waits;
		uint32_t attempt, mid;
	} queues[LEDGER_TARGETS];
	uint64_t wanted[LEDGER_CONVS]; /* up to here there is more */
	bool reading[LEDGER_CONVS];
	uint64_t line[LEDGER_CONVS]; /* told on this link without a sync */
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

uint64_t device_backoff(struct device *, uint32_t *attempt);
/* fn(device, about) in ms, unless the page is another by then, or (of_link)
 * the link is. */
typedef void device_fn(struct device *, int about);
void device_timer(
    struct device *, uint64_t ms, device_fn *, int about, bool of_link);
void device_later(struct device *, uint64_t ms, device_fn *, int about);

#endif
