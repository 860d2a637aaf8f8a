/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/device.h"

bool
kept_add(struct device *d, const struct told *t)
{
	struct kept *all = d->entries[t->conv], *k = &all[t->seq];
	uint64_t *shown = &d->shown[t->conv];

	if (k->here)
		return false;
	/* Notices of who comes and goes have a second way. */
	if (t->kind != TOLD_NOTICE && t->seq < *shown)
		sim_complain(d->sim, "%s: %s shows %d after %d", d->name,
		    d->sim->ledger.convs[t->conv].name, (int)t->seq,
		    (int)*shown);
	if (t->kind != TOLD_NOTICE)
		*shown = t->seq;
	k->here = true;
	if (t->kind == TOLD_TEXT)
		k->state = t->state;
	else if (t->kind >= TOLD_EDIT && all[t->target].here)
		told_change(&all[t->target].state, t);
	if (t->mid != 0 && t->from == d->user)
		chat_sent(d, t->mid);
	return true;
}

uint64_t
kept_any_text(struct device *d, int conv, int user)
{
	const struct ledger_conv *c = &d->sim->ledger.convs[conv];
	uint64_t at = c->top == 0 ? 0 : 1 + sim_dice(d->sim, (uint32_t)c->top);
	const struct told *t;

	for (; at > 0; at--) {
		t = &c->entries[at].told;
		if (d->entries[conv][at].here && t->kind == TOLD_TEXT &&
		    (user < 0 || t->from == user))
			return at;
	}
	return 0;
}

void
kept_check(const struct device *d, int conv, uint64_t seq,
    const struct told_state *state)
{
	const struct ledger_conv *c = &d->sim->ledger.convs[conv];
	const struct kept *k = &d->entries[conv][seq];

	if (d->retired || !memberbook_due(d->sim, d->user, conv, seq))
		return;
	if (!k->here)
		sim_complain(
		    d->sim, "%s lacks %s %d", d->name, c->name, (int)seq);
	else if (state != NULL &&
	    memberbook_stays(d->sim, d->user, conv, seq) &&
	    !told_same_state(&k->state, state))
		sim_complain(d->sim, "%s: %s %d says m%u (%d), and is m%u (%d)",
		    d->name, c->name, (int)seq, k->state.words, k->state.edit,
		    state->words, state->edit);
}
