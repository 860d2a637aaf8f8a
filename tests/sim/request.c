/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/device.h"

/* As in web/sdk/link.js. */
#define REQUEST_MS 10000
#define KEPT_MS    60000

void
request_drop(struct request *r)
{
	free(r->text);
	memset(r, 0, sizeof(*r));
}

void
request_drop_all(struct device *d)
{
	int i;

	for (i = 0; i < REQUESTS_MAX; i++)
		request_drop(&d->requests[i]);
}

/* To whoever asked; the slot is free before, for the next request. */
static void
listed(struct device *d, const struct request *r, const struct answer *answer)
{
	marks_answer(d, answer);
}

typedef void
answer_fn(struct device *, const struct request *, const struct answer *);

static answer_fn *const answers[] = {
	[ASK_SEND] = chat_answer,
	[ASK_LIST] = listed,
	[ASK_PAGE] = large_answer,
	[ASK_HISTORY] = review_answer,
	[ASK_MEMBERS] = review_answer,
	[ASK_SETTINGS] = review_answer,
	[ASK_GROUP] = groups_answer,
	[ASK_ROOM] = rooms_answer,
};

void
request_settle(
    struct device *d, struct request *slot, const struct answer *answer)
{
	struct request r = *slot;

	memset(slot, 0, sizeof(*slot));
	if (r.kind >= ASK_INVITE)
		calls_answer(d, &r, answer);
	else
		answers[r.kind](d, &r, answer);
	free(r.text);
}

static void
fail_request(struct device *d, struct request *r, const char *code)
{
	const struct answer answer = { NULL, code, 0 };

	request_settle(d, r, &answer);
}

struct request *
request_find(struct device *d, uint64_t id)
{
	int i;

	for (i = 0; i < REQUESTS_MAX; i++) {
		if (d->requests[i].kind != ASK_NOTHING &&
		    d->requests[i].id == id)
			return &d->requests[i];
	}
	return NULL;
}

static void
request_due(struct device *d, int id)
{
	struct request *r = request_find(d, (uint64_t)id);

	if (r != NULL)
		fail_request(d, r, "timeout");
}

struct request *
request_new(struct device *d, enum request_kind kind, int about)
{
	struct request *r = d->requests;

	while (r->kind != ASK_NOTHING && r < d->requests + REQUESTS_MAX - 1)
		r++;
	if (r->kind != ASK_NOTHING)
		abort();
	r->kind = kind;
	r->about = about;
	r->id = d->next_id++;
	r->keep = kind >= ASK_INVITE;
	return r;
}

void
request_ask(
    struct device *d, enum request_kind kind, int about, const char *fmt, ...)
{
	struct request *r = request_new(d, kind, about);
	char text[1024];
	va_list ap;
	int n;

	n = snprintf(text, sizeof(text), "{'id':%d,", (int)r->id);
	va_start(ap, fmt);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	snprintf(text + n, sizeof(text) - (size_t)n, "}");
	if (d->state != ONLINE && !r->keep) {
		fail_request(d, r, "link_lost");
		return;
	}
	r->text = strdup(text);
	if (kind != ASK_HELLO)
		device_timer(d, r->keep ? KEPT_MS : REQUEST_MS, request_due,
		    (int)r->id, false);
	if (d->state == ONLINE)
		wire_text(d, text);
}

bool
request_waits(const struct device *d)
{
	int i;

	for (i = 0; i < REQUESTS_MAX; i++) {
		if (d->requests[i].kind != ASK_NOTHING)
			return true;
	}
	return false;
}

void
request_link_lost(struct device *d)
{
	int i;

	for (i = 0; i < REQUESTS_MAX; i++) {
		if (d->requests[i].kind == ASK_HELLO)
			request_drop(&d->requests[i]);
		else if (d->requests[i].kind != ASK_NOTHING &&
		    !d->requests[i].keep)
			fail_request(d, &d->requests[i], "link_lost");
	}
}

void
request_link_back(struct device *d, bool resumed)
{
	int i;

	for (i = 0; i < REQUESTS_MAX; i++) {
		if (d->requests[i].kind == ASK_NOTHING)
			continue;
		if (resumed)
			wire_text(d, d->requests[i].text);
		else
			fail_request(d, &d->requests[i], "link_lost");
	}
}
