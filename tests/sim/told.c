/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "tests/sim/sim.h"

const char *const told_emojis[TOLD_EMOJIS] = { "up", "down" };

/* The place of a name among n of them; -1 after an error of the reader. */
static int
one_of(struct json_in *in, const char *field, const char *const *names, int n)
{
	const char *name = json_in_str(in, field, 1, 15);
	int i;

	for (i = 0; name != NULL && i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	if (name != NULL)
		json_in_fail(in, field, name);
	return -1;
}

/* Bits of the users in a list; "*" is everybody. */
static uint32_t
users_of(struct sim *sim, const struct json *list)
{
	uint32_t users = 0;
	const char *name;
	size_t i;
	int user;

	for (i = 0; i < json_items(list); i++) {
		name = json_text(json_item(list, i));
		if (name != NULL && strcmp(name, "*") == 0) {
			users |= TOLD_ALL;
			continue;
		}
		user = sim_user(sim, name);
		if (user >= 0)
			users |= 1u << user;
	}
	return users;
}

/* The number of a text that says itself what it is; 0 after complaining. */
static uint32_t
words_of(struct sim *sim, struct json_in *body, int from)
{
	const char *text = json_in_str(body, "text", 1, 64);
	char want[64];
	uint32_t mid;

	if (text == NULL)
		return 0;
	mid = (uint32_t)strtoul(text + 1, NULL, 10);
	snprintf(want, sizeof(want), "m%u of %s", mid, sim_users[from]);
	if (strcmp(text, want) == 0)
		return mid;
	sim_complain(sim, "%s says %s", sim_users[from], text);
	return 0;
}

static void
read_reactions(struct sim *sim, struct json_in *in, struct told_state *state)
{
	const struct json *list = json_in_array_opt(in, "reactions", 0, 100);
	struct json_in one;
	size_t i;
	int emoji;

	for (i = 0; i < json_items(list); i++) {
		json_in_init(&one, json_item(list, i), "");
		emoji = one_of(&one, "emoji", told_emojis, TOLD_EMOJIS);
		if (emoji >= 0)
			state->reactions[emoji] = (uint8_t)users_of(
			    sim, json_in_array(&one, "users", 1, 100));
		if (one.code != 0)
			sim_complain(sim, "a reaction: %s", one.err);
	}
}

static void
read_text(
    struct sim *sim, struct json_in *in, struct json_in *body, struct told *t)
{
	const struct json *edits = json_in_array_opt(in, "edits", 1, 32);
	size_t n = json_items(edits);

	t->mentions = users_of(sim, json_in_array_opt(in, "mentions", 1, 100));
	t->state.retracted = json_in_has(in, "retracted_ts");
	if (t->state.retracted) {
		if (json_in_has(body, "text"))
			sim_complain(sim, "m%u is retracted, and told", t->mid);
		return;
	}
	t->state.words = (uint16_t)words_of(sim, body, t->from);
	if (n > 0)
		t->state.edit = (uint16_t)json_number(json_item(edits, n - 1));
	if ((n > 0) == (t->state.words == t->mid))
		sim_complain(sim, "m%u of %s says m%u after %d edits", t->mid,
		    sim_users[t->from], t->state.words, (int)n);
	read_reactions(sim, in, &t->state);
}

/* The words of an edit go with a retraction. */
static void
read_change(struct sim *sim, struct json_in *body, struct told *t)
{
	t->target = (uint64_t)json_in_int(body, "seq", 1, INT32_MAX);
	if (t->kind == TOLD_EDIT && json_in_has(body, "text") &&
	    words_of(sim, body, t->from) != t->mid)
		sim_complain(sim, "edit m%u says something else", t->mid);
	if (t->kind != TOLD_REACTION)
		return;
	t->emoji = one_of(body, "emoji", told_emojis, TOLD_EMOJIS);
	t->on = json_in_bool(body, "on");
}

static void
read_notice(struct sim *sim, struct json_in *body, struct told *t)
{
	static const char *const events[] = { "create", "join", "leave", "kick",
		"role" };
	const char *history = json_in_str_opt(body, "history", 1, 8);
	const char *role = json_in_str_opt(body, "role", 1, 8);

	t->event = (enum told_event)one_of(body, "event", events, 5);
	t->users = users_of(sim, json_in_array(body, "users", 1, 100));
	t->admin = role != NULL && strcmp(role, "admin") == 0;
	t->all = history != NULL && strcmp(history, "all") == 0;
}

static void
read_record(struct json_in *body, struct told *t)
{
	const char *call = json_in_str(body, "call", 1, SIG_CALL_MAX);
	const char *outcome = json_in_str(body, "outcome", 1, 15);

	if (call != NULL)
		snprintf(t->call, sizeof(t->call), "%s", call);
	if (outcome != NULL)
		snprintf(t->outcome, sizeof(t->outcome), "%s", outcome);
	t->duration_ms = json_in_int_opt(body, "duration_ms", 0, INT64_MAX, -1);
}

static void
read_body(struct sim *sim, struct json_in *in, struct told *t)
{
	struct json_in body;

	json_in_init(&body, json_in_object(in, "body"), "body");
	if (in->code != 0 || t->from < 0)
		return;
	if (t->kind == TOLD_TEXT)
		read_text(sim, in, &body, t);
	else if (t->kind == TOLD_CALL)
		read_record(&body, t);
	else if (t->kind == TOLD_NOTICE)
		read_notice(sim, &body, t);
	else
		read_change(sim, &body, t);
	if (body.code != 0)
		sim_complain(sim, "a message: %s", body.err);
}

bool
told_read(struct sim *sim, struct json_in *in, struct told *t)
{
	static const char *const types[] = { "text", "call", "notice", "edit",
		"retract", "reaction" };
	const char *mid = json_in_str_opt(in, "mid", 2, 16);
	const char *id = json_in_str(in, "id", 1, 20);

	memset(t, 0, sizeof(*t));
	t->conv = ledger_conv(sim, json_in_str(in, "conv", 1, SIG_CONV_MAX));
	t->from = sim_user(sim, json_in_str(in, "from", 1, SIG_NAME_MAX));
	t->seq = (uint64_t)json_in_int(in, "seq", 1, LEDGER_SEQS - 1);
	t->sync = (uint64_t)json_in_int_opt(in, "sync", 1, LEDGER_SEQS - 1, 0);
	t->ts = (uint64_t)json_in_int(in, "ts", 1, INT64_MAX);
	t->mid = mid == NULL ? 0 : (uint32_t)strtoul(mid + 1, NULL, 10);
	t->kind = (enum told_kind)one_of(in, "type", types, 6);
	read_body(sim, in, t);
	if (in->code != 0) {
		sim_complain(sim, "a message: %s", in->err);
		return false;
	}
	t->id = strtoull(id, NULL, 10);
	return t->conv >= 0 && t->from >= 0 && !sim_failed(sim);
}

void
told_change(struct told_state *state, const struct told *change)
{
	uint8_t user = (uint8_t)(1u << change->from);
	uint8_t *reactions = &state->reactions[change->emoji];

	if (state->retracted)
		return;
	if (change->kind == TOLD_RETRACT) {
		*state = (struct told_state){ .retracted = true };
	} else if (change->kind == TOLD_EDIT && change->seq > state->edit) {
		state->edit = (uint16_t)change->seq;
		state->words = (uint16_t)change->mid;
	} else if (change->kind == TOLD_REACTION) {
		*reactions = change->on ? *reactions | user
					: *reactions & (uint8_t)~user;
	}
}

bool
told_same_state(const struct told_state *a, const struct told_state *b)
{
	/* When it is retracted nothing else is to be known. */
	if (a->retracted || b->retracted)
		return a->retracted == b->retracted;
	return a->words == b->words && a->edit == b->edit &&
	    memcmp(a->reactions, b->reactions, sizeof(a->reactions)) == 0;
}
