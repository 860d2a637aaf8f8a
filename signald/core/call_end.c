/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/call.h"
#include "signald/core/call_end.h"
#include "signald/core/call_keep.h"
#include "signald/core/call_tell.h"
#include "signald/core/effect.h"
#include "signald/core/event.h"
#include "signald/core/keep.h"
#include "signald/core/leg.h"
#include "signald/core/message.h"

void
sig_call_free(struct sig_call *call)
{
	free(call->party[CALLER].media);
	free(call->party[CALLEE].media);
	free(call->media);
	free(call);
}

void
sig_call_free_all(struct sig_core *core)
{
	struct sig_call *call;

	while ((call = LIST_FIRST(&core->all_calls)) != NULL) {
		sig_call_out(core, call);
		sig_call_free(call);
	}
	while ((call = LIST_FIRST(&core->ending)) != NULL) {
		LIST_REMOVE(call, of_core);
		sig_call_free(call);
	}
}

static void
end_tell(struct sig_core *core, const struct sig_call *call)
{
	bool active = call->state == ACTIVE;
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, "call.ended");
	json_out_str(&o, "call", call->id);
	json_out_str(&o, "reason", call->end.reason);
	if (active)
		json_out_int(&o, "duration_ms", (int64_t)call->end.duration_ms);
	if (json_out_end(&o) == 0) {
		sig_call_push(core, call, CALLER, SIG_PUSH_ONE | SIG_PUSH_ENDED,
		    (const char *)b.data, b.len);
		/* Who has called as well was not rung, and knows. The callee's
		 * other devices ring until they are told of the accept. */
		if (!call->unrung || active)
			sig_call_push(core, call, CALLEE,
			    SIG_PUSH_ENDED |
				(active && !call->untold ? SIG_PUSH_ONE : 0),
			    (const char *)b.data, b.len);
	}
	buf_fini(&b);
}

/* Everybody hears of it, whether it could be stored or not. */
static void
end_finish(struct sig_core *core, struct sig_call *call, int err)
{
	struct sig_mail ask = { .kind = SIG_MAIL_CALL,
		.request = call->end.request };

	if (err != 0) {
		core->stats.errors++;
		sig_call_keep_end(core, call);
	}
	memcpy(ask.from, call->end.from, sizeof(ask.from));
	memcpy(ask.session, call->end.session, sizeof(ask.session));
	sig_call_reply(core, &ask, call->id, SIG_OK, "ended");
	end_tell(core, call);
	LIST_REMOVE(call, of_core);
	sig_call_free(call);
}

static void
end_stored(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	struct sig_call *call;

	LIST_FOREACH (call, &core->ending, of_core) {
		if (ticket->text != NULL && strcmp(call->id, ticket->text) == 0)
			break;
	}
	if (call != NULL)
		end_finish(core, call, res->err);
	if (res->err == 0)
		sig_message_committed(core, ticket->user, ticket->peer, res);
}

/* The call as a message of its conversation, so that whoever was away sees it
 * too. */
static struct sig_append *
end_record(
    struct sig_core *core, const struct sig_call *call, const char *outcome)
{
	struct sig_append *append = calloc(1, sizeof(*append));
	const struct party *caller = &call->party[CALLER];
	const struct party *callee = &call->party[CALLEE];
	struct json_out o;
	struct buf b;

	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_str(&o, "call", call->id);
	json_out_str(&o, "outcome", outcome);
	if (call->state == ACTIVE)
		json_out_int(&o, "duration_ms", (int64_t)call->end.duration_ms);
	json_out_raw(&o, "media", call->media, call->media_len);
	json_out_end(&o);
	sig_event_call(core, call->conv, caller->user, callee->user, &b);
	if (append == NULL || b.err != 0) {
		free(append);
		buf_fini(&b);
		return NULL;
	}
	append->kind = SIG_APPEND_MESSAGE;
	append->ts = core->wall;
	memcpy(append->user, caller->user, sizeof(append->user));
	memcpy(append->device, caller->device, sizeof(append->device));
	memcpy(append->peer, callee->user, sizeof(append->peer));
	memcpy(append->conv, call->conv, sizeof(append->conv));
	memcpy(append->type, "call", 5);
	append->found = true;
	append->counts =
	    strcmp(outcome, "missed") == 0 || strcmp(outcome, "busy") == 0;
	append->body = (char *)b.data;
	append->body_len = b.len;
	if (!sig_keep_call_key(append->drops, call->conv))
		append->drops[0] = '\0';
	return append;
}

void
sig_call_end(struct sig_core *core, struct sig_call *call,
    const struct sig_mail *ask, const char *reason, const char *outcome)
{
	struct sig_ticket *ticket = sig_ticket_new(NULL, 0);
	int err;

	sig_call_out(core, call);
	LIST_INSERT_HEAD(&core->ending, call, of_core);
	call->end.reason = reason;
	call->end.duration_ms = core->now - call->active_ms;
	if (ask != NULL) {
		call->end.request = ask->request;
		memcpy(call->end.from, ask->from, sizeof(call->end.from));
		memcpy(
		    call->end.session, ask->session, sizeof(call->end.session));
	}
	if (ticket != NULL) {
		ticket->appended = end_stored;
		ticket->text = strdup(call->id);
		memcpy(ticket->user, call->party[CALLER].user,
		    sizeof(ticket->user));
		memcpy(ticket->peer, call->party[CALLEE].user,
		    sizeof(ticket->peer));
	}
	err = sig_append(core, ticket, end_record(core, call, outcome));
	if (err != 0)
		end_finish(core, call, err);
}
