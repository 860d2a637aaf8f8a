/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/call.h"
#include "signald/core/call_end.h"
#include "signald/core/call_keep.h"
#include "signald/core/call_tell.h"
#include "signald/core/effect.h"
#include "signald/core/leg.h"
#include "signald/core/name.h"
#include "signald/core/reply.h"

static const char *const state_names[STATES] = { "inviting", "ringing",
	"active" };

/* One event at a call: who it is from, and what it carries. */
struct ask {
	const struct sig_mail *mail;
	enum side side;
};

typedef void call_fn(struct sig_core *, struct sig_call *, const struct ask *);

static bool
call_is(const void *obj, const void *key)
{
	return strcmp(((const struct sig_call *)obj)->conv, key) == 0;
}

static struct sig_call *
call_find(const struct sig_core *core, const char *conv)
{
	return htab_find(&core->calls, sig_hash(core, conv), call_is, conv);
}

void
sig_call_out(struct sig_core *core, struct sig_call *call)
{
	sig_timer_clear(core, &call->ring_timer);
	htab_del(&core->calls, sig_hash(core, call->conv), call);
	LIST_REMOVE(call, of_core);
	core->stats.calls--;
}

/* What is needed to go on with an event when the record is on the disk. */
static struct sig_ticket *
call_ticket(const struct sig_call *call, const struct sig_mail *ask,
    sig_appended_fn *fn)
{
	struct sig_ticket *ticket = sig_ticket_new(NULL, 0);

	if (ticket == NULL)
		return NULL;
	ticket->request = ask->request;
	ticket->appended = fn;
	ticket->text = strdup(call->id);
	memcpy(ticket->conv, call->conv, sizeof(ticket->conv));
	memcpy(ticket->user, ask->from, sizeof(ticket->user));
	memcpy(ticket->session, ask->session, sizeof(ticket->session));
	return ticket;
}

/* The call that waited, and who asked; NULL: it has ended, who asked knows. */
static struct sig_call *
call_kept(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res, struct sig_mail *ask)
{
	struct sig_call *call = call_find(core, ticket->conv);

	/* A full disk must not keep people from talking. */
	if (res->err != 0)
		core->stats.errors++;
	ask->request = ticket->request;
	memcpy(ask->from, ticket->user, sizeof(ask->from));
	memcpy(ask->session, ticket->session, sizeof(ask->session));
	if (call != NULL && ticket->text != NULL &&
	    strcmp(call->id, ticket->text) == 0)
		return call;
	sig_call_reply(core, ask, "", SIG_NOT_FOUND, "call: it has ended");
	return NULL;
}

static void
call_timeout(struct sig_core *core, struct sig_timer *t)
{
	sig_call_end(core,
	    (struct sig_call *)((char *)t -
		offsetof(struct sig_call, ring_timer)),
	    NULL, "timeout", "missed");
}

int
sig_call_put(struct sig_core *core, struct sig_call *call)
{
	int err = htab_put(&core->calls, sig_hash(core, call->conv), call);
	uint64_t rung = core->wall - call->invite_ts;

	if (err != 0)
		return err;
	LIST_INSERT_HEAD(&core->all_calls, call, of_core);
	core->stats.calls++;
	if (call->state == ACTIVE)
		return 0;
	/* The wall clock may have been set meanwhile, or much have passed. */
	if (core->wall < call->invite_ts)
		rung = 0;
	if (rung > core->cfg.ring_ms)
		rung = core->cfg.ring_ms;
	sig_timer_set(core, &call->ring_timer,
	    core->now + core->cfg.ring_ms - rung, call_timeout);
	return 0;
}

static void
do_same(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	sig_call_reply(
	    core, ask->mail, call->id, SIG_OK, state_names[call->state]);
}

static void
do_nothing(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
}

static void
do_too_early(
    struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	sig_call_reply(
	    core, ask->mail, call->id, SIG_CONFLICT, "call: not accepted yet");
}

static void
do_too_late(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	sig_call_reply(core, ask->mail, call->id, SIG_CONFLICT,
	    "call: accepted already; hang up");
}

static void
do_forbid(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	sig_call_reply(core, ask->mail, call->id, SIG_FORBIDDEN,
	    "call: the other side's to say");
}

static void
do_ringing(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call->state = RINGING;
	(void)sig_call_keep(core, call, NULL);
	do_same(core, call, ask);
	sig_call_tell(
	    core, call, CALLER, SIG_PUSH_ONE, "call.ringing", NULL, NULL);
}

static void
accept_tell(
    struct sig_core *core, struct sig_call *call, const struct sig_mail *ask)
{
	const struct party *callee = &call->party[CALLEE];

	call->untold = false;
	sig_call_reply(core, ask, call->id, SIG_OK, state_names[call->state]);
	sig_call_tell(core, call, CALLER, SIG_PUSH_ONE, "call.accept", "device",
	    callee->device);
	if (!call->unrung)
		sig_call_tell(core, call, CALLEE, SIG_PUSH_OTHERS, "call.ended",
		    "reason", "answered_elsewhere");
	sig_call_show_link(core, call, CALLER);
	sig_call_show_media(core, call, CALLER);
}

static void
accept_kept(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	struct sig_mail ask = { .kind = SIG_MAIL_CALL };
	struct sig_call *call = call_kept(core, ticket, res, &ask);

	if (call != NULL)
		accept_tell(core, call, &ask);
}

/* It is accepted at once; both hear of it when it is on the disk. */
static void
do_accept(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	struct party *callee = &call->party[CALLEE];

	memcpy(callee->session, ask->mail->session, sizeof(callee->session));
	memcpy(callee->device, ask->mail->device, sizeof(callee->device));
	call->state = ACTIVE;
	call->untold = true;
	call->active_ms = core->now;
	sig_timer_clear(core, &call->ring_timer);
	core->stats.calls_answered++;
	if (sig_call_keep(
		core, call, call_ticket(call, ask->mail, accept_kept)) != 0)
		accept_tell(core, call, ask->mail);
}

static void
do_refuse(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	sig_call_end(core, call, ask->mail, "refused", "refused");
}

static void
do_cancel(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	sig_call_end(core, call, ask->mail, "cancelled", "missed");
}

static void
do_hangup(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	const char *outcome = "answered";

	if (call->state != ACTIVE)
		outcome = ask->side == CALLER ? "missed" : "refused";
	sig_call_end(core, call, ask->mail, "hangup", outcome);
}

static void
do_relay(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	const struct sig_mail *mail = ask->mail;

	do_same(core, call, ask);
	sig_call_push(core, call, sig_call_other(ask->side), SIG_PUSH_ONE,
	    mail->text, mail->text_len);
}

/* A side never says the same twice in a row but when it asks again, and the
 * other would take it for a new offer or answer. */
static void
do_describe(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	const struct sig_mail *mail = ask->mail;
	struct party *party = &call->party[ask->side];
	uint64_t hash = hash_bytes(&core->key, mail->text, mail->text_len);

	if (hash == party->said) {
		do_same(core, call, ask);
		return;
	}
	party->said = hash;
	do_relay(core, call, ask);
}

static void
do_media(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	const struct sig_mail *mail = ask->mail;
	struct party *party = &call->party[ask->side];
	bool same = party->media_len == mail->text_len &&
	    memcmp(party->media, mail->text, mail->text_len) == 0;
	char *media = same ? NULL : malloc(mail->text_len);

	if (!same && media == NULL) {
		sig_call_reply(core, ask->mail, call->id, SIG_OVERLOADED,
		    "the server is out of room");
		return;
	}
	do_same(core, call, ask);
	if (same)
		return;
	memcpy(media, mail->text, mail->text_len);
	free(party->media);
	party->media = media;
	party->media_len = mail->text_len;
	(void)sig_call_keep(core, call, NULL);
	sig_call_show_media(core, call, ask->side);
}

static void
do_away(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call->party[ask->side].away = true;
	sig_call_show_link(core, call, ask->side);
}

/* What changed while it was away it hears now. */
static void
do_back(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call->party[ask->side].away = false;
	sig_call_show_link(core, call, ask->side);
	sig_call_show_link(core, call, sig_call_other(ask->side));
	sig_call_show_media(core, call, sig_call_other(ask->side));
}

static void
do_busy(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call->unrung = true;
	sig_call_end(core, call, NULL, "busy", "busy");
}

static void
do_lost(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	sig_call_end(core, call, NULL, "lost",
	    call->state == ACTIVE ? "answered" : "missed");
}

static void
do_tell_ringing(
    struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	sig_call_tell(
	    core, call, CALLER, SIG_PUSH_ONE, "call.ringing", NULL, NULL);
}

static void
do_tell_accept(
    struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	sig_call_tell(core, call, CALLER, SIG_PUSH_ONE, "call.accept", "device",
	    call->party[CALLEE].device);
}

/* What an event does, by the side it comes from and the call's state. Before
 * it is accepted every session of the callee is its side. */
static call_fn *const machine[SIG_CALL_EVENTS][SIDES][STATES] = {
	/*                      inviting      ringing       active */
	[SIG_CALL_INVITE] = { [CALLER] = { do_same, do_same, do_same },
	    [CALLEE] = { do_accept, do_accept, do_same } },
	[SIG_CALL_RINGING] = { [CALLER] = { do_forbid, do_forbid, do_forbid },
	    [CALLEE] = { do_ringing, do_same, do_same } },
	[SIG_CALL_ACCEPT] = { [CALLER] = { do_forbid, do_forbid, do_forbid },
	    [CALLEE] = { do_accept, do_accept, do_same } },
	[SIG_CALL_REFUSE] = { [CALLER] = { do_forbid, do_forbid, do_forbid },
	    [CALLEE] = { do_refuse, do_refuse, do_too_late } },
	[SIG_CALL_CANCEL] = { [CALLER] = { do_cancel, do_cancel, do_too_late },
	    [CALLEE] = { do_forbid, do_forbid, do_forbid } },
	[SIG_CALL_HANGUP] = { [CALLER] = { do_hangup, do_hangup, do_hangup },
	    [CALLEE] = { do_hangup, do_hangup, do_hangup } },
	[SIG_CALL_OFFER] = { [CALLER] = { do_too_early, do_too_early,
				 do_describe },
	    [CALLEE] = { do_too_early, do_too_early, do_describe } },
	[SIG_CALL_ANSWER] = { [CALLER] = { do_too_early, do_too_early,
				  do_describe },
	    [CALLEE] = { do_too_early, do_too_early, do_describe } },
	[SIG_CALL_CANDIDATE] = { [CALLER] = { do_too_early, do_too_early,
				     do_relay },
	    [CALLEE] = { do_too_early, do_too_early, do_relay } },
	[SIG_CALL_MEDIA] = { [CALLER] = { do_media, do_media, do_media },
	    [CALLEE] = { do_too_early, do_too_early, do_media } },
	[SIG_CALL_STATE] = { [CALLER] = { do_nothing, do_tell_ringing,
				 do_tell_accept },
	    [CALLEE] = { do_nothing, do_nothing, do_nothing } },
	[SIG_CALL_BUSY] = { [CALLER] = { do_nothing, do_nothing, do_nothing },
	    [CALLEE] = { do_busy, do_busy, do_nothing } },
	[SIG_CALL_LOST] = { [CALLER] = { do_lost, do_lost, do_lost },
	    [CALLEE] = { do_nothing, do_nothing, do_lost } },
	[SIG_CALL_AWAY] = { [CALLER] = { do_away, do_away, do_away },
	    [CALLEE] = { do_nothing, do_nothing, do_away } },
	[SIG_CALL_BACK] = { [CALLER] = { do_back, do_back, do_back },
	    [CALLEE] = { do_nothing, do_nothing, do_back } },
};

/* Which side the mail speaks for; SIDES: neither. */
static enum side
call_side(const struct sig_call *call, const struct sig_mail *mail)
{
	enum side side;

	for (side = CALLER; side < SIDES; side++) {
		if (strcmp(call->party[side].user, mail->from) != 0)
			continue;
		if (side == CALLEE && call->state != ACTIVE)
			return side;
		if (strcmp(call->party[side].session, mail->session) == 0)
			return side;
	}
	return SIDES;
}

static struct sig_call *
call_new(struct sig_core *core, const struct sig_mail *invite)
{
	struct sig_call *call = calloc(1, sizeof(*call));
	struct party *caller;
	uint64_t nonce;

	if (call == NULL)
		return NULL;
	caller = &call->party[CALLER];
	core->cfg.random(&nonce, sizeof(nonce));
	memcpy(call->conv, invite->to, strnlen(invite->to, SIG_CONV_MAX));
	sig_name_call(call->id, nonce, call->conv);
	memcpy(caller->user, invite->from, sizeof(caller->user));
	memcpy(caller->session, invite->session, sizeof(caller->session));
	memcpy(caller->device, invite->device, sizeof(caller->device));
	call->media = malloc(invite->text_len);
	call->invite_ts = core->wall;
	if (call->media == NULL ||
	    !sig_name_conv_peer(call->party[CALLEE].user, call->conv,
		core->cfg.app, caller->user) ||
	    sig_call_put(core, call) != 0) {
		free(call->media);
		free(call);
		return NULL;
	}
	memcpy(call->media, invite->text, invite->text_len);
	call->media_len = invite->text_len;
	call->unrung = true;
	call->muted = invite->sync != 0;
	core->stats.calls_started++;
	return call;
}

static void
invite_tell(
    struct sig_core *core, struct sig_call *call, const struct sig_mail *ask)
{
	struct sig_mail *ring;

	sig_call_reply(core, ask, call->id, SIG_OK, state_names[INVITING]);
	/* Who is called has called meanwhile, and that made it one call. */
	if (call->state == ACTIVE || call->muted)
		return;
	call->unrung = false;
	ring = sig_call_mail(SIG_MAIL_CALL_RING, call->party[CALLEE].user,
	    call->id, call->media, call->media_len);
	if (ring != NULL) {
		memcpy(ring->from, ask->from, sizeof(ring->from));
		ring->ts = call->invite_ts;
	}
	sig_post(core, ring);
}

static void
invite_kept(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	struct sig_mail ask = { .kind = SIG_MAIL_CALL };
	struct sig_call *call = call_kept(core, ticket, res, &ask);

	if (call != NULL)
		invite_tell(core, call, &ask);
}

static void
call_start(struct sig_core *core, const struct sig_mail *invite)
{
	struct sig_call *call = call_new(core, invite);

	if (call == NULL) {
		sig_call_reply(core, invite, "", SIG_OVERLOADED,
		    "no room for another call");
		return;
	}
	if (sig_call_keep(core, call, call_ticket(call, invite, invite_kept)) !=
	    0)
		invite_tell(core, call, invite);
}

static void
call_event(struct sig_core *core, const struct sig_mail *mail, uint32_t event)
{
	bool invite = event == SIG_CALL_INVITE;
	const char *conv = invite ? mail->to : sig_name_call_conv(mail->to);
	struct sig_call *call = NULL;
	struct ask ask = { mail, SIDES };

	if (conv != NULL)
		call = call_find(core, conv);
	if (call != NULL && !invite && strcmp(call->id, mail->to) != 0)
		call = NULL; /* that one has ended; this is the next */
	if (call != NULL)
		ask.side = call_side(call, mail);
	/* Who has blocked the caller calls as if nobody did. */
	if (invite && ask.side == CALLEE && call->muted) {
		sig_call_end(core, call, NULL, "timeout", "missed");
		call = NULL;
		ask.side = SIDES;
	}
	if (ask.side != SIDES)
		machine[event][ask.side][call->state](core, call, &ask);
	else if (invite && call == NULL)
		call_start(core, mail);
	else if (invite)
		sig_call_reply(core, mail, "", SIG_CONFLICT,
		    "to: another device is in a call with this user");
	else
		sig_call_reply(core, mail, mail->to, SIG_NOT_FOUND,
		    "call: it has ended, or is not this session's");
}

void
sig_call_asked(struct sig_core *core, const struct sig_mail *mail)
{
	if (mail->flags < SIG_CALL_BUSY)
		call_event(core, mail, mail->flags);
}

void
sig_call_lost(struct sig_core *core, const struct sig_mail *mail)
{
	call_event(core, mail, SIG_CALL_LOST);
}

void
sig_call_busy(struct sig_core *core, const struct sig_mail *mail)
{
	call_event(core, mail, SIG_CALL_BUSY);
}

void
sig_call_away(struct sig_core *core, const struct sig_mail *mail)
{
	call_event(core, mail, SIG_CALL_AWAY);
}

void
sig_call_back(struct sig_core *core, const struct sig_mail *mail)
{
	call_event(core, mail, SIG_CALL_BACK);
}
