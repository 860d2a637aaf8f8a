/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "signald/outbox.h"

#define SHIFT_MAX 20 /* of the time between two attempts */

struct event {
	STAILQ_ENTRY(event) next;
	uint64_t seq, put_ms;
	size_t len;
	char text[];
};

struct outbox {
	struct outbox_conf conf;
	struct outbox_stats stats;
	STAILQ_HEAD(, event) events;
	uint64_t last_seq;
	uint64_t under_way; /* the batch is up to this one; 0: none is */
	unsigned int attempts;
	uint64_t again_ms; /* not before */
};

struct outbox *
outbox_new(const struct outbox_conf *conf)
{
	struct outbox *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->conf = *conf;
	STAILQ_INIT(&o->events);
	return o;
}

static size_t
cost(size_t len)
{
	return sizeof(struct event) + len;
}

static void
drop_oldest(struct outbox *o)
{
	struct event *e = STAILQ_FIRST(&o->events);

	STAILQ_REMOVE_HEAD(&o->events, next);
	o->stats.waiting--;
	o->stats.bytes -= cost(e->len);
	free(e);
}

void
outbox_free(struct outbox *o)
{
	if (o == NULL)
		return;
	while (!STAILQ_EMPTY(&o->events))
		drop_oldest(o);
	free(o);
}

int
outbox_put(struct outbox *o, const char *text, size_t len, uint64_t now_ms)
{
	struct event *e = NULL;
	bool fits = cost(len) <= o->conf.bytes;

	if (fits)
		e = malloc(cost(len));
	if (e == NULL) {
		o->stats.dropped++;
		return fits ? -ENOMEM : -EMSGSIZE;
	}
	while (o->stats.bytes > o->conf.bytes - cost(len)) {
		drop_oldest(o);
		o->stats.dropped++;
	}
	e->seq = ++o->last_seq;
	e->put_ms = now_ms;
	e->len = len;
	memcpy(e->text, text, len);
	STAILQ_INSERT_TAIL(&o->events, e, next);
	o->stats.waiting++;
	o->stats.bytes += cost(len);
	return 0;
}

static void
drop_old(struct outbox *o, uint64_t now_ms)
{
	const struct event *e;

	while ((e = STAILQ_FIRST(&o->events)) != NULL &&
	    now_ms - e->put_ms > o->conf.age_ms) {
		drop_oldest(o);
		o->stats.expired++;
	}
}

bool
outbox_take(struct outbox *o, uint64_t now_ms, struct buf *b)
{
	const struct event *e;
	size_t start = b->len;
	uint32_t n = 0;

	if (o->under_way != 0 || now_ms < o->again_ms)
		return false;
	drop_old(o, now_ms);
	STAILQ_FOREACH (e, &o->events, next) {
		if (n == o->conf.batch ||
		    (n > 0 && b->len - start + e->len > o->conf.batch_bytes))
			break;
		buf_printf(b, "%s{\"id\":\"%s-%" PRIu64 "\",",
		    n++ == 0 ? "" : ",", o->conf.prefix, e->seq);
		buf_put(b, e->text + 1, e->len - 1);
		o->under_way = e->seq;
	}
	return n > 0;
}

static void
wait_longer(struct outbox *o, uint64_t now_ms, uint32_t random)
{
	uint64_t wait = (uint64_t)o->conf.retry_min_ms
	    << (o->attempts < SHIFT_MAX ? o->attempts : SHIFT_MAX);

	o->attempts++;
	o->stats.failures++;
	if (wait > o->conf.retry_max_ms)
		wait = o->conf.retry_max_ms;
	o->again_ms = now_ms + wait / 2 + random % (wait / 2 + 1);
}

void
outbox_ended(struct outbox *o, enum outbox_result result, uint64_t now_ms,
    uint32_t random)
{
	uint64_t *count =
	    result == OUTBOX_TAKEN ? &o->stats.taken : &o->stats.refused;
	uint64_t last = o->under_way;

	o->under_way = 0;
	if (result == OUTBOX_FAILED) {
		wait_longer(o, now_ms, random);
		return;
	}
	o->attempts = 0;
	o->again_ms = 0;
	/* Some of the batch may have been pushed out meanwhile. */
	while (!STAILQ_EMPTY(&o->events) &&
	    STAILQ_FIRST(&o->events)->seq <= last) {
		drop_oldest(o);
		++*count;
	}
}

const struct outbox_stats *
outbox_stats(const struct outbox *o)
{
	return &o->stats;
}
