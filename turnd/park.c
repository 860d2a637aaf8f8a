/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "turnd/park.h"

/* A request's header: type, length, cookie and id tell it from others. */
#define HEADER_LEN 20

struct waiting {
	struct parked parked; /* first: it is what is given away */
	TAILQ_ENTRY(waiting) next;
	uint64_t user, until_ms;
	uint8_t bytes[];
};

struct park {
	TAILQ_HEAD(, waiting) list; /* the oldest first */
	size_t n;
};

struct park *
park_new(void)
{
	struct park *p = calloc(1, sizeof(*p));

	if (p != NULL)
		TAILQ_INIT(&p->list);
	return p;
}

static void
waiting_end(struct park *p, struct waiting *w)
{
	TAILQ_REMOVE(&p->list, w, next);
	p->n--;
}

void
park_free(struct park *p)
{
	struct waiting *w;

	if (p == NULL)
		return;
	while ((w = TAILQ_FIRST(&p->list)) != NULL) {
		waiting_end(p, w);
		free(w);
	}
	free(p);
}

static bool
is_same(const struct waiting *w, const struct turn_in *in)
{
	return w->parked.link == in->link &&
	    addr_equal(&w->parked.src, in->src) && w->parked.len == in->len &&
	    memcmp(w->bytes, in->data, HEADER_LEN) == 0;
}

/* Those that nobody answered for. */
static void
park_expire(struct park *p, uint64_t now_ms)
{
	struct waiting *w;

	while ((w = TAILQ_FIRST(&p->list)) != NULL && w->until_ms <= now_ms) {
		waiting_end(p, w);
		free(w);
	}
}

int
park_add(struct park *p, const struct turn_in *in, uint64_t user,
    uint64_t now_ms, uint64_t until_ms)
{
	struct waiting *w;

	park_expire(p, now_ms);
	if (in->len < HEADER_LEN || in->len > PARK_BYTES_MAX)
		return -EMSGSIZE;
	TAILQ_FOREACH (w, &p->list, next) {
		if (is_same(w, in))
			return -EALREADY;
	}
	if (p->n == PARK_MAX)
		return -ENOSPC;
	w = calloc(1, sizeof(*w) + in->len);
	if (w == NULL)
		return -ENOMEM;
	memcpy(w->bytes, in->data, in->len);
	w->parked = (struct parked){ *in->src, in->link, in->len, w->bytes };
	w->user = user;
	w->until_ms = until_ms;
	TAILQ_INSERT_TAIL(&p->list, w, next);
	p->n++;
	return 0;
}

struct parked *
park_take(struct park *p, uint64_t user)
{
	struct waiting *w;

	TAILQ_FOREACH (w, &p->list, next) {
		if (w->user == user) {
			waiting_end(p, w);
			return &w->parked;
		}
	}
	return NULL;
}

size_t
park_count(const struct park *p)
{
	return p->n;
}
