/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "turnd/asked.h"
#include "turnd/clients.h"
#include "turnd/door.h"
#include "turnd/turnd.h"

/* Beyond the time-out of a question, which ends with an answer in any case. */
#define GRACE_MS 1000

int
asked_open(struct worker *w)
{
	const struct turnd *d = w->turnd;

	if (d->userdb != NULL) {
		w->users = userdb_reader_new(d->userdb);
		if (w->users == NULL)
			return -ENOMEM;
	}
	if (d->hook == NULL)
		return 0;
	w->park = park_new();
	if (w->park == NULL)
		return -ENOMEM;
	hook_attach(d->hook, w->index, w->loop, w);
	return 0;
}

void
asked_close(struct worker *w)
{
	if (w->turnd->hook != NULL)
		hook_detach(w->turnd->hook, w->index);
	park_free(w->park);
	userdb_reader_free(w->users);
}

static int
ask_hook(struct worker *w, const char *realm, const struct turn_name *name,
    struct turn_record *rec)
{
	char addr[ADDR_STRLEN], listener[ADDR_STRLEN + 16];
	const struct lookup_who who = { realm, name->name, w->in->src,
		(unsigned int)w->index };
	struct addr at = link_addr(w, w->in->link);

	snprintf(listener, sizeof(listener), "%s://%s",
	    link_scheme(w, w->in->link), addr_format(&at, addr));
	return hook_find(w->turnd->hook, &who, listener, rec, &w->asked_for);
}

int
asked_find(void *arg, const char *realm, const struct turn_name *name,
    struct turn_record *rec)
{
	struct worker *w = arg;
	int rc = -ENOENT;

	if (w->users != NULL)
		rc = userdb_find(w->users, realm, name->name, rec);
	/* A time-limited name is judged by the secrets alone. */
	if (rc == -ENOENT && w->turnd->hook != NULL && !name->rest)
		rc = ask_hook(w, realm, name, rec);
	return rc;
}

int
asked_by_hash(void *arg, const char *realm, const uint8_t *hash,
    char name[TURN_NAME_MAX + 1])
{
	struct worker *w = arg;

	return w->users == NULL ? -ENOENT
				: userdb_by_hash(w->users, realm, hash, name);
}

void
asked_park(struct worker *w, const struct turn_in *in)
{
	const struct turnd_conf *c = conf_data(daemon_conf(w->turnd->run));
	uint64_t now_ms = loop_now_ms(w->loop);
	int rc;

	rc = park_add(w->park, in, w->asked_for, now_ms,
	    now_ms + (uint64_t)c->hook_timeout_ms + GRACE_MS);
	if (rc != 0 && rc != -EALREADY)
		stat_add(&w->stats->reasons[TURN_TOO_MANY_LOOKUPS], 1);
}

/* What waits for the user is judged now; what waits again after that has been
 * overtaken, and its client repeats it. */
void
asked_answered(void *arg, uint64_t user)
{
	struct worker *w = arg;
	struct turn_time now = worker_now(w);
	struct turn_in in = { .from = TURN_CLIENT };
	struct parked *p, *all[PARK_MAX];
	size_t n = 0, i;

	clients_go_on(w, user);
	while (n < PARK_MAX && (p = park_take(w->park, user)) != NULL)
		all[n++] = p;
	for (i = 0; i < n; i++) {
		in.data = all[i]->data;
		in.len = all[i]->len;
		in.src = &all[i]->src;
		in.link = all[i]->link;
		worker_feed(w, &in, now);
	}
	worker_flush(w); /* what is queued may lie there */
	for (i = 0; i < n; i++)
		free(all[i]);
}
