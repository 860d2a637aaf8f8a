/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/device.h"

#define MOST_TRIES 5

static const char *const ops[] = {
	[ASK_RINGING] = "ringing",
	[ASK_ACCEPT] = "accept",
	[ASK_HANGUP] = "hangup",
};

static bool
live(const struct call *call)
{
	return call->state > CALL_NONE && call->state < ENDED;
}

static struct call *
find(struct device *d, const char *id)
{
	struct call *call;

	for (call = d->calls; call < d->calls + CALLS_MAX; call++) {
		if (call->state != CALL_NONE && strcmp(call->id, id) == 0)
			return call;
	}
	return NULL;
}

static struct call *
find_live(struct device *d, const char *id)
{
	struct call *call = find(d, id);

	return call != NULL && live(call) ? call : NULL;
}

/* The one that this device takes part in. */
static struct call *
current(struct device *d)
{
	struct call *call;

	for (call = d->calls; call < d->calls + CALLS_MAX; call++) {
		if (live(call) && (call->caller || call->state != RINGING))
			return call;
	}
	return NULL;
}

static struct call *
call_new(struct device *d, int peer, enum call_state state)
{
	struct call *call = d->calls;

	while (call->state != CALL_NONE && call < d->calls + CALLS_MAX - 1)
		call++;
	/* One that has ended is remembered as long as there is room. */
	if (call->state != CALL_NONE)
		call = d->calls + sim_dice(d->sim, CALLS_MAX);
	while (live(call) || call->invitation)
		call = call == d->calls ? d->calls + CALLS_MAX - 1 : call - 1;
	memset(call, 0, sizeof(*call));
	call->state = state;
	call->peer = peer;
	return call;
}

static void
finish(struct device *d, struct call *call, const char *reason)
{
	if (!live(call))
		return;
	sim_note(d->sim, "%s: call %s is over: %s", d->name, call->id, reason);
	call->state = ENDED;
}

static void
tell(struct device *d, enum request_kind kind, struct call *call)
{
	const char *op = kind == ASK_CANCEL
	    ? (call->caller ? "cancel" : "refuse")
	    : ops[kind];

	request_ask(d, kind, (int)(call - d->calls),
	    "'op':'call.%s','call':'%s'", op, call->id);
}

static void
report(struct device *d, struct call *call, bool early)
{
	call->reported = true;
	tell(d, early ? ASK_CANCEL : ASK_HANGUP, call);
}

static void
hang_up(struct device *d, struct call *call)
{
	bool early = call->state == INVITING || call->state == RINGING;

	if (call->id[0] != '\0')
		report(d, call, early);
	finish(d, call, "hung up here");
}

static void
invite(struct device *d, int peer)
{
	struct call *call = call_new(d, peer, INVITING);

	call->caller = true;
	call->invitation = true;
	sim_note(d->sim, "%s calls %s", d->name, sim_users[peer]);
	request_ask(d, ASK_INVITE, (int)(call - d->calls),
	    "'op':'call.invite','to':'%s','media':{'audio':true}",
	    sim_users[peer]);
}

static void
ring(struct device *d, const char *id, const char *from)
{
	int peer = sim_user(d->sim, from);
	struct call *call;

	if (peer < 0)
		return;
	call = call_new(d, peer, RINGING);
	snprintf(call->id, sizeof(call->id), "%s", id);
	tell(d, ASK_RINGING, call);
}

/* The other side still talks to a call that an earlier page had. */
static void
disown(struct device *d, const char *id)
{
	struct call *call = call_new(d, 0, ENDED);

	snprintf(call->id, sizeof(call->id), "%s", id);
	tell(d, ASK_HANGUP, call);
}

static void
take(struct device *d, struct call *call, const struct early *e)
{
	bool waits = call->state == INVITING || call->state == RINGING;

	if (strcmp(e->push, "call.ringing") == 0 && call->state == INVITING)
		call->state = RINGING;
	else if (strcmp(e->push, "call.accept") == 0 && waits)
		call->state = ACTIVE;
	else if (strcmp(e->push, "call.ended") == 0) {
		call->reported = true;
		finish(d, call, e->reason);
	}
}

static bool
inviting(const struct device *d)
{
	const struct call *call;

	for (call = d->calls; call < d->calls + CALLS_MAX; call++) {
		if (call->invitation)
			return true;
	}
	return false;
}

static void
sort_in(struct device *d, const struct early *e)
{
	struct call *call = find_live(d, e->call);

	if (call != NULL)
		take(d, call, e);
	else if (find(d, e->call) != NULL)
		return; /* no news */
	else if (inviting(d)) {
		if (d->nearly < EARLY_MAX)
			d->early[d->nearly++] = *e;
	} else if (strcmp(e->push, "call.invite") == 0)
		ring(d, e->call, e->from);
	else if (strcmp(e->push, "call.offer") == 0 ||
	    strcmp(e->push, "call.candidate") == 0)
		disown(d, e->call);
}

static void
seen(struct device *d, const char *id)
{
	callbook_seen(d->sim, id);
}

/* Devices have names like b3: the number is their place. */
static int
device_named(const char *name)
{
	return name == NULL ? -1 : (int)strtol(name + 1, NULL, 10);
}

void
calls_push(struct device *d, const char *push, struct json_in *in)
{
	struct early e;

	memset(&e, 0, sizeof(e));
	snprintf(e.push, sizeof(e.push), "%s", push);
	snprintf(e.call, sizeof(e.call), "%s",
	    json_in_str(in, "call", 1, SIG_CALL_MAX));
	if (strcmp(push, "call.invite") == 0) {
		seen(d, e.call);
		snprintf(e.from, sizeof(e.from), "%s",
		    json_in_str(in, "from", 1, SIG_NAME_MAX));
	} else if (strcmp(push, "call.accept") == 0) {
		callbook_accepted(d->sim, e.call,
		    device_named(json_in_str(in, "device", 2, 8)));
	} else if (strcmp(push, "call.ended") == 0) {
		snprintf(e.reason, sizeof(e.reason), "%s",
		    json_in_str(in, "reason", 1, 23));
		callbook_ended(d->sim, e.call, d->index, e.reason,
		    json_in_int_opt(in, "duration_ms", 0, INT64_MAX, -1));
	}
	sort_in(d, &e);
}

/* The server gave the invitation its id, or told that the call runs. */
static void
invited(struct device *d, struct call *call, struct json_in *ok)
{
	const char *id = json_in_str(ok, "call", 1, SIG_CALL_MAX);
	const char *state = json_in_str(ok, "state", 1, 16);
	bool active = state != NULL && strcmp(state, "active") == 0;
	struct call *theirs;

	if (id == NULL)
		return;
	seen(d, id);
	theirs = find_live(d, id);
	snprintf(call->id, sizeof(call->id), "%s", id);
	/* Theirs rang here while ours was under way: it is one call now. */
	if (theirs != NULL && theirs != call) {
		finish(d, theirs, "joined");
		theirs->id[0] = '\0';
	}
	if (call->state == ENDED) {
		if (!call->reported)
			report(d, call, !active);
	} else if (active) {
		call->state = ACTIVE;
	}
}

static void
invite_answered(struct device *d, struct call *call, const struct answer *a)
{
	struct early early[EARLY_MAX];
	uint32_t n = d->nearly, i;

	if (a->ok != NULL)
		invited(d, call, a->ok);
	else
		finish(d, call, a->code);
	call->invitation = false;
	memcpy(early, d->early, sizeof(early));
	d->nearly = 0;
	for (i = 0; i < n; i++)
		sort_in(d, &early[i]);
}

static void
tell_again(struct device *d, int about)
{
	struct call *call = &d->calls[about];

	if (call->state != CALL_NONE && call->again != ASK_NOTHING)
		tell(d, call->again, call);
}

/* An earlier page of the session has accepted it: its user takes it up. */
static void
rings(struct call *call, const char *state)
{
	if (call->state == RINGING && state != NULL &&
	    strcmp(state, "active") == 0)
		call->state = ACTIVE;
}

void
calls_answer(struct device *d, const struct request *r, const struct answer *a)
{
	struct call *call = &d->calls[r->about];
	bool gone = a->ok == NULL && strcmp(a->code, "not_found") == 0;

	if (r->kind == ASK_INVITE) {
		invite_answered(d, call, a);
		return;
	}
	if (a->ok == NULL && a->retry_ms > 0 && r->kind != ASK_SIGNAL &&
	    call->tries++ < MOST_TRIES) {
		call->again = r->kind;
		device_later(d, a->retry_ms, tell_again, r->about);
		return;
	}
	switch (r->kind) {
	case ASK_RINGING:
		if (gone)
			finish(d, call, "lost");
		else if (a->ok != NULL)
			rings(call, json_in_str(a->ok, "state", 1, 16));
		break;
	case ASK_ACCEPT:
		if (a->ok == NULL)
			finish(d, call, a->code);
		else
			callbook_accepted(d->sim, call->id, d->index);
		break;
	case ASK_CANCEL:
		/* A cancel can cross with the accept; then it hangs up. */
		if (a->ok == NULL && strcmp(a->code, "conflict") == 0)
			tell(d, ASK_HANGUP, call);
		break;
	case ASK_SIGNAL:
		if (gone ||
		    (a->ok == NULL && strcmp(a->code, "link_lost") == 0))
			finish(d, call, "lost");
		break;
	default:
		break;
	}
}

void
calls_page(struct device *d)
{
	memset(d->calls, 0, sizeof(d->calls));
	d->nearly = 0;
}

void
calls_session_lost(struct device *d)
{
	struct call *call;

	for (call = d->calls; call < d->calls + CALLS_MAX; call++)
		finish(d, call, "session lost");
}

void
calls_restarted(struct device *d, const struct json *ids)
{
	struct call *call;
	size_t i;

	for (call = d->calls; call < d->calls + CALLS_MAX; call++) {
		if (!live(call) || call->id[0] == '\0')
			continue;
		for (i = 0; i < json_items(ids); i++) {
			if (strcmp(json_text(json_item(ids, i)), call->id) == 0)
				break;
		}
		if (i == json_items(ids))
			finish(d, call, "lost");
	}
}

void
calls_hang_up(struct device *d)
{
	struct call *call = current(d);

	if (call != NULL)
		hang_up(d, call);
}

static void
answer_ring(struct device *d, struct call *call)
{
	uint32_t dice = sim_dice(d->sim, 10);

	if (dice < 6 && current(d) == NULL) {
		sim_note(d->sim, "%s accepts", d->name);
		call->state = ACTIVE;
		tell(d, ASK_ACCEPT, call);
	} else if (dice < 8) {
		hang_up(d, call);
	}
}

static void
signal_peer(struct device *d, struct call *call)
{
	if (sim_chance(d->sim, 50))
		request_ask(d, ASK_SIGNAL, (int)(call - d->calls),
		    "'op':'call.offer','call':'%s','sdp':'v=0'", call->id);
	else
		request_ask(d, ASK_SIGNAL, (int)(call - d->calls),
		    "'op':'call.candidate','call':'%s','candidates':[null]",
		    call->id);
}

void
calls_act(struct device *d)
{
	struct call *mine = current(d), *call;
	uint32_t users = d->sim->climate.users;

	for (call = d->calls; call < d->calls + CALLS_MAX; call++) {
		if (live(call) && call != mine && call->state == RINGING) {
			answer_ring(d, call);
			return;
		}
	}
	if (mine == NULL) {
		if (d->state == ONLINE)
			invite(d,
			    (d->user + 1 + (int)sim_dice(d->sim, users - 1)) %
				(int)users);
	} else if (sim_chance(d->sim, 35)) {
		hang_up(d, mine);
	} else if (mine->state == ACTIVE && mine->id[0] != '\0') {
		signal_peer(d, mine);
	}
}

bool
calls_quiet(const struct device *d)
{
	const struct call *call;

	for (call = d->calls; call < d->calls + CALLS_MAX; call++) {
		if (live(call) || call->invitation)
			return false;
	}
	return true;
}
