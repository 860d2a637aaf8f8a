/* SPDX-License-Identifier: BSD-3-Clause */
#include "turnd/door.h"
#include "turnd/tell.h"

/* Lines a second of ended allocations that are always written. */
#define RECORDS_MIN 10
/* Lines a second about requests that strangers make us refuse. */
#define REFUSAL_LINES 20

void
tell_open(struct worker *w)
{
	w->refusals.burst = REFUSAL_LINES;
}

void
alloc_addrs(
    const struct turn_alloc_info *a, struct addr *first, struct addr *second)
{
	bool v4 = a->relayed[TURN_V4].family != ADDR_NONE;

	*first = a->relayed[v4 ? TURN_V4 : TURN_V6];
	*second =
	    v4 ? a->relayed[TURN_V6] : (struct addr){ .family = ADDR_NONE };
}

/*
 * These lines are what a bill is made from, so all that live may end at once
 * and have theirs, and once more each minute. Who makes and ends allocations
 * faster than that only wants to fill a disk.
 */
static bool
record_passes(struct worker *w, enum turn_end why)
{
	uint64_t max = w->turnd->setup.core.max_allocations;
	uint64_t minutely = max / 60 / (uint64_t)w->turnd->workers;
	const struct bucket_rate rate = {
		minutely > RECORDS_MIN ? minutely : RECORDS_MIN, max
	};

	if (why != TURN_END_SHUTDOWN &&
	    !bucket_has(&w->records, &rate, 1, loop_now_ms(w->loop))) {
		stat_add(&w->shell.records_held, 1);
		return false;
	}
	bucket_take(&w->records, 1);
	return true;
}

void
tell_ended(struct worker *w, const struct turn_alloc_info *a, enum turn_end why)
{
	static const char *const reasons[] = { "expired", "deleted", "shutdown",
		"disconnected" };
	const struct turn_traffic *up = &a->traffic[TURN_UP];
	const struct turn_traffic *down = &a->traffic[TURN_DOWN];
	struct addr first, second;

	alloc_addrs(a, &first, &second);
	if (!record_passes(w, why))
		return;
	log_info("allocation_ended", KV_S("why", reasons[why]),
	    KV_I("worker", w->index), KV_U("id", a->id), KV_S("user", a->user),
	    KV_S("realm", a->realm), KV_ADDR("client", &a->client),
	    KV_S("transport", link_scheme(w, a->link)),
	    KV_S("relay_transport", a->tcp ? "tcp" : "udp"),
	    KV_ADDR("relayed", &first), KV_ADDR("relayed_second", &second),
	    KV_U("created", a->created_s), KV_U("ms", a->age_ms),
	    KV_U("to_peer_packets", up->packets),
	    KV_U("to_peer_bytes", up->bytes),
	    KV_U("to_client_packets", down->packets),
	    KV_U("to_client_bytes", down->bytes),
	    KV_U("held_back", w->shell.records_held));
}

static void
log_refusal(const struct turn_note *note, const struct addr *client,
    enum log_level level, uint64_t held)
{
	const struct turn_reason_info *info = turn_reason_info(note->reason);
	const char *rule = note->rule != NULL ? note->rule : "";

	log_event(level, "request_refused", KV_S("method", note->method),
	    KV_I("code", info->code), KV_S("reason", info->name),
	    KV_ADDR("client", client), KV_S("user", note->user),
	    KV_ADDR("peer", &note->peer), KV_S("rule", rule),
	    KV_U("held_back", held));
}

void
tell_rate_limited(struct worker *w, const struct addr *client)
{
	struct prefix network = limit_network(client);
	char text[LIMIT_STRLEN];
	uint64_t held;

	if (log_limit_pass(&w->limited, loop_now_ms(w->loop), &held))
		log_warn("rate_limited",
		    KV_S("network", limit_format(&network, text)),
		    KV_U("held_back", held));
}

/* What every client meets in ordinary use is no news. */
static bool
is_ordinary(enum turn_reason reason)
{
	return reason == TURN_NO_CREDENTIALS || reason == TURN_STALE_NONCE ||
	    reason == TURN_NO_ALLOCATION || reason == TURN_AUTH_PENDING;
}

void
tell_note(
    struct worker *w, const struct turn_note *note, const struct addr *from)
{
	uint64_t held = 0;

	if (note->method == NULL) {
		if (log_enabled(LOG_DEBUG))
			log_debug("datagram_dropped",
			    KV_S(
				"reason", turn_reason_info(note->reason)->name),
			    KV_ADDR("from", from),
			    KV_ADDR("peer", &note->peer));
		return;
	}
	if (note->reason == TURN_OK)
		return;
	if (note->reason == TURN_RATE_LIMITED) {
		tell_rate_limited(w, from);
	} else if (is_ordinary(note->reason)) {
		if (log_enabled(LOG_DEBUG))
			log_refusal(note, from, LOG_DEBUG, 0);
	} else if (log_limit_pass(&w->refusals, loop_now_ms(w->loop), &held)) {
		log_refusal(note, from, LOG_INFO, held);
	}
}
