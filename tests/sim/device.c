/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/device.h"

/* As in web/sdk/backoff.js. */
#define FIRST_MS  500
#define MOST_MS   20000
#define RELOAD_MS 300

struct device *
device_new(struct sim *sim, int user)
{
	struct device *d = calloc(1, sizeof(*d));

	d->sim = sim;
	d->user = user;
	d->index = (int)sim->ndevices;
	d->next_id = 1;
	snprintf(
	    d->name, sizeof(d->name), "%c%d", sim_users[user][0], d->index);
	STAILQ_INIT(&d->arrived);
	sim->devices[sim->ndevices++] = d;
	return d;
}

/* What is in memory only. */
static void
page_drop(struct device *d)
{
	struct arrived *a;

	request_drop_all(d);
	while ((a = STAILQ_FIRST(&d->arrived)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->arrived, next);
		free(a);
	}
	d->page++;
	d->links++;
	d->link = 0;
	d->state = IDLE;
	d->attempt = 0;
	d->nearly = 0;
}

void
device_free(struct device *d)
{
	if (d == NULL)
		return;
	page_drop(d);
	free(d);
}

/* A timer, and the page and link that it was set by. */
struct later {
	struct device *d;
	device_fn *fn;
	uint64_t page, links;
	bool of_link;
	int about;
};

static void
later_due(void *arg)
{
	const struct later *later = arg;
	struct device *d = later->d;

	if (!sim_failed(d->sim) && d->page == later->page &&
	    (!later->of_link || d->links == later->links))
		later->fn(d, later->about);
}

void
device_timer(
    struct device *d, uint64_t ms, device_fn *fn, int about, bool of_link)
{
	struct later *later = calloc(1, sizeof(*later));

	*later = (struct later){ d, fn, d->page, d->links, of_link, about };
	world_timer(d->sim->w, ms, later_due, later);
}

void
device_later(struct device *d, uint64_t ms, device_fn *fn, int about)
{
	device_timer(d, ms, fn, about, false);
}

uint64_t
device_backoff(struct device *d, uint32_t *attempt)
{
	uint64_t top = FIRST_MS << (*attempt < 6 ? *attempt : 6);

	if (top > MOST_MS)
		top = MOST_MS;
	++*attempt;
	return top / 2 + sim_dice(d->sim, (uint32_t)top / 2);
}

void
device_open(struct device *d)
{
	if (d->retired || d->open)
		return;
	d->open = true;
	sim_note(d->sim, "%s: its page opens", d->name);
	d->inbox = d->kept;
	chat_page(d);
	large_page(d);
	calls_page(d);
	wire_open(d);
}

void
device_close(struct device *d)
{
	if (!d->open)
		return;
	sim_note(d->sim, "%s: its page closes", d->name);
	calls_hang_up(d);
	if (d->link != 0)
		world_hang_up(d->sim->w, d->link);
	page_drop(d);
	d->open = false;
}

static void
load(struct device *d, int about)
{
	device_open(d);
}

void
device_reload(struct device *d)
{
	if (!d->open)
		return;
	sim_note(d->sim, "%s: its page is loaded again", d->name);
	if (d->link != 0)
		world_hang_up(d->sim->w, d->link);
	page_drop(d);
	d->open = false;
	device_timer(d, 1 + sim_dice(d->sim, RELOAD_MS), load, 0, false);
}

void
device_die(struct device *d)
{
	if (!d->open)
		return;
	sim_note(d->sim, "%s: its machine dies", d->name);
	if (d->link != 0)
		world_vanish(d->sim->w, d->link);
	page_drop(d);
	d->open = false;
}

void
device_retire(struct device *d)
{
	uint32_t i;

	device_close(d);
	d->retired = true;
	for (i = 0; i < d->nout; i++)
		d->sim->ledger.texts[d->user][d->out[i].mid].gone = true;
	d->nout = 0;
}
