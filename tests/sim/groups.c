/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/device.h"

/* What is asked for once and then forgotten: it may have been done. */
static uint32_t
number(struct device *d)
{
	const struct ledger_text text = {
		.kind = TOLD_NOTICE, .device = d->index, .to = -1, .gone = true
	};

	return ledger_wrote(d->sim, &text);
}

static void
found(struct device *d)
{
	uint32_t users = d->sim->climate.users, mid = number(d), user;
	char list[96] = "";
	int n = 0;

	if (mid == 0)
		return;
	for (user = 0; user < users; user++) {
		if ((int)user == d->user || sim_chance(d->sim, 30))
			continue;
		n += snprintf(list + n, sizeof(list) - (size_t)n, "%s'%s'",
		    n == 0 ? ",'users':[" : ",", sim_users[user]);
	}
	d->sim->founded++;
	request_ask(d, ASK_GROUP, 1,
	    "'op':'group.create','mid':'m%u','title':'Hikers','join':'%s',"
	    "'history':'%s'%s%s",
	    mid, sim_chance(d->sim, 50) ? "open" : "invite",
	    sim_chance(d->sim, 50) ? "joined" : "all", list, n == 0 ? "" : "]");
}

static int
somebody(struct device *d)
{
	uint32_t users = d->sim->climate.users;

	return (d->user + 1 + (int)sim_dice(d->sim, users - 1)) % (int)users;
}

static void
ask(struct device *d, const struct ledger_conv *conv, const char *op,
    const char *about)
{
	uint32_t mid = number(d);

	if (mid != 0)
		request_ask(d, ASK_GROUP, 0,
		    "'op':'group.%s','conv':'%s','mid':'m%u'%s", op, conv->name,
		    mid, about);
}

static void
move_somebody(struct device *d, const struct ledger_conv *conv, const char *op)
{
	char about[64];
	int n = snprintf(
	    about, sizeof(about), ",'users':['%s']", sim_users[somebody(d)]);

	if (op[0] == 'r')
		snprintf(about + n, sizeof(about) - (size_t)n, ",'role':'%s'",
		    sim_chance(d->sim, 60) ? "admin" : "member");
	ask(d, conv, op, about);
}

static void
rule(struct device *d, const struct ledger_conv *conv, uint32_t dice)
{
	static const char *const ops[] = { "invite", "invite", "invite", "kick",
		"kick", "role" };

	move_somebody(d, conv, ops[dice % 6]);
}

/* The owner never goes: somebody has to see in the end all that was said. */
void
groups_act(struct device *d)
{
	const struct ledger *l = &d->sim->ledger;
	uint32_t n = ledger_ngroups(l), dice = sim_dice(d->sim, 12);
	const struct ledger_conv *conv;

	if (d->state != ONLINE)
		return;
	if (n == 0 || sim_dice(d->sim, 10) == 0) {
		if (d->sim->founded < LEDGER_GROUPS)
			found(d);
		return;
	}
	conv = &l->convs[ledger_group(l, sim_dice(d->sim, n))];
	if (conv->owner < 0 || conv->owner == d->user || dice < 6)
		rule(d, conv, dice);
	else if (dice < 9)
		ask(d, conv, "join", "");
	else
		ask(d, conv, "leave", "");
}

/* about: 1 when one is founded. */
void
groups_answer(struct device *d, const struct request *r, const struct answer *a)
{
	const char *mid;
	int conv;

	if (a->ok == NULL)
		return;
	mid = json_in_str(a->ok, "mid", 2, 16);
	conv = ledger_conv(d->sim, json_in_str(a->ok, "conv", 1, SIG_CONV_MAX));
	if (mid == NULL || conv < 0)
		return;
	ledger_acked(
	    d->sim, d->user, (uint32_t)strtoul(mid + 1, NULL, 10), a->ok);
	if (r->about == 1)
		d->sim->ledger.convs[conv].owner = d->user;
}

int
groups_any(struct device *d)
{
	const struct ledger *l = &d->sim->ledger;
	uint32_t n = ledger_ngroups(l);
	int conv;

	if (n == 0)
		return -1;
	conv = ledger_group(l, sim_dice(d->sim, n));
	if ((l->convs[conv].in & 1u << d->user) == 0 && !sim_chance(d->sim, 10))
		return -1;
	return LEDGER_USERS + conv;
}
