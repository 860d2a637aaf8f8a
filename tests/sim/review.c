/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/device.h"

#define MOST 200 /* of a history */

static bool
is_in(const struct device *d, int conv)
{
	const struct ledger_conv *c = &d->sim->ledger.convs[conv];

	return c->group ? (c->in & 1u << d->user) != 0 : d->has[conv] > 0;
}

/* Of a group all there is, for only its owner is sure to have it. */
void
review_history(struct device *d)
{
	const struct ledger_conv *c;
	int conv;

	for (conv = 0; conv < d->sim->ledger.nconvs; conv++) {
		c = &d->sim->ledger.convs[conv];
		if (is_in(d, conv))
			request_ask(d, ASK_HISTORY, conv,
			    "'op':'message.history','conv':'%s','limit':%d",
			    c->name,
			    c->group ? MOST : 20 + (int)sim_dice(d->sim, 100));
	}
}

void
review_rest(struct device *d)
{
	const char *name;
	int conv;

	request_ask(d, ASK_LIST, 0, "'op':'conversation.list'");
	for (conv = 0; conv < d->sim->ledger.nconvs; conv++) {
		name = d->sim->ledger.convs[conv].name;
		if (!d->sim->ledger.convs[conv].group || !is_in(d, conv))
			continue;
		request_ask(d, ASK_MEMBERS, conv,
		    "'op':'group.members','conv':'%s'", name);
		request_ask(d, ASK_SETTINGS, conv,
		    "'op':'group.get','conv':'%s'", name);
	}
}

static void
history_came(struct device *d, int conv, struct json_in *ok)
{
	const struct json *list = json_in_array(ok, "messages", 0, MOST);
	struct json_in row;
	struct told told;
	uint64_t seq = 0;
	size_t i;

	for (i = 0; i < json_items(list); i++) {
		json_in_init(&row, json_item(list, i), "");
		if (!told_read(d->sim, &row, &told))
			return;
		ledger_told(d->sim, d->user, &told, false);
		if (seq != 0 && told.seq != seq + 1)
			sim_complain(d->sim, "%s: history from %d to %d",
			    d->name, (int)seq, (int)told.seq);
		seq = told.seq;
	}
	if (seq != d->sim->ledger.convs[conv].top)
		sim_complain(d->sim, "%s: history of %s ends with %d, not %d",
		    d->name, d->sim->ledger.convs[conv].name, (int)seq,
		    (int)d->sim->ledger.convs[conv].top);
}

void
review_answer(struct device *d, const struct request *r, const struct answer *a)
{
	if (a->ok == NULL)
		sim_complain(d->sim, "%s is not told of %s: %s", d->name,
		    d->sim->ledger.convs[r->about].name, a->code);
	else if (r->kind == ASK_HISTORY)
		history_came(d, r->about, a->ok);
	else if (r->kind == ASK_MEMBERS)
		memberbook_check_roster(d->sim, r->about, a->ok);
	else
		memberbook_check_group(d->sim, d->user, r->about, a->ok);
}
