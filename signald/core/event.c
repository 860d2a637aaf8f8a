/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "signald/core/effect.h"
#include "signald/core/event.h"
#include "signald/core/reply.h"

const char *const sig_event_names[SIG_EVENTS + 1] = {
	[SIG_EVENT_USER_REGISTERED] = "user.registered",
	[SIG_EVENT_USER_ONLINE] = "user.online",
	[SIG_EVENT_USER_OFFLINE] = "user.offline",
	[SIG_EVENT_MESSAGE_STORED] = "message.stored",
	[SIG_EVENT_CALL_ENDED] = "call.ended",
};

bool
sig_event_begin(const struct sig_config *cfg, enum sig_event_kind kind,
    uint64_t wall_ms, struct json_out *o, struct buf *b)
{
	if ((cfg->events >> kind & 1) == 0)
		return false;
	buf_init(b, SIG_TEXT_MAX);
	json_out_init(o, b);
	json_out_object(o, NULL);
	json_out_str(o, "event", sig_event_names[kind]);
	json_out_int(o, "ts", (int64_t)wall_ms);
	return true;
}

void
sig_event_send(struct sig_core *core, struct json_out *o)
{
	json_out_end(o);
	sig_tell(core, o->b);
}

void
sig_event_user(
    struct sig_core *core, enum sig_event_kind kind, const char *user)
{
	struct json_out o;
	struct buf b;

	if (!sig_event_begin(&core->cfg, kind, core->wall, &o, &b))
		return;
	json_out_str(&o, "user", user);
	sig_event_send(core, &o);
}

/* The members before the body: it is the last one, and no string before it
 * can hold a quote that is not escaped. */
static size_t
len_without_body(const char *text, size_t len)
{
	static const char body[] = ",\"body\":";
	size_t i, n = sizeof(body) - 1;

	for (i = 0; i + n <= len; i++) {
		if (memcmp(text + i, body, n) == 0)
			return i;
	}
	return len;
}

void
sig_event_message(struct sig_core *core, const struct sig_appended *res)
{
	size_t len = core->cfg.event_bodies
	    ? res->text_len
	    : len_without_body(res->text, res->text_len);
	struct json_out o;
	struct buf b;

	if (!sig_event_begin(
		&core->cfg, SIG_EVENT_MESSAGE_STORED, core->wall, &o, &b))
		return;
	sig_out_message(&o, "message", res->text, len);
	sig_event_send(core, &o);
}

void
sig_event_call(struct sig_core *core, const char *conv, const char *from,
    const char *to, const struct buf *record)
{
	struct json_out o;
	struct buf b;

	if (record->err != 0 ||
	    !sig_event_begin(
		&core->cfg, SIG_EVENT_CALL_ENDED, core->wall, &o, &b))
		return;
	json_out_str(&o, "conv", conv);
	json_out_str(&o, "from", from);
	json_out_str(&o, "to", to);
	json_out_raw(&o, "record", record->data, record->len);
	sig_event_send(core, &o);
}
