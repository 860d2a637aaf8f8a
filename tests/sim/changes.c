/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/device.h"

void
changes_act(struct device *d)
{
	struct ledger_text text = { .kind = TOLD_REACTION };
	uint32_t nconvs = (uint32_t)d->sim->ledger.nconvs;
	uint32_t conv = sim_dice(d->sim, nconvs), dice = sim_dice(d->sim, 10),
		 i;

	if (dice < 5)
		text.kind = TOLD_EDIT;
	else if (dice < 6)
		text.kind = TOLD_RETRACT;
	for (i = 0; i < nconvs && text.target == 0; i++) {
		conv = (conv + 1) % nconvs;
		text.target = kept_any_text(
		    d, (int)conv, text.kind == TOLD_REACTION ? -1 : d->user);
	}
	if (text.target == 0)
		return;
	if (text.kind == TOLD_REACTION) {
		text.emoji = (int)sim_dice(d->sim, TOLD_EMOJIS);
		text.on = sim_chance(d->sim, 65);
	}
	text.to = LEDGER_USERS + (int)conv;
	chat_enter(d, &text);
}

void
changes_send(struct device *d, const struct ledger_text *text,
    const char *target, uint32_t mid)
{
	int seq = (int)text->target;

	if (text->kind == TOLD_EDIT)
		request_ask(d, ASK_SEND, text->to,
		    "'op':'message.edit',%s,'seq':%d,'mid':'m%u',"
		    "'body':{'text':'m%u of %s'}",
		    target, seq, mid, mid, sim_users[d->user]);
	else if (text->kind == TOLD_RETRACT)
		request_ask(d, ASK_SEND, text->to,
		    "'op':'message.retract',%s,'seq':%d,'mid':'m%u'", target,
		    seq, mid);
	else
		request_ask(d, ASK_SEND, text->to,
		    "'op':'message.react',%s,'seq':%d,'mid':'m%u',"
		    "'emoji':'%s','on':%s",
		    target, seq, mid, told_emojis[text->emoji],
		    text->on ? "true" : "false");
}
