/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/held.h"

#define BLOCK_MIN 2048 /* bytes; each further one has twice as many */
#define BLOCK_MAX (32 * 1024)

struct sig_held_block {
	struct sig_held_block *next;
	size_t from, to, size;
	_Alignas(struct sig_held) unsigned char bytes[];
};

static size_t
size_of(size_t len, size_t invite_len)
{
	size_t n = sizeof(struct sig_held) + len + invite_len;
	size_t unit = _Alignof(struct sig_held);

	return (n + unit - 1) / unit * unit;
}

static struct sig_held *
held_at(const struct sig_held_block *b, size_t at)
{
	return (struct sig_held *)(uintptr_t)(b->bytes + at);
}

/* A last block with room for n bytes; NULL without memory. */
static struct sig_held_block *
block_for(struct sig_helds *h, size_t n)
{
	struct sig_held_block *b = h->last;
	size_t size = b == NULL ? BLOCK_MIN : 2 * b->size;

	if (b != NULL && n <= b->size - b->to)
		return b;
	if (size > BLOCK_MAX)
		size = BLOCK_MAX;
	if (size < n)
		size = n;
	b = malloc(sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->next = NULL;
	b->from = b->to = 0;
	b->size = size;
	if (h->last != NULL)
		h->last->next = b;
	else
		h->first = b;
	h->last = b;
	return b;
}

void
sig_helds_fini(struct sig_helds *h)
{
	while (h->first != NULL)
		sig_helds_drop(h);
}

struct sig_held *
sig_helds_first(const struct sig_helds *h)
{
	return h->first == NULL ? NULL : held_at(h->first, h->first->from);
}

void
sig_helds_drop(struct sig_helds *h)
{
	struct sig_held *held = sig_helds_first(h);
	struct sig_held_block *b = h->first;

	h->count--;
	h->bytes -= held->len;
	h->invites -= held->invite_len != 0;
	b->from += size_of(held->len, held->invite_len);
	if (b->from < b->to)
		return;
	h->first = b->next;
	if (h->first == NULL)
		h->last = NULL;
	free(b);
}

/* False: there is no room beside what has not been sent yet. */
static bool
make_room(struct sig_helds *h, size_t len)
{
	while (h->count >= SIG_HELD_MAX || len > SIG_HELD_BYTES - h->bytes) {
		if (h->first == NULL || !sig_helds_first(h)->sent)
			return false;
		sig_helds_drop(h);
	}
	return true;
}

struct sig_held *
sig_helds_put(
    struct sig_helds *h, const char *text, size_t len, const char *invite)
{
	size_t invite_len = strlen(invite);
	struct sig_held_block *b = NULL;
	struct sig_held *held;

	if (make_room(h, len))
		b = block_for(h, size_of(len, invite_len));
	if (b == NULL)
		return NULL;
	held = held_at(b, b->to);
	b->to += size_of(len, invite_len);
	*held = (struct sig_held){ .len = (uint32_t)len,
		.invite_len = (uint32_t)invite_len };
	memcpy(held->text, text, len);
	memcpy(held->text + len, invite, invite_len);
	h->count++;
	h->bytes += len;
	h->invites += invite_len != 0;
	return held;
}

bool
sig_held_invites(const struct sig_held *held, const char *call)
{
	return held->invite_len != 0 && held->invite_len == strlen(call) &&
	    memcmp(held->text + held->len, call, held->invite_len) == 0;
}

void
sig_held_walk_init(struct sig_held_walk *w, const struct sig_helds *h)
{
	w->block = h->first;
	w->at = h->first != NULL ? h->first->from : 0;
}

struct sig_held *
sig_held_walk_next(struct sig_held_walk *w)
{
	struct sig_held *held;

	if (w->block == NULL)
		return NULL;
	held = held_at(w->block, w->at);
	w->at += size_of(held->len, held->invite_len);
	if (w->at == w->block->to) {
		w->block = w->block->next;
		w->at = w->block != NULL ? w->block->from : 0;
	}
	return held;
}
