/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "turnd/core/core.h"

struct turn_pipe {
	struct bucket_shared shared[TURN_DIRECTIONS];
	_Alignas(64) struct turn_part parts[];
};

struct turn_pipe *
turn_pipe_new(const struct bucket_rate *rate, unsigned int parts)
{
	size_t size =
	    sizeof(struct turn_pipe) + parts * sizeof(struct turn_part);
	struct turn_pipe *p = aligned_alloc(64, size);
	unsigned int i;

	if (p == NULL)
		return NULL;
	memset(p, 0, size);
	for (i = 0; i < parts; i++)
		p->parts[i].from = p->shared;
	turn_pipe_set(p, rate);
	return p;
}

void
turn_pipe_free(struct turn_pipe *p)
{
	free(p);
}

void
turn_pipe_set(struct turn_pipe *p, const struct bucket_rate *rate)
{
	bucket_shared_set(&p->shared[TURN_UP], rate);
	bucket_shared_set(&p->shared[TURN_DOWN], rate);
}

struct turn_part *
turn_pipe_part(struct turn_pipe *p, unsigned int i)
{
	return &p->parts[i];
}

enum turn_reason
meter_begin(struct turn_req *r, struct turn_alloc *a)
{
	struct turn_server *s = r->s;

	if (s->ops.user_part != NULL &&
	    s->ops.user_part(s->ops.arg, a->share_id, r->record.bandwidth,
		&a->user_part) != 0)
		return TURN_FULL;
	a->metered = s->cfg->alloc_rate.per_s != 0 || a->user_part != NULL ||
	    s->ops.total != NULL;
	return TURN_OK;
}

static bool
part_has(struct turn_part *p, enum turn_direction d, size_t len,
    const struct turn_server *s)
{
	return p == NULL ||
	    bucket_slice_has(&p->left[d], &p->from[d], len, s->seen.now_ms);
}

static void
part_take(struct turn_part *p, enum turn_direction d, size_t len)
{
	if (p != NULL)
		bucket_slice_take(&p->left[d], len);
}

static enum turn_reason
meter_room(struct turn_server *s, struct turn_alloc *a, enum turn_direction d,
    size_t len)
{
	if (!bucket_has(
		&a->meter[d], &s->cfg->alloc_rate, len, s->seen.now_ms) ||
	    !part_has(a->user_part, d, len, s))
		return TURN_BANDWIDTH;
	if (!part_has(s->ops.total, d, len, s))
		return TURN_TOTAL_BANDWIDTH;
	return TURN_OK;
}

bool
meter_has(struct turn_server *s, struct turn_alloc *a, enum turn_direction d,
    size_t len)
{
	return !a->metered || meter_room(s, a, d, len) == TURN_OK;
}

/* All or none are charged. */
enum turn_reason
meter_take(struct turn_server *s, struct turn_alloc *a, enum turn_direction d,
    size_t len)
{
	enum turn_reason reason = meter_room(s, a, d, len);

	if (reason != TURN_OK)
		return reason;
	bucket_take(&a->meter[d], len);
	part_take(a->user_part, d, len);
	part_take(s->ops.total, d, len);
	return TURN_OK;
}

bool
meter_pass(struct turn_server *s, struct turn_alloc *a, enum turn_direction d,
    size_t len, struct turn_out *out)
{
	enum turn_reason reason = meter_take(s, a, d, len);

	if (reason == TURN_OK)
		return true;
	server_drop(s, out, reason);
	return false;
}
