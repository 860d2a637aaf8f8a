/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/call_tell.h"
#include "signald/core/effect.h"
#include "signald/core/event.h"
#include "signald/core/leg.h"
#include "signald/core/message.h"

enum side
sig_call_other(enum side side)
{
	return side == CALLER ? CALLEE : CALLER;
}

struct sig_mail *
sig_call_mail(enum sig_mail_kind kind, const char *to, const char *call,
    const char *text, size_t len)
{
	struct sig_mail *mail = sig_mail_text(kind, to, text, len);

	if (mail != NULL)
		memcpy(mail->call, call, strnlen(call, SIG_CALL_MAX));
	return mail;
}

void
sig_call_reply(struct sig_core *core, const struct sig_mail *ask,
    const char *call, enum sig_err err, const char *text)
{
	struct sig_mail *mail;

	if (ask->request == 0)
		return;
	mail = sig_call_mail(
	    SIG_MAIL_CALL_REPLY, ask->from, call, text, strlen(text));
	if (mail != NULL) {
		memcpy(mail->session, ask->session, sizeof(mail->session));
		mail->request = ask->request;
		mail->flags = err;
	}
	sig_post(core, mail);
}

void
sig_call_push(struct sig_core *core, const struct sig_call *call, enum side to,
    uint32_t flags, const char *text, size_t len)
{
	const struct party *party = &call->party[to];
	struct sig_mail *mail;

	mail =
	    sig_call_mail(SIG_MAIL_CALL_PUSH, party->user, call->id, text, len);
	if (mail != NULL) {
		memcpy(mail->session, party->session, sizeof(mail->session));
		mail->flags = flags;
	}
	sig_post(core, mail);
}

void
sig_call_tell(struct sig_core *core, const struct sig_call *call, enum side to,
    uint32_t flags, const char *name, const char *field, const char *value)
{
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, name);
	json_out_str(&o, "call", call->id);
	if (field != NULL)
		json_out_str(&o, field, value);
	if (json_out_end(&o) == 0)
		sig_call_push(
		    core, call, to, flags, (const char *)b.data, b.len);
	buf_fini(&b);
}

void
sig_call_show_link(struct sig_core *core, struct sig_call *call, enum side of)
{
	struct party *party = &call->party[of];

	if (call->state != ACTIVE || call->party[sig_call_other(of)].away ||
	    party->away == party->told)
		return;
	party->told = party->away;
	sig_call_tell(core, call, sig_call_other(of), SIG_PUSH_ONE, "call.peer",
	    "state", party->away ? "away" : "back");
}

void
sig_call_show_media(struct sig_core *core, struct sig_call *call, enum side of)
{
	const struct party *party = &call->party[of];

	if (call->state == ACTIVE && !call->party[sig_call_other(of)].away &&
	    party->media != NULL)
		sig_call_push(core, call, sig_call_other(of), SIG_PUSH_ONE,
		    party->media, party->media_len);
}
