/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signald/hosts.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool
hosts_ok(const char *name)
{
	size_t len = strlen(name), inner;

	if (name[0] == '[') {
		inner = strspn(name + 1, "0123456789abcdefABCDEF:.");
		return inner > 0 && name[1 + inner] == ']' && len == inner + 2;
	}
	return len > 0 && len <= 253 && strspn(name, ALNUM "._-") == len &&
	    name[0] != '.' && name[len - 1] != '.';
}

/* The part of a Host that is compared: without port, without a last dot. */
static size_t
bare_len(const char *host, size_t len)
{
	const char *end = memchr(host, host[0] == '[' ? ']' : ':', len);

	if (end != NULL)
		len = (size_t)(end - host) + (host[0] == '[');
	return len > 0 && host[len - 1] == '.' ? len - 1 : len;
}

static int
compare(const char *host, size_t len, const char *name)
{
	int order = strncasecmp(host, name, len);

	return order == 0 && name[len] != '\0' ? -1 : order;
}

/* Where it is, or belongs. */
static size_t
place_of(const struct hosts *h, const char *host, size_t len, bool *found)
{
	size_t low = 0, high = h->n, mid;
	int order;

	*found = false;
	while (low < high) {
		mid = low + (high - low) / 2;
		order = compare(host, len, h->items[mid].name);
		if (order == 0) {
			*found = true;
			return mid;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

int
hosts_put(struct hosts *h, const char *name, int owner)
{
	struct host *items;
	bool found;
	size_t at = place_of(h, name, strlen(name), &found);

	if (found)
		return -EEXIST;
	if (h->n == HOSTS_MAX)
		return -ENOSPC;
	items = realloc(h->items, (h->n + 1) * sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	h->items = items;
	memmove(items + at + 1, items + at, (h->n - at) * sizeof(*items));
	items[at] = (struct host){ name, owner };
	h->n++;
	return 0;
}

int
hosts_find(const struct hosts *h, const char *host, size_t len)
{
	bool found = false;
	size_t at = 0;

	if (host != NULL && len > 0 && h->n > 0)
		at = place_of(h, host, bare_len(host, len), &found);
	return found ? h->items[at].owner : -1;
}

void
hosts_fini(struct hosts *h)
{
	free(h->items);
	*h = (struct hosts){ .n = 0 };
}
