/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/call.h"
#include "signald/core/effect.h"
#include "signald/core/leg.h"
#include "signald/core/message.h"
#include "signald/core/name.h"
#include "signald/core/reply.h"

enum state { INVITING, RINGING, ACTIVE, STATES };
enum side { CALLER, CALLEE, SIDES };

static const char *const state_names[STATES] = { "inviting", "ringing",
	"active" };

struct party {
	char user[SIG_NAME_MAX + 1];
	char session[SIG_SESSION_MAX + 1]; /* callee: "" until accepted */
	char device[SIG_DEVICE_MAX + 1];
	bool away;     /* its link is gone */
	bool told;     /* the other side believes so */
	uint64_t said; /* hash of the last offer or answer */
	char *media;   /* the last call.media as a push, or NULL */
	size_t media_len;
};

struct sig_call {
	LIST_ENTRY(sig_call) of_core;
	char id[SIG_CALL_MAX + 1];
	char conv[SIG_CONV_MAX + 1];
	enum state state;
	struct party party[SIDES];
	char *media; /* JSON */
	size_t media_len;
	bool unrung; /* the callee's devices have not been told of it */
	uint64_t active_ms;
	struct sig_timer ring_timer;
};

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
sig_call_free(struct sig_core *core, struct sig_call *call)
{
	sig_timer_clear(core, &call->ring_timer);
	htab_del(&core->calls, sig_hash(core, call->conv), call);
	LIST_REMOVE(call, of_core);
	core->stats.calls--;
	free(call->party[CALLER].media);
	free(call->party[CALLEE].media);
	free(call->media);
	free(call);
}

static enum side
other(enum side side)
{
	return side == CALLER ? CALLEE : CALLER;
}

/* A mail about the call, with a copy of the text. */
static struct sig_mail *
call_mail(enum sig_mail_kind kind, const char *to, const char *call,
    const char *text, size_t len)
{
	struct sig_mail *mail = sig_mail_text(kind, to, text, len);

	if (mail != NULL)
		memcpy(mail->call, call, strnlen(call, SIG_CALL_MAX));
	return mail;
}

/* Answers the session that asked; text: the call's state, or what is wrong. */
static void
call_reply(struct sig_core *core, const struct sig_mail *ask, const char *call,
    enum sig_err err, const char *text)
{
	struct sig_mail *mail;

	if (ask->request == 0)
		return;
	mail =
	    call_mail(SIG_MAIL_CALL_REPLY, ask->from, call, text, strlen(text));
	if (mail != NULL) {
		memcpy(mail->session, ask->session, sizeof(mail->session));
		mail->request = ask->request;
		mail->flags = err;
	}
	sig_post(core, mail);
}

static void
call_push(struct sig_core *core, const struct sig_call *call, enum side to,
    uint32_t flags, const char *text, size_t len)
{
	const struct party *party = &call->party[to];
	struct sig_mail *mail;

	mail = call_mail(SIG_MAIL_CALL_PUSH, party->user, call->id, text, len);
	if (mail != NULL) {
		memcpy(mail->session, party->session, sizeof(mail->session));
		mail->flags = flags;
	}
	sig_post(core, mail);
}

/* A push of a name, the call, and at most one string more. */
static void
call_tell(struct sig_core *core, const struct sig_call *call, enum side to,
    uint32_t flags, const char *name, const char *field, const char *value)
{
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, name);
	json_out_str(&o, "call", call->id);
	if (field != NULL)
		json_out_str(&o, field, value);
	if (json_out_end(&o) == 0)
		call_push(core, call, to, flags, (const char *)b.data, b.len);
	buf_fini(&b);
}

/* Whether the other side has a link, when that one has, and does not know. */
static void
call_show_link(struct sig_core *core, struct sig_call *call, enum side of)
{
	struct party *party = &call->party[of];

	if (call->state != ACTIVE || call->party[other(of)].away ||
	    party->away == party->told)
		return;
	party->told = party->away;
	call_tell(core, call, other(of), SIG_PUSH_ONE, "call.peer", "state",
	    party->away ? "away" : "back");
}

static void
call_show_media(struct sig_core *core, struct sig_call *call, enum side of)
{
	const struct party *party = &call->party[of];

	if (call->state == ACTIVE && !call->party[other(of)].away &&
	    party->media != NULL)
		call_push(core, call, other(of), SIG_PUSH_ONE, party->media,
		    party->media_len);
}

static void
record_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	if (res->err == 0)
		sig_message_committed(core, ticket->user, ticket->peer, res);
	else
		core->stats.errors++;
}

/* The call as a message of its conversation, so that whoever was away sees
 * it too. */
static void
call_record(
    struct sig_core *core, const struct sig_call *call, const char *outcome)
{
	struct sig_append *append = calloc(1, sizeof(*append));
	struct sig_ticket *ticket = sig_ticket_new(NULL, 0);
	struct json_out o;
	struct buf b;

	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_str(&o, "call", call->id);
	json_out_str(&o, "outcome", outcome);
	if (call->state == ACTIVE)
		json_out_int(
		    &o, "duration_ms", (int64_t)(core->now - call->active_ms));
	json_out_raw(&o, "media", call->media, call->media_len);
	json_out_end(&o);
	if (append != NULL) {
		append->kind = SIG_APPEND_MESSAGE;
		append->ts = core->wall;
		memcpy(append->user, call->party[CALLER].user,
		    sizeof(append->user));
		memcpy(append->device, call->party[CALLER].device,
		    sizeof(append->device));
		memcpy(append->peer, call->party[CALLEE].user,
		    sizeof(append->peer));
		memcpy(append->conv, call->conv, sizeof(append->conv));
		memcpy(append->type, "call", 5);
		append->counts = strcmp(outcome, "missed") == 0 ||
		    strcmp(outcome, "busy") == 0;
		append->body = (char *)b.data;
		append->body_len = b.len;
	} else {
		buf_fini(&b);
	}
	if (ticket != NULL) {
		ticket->appended = record_done;
		memcpy(ticket->user, call->party[CALLER].user,
		    sizeof(ticket->user));
		memcpy(ticket->peer, call->party[CALLEE].user,
		    sizeof(ticket->peer));
	}
	if (sig_append(core, ticket, append) != 0)
		core->stats.errors++;
}

/* Tells both sides, stores the record, and the call is no more. */
static void
call_end(struct sig_core *core, struct sig_call *call, const char *reason,
    const char *outcome)
{
	bool active = call->state == ACTIVE;
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, "call.ended");
	json_out_str(&o, "call", call->id);
	json_out_str(&o, "reason", reason);
	if (active)
		json_out_int(
		    &o, "duration_ms", (int64_t)(core->now - call->active_ms));
	if (json_out_end(&o) == 0) {
		call_push(core, call, CALLER, SIG_PUSH_ONE | SIG_PUSH_ENDED,
		    (const char *)b.data, b.len);
		if (!call->unrung)
			call_push(core, call, CALLEE,
			    SIG_PUSH_ENDED | (active ? SIG_PUSH_ONE : 0),
			    (const char *)b.data, b.len);
	}
	buf_fini(&b);
	call_record(core, call, outcome);
	sig_call_free(core, call);
}

static void
call_timeout(struct sig_core *core, struct sig_timer *t)
{
	call_end(core,
	    (struct sig_call *)((char *)t -
		offsetof(struct sig_call, ring_timer)),
	    "timeout", "missed");
}

static void
do_same(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call_reply(core, ask->mail, call->id, SIG_OK, state_names[call->state]);
}

static void
do_nothing(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
}

static void
do_too_early(
    struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call_reply(
	    core, ask->mail, call->id, SIG_CONFLICT, "call: not accepted yet");
}

static void
do_too_late(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call_reply(core, ask->mail, call->id, SIG_CONFLICT,
	    "call: accepted already; hang up");
}

static void
do_forbid(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call_reply(core, ask->mail, call->id, SIG_FORBIDDEN,
	    "call: the other side's to say");
}

static void
do_ringing(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call->state = RINGING;
	do_same(core, call, ask);
	call_tell(core, call, CALLER, SIG_PUSH_ONE, "call.ringing", NULL, NULL);
}

static void
do_accept(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	struct party *callee = &call->party[CALLEE];

	memcpy(callee->session, ask->mail->session, sizeof(callee->session));
	memcpy(callee->device, ask->mail->device, sizeof(callee->device));
	call->state = ACTIVE;
	call->active_ms = core->now;
	sig_timer_clear(core, &call->ring_timer);
	core->stats.calls_answered++;
	do_same(core, call, ask);
	call_tell(core, call, CALLER, SIG_PUSH_ONE, "call.accept", "device",
	    callee->device);
	call_tell(core, call, CALLEE, SIG_PUSH_OTHERS, "call.ended", "reason",
	    "answered_elsewhere");
	call_show_link(core, call, CALLER);
	call_show_media(core, call, CALLER);
}

static void
do_refuse(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call_reply(core, ask->mail, call->id, SIG_OK, "ended");
	call_end(core, call, "refused", "refused");
}

static void
do_cancel(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call_reply(core, ask->mail, call->id, SIG_OK, "ended");
	call_end(core, call, "cancelled", "missed");
}

static void
do_hangup(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	const char *outcome = "answered";

	if (call->state != ACTIVE)
		outcome = ask->side == CALLER ? "missed" : "refused";
	call_reply(core, ask->mail, call->id, SIG_OK, "ended");
	call_end(core, call, "hangup", outcome);
}

static void
do_relay(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	const struct sig_mail *mail = ask->mail;

	do_same(core, call, ask);
	call_push(core, call, other(ask->side), SIG_PUSH_ONE, mail->text,
	    mail->text_len);
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
		call_reply(core, ask->mail, call->id, SIG_OVERLOADED,
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
	call_show_media(core, call, ask->side);
}

static void
do_away(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call->party[ask->side].away = true;
	call_show_link(core, call, ask->side);
}

/* What changed while it was away it hears now. */
static void
do_back(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call->party[ask->side].away = false;
	call_show_link(core, call, ask->side);
	call_show_link(core, call, other(ask->side));
	call_show_media(core, call, other(ask->side));
}

static void
do_busy(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call->unrung = true;
	call_end(core, call, "busy", "busy");
}

static void
do_lost(struct sig_core *core, struct sig_call *call, const struct ask *ask)
{
	call_end(
	    core, call, "lost", call->state == ACTIVE ? "answered" : "missed");
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
	if (call->media == NULL ||
	    !sig_name_conv_peer(call->party[CALLEE].user, call->conv,
		core->cfg.app, caller->user) ||
	    htab_put(&core->calls, sig_hash(core, call->conv), call) != 0) {
		free(call->media);
		free(call);
		return NULL;
	}
	memcpy(call->media, invite->text, invite->text_len);
	call->media_len = invite->text_len;
	LIST_INSERT_HEAD(&core->all_calls, call, of_core);
	core->stats.calls++;
	core->stats.calls_started++;
	return call;
}

static void
call_start(struct sig_core *core, const struct sig_mail *invite)
{
	struct sig_call *call = call_new(core, invite);
	struct sig_mail *ring;

	if (call == NULL) {
		call_reply(core, invite, "", SIG_OVERLOADED,
		    "no room for another call");
		return;
	}
	sig_timer_set(core, &call->ring_timer, core->now + core->cfg.ring_ms,
	    call_timeout);
	call_reply(core, invite, call->id, SIG_OK, state_names[INVITING]);
	ring = call_mail(SIG_MAIL_CALL_RING, call->party[CALLEE].user, call->id,
	    call->media, call->media_len);
	if (ring != NULL) {
		memcpy(ring->from, invite->from, sizeof(ring->from));
		ring->ts = core->wall;
	}
	sig_post(core, ring);
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
	if (ask.side != SIDES)
		machine[event][ask.side][call->state](core, call, &ask);
	else if (invite && call == NULL)
		call_start(core, mail);
	else if (invite)
		call_reply(core, mail, "", SIG_CONFLICT,
		    "to: another device is in a call with this user");
	else
		call_reply(core, mail, mail->to, SIG_NOT_FOUND,
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
