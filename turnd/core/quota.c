/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/htab.h"
#include "lib/base/pool.h"
#include "turnd/core/quota.h"

struct quota_user {
	uint64_t id;
	uint32_t count[TURN_FAMILIES];
	struct turn_pipe *pipe; /* NULL: not metered */
};

struct turn_quota {
	struct htab users;
	struct pool *pool;
	uint32_t per_user, per_realm;
	uint32_t realms[TURN_MAX_REALMS];
	size_t max, used;
};

static bool
user_eq(const void *obj, const void *key)
{
	const struct quota_user *u = obj;

	return u->id == *(const uint64_t *)key;
}

uint32_t
turn_quota_default(size_t room)
{
	return (uint32_t)(room / 10 > TURN_QUOTA_CALL ? room / 10
						      : TURN_QUOTA_CALL);
}

struct turn_quota *
turn_quota_new(uint32_t per_user, uint32_t per_realm, size_t max)
{
	struct turn_quota *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->per_user = per_user;
	q->per_realm = per_realm;
	q->max = max;
	htab_init(&q->users, max);
	q->pool = pool_new(sizeof(struct quota_user), max);
	if (q->pool == NULL) {
		turn_quota_free(q);
		return NULL;
	}
	return q;
}

void
turn_quota_free(struct turn_quota *q)
{
	size_t pos = 0;
	struct quota_user *u;

	if (q == NULL)
		return;
	while ((u = htab_next(&q->users, &pos)) != NULL)
		turn_pipe_free(u->pipe);
	htab_fini(&q->users);
	pool_free(q->pool);
	free(q);
}

static struct quota_user *
quota_add(struct turn_quota *q, uint64_t user)
{
	struct quota_user *u = pool_get(q->pool);

	if (u == NULL)
		return NULL;
	u->id = user;
	if (htab_put(&q->users, user, u) != 0) {
		pool_put(q->pool, u);
		return NULL;
	}
	return u;
}

int
turn_quota_take(struct turn_quota *q, const struct turn_share *s)
{
	struct quota_user *u = htab_find(&q->users, s->user, user_eq, &s->user);
	uint32_t limit = s->limit != 0 ? s->limit : q->per_user;

	if (u != NULL && limit != 0 && u->count[s->family] >= limit)
		return -EDQUOT;
	if (q->per_realm != 0 && q->realms[s->realm] >= q->per_realm)
		return -EUSERS;
	if (q->used >= q->max)
		return -ENOSPC;
	if (u == NULL)
		u = quota_add(q, s->user);
	if (u == NULL)
		return -ENOMEM;
	u->count[s->family]++;
	q->realms[s->realm]++;
	q->used++;
	return 0;
}

void
turn_quota_give(struct turn_quota *q, const struct turn_share *s)
{
	struct quota_user *u = htab_find(&q->users, s->user, user_eq, &s->user);

	if (u == NULL || u->count[s->family] == 0)
		return;
	q->used--;
	q->realms[s->realm]--;
	u->count[s->family]--;
	if (u->count[TURN_V4] > 0 || u->count[TURN_V6] > 0)
		return;
	htab_del(&q->users, s->user, u);
	turn_pipe_free(u->pipe);
	pool_put(q->pool, u);
}

int
turn_quota_part(struct turn_quota *q, uint64_t user,
    const struct bucket_rate *rate, unsigned int worker, unsigned int workers,
    struct turn_part **part)
{
	struct quota_user *u = htab_find(&q->users, user, user_eq, &user);

	*part = NULL;
	if (u == NULL || (u->pipe == NULL && rate->per_s == 0))
		return 0;
	if (u->pipe == NULL)
		u->pipe = turn_pipe_new(rate, workers);
	else
		turn_pipe_set(u->pipe, rate);
	if (u->pipe == NULL)
		return -ENOMEM;
	*part = turn_pipe_part(u->pipe, worker);
	return 0;
}

uint32_t
turn_quota_of(
    const struct turn_quota *q, uint64_t user, enum turn_family family)
{
	const struct quota_user *u = htab_find(&q->users, user, user_eq, &user);

	return u == NULL ? 0 : u->count[family];
}
