/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct callbook_call *
find(struct sim *sim, const char *id)
{
	struct callbook *b = &sim->callbook;
	struct callbook_call *call;
	uint32_t i;

	for (i = 0; i < b->ncalls; i++) {
		if (strcmp(b->calls[i].id, id) == 0)
			return &b->calls[i];
	}
	if (b->ncalls == CALLBOOK_CALLS) {
		sim_complain(sim, "more calls than there is room for");
		return &b->calls[0];
	}
	call = &b->calls[b->ncalls++];
	snprintf(call->id, sizeof(call->id), "%s", id);
	call->accepted_by = -1;
	call->duration_ms = -1;
	return call;
}

void
callbook_seen(struct sim *sim, const char *id)
{
	(void)find(sim, id);
}

void
callbook_accepted(struct sim *sim, const char *id, int device)
{
	struct callbook_call *call = find(sim, id);

	if (call->accepted_by >= 0 && call->accepted_by != device &&
	    !(call->orphan && sim->callbook.append_failed))
		sim_complain(sim, "%s is accepted by %d and %d", id,
		    call->accepted_by, device);
	call->accepted_by = device;
}

void
callbook_ended(struct sim *sim, const char *id, int device, const char *reason,
    int64_t duration_ms)
{
	struct callbook_call *call = find(sim, id);

	if (strcmp(reason, "answered_elsewhere") == 0) {
		call->elsewhere[device] = true;
		return;
	}
	if (call->reason[0] == '\0') {
		snprintf(call->reason, sizeof(call->reason), "%s", reason);
		call->duration_ms = duration_ms;
		return;
	}
	if (!call->orphan &&
	    (strcmp(call->reason, reason) != 0 ||
		call->duration_ms != duration_ms))
		sim_complain(sim, "%s ends with %s after %d and %s after %d",
		    id, call->reason, (int)call->duration_ms, reason,
		    (int)duration_ms);
}

void
callbook_record(struct sim *sim, const struct told *t)
{
	struct callbook_call *call = find(sim, t->call);

	if (call->record != 0 && !call->orphan && !sim->callbook.append_failed)
		sim_complain(sim, "%s has the records %d and %d", t->call,
		    (int)call->record, (int)t->seq);
	if (!call->orphan && call->reason[0] != '\0' &&
	    call->duration_ms != t->duration_ms)
		sim_complain(sim, "%s: %d ms told, %d ms recorded", t->call,
		    (int)call->duration_ms, (int)t->duration_ms);
	call->record = t->seq;
	snprintf(call->outcome, sizeof(call->outcome), "%s", t->outcome);
}

/* What the disk could not store is not known to the next server. */
void
callbook_killed(struct sim *sim)
{
	struct callbook *b = &sim->callbook;
	uint32_t i;

	for (i = 0; i < b->ncalls; i++) {
		if (b->append_failed)
			b->calls[i].orphan = true;
	}
}

static bool
fits(const char *outcome, const char *reason)
{
	static const char *const pairs[][2] = {
		{ "answered", "hangup" },
		{ "answered", "lost" },
		{ "refused", "refused" },
		{ "refused", "hangup" },
		{ "missed", "cancelled" },
		{ "missed", "timeout" },
		{ "missed", "lost" },
		{ "missed", "hangup" },
		{ "busy", "busy" },
	};
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (strcmp(pairs[i][0], outcome) == 0 &&
		    strcmp(pairs[i][1], reason) == 0)
			return true;
	}
	return false;
}

static void
check_call(struct sim *sim, const struct callbook_call *call)
{
	bool answered = strcmp(call->outcome, "answered") == 0;
	int i;

	if (call->record == 0 && !call->orphan && !sim->callbook.append_failed)
		sim_complain(sim, "%s has left no record", call->id);
	if (call->record == 0 || call->orphan)
		return;
	if (call->reason[0] != '\0' && !fits(call->outcome, call->reason))
		sim_complain(sim, "%s ended with %s, recorded as %s", call->id,
		    call->reason, call->outcome);
	if (call->accepted_by >= 0 && !answered)
		sim_complain(sim, "%s was accepted, recorded as %s", call->id,
		    call->outcome);
	for (i = 0; i < CALLBOOK_DEVICES; i++) {
		if (call->elsewhere[i] && (!answered || call->accepted_by == i))
			sim_complain(sim,
			    "%s: device %d was told that another answered",
			    call->id, i);
	}
}

void
callbook_check(struct sim *sim)
{
	uint32_t i;

	for (i = 0; i < sim->callbook.ncalls; i++)
		check_call(sim, &sim->callbook.calls[i]);
}
