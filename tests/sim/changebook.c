/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/changebook.h"
#include "tests/sim/device.h"

/* The text that it changes; NULL after complaining: it may not. */
static struct told_state *
target_of(struct sim *sim, int c, const struct told *change,
    struct told_state *states)
{
	const struct ledger_conv *conv = &sim->ledger.convs[c];
	const struct ledger_entry *e = &conv->entries[change->target];

	if (change->target >= change->seq || !e->known ||
	    e->told.kind != TOLD_TEXT)
		sim_complain(sim, "%s: %d changes %d, which is no text",
		    conv->name, (int)change->seq, (int)change->target);
	else if (change->kind != TOLD_REACTION && e->told.from != change->from)
		sim_complain(sim, "%s: %d is another's than %d, and changes it",
		    conv->name, (int)change->seq, (int)change->target);
	else if (states[change->target].retracted)
		sim_complain(sim, "%s: %d changes %d, which is retracted",
		    conv->name, (int)change->seq, (int)change->target);
	else
		return &states[change->target];
	return NULL;
}

static void
check_shown(struct sim *sim, int c, const struct told_state *states)
{
	const struct ledger_conv *conv = &sim->ledger.convs[c];
	const struct ledger_entry *e;
	uint64_t at;
	uint32_t i;

	for (at = 1; at <= conv->top; at++) {
		e = &conv->entries[at];
		if (e->stated && !told_same_state(&e->state, &states[at]))
			sim_complain(sim,
			    "%s %d is m%u in the history, m%u by its changes",
			    conv->name, (int)at, e->state.words,
			    states[at].words);
		for (i = 0; i < sim->ndevices; i++)
			kept_check(sim->devices[i], c, at,
			    e->told.kind == TOLD_TEXT ? &states[at] : NULL);
	}
}

static void
check_conv(struct sim *sim, int c)
{
	const struct ledger_conv *conv = &sim->ledger.convs[c];
	struct told_state states[LEDGER_SEQS], *state;
	const struct told *t;
	uint64_t at;

	for (at = 1; at <= conv->top; at++) {
		t = &conv->entries[at].told;
		if (!conv->entries[at].known)
			continue;
		if (t->kind == TOLD_TEXT) {
			states[at] =
			    (struct told_state){ .words = (uint16_t)t->mid };
		} else if (t->kind >= TOLD_EDIT) {
			state = target_of(sim, c, t, states);
			if (state != NULL)
				told_change(state, t);
		}
	}
	check_shown(sim, c, states);
}

void
changebook_check(struct sim *sim)
{
	int c;

	for (c = 0; c < sim->ledger.nconvs; c++)
		check_conv(sim, c);
}
