/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/call.h"
#include "signald/core/call_keep.h"
#include "signald/core/effect.h"
#include "signald/core/keep.h"
#include "signald/core/leg.h"
#include "signald/core/name.h"

#define TS_MAX ((INT64_C(1) << 53) - 1)

static const char *const side_names[SIDES] = { "caller", "callee" };

static void
party_write(struct json_out *o, const char *name, const struct party *party)
{
	json_out_object(o, name);
	json_out_str(o, "user", party->user);
	json_out_str(o, "session", party->session);
	json_out_str(o, "device", party->device);
	if (party->media != NULL)
		json_out_raw(o, "media", party->media, party->media_len);
	json_out_close(o);
}

int
sig_call_keep(struct sig_core *core, const struct sig_call *call,
    struct sig_ticket *ticket)
{
	char key[SIG_KEY_MAX + 1];
	bool lazy = ticket == NULL;
	struct json_out o;
	struct buf b;

	if (lazy)
		ticket = sig_ticket_new(NULL, 0);
	if (!sig_keep_call_key(key, call->conv)) {
		sig_ticket_free(ticket);
		return -ENAMETOOLONG;
	}
	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_str(&o, "call", call->id);
	json_out_int(&o, "state", call->state);
	json_out_int(&o, "invite_ts", (int64_t)call->invite_ts);
	if (call->state == ACTIVE)
		json_out_int(&o, "active_ts",
		    (int64_t)(core->wall - (core->now - call->active_ms)));
	if (call->muted)
		json_out_bool(&o, "muted", true);
	party_write(&o, side_names[CALLER], &call->party[CALLER]);
	party_write(&o, side_names[CALLEE], &call->party[CALLEE]);
	json_out_raw(&o, "media", call->media, call->media_len);
	json_out_end(&o);
	return sig_keep_put(core, ticket, key, &b, lazy);
}

void
sig_call_keep_end(struct sig_core *core, const struct sig_call *call)
{
	char key[SIG_KEY_MAX + 1];

	if (sig_keep_call_key(key, call->conv))
		sig_keep_drop(core, key);
}

static void
copy(char *dst, const char *src)
{
	if (src != NULL)
		memcpy(dst, src, strlen(src));
}

/* A member as the text it was; NULL without one, or without memory. */
static char *
text_read(struct json_in *in, const char *name, size_t *len)
{
	const struct json *value = json_in_object_opt(in, name);
	struct json_out o;
	struct buf b;

	if (value == NULL)
		return NULL;
	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_value(&o, NULL, value);
	if (b.err != 0) {
		buf_fini(&b);
		return NULL;
	}
	*len = b.len;
	return (char *)b.data;
}

/* Whoever is in the call has no link yet, and nobody has been told so. */
static void
party_read(struct json_in *record, enum side side, struct party *party)
{
	struct json_in in;

	json_in_init(&in, json_in_object(record, side_names[side]), "");
	copy(party->user, json_in_str(&in, "user", 1, SIG_NAME_MAX));
	copy(party->session, json_in_str(&in, "session", 0, SIG_SESSION_MAX));
	copy(party->device, json_in_str(&in, "device", 0, SIG_DEVICE_MAX));
	party->media = text_read(&in, "media", &party->media_len);
	party->away = party->session[0] != '\0';
	if (in.code != 0)
		record->code = in.code;
}

static void
call_drop(struct sig_call *call)
{
	free(call->party[CALLER].media);
	free(call->party[CALLEE].media);
	free(call->media);
	free(call);
}

/* NULL: no memory, or not what we wrote. */
static struct sig_call *
call_read(const struct sig_core *core, const char *conv, struct json_in *record)
{
	struct sig_call *call = calloc(1, sizeof(*call));
	uint64_t ts;

	if (call == NULL)
		return NULL;
	copy(call->conv, conv);
	copy(call->id, json_in_str(record, "call", 1, SIG_CALL_MAX));
	call->state =
	    (enum state)json_in_int(record, "state", INVITING, ACTIVE);
	call->invite_ts = (uint64_t)json_in_int(record, "invite_ts", 0, TS_MAX);
	call->muted = json_in_bool_opt(record, "muted", false);
	call->unrung = call->muted;
	ts = (uint64_t)json_in_int_opt(record, "active_ts", 0, TS_MAX, 0);
	if (ts > core->wall)
		ts = core->wall;
	call->active_ms = core->now - (core->wall - ts);
	party_read(record, CALLER, &call->party[CALLER]);
	party_read(record, CALLEE, &call->party[CALLEE]);
	call->media = text_read(record, "media", &call->media_len);
	if (record->code != 0 || call->media == NULL ||
	    sig_name_call_conv(call->id) == NULL) {
		call_drop(call);
		return NULL;
	}
	return call;
}

static void
wake_leg(struct sig_core *core, struct sig_call *call, enum side side)
{
	const struct party *party = &call->party[side];
	struct sig_mail ring = { .kind = SIG_MAIL_CALL_RING };

	if (sig_shard_of(&core->cfg, party->user) != core->cfg.shard)
		return;
	memcpy(ring.call, call->id, sizeof(ring.call));
	memcpy(ring.from, call->party[CALLER].user, sizeof(ring.from));
	ring.ts = call->invite_ts;
	ring.text = call->media;
	ring.text_len = call->media_len;
	sig_leg_wake(core, party->user, party->session, &ring);
}

bool
sig_call_wake(struct sig_core *core, const char *conv, struct json_in *record)
{
	bool ours = sig_shard_of(&core->cfg, conv) == core->cfg.shard;
	struct sig_call *call = call_read(core, conv, record);

	if (call == NULL)
		return !ours;
	wake_leg(core, call, CALLER);
	if (!call->muted)
		wake_leg(core, call, CALLEE);
	if (ours && sig_call_put(core, call) == 0)
		return true;
	call_drop(call);
	return !ours;
}
