/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arena: many small objects that die together. Memory comes zeroed and is
 * wiped when the arena is freed, because configuration holds secrets.
 * Owns: all it handed out.  Thread: one while allocating; then read by any.
 */
#ifndef FLOE_LIB_BASE_ARENA_H
#define FLOE_LIB_BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);   /* NULL: no memory */
void arena_free(struct arena *); /* NULL is fine */
/* Aligned for any type, zeroed; NULL: no memory. */
void *arena_alloc(struct arena *, size_t);
char *arena_strndup(struct arena *, const char *, size_t len);

#endif
