/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/device.h"

static void
tell(struct device *d, int conv)
{
	wire_say(d, "{'op':'conversation.read','conv':'%s','seq':%d}",
	    d->sim->ledger.convs[conv].name, (int)d->read[conv]);
}

static void
mark(struct device *d, int conv, uint64_t seq)
{
	if (seq > d->read[conv])
		d->read[conv] = seq;
}

void
marks_start(struct device *d)
{
	request_ask(d, ASK_LIST, 0, "'op':'conversation.list'");
}

void
marks_read(struct device *d)
{
	uint32_t nconvs = (uint32_t)d->sim->ledger.nconvs;
	int conv = (int)sim_dice(d->sim, nconvs);

	if (nconvs == 0 || d->has[conv] <= d->read[conv])
		return;
	mark(d, conv, d->has[conv]);
	ledger_marked(d->sim, d->user, conv, d->read[conv]);
	tell(d, conv);
}

void
marks_heard(struct device *d, struct json_in *in)
{
	int user = sim_user(d->sim, json_in_str(in, "user", 1, SIG_NAME_MAX));
	int conv =
	    ledger_conv(d->sim, json_in_str(in, "conv", 1, SIG_CONV_MAX));

	if (conv < 0)
		return;
	if (user == d->user)
		mark(d, conv, (uint64_t)json_in_int(in, "read", 1, INT64_MAX));
	else if (d->sim->ledger.convs[conv].group)
		sim_complain(d->sim, "%s learns how far another reads %s",
		    d->name, d->sim->ledger.convs[conv].name);
}

static void
check_row(struct device *d, int conv, uint64_t read, struct json_in *row)
{
	uint64_t since = d->sim->memberbook.convs[conv].since[d->user];

	memberbook_check_row(d->sim, d->user, row);
	if (d->read[conv] != read &&
	    (d->read[conv] > read || since != read + 1))
		sim_complain(d->sim, "%s: has read %s to %d, and is told %d",
		    d->name, d->sim->ledger.convs[conv].name,
		    (int)d->read[conv], (int)read);
}

void
marks_answer(struct device *d, const struct answer *a)
{
	const struct json *list;
	struct json_in row;
	uint32_t groups = 0;
	uint64_t read;
	size_t i;
	int conv;

	if (a->ok == NULL)
		return; /* the next link asks again */
	list = json_in_array(a->ok, "conversations", 0, 1000);
	for (i = 0; i < json_items(list); i++) {
		json_in_init(&row, json_item(list, i), "");
		conv = ledger_conv(
		    d->sim, json_in_str(&row, "conv", 1, SIG_CONV_MAX));
		if (conv < 0)
			return;
		groups += d->sim->ledger.convs[conv].group;
		read = (uint64_t)json_in_int(&row, "read", 0, INT64_MAX);
		if (d->sim->last)
			check_row(d, conv, read, &row);
		if (d->read[conv] > read)
			tell(d, conv);
		else
			mark(d, conv, read);
	}
	if (d->sim->last)
		memberbook_check_rows(d->sim, d->user, groups);
}
