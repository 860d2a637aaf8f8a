/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * share: how many of something a name holds, in memory that does not depend
 * on how many names there are. Two rows of counts, each indexed by a hash of
 * the name; a name has its share only when both say so, so others that fall
 * on one of its places do it no harm.
 * Owns: its rows.  Thread: any (a lock inside; not for hot paths).
 */
#ifndef FLOE_SIGNALD_SHARE_H
#define FLOE_SIGNALD_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct share;

/* At most this many for each name. NULL: no memory. */
struct share *share_new(uint32_t most);
void share_free(struct share *); /* NULL is fine */
/* One more, or false: the name has its share. */
bool share_take(struct share *, const void *name, size_t len);
/* Gives back one that was taken. */
void share_give(struct share *, const void *name, size_t len);

#endif
