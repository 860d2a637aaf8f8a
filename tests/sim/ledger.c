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
	bool group;
	int i;

	if (name == NULL)
		name = "";
	for (i = 0; i < l->nconvs; i++) {
		if (strcmp(l->convs[i].name, name) == 0)
			return i;
	}
	group = strncmp(name, "main:g:", 7) == 0;
	if (l->nconvs == LEDGER_CONVS ||
	    (!group && !find_members(sim, name, l->convs[i].members))) {
		sim_complain(sim, "a conversation %s", name);
		return -1;
	}
	copy(l->convs[i].name, sizeof(l->convs[i].name), name);
	l->convs[i].group = group;
	l->convs[i].owner = -1;
	return l->nconvs++;
}

int
ledger_group(const struct ledger *l, uint32_t n)
{
	int i;

	for (i = 0; i < l->nconvs; i++) {
		if (l->convs[i].group && n-- == 0)
			return i;
	}
	abort();
}

uint32_t
ledger_ngroups(const struct ledger *l)
{
	uint32_t n = 0;
	int i;

	for (i = 0; i < l->nconvs; i++)
		n += l->convs[i].group;
	return n;
}

uint32_t
ledger_wrote(struct sim *sim, const struct ledger_text *text)
{
	struct ledger *l = &sim->ledger;
	int user = sim_user_of(sim, text->device);

	if (l->ntexts[user] + 1 >= LEDGER_TEXTS)
		return 0;
	l->texts[user][++l->ntexts[user]] = *text;
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
	uint64_t sync =
	    (uint64_t)json_in_int_opt(ok, "sync", 1, LEDGER_SEQS - 1, 0);

	if (text == NULL || conv < 0 || ok->code != 0) {
		sim_complain(sim, "an answer: %s", ok->err);
		return;
	}
	if (sync != 0)
		inbox_is(sim, user, sync, conv, seq);
	else if (!sim->ledger.convs[conv].group)
		sim_complain(
		    sim, "m%u of %s is in no inbox", mid, sim_users[user]);
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

/* All that no later change can touch. */
static bool
same(const struct told *a, const struct told *b)
{
	return a->from == b->from && a->id == b->id && a->ts == b->ts &&
	    a->mid == b->mid && a->kind == b->kind &&
	    a->mentions == b->mentions && a->target == b->target &&
	    a->emoji == b->emoji && a->on == b->on && a->event == b->event &&
	    a->users == b->users && a->admin == b->admin;
}

static void
learn_notice(struct ledger_conv *conv, const struct told *t)
{
	bool comes = t->event == TOLD_CREATE || t->event == TOLD_JOIN;
	int user;

	if (t->event == TOLD_CREATE)
		conv->owner = t->from;
	for (user = 0; user < LEDGER_USERS && t->event != TOLD_ROLE; user++) {
		if ((t->users & 1u << user) == 0 || t->seq < conv->moved[user])
			continue;
		conv->moved[user] = t->seq;
		conv->in =
		    comes ? conv->in | 1u << user : conv->in & ~(1u << user);
	}
}

/* It is what its author has written, or did. */
static void
learn_text(struct sim *sim, const struct told *t)
{
	const struct ledger_text *text = text_find(sim, t->from, t->mid);

	if (text != NULL &&
	    (text->kind != t->kind || text->mentions != t->mentions ||
		text->target != t->target || text->emoji != t->emoji ||
		text->on != t->on))
		sim_complain(sim, "m%u of %s is not what was written", t->mid,
		    sim_users[t->from]);
}

static void
learn(struct sim *sim, const struct told *t)
{
	struct ledger_conv *conv = &sim->ledger.convs[t->conv];
	struct ledger_entry *e = &conv->entries[t->seq];

	e->known = true;
	e->told = *t;
	if (t->seq > conv->top)
		conv->top = t->seq;
	if (t->mid != 0)
		learn_text(sim, t);
	if (t->kind == TOLD_NOTICE)
		learn_notice(conv, t);
	if (t->kind == TOLD_CALL)
		callbook_record(sim, t);
}

void
ledger_told(struct sim *sim, int user, const struct told *t, bool push)
{
	struct ledger_conv *conv = &sim->ledger.convs[t->conv];
	struct ledger_entry *e = &conv->entries[t->seq];

	if (!e->known)
		learn(sim, t);
	else if (!same(&e->told, t))
		sim_complain(sim,
		    "%s %d is m%u of %s (id %d) and m%u of %s (id %d)",
		    conv->name, (int)t->seq, e->told.mid,
		    sim_users[e->told.from], (int)e->told.id, t->mid,
		    sim_users[t->from], (int)t->id);
	if (push)
		e->pushed |= (uint8_t)(1u << user);
	else
		e->read |= (uint8_t)(1u << user);
	if (t->sync != 0)
		inbox_is(sim, user, t->sync, t->conv, t->seq);
	if (!sim->last || push || t->kind != TOLD_TEXT)
		return;
	if (e->stated && !told_same_state(&e->state, &t->state))
		sim_complain(sim, "%s %d says m%u to some, m%u to %s",
		    conv->name, (int)t->seq, e->state.words, t->state.words,
		    sim_users[user]);
	e->stated = true;
	e->state = t->state;
}

void
ledger_marked(struct sim *sim, int user, int conv, uint64_t seq)
{
	uint64_t *read = &sim->ledger.convs[conv].read[user];

	if (*read < seq)
		*read = seq;
}

/* How often it stands in conversations, and where at last. */
static int
stands(const struct ledger *l, int user, uint32_t mid, int *conv, uint64_t *seq)
{
	const struct ledger_entry *e;
	uint64_t at;
	int n = 0, i;

	for (i = 0; i < l->nconvs; i++) {
		for (at = 1; at <= l->convs[i].top; at++) {
			e = &l->convs[i].entries[at];
			if (e->told.mid != mid || e->told.from != user)
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
	/* Only one after the other is asked. */
	if (text->kind == TOLD_NOTICE || text->refused)
		return;
	last += text->device * LEDGER_TARGETS + text->to;
	if (seq < *last)
		sim_complain(sim, "m%u of %s has overtaken another one", mid,
		    sim_users[user]);
	*last = seq;
}

void
ledger_check(struct sim *sim)
{
	uint64_t last[SIM_DEVICES * LEDGER_TARGETS] = { 0 }, at;
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
