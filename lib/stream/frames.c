/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stream/frames.h"

struct frame {
	TAILQ_ENTRY(frame) entry;
	size_t len;
	bool media;
	bool pinned;
	uint8_t data[];
};

/* Small messages must not cost more memory than they are counted for. */
static size_t
frame_cost(const struct frame *f)
{
	return sizeof(*f) + f->len;
}

void
frames_init(struct frames *q, size_t cap)
{
	*q = (struct frames){ .cap = cap };
	TAILQ_INIT(&q->list);
}

static void
frame_drop(struct frames *q, struct frame *f)
{
	TAILQ_REMOVE(&q->list, f, entry);
	q->bytes -= frame_cost(f);
	if (!f->media)
		q->answers -= frame_cost(f);
	free(f);
}

void
frames_fini(struct frames *q)
{
	while (!frames_empty(q))
		frame_drop(q, TAILQ_FIRST(&q->list));
}

bool
frames_empty(const struct frames *q)
{
	return TAILQ_EMPTY(&q->list);
}

static struct frame *
oldest_media(const struct frames *q)
{
	struct frame *f;

	TAILQ_FOREACH (f, &q->list, entry) {
		if (f->media && !f->pinned)
			break;
	}
	return f;
}

static struct frame *
frame_new(bool media, const struct iovec *parts, size_t n)
{
	struct frame *f;
	size_t i, len = 0;

	for (i = 0; i < n; i++)
		len += parts[i].iov_len;
	f = malloc(sizeof(*f) + len);
	if (f == NULL)
		return NULL;
	*f = (struct frame){ .media = media };
	for (i = 0; i < n; i++) {
		memcpy(f->data + f->len, parts[i].iov_base, parts[i].iov_len);
		f->len += parts[i].iov_len;
	}
	return f;
}

int
frames_put(struct frames *q, bool media, const struct iovec *parts, size_t n)
{
	struct frame *f = frame_new(media, parts, n), *old;
	int dropped = 0;

	if (f == NULL)
		return -ENOMEM;
	while (q->bytes + frame_cost(f) > q->cap) {
		old = oldest_media(q);
		if (old == NULL)
			break;
		frame_drop(q, old);
		dropped++;
	}
	if (media && q->bytes + frame_cost(f) > q->cap) {
		free(f);
		return dropped + 1;
	}
	TAILQ_INSERT_TAIL(&q->list, f, entry);
	q->bytes += frame_cost(f);
	if (!media)
		q->answers += frame_cost(f);
	return dropped;
}

int
frames_next(const struct frames *q, struct iovec *parts, int max)
{
	size_t skip = q->sent;
	struct frame *f;
	int n = 0;

	TAILQ_FOREACH (f, &q->list, entry) {
		if (n == max)
			break;
		parts[n].iov_base = f->data + skip;
		parts[n++].iov_len = f->len - skip;
		skip = 0;
	}
	return n;
}

void
frames_sent(struct frames *q, size_t n)
{
	struct frame *f;

	q->sent += n;
	while ((f = TAILQ_FIRST(&q->list)) != NULL && q->sent >= f->len) {
		q->sent -= f->len;
		frame_drop(q, f);
	}
	if (f != NULL && q->sent > 0)
		f->pinned = true;
}

void
frames_pin(struct frames *q, size_t n)
{
	struct frame *f;

	n += q->sent;
	TAILQ_FOREACH (f, &q->list, entry) {
		f->pinned = true;
		if (n <= f->len)
			break;
		n -= f->len;
	}
}
