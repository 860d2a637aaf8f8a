/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "tests/sim/sim.h"

void
ledger_init(struct ledger *l)
{
	int user, i;

	for (user = 0; user < LEDGER_USERS; user++) {
		for (i = 0; i < LEDGER_SEQS; i++)
			l->inbox[user][i].conv = -1;
	}
}

static void
copy(char *dst, size_t size, const char *src)
{
	snprintf(dst, size, "%s", src == NULL ? "" : src);
}

/* The two of "main:1:x:y". */
static bool
find_members(struct sim *sim, const char *name, int members[2])
{
	char text[SIG_CONV_MAX + 1], *x, *y = NULL, *end = NULL;

	copy(text, sizeof(text), name);
	if (strncmp(text, "main:1:", 7) != 0)
		return false;
	x = strtok_r(text + 7, ":", &end);
	if (x != NULL)
		y = strtok_r(NULL, ":", &end);
	if (y == NULL)
		return false;
	members[0] = sim_user(sim, x);
	members[1] = sim_user(sim, y);
	return members[0] >= 0 && members[1] >= 0;
}

int
ledger_conv(struct sim *sim, const char *name)
{
	struct ledger *l = &sim->ledger;
	int i;

	if (name == NULL)
		name = "";
	for (i = 0; i < l->nconvs; i++) {
		if (strcmp(l->convs[i].name, name) == 0)
			return i;
	}
	if (l->nconvs == LEDGER_CONVS ||
	    !find_members(sim, name, l->convs[i].members)) {
		sim_complain(sim, "a conversation %s", name);
		return -1;
	}
	copy(l->convs[i].name, sizeof(l->convs[i].name), name);
	return l->nconvs++;
}

static void
read_record(struct json_in *body, struct told *t)
{
	copy(t->call, sizeof(t->call),
	    json_in_str(body, "call", 1, SIG_CALL_MAX));
	copy(t->outcome, sizeof(t->outcome),
	    json_in_str(body, "outcome", 1, 15));
	t->duration_ms = json_in_int_opt(body, "duration_ms", 0, INT64_MAX, -1);
}

/* A text says itself what it is. */
static void
read_text(struct sim *sim, struct json_in *body, const struct told *t)
{
	const char *text = json_in_str(body, "text", 1, 64);
	char want[64];

	snprintf(want, sizeof(want), "m%u of %s", t->mid, sim_users[t->from]);
	if (text == NULL || strcmp(text, want) != 0)
		sim_complain(
		    sim, "m%u of %s says %s", t->mid, sim_users[t->from], text);
}

bool
ledger_read_message(struct sim *sim, struct json_in *in, struct told *t)
{
	const char *mid = json_in_str_opt(in, "mid", 2, 16);
	const char *id = json_in_str(in, "id", 1, 20);
	struct json_in body;

	t->conv = ledger_conv(sim, json_in_str(in, "conv", 1, SIG_CONV_MAX));
	t->from = sim_user(sim, json_in_str(in, "from", 1, SIG_NAME_MAX));
	t->seq = (uint64_t)json_in_int(in, "seq", 1, LEDGER_SEQS - 1);
	t->sync = (uint64_t)json_in_int_opt(in, "sync", 1, LEDGER_SEQS - 1, 0);
	t->ts = (uint64_t)json_in_int(in, "ts", 1, INT64_MAX);
	t->mid = mid == NULL ? 0 : (uint32_t)strtoul(mid + 1, NULL, 10);
	copy(t->type, sizeof(t->type), json_in_str(in, "type", 1, 15));
	json_in_init(&body, json_in_object(in, "body"), "body");
	if (in->code == 0 && strcmp(t->type, "call") == 0)
		read_record(&body, t);
	else if (in->code == 0 && t->from >= 0)
		read_text(sim, &body, t);
	if (in->code != 0 || body.code != 0)
		sim_complain(sim, "a message: %s%s", in->err, body.err);
	else if (t->conv >= 0 && t->from >= 0) {
		t->id = strtoull(id, NULL, 10);
		return true;
	}
	return false;
}

uint32_t
ledger_wrote(struct sim *sim, int device, int to)
{
	struct ledger *l = &sim->ledger;
	int user = sim_user_of(sim, device);
	struct ledger_text *text;

	if (l->ntexts[user] + 1 >= LEDGER_TEXTS)
		return 0;
	text = &l->texts[user][++l->ntexts[user]];
	text->device = device;
	text->to = to;
	return l->ntexts[user];
}

static struct ledger_text *
text_find(struct sim *sim, int user, uint32_t mid)
{
	if (mid >= 1 && mid <= sim->ledger.ntexts[user])
		return &sim->ledger.texts[user][mid];
	sim_complain(sim, "m%u of %s was never written", mid, sim_users[user]);
	return NULL;
}

/* A place in somebody's inbox is that of one message for ever. */
static void
inbox_is(struct sim *sim, int user, uint64_t sync, int conv, uint64_t seq)
{
	struct ledger *l = &sim->ledger;

	if (sync >= LEDGER_SEQS)
		return;
	if (l->inbox[user][sync].conv < 0) {
		l->inbox[user][sync].conv = conv;
		l->inbox[user][sync].seq = seq;
	} else if (l->inbox[user][sync].conv != conv ||
	    l->inbox[user][sync].seq != seq) {
		sim_complain(sim, "sync %d of %s is %s %d and %s %d", (int)sync,
		    sim_users[user], l->convs[conv].name, (int)seq,
		    l->convs[l->inbox[user][sync].conv].name,
		    (int)l->inbox[user][sync].seq);
	}
	if (l->head[user] < sync)
		l->head[user] = sync;
}

void
ledger_acked(struct sim *sim, int user, uint32_t mid, struct json_in *ok)
{
	struct ledger_text *text = text_find(sim, user, mid);
	const char *id = json_in_str(ok, "id", 1, 20);
	int conv = ledger_conv(sim, json_in_str(ok, "conv", 1, SIG_CONV_MAX));
	uint64_t seq = (uint64_t)json_in_int(ok, "seq", 1, LEDGER_SEQS - 1);
	uint64_t sync = (uint64_t)json_in_int(ok, "sync", 1, INT64_MAX);

	if (text == NULL || conv < 0 || ok->code != 0) {
		sim_complain(sim, "an answer: %s", ok->err);
		return;
	}
	inbox_is(sim, user, sync, conv, seq);
	if (text->acked &&
	    (text->conv != conv || text->seq != seq ||
		text->id != strtoull(id, NULL, 10)))
		sim_complain(sim, "m%u of %s is answered with %d and %d", mid,
		    sim_users[user], (int)text->seq, (int)seq);
	text->acked = true;
	text->conv = conv;
	text->seq = seq;
	text->id = strtoull(id, NULL, 10);
}

static bool
same(const struct ledger_entry *e, const struct told *t)
{
	return e->from == t->from && e->id == t->id && e->ts == t->ts &&
	    e->mid == t->mid && strcmp(e->type, t->type) == 0;
}

static void
learn(struct sim *sim, const struct told *t)
{
	struct ledger_conv *conv = &sim->ledger.convs[t->conv];
	struct ledger_entry *e = &conv->entries[t->seq];

	*e = (struct ledger_entry){ .known = true,
		.counts = strcmp(t->type, "text") == 0 ||
		    strcmp(t->outcome, "missed") == 0 ||
		    strcmp(t->outcome, "busy") == 0,
		.from = t->from,
		.id = t->id,
		.ts = t->ts,
		.mid = t->mid };
	copy(e->type, sizeof(e->type), t->type);
	if (t->seq > conv->top)
		conv->top = t->seq;
	if (t->mid != 0)
		text_find(sim, t->from, t->mid);
	if (t->call[0] != '\0')
		callbook_record(sim, t);
}

void
ledger_told(struct sim *sim, int user, const struct told *t)
{
	struct ledger_conv *conv = &sim->ledger.convs[t->conv];
	const struct ledger_entry *e = &conv->entries[t->seq];

	if (user != conv->members[0] && user != conv->members[1])
		sim_complain(
		    sim, "%s hears of %s", sim_users[user], conv->name);
	if (t->from != conv->members[0] && t->from != conv->members[1])
		sim_complain(
		    sim, "%s speaks in %s", sim_users[t->from], conv->name);
	if (!e->known)
		learn(sim, t);
	else if (!same(e, t))
		sim_complain(sim,
		    "%s %d is m%u of %s (id %d) and m%u of %s (id %d)",
		    conv->name, (int)t->seq, e->mid, sim_users[e->from],
		    (int)e->id, t->mid, sim_users[t->from], (int)t->id);
	if (t->sync != 0)
		inbox_is(sim, user, t->sync, t->conv, t->seq);
}

void
ledger_marked(struct sim *sim, int user, int conv, uint64_t seq)
{
	uint64_t *read = &sim->ledger.convs[conv].read[user];

	if (*read < seq)
		*read = seq;
}

/* How often the text stands in conversations, and where at last. */
static int
stands(const struct ledger *l, int user, uint32_t mid, int *conv, uint64_t *seq)
{
	const struct ledger_entry *e;
	uint64_t at;
	int n = 0, i;

	for (i = 0; i < l->nconvs; i++) {
		for (at = 1; at <= l->convs[i].top; at++) {
			e = &l->convs[i].entries[at];
			if (e->mid != mid || e->from != user)
				continue;
			n++;
			*conv = i;
			*seq = at;
		}
	}
	return n;
}

static void
check_text(struct sim *sim, int user, uint32_t mid, uint64_t *last)
{
	const struct ledger_text *text = &sim->ledger.texts[user][mid];
	uint64_t seq = 0;
	int conv = -1, n = stands(&sim->ledger, user, mid, &conv, &seq);

	if (n > 1)
		sim_complain(
		    sim, "m%u of %s stands %d times", mid, sim_users[user], n);
	if (n == 0 && (text->acked || !text->gone))
		sim_complain(sim, "m%u of %s is lost, though %s", mid,
		    sim_users[user],
		    text->acked ? "it was answered" : "its device asked on");
	if (n == 0)
		return;
	if (text->acked && (text->conv != conv || text->seq != seq))
		sim_complain(sim, "m%u of %s was answered with %d and is %d",
		    mid, sim_users[user], (int)text->seq, (int)seq);
	last += text->device * LEDGER_USERS + text->to;
	if (seq < *last)
		sim_complain(sim, "m%u of %s has overtaken another one", mid,
		    sim_users[user]);
	*last = seq;
}

void
ledger_check(struct sim *sim)
{
	uint64_t last[SIM_DEVICES * LEDGER_USERS] = { 0 }, at;
	const struct ledger_conv *conv = sim->ledger.convs;
	uint32_t mid;
	int user;

	for (; conv < sim->ledger.convs + sim->ledger.nconvs; conv++) {
		for (at = 1; at <= conv->top; at++) {
			if (!conv->entries[at].known)
				sim_complain(
				    sim, "%s has no %d", conv->name, (int)at);
		}
	}
	for (user = 0; user < LEDGER_USERS; user++) {
		for (mid = 1; mid <= sim->ledger.ntexts[user]; mid++)
			check_text(sim, user, mid, last);
	}
}

void
ledger_check_row(struct sim *sim, int user, struct json_in *row)
{
	int c = ledger_conv(sim, json_in_str(row, "conv", 1, SIG_CONV_MAX));
	const struct ledger_conv *conv = &sim->ledger.convs[c];
	uint64_t read = (uint64_t)json_in_int(row, "read", 0, INT64_MAX);
	uint64_t peer = (uint64_t)json_in_int(row, "peer_read", 0, INT64_MAX);
	int64_t unread = json_in_int(row, "unread", 0, INT64_MAX);
	int other =
	    conv->members[0] == user ? conv->members[1] : conv->members[0];
	int64_t count = 0;
	uint64_t at;

	for (at = read + 1; at <= conv->top; at++)
		count +=
		    conv->entries[at].counts && conv->entries[at].from != user;
	if (row->code != 0)
		sim_complain(sim, "a row: %s", row->err);
	if (unread != count)
		sim_complain(sim, "%s of %s: %d unread, counted %d", conv->name,
		    sim_users[user], (int)unread, (int)count);
	if (read > conv->read[user] || peer > conv->read[other])
		sim_complain(sim, "%s of %s: read to %d and %d, not %d and %d",
		    conv->name, sim_users[user], (int)read, (int)peer,
		    (int)conv->read[user], (int)conv->read[other]);
}
