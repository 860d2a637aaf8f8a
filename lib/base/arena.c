/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/arena.h"

#define ARENA_BLOCK 4096

struct arena_block {
	SLIST_ENTRY(arena_block) next;
	size_t size, used;
	alignas(max_align_t) unsigned char mem[];
};

struct arena {
	SLIST_HEAD(, arena_block) blocks;
};

struct arena *
arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void
arena_free(struct arena *a)
{
	struct arena_block *b;

	if (a == NULL)
		return;
	while ((b = SLIST_FIRST(&a->blocks)) != NULL) {
		SLIST_REMOVE_HEAD(&a->blocks, next);
		explicit_bzero(b->mem, b->size);
		free(b);
	}
	free(a);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = SLIST_FIRST(&a->blocks);
	size_t align = alignof(max_align_t), size;
	void *p;

	n = (n + align - 1) / align * align;
	if (b == NULL || b->size - b->used < n) {
		size = n > ARENA_BLOCK ? n : ARENA_BLOCK;
		b = calloc(1, sizeof(*b) + size);
		if (b == NULL)
			return NULL;
		b->size = size;
		SLIST_INSERT_HEAD(&a->blocks, b, next);
	}
	p = b->mem + b->used;
	b->used += n;
	return p;
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	return p == NULL ? NULL : memcpy(p, s, len);
}
