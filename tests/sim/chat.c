/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/device.h"

#define KEEP_MS 30 /* a transaction of the device's own store takes so long */

static void
out_drop(struct device *d, uint32_t mid)
{
	uint32_t i;

	for (i = 0; i < d->nout && d->out[i].mid != mid; i++)
		continue;
	if (i == d->nout)
		return;
	memmove(
	    &d->out[i], &d->out[i + 1], (d->nout - i - 1) * sizeof(d->out[0]));
	d->nout--;
}

/* The oldest text of a queue goes out, one at a time. */
static void
work(struct device *d, int to)
{
	uint32_t i;

	if (d->state != ONLINE || d->queues[to].busy || d->queues[to].waits)
		return;
	for (i = 0; i < d->nout && d->out[i].to != to; i++)
		continue;
	if (i == d->nout)
		return;
	d->queues[to].busy = true;
	request_ask(d, ASK_SEND, to,
	    "'op':'message.send','to':'%s','mid':'m%u','type':'text',"
	    "'body':{'text':'m%u of %s'}",
	    sim_users[to], d->out[i].mid, d->out[i].mid, sim_users[d->user]);
}

static void
waited(struct device *d, int to)
{
	d->queues[to].waits = false;
	work(d, to);
}

static void
sent(struct device *d, int to, const struct answer *a)
{
	uint64_t wait;
	const char *mid;

	d->queues[to].busy = false;
	if (a->ok == NULL && strcmp(a->code, "link_lost") == 0)
		return; /* the next link begins anew */
	if (a->ok == NULL) {
		if (strcmp(a->code, "not_found") == 0 ||
		    strcmp(a->code, "forbidden") == 0 ||
		    strcmp(a->code, "conflict") == 0)
			sim_complain(d->sim, "%s: a text to %s is refused: %s",
			    d->name, sim_users[to], a->code);
		wait = device_backoff(d, &d->queues[to].attempt);
		d->queues[to].waits = true;
		device_later(
		    d, wait > a->retry_ms ? wait : a->retry_ms, waited, to);
		return;
	}
	mid = json_in_str(a->ok, "mid", 2, 16);
	if (mid == NULL)
		return;
	d->queues[to].attempt = 0;
	ledger_acked(
	    d->sim, d->user, (uint32_t)strtoul(mid + 1, NULL, 10), a->ok);
	out_drop(d, (uint32_t)strtoul(mid + 1, NULL, 10));
	work(d, to);
}

void
chat_write(struct device *d, int to)
{
	struct outgoing *out = &d->out[d->nout];

	if (d->nout == OUTGOING_MAX)
		return;
	out->mid = ledger_wrote(d->sim, d->index, to);
	if (out->mid == 0)
		return;
	out->to = to;
	d->nout++;
	sim_note(
	    d->sim, "%s writes m%u to %s", d->name, out->mid, sim_users[to]);
	work(d, to);
}

static void
acknowledge(struct device *d)
{
	wire_say(d, "{'op':'sync.ack','sync':%d}", (int)d->kept);
}

/* One transaction for all that came meanwhile. */
static void
keep_arrived(struct device *d, int about)
{
	struct arrived *a;
	struct told *t;

	while ((a = STAILQ_FIRST(&d->arrived)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->arrived, next);
		t = &a->told;
		if (t->seq != d->has[t->conv] + 1)
			sim_complain(d->sim, "%s: %s goes on from %d with %d",
			    d->name, d->sim->ledger.convs[t->conv].name,
			    (int)d->has[t->conv], (int)t->seq);
		d->has[t->conv] = t->seq;
		d->kept = t->sync;
		if (t->mid != 0 && t->from == d->user)
			out_drop(d, t->mid);
		free(a);
	}
	acknowledge(d);
}

void
chat_push(struct device *d, struct json_in *in)
{
	struct arrived *a = calloc(1, sizeof(*a));
	uint64_t sync;
	bool first;

	if (!ledger_read_message(d->sim, in, &a->told)) {
		free(a);
		return;
	}
	sync = a->told.sync;
	ledger_told(d->sim, d->user, &a->told);
	if (sync > d->inbox + 1)
		sim_complain(d->sim, "%s: sync goes on from %d with %d",
		    d->name, (int)d->inbox, (int)sync);
	if (sync <= d->inbox) {
		free(a);
		if (sync <= d->kept)
			acknowledge(d); /* that one got lost */
		return;
	}
	d->inbox = sync;
	first = STAILQ_EMPTY(&d->arrived);
	STAILQ_INSERT_TAIL(&d->arrived, a, next);
	if (first)
		device_later(d, sim_dice(d->sim, KEEP_MS + 1), keep_arrived, 0);
}

void
chat_page(struct device *d)
{
	memset(d->queues, 0, sizeof(d->queues));
}

static void
tell_read(struct device *d, int conv)
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

/* The user looks at a conversation. */
void
chat_read(struct device *d)
{
	int conv = (int)sim_dice(d->sim, LEDGER_CONVS);

	if (d->has[conv] <= d->read[conv])
		return;
	mark(d, conv, d->has[conv]);
	ledger_marked(d->sim, d->user, conv, d->read[conv]);
	tell_read(d, conv);
}

void
chat_heard_read(struct device *d, struct json_in *in)
{
	int user = sim_user(d->sim, json_in_str(in, "user", 1, SIG_NAME_MAX));
	int conv =
	    ledger_conv(d->sim, json_in_str(in, "conv", 1, SIG_CONV_MAX));

	if (conv >= 0 && user == d->user)
		mark(d, conv, (uint64_t)json_in_int(in, "read", 1, INT64_MAX));
}

static void
listed(struct device *d, const struct answer *a)
{
	const struct json *list;
	struct json_in row;
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
		read = (uint64_t)json_in_int(&row, "read", 0, INT64_MAX);
		if (d->sim->last) {
			ledger_check_row(d->sim, d->user, &row);
			if (d->read[conv] != read)
				sim_complain(d->sim,
				    "%s: has read %s to %d, and is told %d",
				    d->name, d->sim->ledger.convs[conv].name,
				    (int)d->read[conv], (int)read);
		}
		if (d->read[conv] > read)
			tell_read(d, conv);
		else
			mark(d, conv, read);
	}
}

static void
history_came(struct device *d, int conv, const struct answer *a)
{
	const struct json *list;
	struct json_in row;
	struct told told = { .seq = 0 };
	uint64_t seq = 0;
	size_t i;

	if (a->ok == NULL) {
		sim_complain(d->sim, "%s: no history: %s", d->name, a->code);
		return;
	}
	list = json_in_array(a->ok, "messages", 0, 1000);
	for (i = 0; i < json_items(list); i++) {
		json_in_init(&row, json_item(list, i), "");
		if (!ledger_read_message(d->sim, &row, &told))
			return;
		ledger_told(d->sim, d->user, &told);
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
chat_answer(struct device *d, const struct request *r, const struct answer *a)
{
	switch (r->kind) {
	case ASK_SEND:
		sent(d, r->about, a);
		break;
	case ASK_LIST:
		listed(d, a);
		break;
	default:
		history_came(d, r->about, a);
	}
}

void
chat_start(struct device *d)
{
	int to;

	for (to = 0; to < LEDGER_USERS; to++) {
		d->queues[to].waits = false;
		work(d, to);
	}
	request_ask(d, ASK_LIST, 0, "'op':'conversation.list'");
}

void
chat_last(struct device *d)
{
	int conv;

	request_ask(d, ASK_LIST, 0, "'op':'conversation.list'");
	for (conv = 0; conv < d->sim->ledger.nconvs; conv++) {
		if (d->has[conv] > 0)
			request_ask(d, ASK_HISTORY, conv,
			    "'op':'message.history','conv':'%s','limit':%d",
			    d->sim->ledger.convs[conv].name,
			    20 + (int)sim_dice(d->sim, 100));
	}
}

bool
chat_quiet(const struct device *d)
{
	return d->nout == 0 && STAILQ_EMPTY(&d->arrived) &&
	    d->kept == d->sim->ledger.head[d->user];
}
