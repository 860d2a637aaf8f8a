/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/device.h"

#define KEEP_MS 30 /* a transaction of the device's own store takes so long */

void
chat_sent(struct device *d, uint32_t mid)
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

/* "to" or "conv", as the API wants it. */
static void
write_target(struct device *d, int to, char *out, size_t size)
{
	if (to < LEDGER_USERS)
		snprintf(out, size, "'to':'%s'", sim_users[to]);
	else
		snprintf(out, size, "'conv':'%s'",
		    d->sim->ledger.convs[to - LEDGER_USERS].name);
}

static void
write_mentions(uint32_t mentions, char *out, size_t size)
{
	size_t n;
	int user;

	out[0] = '\0';
	if (mentions == 0)
		return;
	n = (size_t)snprintf(out, size, ",'mentions':[%s",
	    (mentions & TOLD_ALL) != 0 ? "'*'" : "");
	for (user = 0; user < LEDGER_USERS; user++) {
		if ((mentions & 1u << user) != 0)
			n += (size_t)snprintf(out + n, size - n, "%s'%s'",
			    out[n - 1] == '[' ? "" : ",", sim_users[user]);
	}
	snprintf(out + n, size - n, "]");
}

static void
send(struct device *d, int to, uint32_t mid)
{
	const struct ledger_text *text = &d->sim->ledger.texts[d->user][mid];
	char target[SIG_CONV_MAX + 16], mentions[128];

	write_target(d, to, target, sizeof(target));
	if (text->kind != TOLD_TEXT) {
		changes_send(d, text, target, mid);
		return;
	}
	write_mentions(text->mentions, mentions, sizeof(mentions));
	request_ask(d, ASK_SEND, to,
	    "'op':'message.send',%s,'mid':'m%u','type':'text',"
	    "'body':{'text':'m%u of %s'}%s",
	    target, mid, mid, sim_users[d->user], mentions);
}

/* The oldest of a queue goes out, one at a time. */
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
	d->queues[to].mid = d->out[i].mid;
	send(d, to, d->out[i].mid);
}

static void
waited(struct device *d, int to)
{
	d->queues[to].waits = false;
	work(d, to);
}

static bool
is_final(const char *code)
{
	return strcmp(code, "not_found") == 0 ||
	    strcmp(code, "forbidden") == 0 || strcmp(code, "conflict") == 0;
}

/* Its user learns that it was not to be. */
static void
refused(struct device *d, int to, const char *code)
{
	uint32_t mid = d->queues[to].mid;
	struct ledger_text *text = &d->sim->ledger.texts[d->user][mid];

	/* Of two nobody is shut out; what is changed may be so already. */
	if (to < LEDGER_USERS ||
	    (!d->sim->ledger.convs[to - LEDGER_USERS].group &&
		strcmp(code, "conflict") != 0))
		sim_complain(
		    d->sim, "%s: m%u is refused: %s", d->name, mid, code);
	text->gone = text->refused = true;
	chat_sent(d, mid);
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
	if (a->ok == NULL && is_final(a->code)) {
		refused(d, to, a->code);
		return;
	}
	if (a->ok == NULL) {
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
	chat_sent(d, (uint32_t)strtoul(mid + 1, NULL, 10));
	work(d, to);
}

void
chat_enter(struct device *d, struct ledger_text *text)
{
	struct outgoing *out = &d->out[d->nout];

	if (d->nout == OUTGOING_MAX)
		return;
	text->device = d->index;
	out->mid = ledger_wrote(d->sim, text);
	if (out->mid == 0)
		return;
	out->to = text->to;
	d->nout++;
	sim_note(d->sim, "%s writes m%u to %s", d->name, out->mid,
	    text->to < LEDGER_USERS
		? sim_users[text->to]
		: d->sim->ledger.convs[text->to - LEDGER_USERS].name);
	work(d, text->to);
}

void
chat_write(struct device *d)
{
	struct ledger_text text = { .kind = TOLD_TEXT };
	const struct sim *sim = d->sim;
	uint32_t users = sim->climate.users;

	text.to = groups_any(d);
	if (text.to < 0 || sim_chance(d->sim, 40))
		text.to = (d->user + 1 + (int)sim_dice(d->sim, users - 1)) %
		    (int)users;
	else if (sim_chance(d->sim, 30))
		text.mentions = 1u << sim_dice(d->sim, users);
	else if (sim_chance(d->sim, 10))
		text.mentions = TOLD_ALL;
	if (text.to >= LEDGER_USERS && sim_chance(d->sim, 30))
		wire_say(d,
		    "{'op':'conversation.typing','conv':'%s','on':true}",
		    sim->ledger.convs[text.to - LEDGER_USERS].name);
	chat_enter(d, &text);
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

	while ((a = STAILQ_FIRST(&d->arrived)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->arrived, next);
		large_inbox(d, &a->told);
		d->kept = a->told.sync;
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

	if (!told_read(d->sim, in, &a->told)) {
		free(a);
		return;
	}
	sync = a->told.sync;
	ledger_told(d->sim, d->user, &a->told, true);
	if (sync > d->inbox + 1)
		sim_complain(d->sim, "%s: sync goes on from %d with %d",
		    d->name, (int)d->inbox, (int)sync);
	if (sync == 0)
		large_push(d, &a->told);
	if (sync <= d->inbox) {
		free(a);
		if (sync != 0 && sync <= d->kept)
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

void
chat_answer(struct device *d, const struct request *r, const struct answer *a)
{
	sent(d, r->about, a);
}

void
chat_start(struct device *d)
{
	int to;

	for (to = 0; to < LEDGER_TARGETS; to++) {
		d->queues[to].waits = false;
		work(d, to);
	}
}

bool
chat_quiet(const struct device *d)
{
	return d->nout == 0 && STAILQ_EMPTY(&d->arrived) &&
	    d->kept == d->sim->ledger.head[d->user];
}
