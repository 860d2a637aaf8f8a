/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/chatroom.h"
#include "signald/core/name.h"
#include "signald/core/place.h"

#define NUMBER_MAX ((INT64_C(1) << 53) - 1)
#define PAGE       100  /* members in one answer */
#define SAY_MS     100  /* a member may say something so often, */
#define SAY_AHEAD  2000 /* and so much of that at once */

/* What a chatroom keeps of a member. */
struct voice {
	uint64_t paid_ms; /* it has used up its turn until then */
};

static void
push_begin(struct json_out *o, struct buf *b, const char *name,
    const struct sig_crowd_ask *ask)
{
	sig_push_begin(o, b, name);
	json_out_str(o, "room", sig_name_chatroom_of(ask->crowd->id));
	json_out_int(o, "member", (int64_t)ask->from->number);
	json_out_str(o, "user", ask->from->user);
	json_out_str(o, "device", ask->from->device);
}

static void
answer_begin(struct json_out *o, struct buf *b, const struct sig_mail *mail)
{
	buf_init(b, SIG_TEXT_MAX);
	json_out_init(o, b);
	json_out_object(o, NULL);
	json_out_str(o, "room", sig_name_chatroom_of(mail->to));
}

static void
answer_done(struct sig_core *core, const struct sig_mail *mail)
{
	struct json_out o;
	struct buf b;

	answer_begin(&o, &b, mail);
	json_out_end(&o);
	sig_crowd_answer(core, mail, &b);
}

static void
tell_came_or_went(
    struct sig_core *core, const struct sig_crowd_ask *ask, bool came)
{
	struct json_out o;
	struct buf b;

	push_begin(&o, &b, came ? "chatroom.joined" : "chatroom.left", ask);
	json_out_end(&o);
	sig_crowd_tell(core, ask->crowd, SIG_TELL_DROP, ask->from, &b);
}

static void
do_join(struct sig_core *core, struct sig_crowd_ask *ask)
{
	bool again = ask->from != NULL;
	struct json_out o;
	struct buf b;

	if (!again &&
	    !sig_crowd_enter(core, ask, 0, core->cfg.chatroom_members,
		sizeof(struct voice), "no room for another chatroom"))
		return;
	answer_begin(&o, &b, ask->mail);
	json_out_int(&o, "member", (int64_t)ask->from->number);
	json_out_int(&o, "count", (int64_t)ask->crowd->sessions.used);
	json_out_end(&o);
	sig_crowd_answer(core, ask->mail, &b);
	if (!again)
		tell_came_or_went(core, ask, true);
}

static void
do_leave(struct sig_core *core, struct sig_crowd_ask *ask)
{
	answer_done(core, ask->mail);
	if (ask->from == NULL)
		return;
	tell_came_or_went(core, ask, false);
	sig_crowd_leave(core, ask->crowd, ask->from);
}

/* What one says costs as many sends as there are members. */
static bool
may_speak(const struct sig_core *core, const struct sig_member *member)
{
	struct voice *voice = member->own;

	if (voice->paid_ms >= core->now + SAY_AHEAD)
		return false;
	if (voice->paid_ms < core->now)
		voice->paid_ms = core->now;
	voice->paid_ms += SAY_MS;
	return true;
}

static void
do_send(struct sig_core *core, struct sig_crowd_ask *ask)
{
	const struct sig_mail *mail = ask->mail;
	struct json_out o;
	struct buf b;

	if (!may_speak(core, ask->from)) {
		sig_crowd_refuse(core, mail, SIG_OVERLOADED,
		    "room: more than it takes from one");
		return;
	}
	answer_begin(&o, &b, mail);
	json_out_int(&o, "ts", (int64_t)core->wall);
	json_out_end(&o);
	sig_crowd_answer(core, mail, &b);
	push_begin(&o, &b, "chatroom.message", ask);
	json_out_int(&o, "ts", (int64_t)core->wall);
	json_out_raw(&o, "body", mail->text, mail->text_len);
	json_out_end(&o);
	sig_crowd_tell(core, ask->crowd, SIG_TELL_DROP,
	    mail->sync != 0 ? NULL : ask->from, &b);
}

static void
do_members(struct sig_core *core, struct sig_crowd_ask *ask)
{
	const struct sig_member *member;
	struct json_out o;
	struct buf b;
	int n = 0;

	answer_begin(&o, &b, ask->mail);
	json_out_array(&o, "members");
	TAILQ_FOREACH (member, &ask->crowd->members, of_crowd) {
		if (member->number <= ask->mail->sync)
			continue;
		if (n++ == PAGE)
			break;
		json_out_object(&o, NULL);
		json_out_int(&o, "member", (int64_t)member->number);
		json_out_str(&o, "user", member->user);
		json_out_str(&o, "device", member->device);
		json_out_close(&o);
	}
	json_out_close(&o);
	json_out_int(&o, "count", (int64_t)ask->crowd->sessions.used);
	json_out_bool(&o, "complete", member == NULL);
	json_out_end(&o);
	sig_crowd_answer(core, ask->mail, &b);
}

void
sig_chatroom_asked(struct sig_core *core, const struct sig_mail *mail)
{
	static sig_crowd_fn *const does[SIG_ROOM_EVENTS] = {
		[SIG_ROOM_JOIN] = do_join,
		[SIG_ROOM_LEAVE] = do_leave,
		[SIG_ROOM_SEND] = do_send,
		[SIG_ROOM_MEMBERS] = do_members,
		[SIG_ROOM_GONE] = do_leave,
	};

	sig_crowd_asked(core, mail, does);
}

/* The requests, on the shard of the session. */

/* The body as text; NULL with an error in the reader. */
static char *
body_text(const struct sig_config *cfg, struct json_in *in, size_t *len)
{
	const struct json *body = json_in_object(in, "body");
	struct json_out o;
	struct buf b;

	if (in->code != 0)
		return NULL;
	buf_init(&b, cfg->text_bytes);
	json_out_init(&o, &b);
	json_out_value(&o, NULL, body);
	if (json_out_end(&o) != 0) {
		buf_fini(&b);
		in->code = -EMSGSIZE;
		memcpy(in->err, "body: too large", 16);
		return NULL;
	}
	*len = b.len;
	return (char *)b.data;
}

/* Fills in what the event has; errors are the reader's. */
static void
ask_read(
    const struct sig_config *cfg, struct json_in *in, struct sig_place_ask *ask)
{
	if (ask->event == SIG_ROOM_SEND) {
		ask->number = json_in_bool_opt(in, "self", false);
		ask->text = body_text(cfg, in, &ask->len);
	} else if (ask->event == SIG_ROOM_MEMBERS) {
		ask->number =
		    (uint64_t)json_in_int_opt(in, "after", 0, NUMBER_MAX, 0);
	}
}

/* Whether the session may ask for a place; tells the client when not. */
static bool
place_for(struct sig_core *core, struct sig_link *link, struct sig_req *req,
    const char *room)
{
	struct sig_session *s = link->session;

	if (sig_place_find(s, room) != NULL)
		return true;
	if (sig_place_count(s, SIG_MAIL_CHATROOM) < SIG_SESSION_CHATROOMS) {
		/* NULL: sig_place_ask tells. */
		sig_place_get(core, s, SIG_MAIL_CHATROOM, room);
		return true;
	}
	sig_fail(core, link->id, req->id, SIG_TOO_LARGE,
	    "room: the session is in too many");
	return false;
}

void
sig_op_chatroom(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *name = json_in_str(&req->in, "room", 1, SIG_CHATROOM_MAX);
	struct sig_place_ask ask = { .kind = SIG_MAIL_CHATROOM,
		.event = (enum sig_room_event)req->arg };
	char room[SIG_ROOM_MAX + 1];

	ask_read(&core->cfg, &req->in, &ask);
	if (sig_req_bad(core, link, req)) {
		free(ask.text);
		return;
	}
	if (!sig_name_chatroom_ok(name, strlen(name))) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST,
		    "room: must be of a-z 0-9 . _ -");
		free(ask.text);
		return;
	}
	sig_name_chatroom(room, core->cfg.app, name);
	ask.room = room;
	if (!sig_op_room(core, link, req) ||
	    (ask.event == SIG_ROOM_JOIN && !place_for(core, link, req, room)))
		free(ask.text);
	else
		sig_place_ask(core, link, req, &ask);
}
