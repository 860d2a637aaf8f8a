/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "tests/sim/device.h"

#define PAGE     50 /* at most */
#define AGAIN_MS 1000

/* Reads on when there is more, from where the user has come. */
static void
want(struct device *d, int conv, uint64_t seq)
{
	if (d->wanted[conv] < seq)
		d->wanted[conv] = seq;
	if (d->has[conv] == 0 || d->wanted[conv] <= d->has[conv] ||
	    d->reading[conv] || d->state != ONLINE)
		return;
	d->reading[conv] = true;
	request_ask(d, ASK_PAGE, conv,
	    "'op':'message.history','conv':'%s','after':%d,'limit':%d",
	    d->sim->ledger.convs[conv].name, (int)d->has[conv],
	    1 + (int)sim_dice(d->sim, PAGE));
}

static void
pass(struct device *d, const struct told *t)
{
	kept_add(d, t);
	d->has[t->conv] = t->seq;
	want(d, t->conv, 0);
}

void
large_page(struct device *d)
{
	memset(d->wanted, 0, sizeof(d->wanted));
	memset(d->reading, 0, sizeof(d->reading));
}

void
large_start(struct device *d, const struct json *heads)
{
	struct json_in one;
	uint64_t seq;
	size_t i;
	int conv;

	memset(d->line, 0, sizeof(d->line));
	memset(d->reading, 0, sizeof(d->reading));
	for (i = 0; i < json_items(heads); i++) {
		json_in_init(&one, json_item(heads, i), "");
		conv = ledger_conv(
		    d->sim, json_in_str(&one, "conv", 1, SIG_CONV_MAX));
		seq = (uint64_t)json_in_int(&one, "seq", 1, LEDGER_SEQS - 1);
		if (conv < 0 || one.code != 0)
			return;
		d->line[conv] = seq;
		want(d, conv, seq);
	}
}

void
large_push(struct device *d, const struct told *t)
{
	struct sim *sim = d->sim;
	uint64_t *line = &d->line[t->conv];

	if (!sim->ledger.convs[t->conv].group)
		sim_complain(
		    sim, "%s: %d is in no inbox", d->name, (int)t->seq);
	if (t->seq <= *line)
		sim_complain(sim, "%s: %s %d comes after %d on one link",
		    d->name, sim->ledger.convs[t->conv].name, (int)t->seq,
		    (int)*line);
	else if (t->seq > *line + 1)
		memberbook_hole(sim, d->user, t->conv, *line, t->seq);
	*line = t->seq;
	if (d->has[t->conv] != 0 && t->seq == d->has[t->conv] + 1 &&
	    !d->reading[t->conv])
		pass(d, t);
	else
		want(d, t->conv, t->seq);
}

static bool
is_move(const struct device *d, const struct told *t)
{
	return t->kind == TOLD_NOTICE && (t->users & 1u << d->user) != 0;
}

void
large_inbox(struct device *d, const struct told *t)
{
	uint64_t has = d->has[t->conv];
	bool me = is_move(d, t);

	if (t->seq <= has)
		kept_add(d, t); /* the cursor was here, or began later */
	else if (t->seq == has + 1 ||
	    (me && (t->event == TOLD_CREATE || t->event == TOLD_JOIN)))
		pass(d, t);
	else if (me) {
		/* What was not read before its user goes stays so. */
		kept_add(d, t);
		want(d, t->conv,
		    t->event == TOLD_ROLE ? t->seq : d->wanted[t->conv]);
	} else
		sim_complain(d->sim, "%s: %s goes on from %d with %d", d->name,
		    d->sim->ledger.convs[t->conv].name, (int)has, (int)t->seq);
}

static void
again(struct device *d, int conv)
{
	want(d, conv, 0);
}

static void
page_came(struct device *d, int conv, struct json_in *ok)
{
	const struct json *list = json_in_array(ok, "messages", 0, PAGE);
	struct json_in row;
	struct told t;
	size_t i;

	for (i = 0; i < json_items(list); i++) {
		json_in_init(&row, json_item(list, i), "");
		if (!told_read(d->sim, &row, &t))
			return;
		ledger_told(d->sim, d->user, &t, false);
		if (t.seq <= d->has[conv])
			continue;
		kept_add(d, &t);
		d->has[conv] = t.seq;
	}
	if (json_items(list) == 0)
		sim_complain(d->sim, "%s: %s has nothing behind %d, not %d",
		    d->name, d->sim->ledger.convs[conv].name, (int)d->has[conv],
		    (int)d->wanted[conv]);
	want(d, conv, 0);
}

void
large_answer(struct device *d, const struct request *r, const struct answer *a)
{
	d->reading[r->about] = false;
	if (a->ok != NULL)
		page_came(d, r->about, a->ok);
	else if (strcmp(a->code, "not_found") == 0)
		d->wanted[r->about] = 0; /* no member any more */
	else if (strcmp(a->code, "link_lost") != 0)
		device_later(d, AGAIN_MS, again, r->about);
}

bool
large_quiet(const struct device *d)
{
	const struct ledger_conv *c = d->sim->ledger.convs;
	int conv;

	for (conv = 0; conv < d->sim->ledger.nconvs; conv++) {
		if (d->reading[conv] ||
		    ((c[conv].in & 1u << d->user) != 0 &&
			d->has[conv] < c[conv].top))
			return false;
	}
	return true;
}
