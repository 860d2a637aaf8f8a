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

static void
party_read(struct json_in *record, enum side side, struct party *party)
{
	struct json_in in;

	json_in_init(&in, json_in_object(record, side_names[side]), "");
	copy(party->user, json_in_str(&in, "user", 1, SIG_NAME_MAX));
	copy(party->session, json_in_str(&in, "session", 0, SIG_SESSION_MAX));
	copy(party->device, json_in_str(&in, "device", 0, SIG_DEVICE_MAX));
	if (in.code != 0)
		record->code = in.code;
}

static int
media_read(struct json_in *record, struct sig_call *call)
{
	struct json_out o;
	struct buf b;

	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_value(&o, NULL, json_in_object(record, "media"));
	if (record->code != 0 || b.err != 0) {
		buf_fini(&b);
		return -EINVAL;
	}
	call->media = (char *)b.data;
	call->media_len = b.len;
	return 0;
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
	ts = (uint64_t)json_in_int_opt(record, "active_ts", 0, TS_MAX, 0);
	if (ts > core->wall)
		ts = core->wall;
	call->active_ms = core->now - (core->wall - ts);
	party_read(record, CALLER, &call->party[CALLER]);
	party_read(record, CALLEE, &call->party[CALLEE]);
	if (record->code != 0 || sig_name_call_conv(call->id) == NULL ||
	    media_read(record, call) != 0) {
		free(call);
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
	wake_leg(core, call, CALLEE);
	if (ours && sig_call_put(core, call) == 0)
		return true;
	free(call->media);
	free(call);
	return !ours;
}
