/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/log/crowd.h"

struct crowd_one *
crowd_add(struct crowd *c, uint64_t uid)
{
	struct crowd_one *all;
	size_t room = c->room == 0 ? 16 : 2 * c->room;

	if (c->n == c->room) {
		all = realloc(c->all, room * sizeof(*all));
		if (all == NULL)
			return NULL;
		c->all = all;
		c->room = room;
	}
	c->all[c->n] = (struct crowd_one){ .uid = uid };
	return &c->all[c->n++];
}

struct crowd_one *
crowd_find(const struct crowd *c, uint64_t uid)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->all[i].uid == uid)
			return &c->all[i];
	return NULL;
}

int
crowd_members(struct crowd *c, struct run *run, uint64_t cid)
{
	struct schema_key lo = schema_key2(cid, 0);
	struct schema_key hi = schema_key2(cid, UINT64_MAX);
	struct store_val first = schema_val(&lo), last = schema_val(&hi), k, v;
	struct store_walk walk;
	uint64_t at[2];
	int rc;

	rc = store_walk_init(&walk, run->txn, T_ROSTERS, &first, &last, false);
	if (rc != 0)
		return rc;
	while ((rc = store_walk_next(&walk, &k, &v)) == 0) {
		if (!schema_nums(&k, at, 2))
			rc = -EIO;
		else if (crowd_add(c, at[1]) == NULL)
			rc = -ENOMEM;
		if (rc != 0)
			break;
	}
	store_walk_fini(&walk);
	return rc == -ENOENT ? 0 : rc;
}

void
crowd_fini(struct crowd *c)
{
	free(c->all);
	memset(c, 0, sizeof(*c));
}
