/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/beat.h"
#include "signald/core/call.h"
#include "signald/core/chatroom.h"
#include "signald/core/contact.h"
#include "signald/core/conversation.h"
#include "signald/core/effect.h"
#include "signald/core/group.h"
#include "signald/core/flood.h"
#include "signald/core/hello.h"
#include "signald/core/ice.h"
#include "signald/core/inbox.h"
#include "signald/core/leg_ask.h"
#include "signald/core/life.h"
#include "signald/core/link.h"
#include "signald/core/message.h"
#include "signald/core/name.h"
#include "signald/core/note.h"
#include "signald/core/op.h"
#include "signald/core/presence.h"
#include "signald/core/privacy.h"
#include "signald/core/profile.h"
#include "signald/core/room.h"

#define JSON_INT_MAX ((INT64_C(1) << 53) - 1)
#define FIELDS_MAX   12
#define OP_NAME_MAX  32

/* Who may say it. */
enum op_when {
	OP_READY = false,       /* whoever has logged in; rows say false */
	OP_BEFORE_LOGIN = true, /* nobody else */
	OP_LIVE,                /* whose session can be told more later */
};

struct op {
	const char *name;
	sig_op_fn *run;
	int arg;
	enum op_when when;
	const char *fields[FIELDS_MAX]; /* beside id and op */
};

/* In the order of strcmp. */
static const struct op ops[] = {
	{ "call.accept", sig_op_call, SIG_CALL_ACCEPT, OP_LIVE, { "call" } },
	{ "call.answer", sig_op_call, SIG_CALL_ANSWER, OP_LIVE,
	    { "call", "sdp" } },
	{ "call.cancel", sig_op_call, SIG_CALL_CANCEL, OP_LIVE, { "call" } },
	{ "call.candidate", sig_op_call, SIG_CALL_CANDIDATE, OP_LIVE,
	    { "call", "candidates" } },
	{ "call.hangup", sig_op_call, SIG_CALL_HANGUP, OP_LIVE,
	    { "call", "reason" } },
	{ "call.invite", sig_op_invite, SIG_CALL_INVITE, OP_LIVE,
	    { "to", "media" } },
	{ "call.media", sig_op_call, SIG_CALL_MEDIA, OP_LIVE,
	    { "call", "audio", "video", "screen", "hold" } },
	{ "call.offer", sig_op_call, SIG_CALL_OFFER, OP_LIVE,
	    { "call", "sdp" } },
	{ "call.refuse", sig_op_call, SIG_CALL_REFUSE, OP_LIVE, { "call" } },
	{ "call.ringing", sig_op_call, SIG_CALL_RINGING, OP_LIVE, { "call" } },
	{ "chatroom.join", sig_op_chatroom, SIG_ROOM_JOIN, OP_LIVE,
	    { "room" } },
	{ "chatroom.leave", sig_op_chatroom, SIG_ROOM_LEAVE, OP_LIVE,
	    { "room" } },
	{ "chatroom.members", sig_op_chatroom, SIG_ROOM_MEMBERS, OP_LIVE,
	    { "room", "after" } },
	{ "chatroom.send", sig_op_chatroom, SIG_ROOM_SEND, OP_LIVE,
	    { "room", "body", "self" } },
	{ "contact.accept", sig_op_contact, SIG_CONTACT_ACCEPT, false,
	    { "user" } },
	{ "contact.block", sig_op_contact, SIG_CONTACT_BLOCK, false,
	    { "user" } },
	{ "contact.cancel", sig_op_contact, SIG_CONTACT_CANCEL, false,
	    { "user" } },
	{ "contact.list", sig_op_contacts, 0, false,
	    { "which", "after", "limit" } },
	{ "contact.refuse", sig_op_contact, SIG_CONTACT_REFUSE, false,
	    { "user" } },
	{ "contact.remark", sig_op_contact, SIG_CONTACT_REMARK, false,
	    { "user", "remark" } },
	{ "contact.remove", sig_op_contact, SIG_CONTACT_REMOVE, false,
	    { "user" } },
	{ "contact.request", sig_op_contact, SIG_CONTACT_REQUEST, false,
	    { "user", "memo" } },
	{ "contact.search", sig_op_search, 0, false, { "q", "limit" } },
	{ "contact.unblock", sig_op_contact, SIG_CONTACT_UNBLOCK, false,
	    { "user" } },
	{ "conversation.list", sig_op_conversations, 0, false,
	    { "before", "limit" } },
	{ "conversation.read", sig_op_read, 0, false, { "conv", "seq" } },
	{ "conversation.set", sig_op_conversation_set, 0, false,
	    { "conv", "pinned", "muted_until" } },
	{ "conversation.typing", sig_op_typing, 0, OP_LIVE, { "conv", "on" } },
	{ "group.approve", sig_op_group, SIG_GROUP_APPROVE, false,
	    { "conv", "mid", "users" } },
	{ "group.create", sig_op_group, SIG_GROUP_CREATE, false,
	    { "mid", "title", "users", "avatar", "announcement", "join",
		"history" } },
	{ "group.dissolve", sig_op_group, SIG_GROUP_DISSOLVE, false,
	    { "conv", "mid" } },
	{ "group.get", sig_op_group_get, 0, false, { "conv" } },
	{ "group.invite", sig_op_group, SIG_GROUP_INVITE, false,
	    { "conv", "mid", "users" } },
	{ "group.join", sig_op_group, SIG_GROUP_JOIN, false,
	    { "conv", "mid", "memo" } },
	{ "group.kick", sig_op_group, SIG_GROUP_KICK, false,
	    { "conv", "mid", "users" } },
	{ "group.leave", sig_op_group, SIG_GROUP_LEAVE, false,
	    { "conv", "mid" } },
	{ "group.members", sig_op_group_members, SIG_READ_MEMBERS, false,
	    { "conv", "after", "limit" } },
	{ "group.mute", sig_op_group, SIG_GROUP_MUTE, false,
	    { "conv", "mid", "users", "until_ts" } },
	{ "group.reject", sig_op_group, SIG_GROUP_REJECT, false,
	    { "conv", "users" } },
	{ "group.requests", sig_op_group_members, SIG_READ_JOINS, false,
	    { "conv", "after", "limit" } },
	{ "group.role", sig_op_group, SIG_GROUP_ROLE, false,
	    { "conv", "mid", "users", "role" } },
	{ "group.set", sig_op_group, SIG_GROUP_SET, false,
	    { "conv", "mid", "title", "avatar", "announcement", "join",
		"history" } },
	{ "group.transfer", sig_op_group, SIG_GROUP_TRANSFER, false,
	    { "conv", "mid", "user" } },
	{ "hello", sig_op_hello, 0, true,
	    { "token", "device", "session", "secret", "epoch", "sync",
		"heartbeat", "state" } },
	{ "ice.get", sig_op_ice, 0, false, { NULL } },
	{ "message.edit", sig_op_message_change, SIG_CHANGE_EDIT, false,
	    { "conv", "seq", "mid", "body" } },
	{ "message.history", sig_op_history, 0, false,
	    { "conv", "before", "after", "limit" } },
	{ "message.react", sig_op_message_change, SIG_CHANGE_REACTION, false,
	    { "conv", "seq", "mid", "emoji", "on" } },
	{ "message.retract", sig_op_message_change, SIG_CHANGE_RETRACT, false,
	    { "conv", "seq", "mid" } },
	{ "message.send", sig_op_message_send, 0, false,
	    { "to", "conv", "mid", "type", "body", "reply", "mentions" } },
	{ "ping", sig_op_ping, 0, OP_LIVE, { NULL } },
	{ "presence.set", sig_op_presence, 0, OP_LIVE,
	    { "state", "status_text" } },
	{ "privacy.set", sig_op_privacy, 0, false,
	    { "last_seen", "presence", "findable" } },
	{ "profile.get", sig_op_profile_get, 0, false, { "user" } },
	{ "profile.set", sig_op_profile_set, 0, false,
	    { "nick", "avatar", "signature", "extend" } },
	{ "room.answer", sig_op_room_say, SIG_ROOM_ANSWER, OP_LIVE,
	    { "room", "to", "sdp" } },
	{ "room.candidate", sig_op_room_say, SIG_ROOM_CANDIDATE, OP_LIVE,
	    { "room", "to", "candidates" } },
	{ "room.create", sig_op_room_create, 0, OP_LIVE, { "media" } },
	{ "room.join", sig_op_room_join, 0, OP_LIVE,
	    { "room", "media", "member" } },
	{ "room.leave", sig_op_room_say, SIG_ROOM_LEAVE, OP_LIVE, { "room" } },
	{ "room.media", sig_op_room_say, SIG_ROOM_MEDIA, OP_LIVE,
	    { "room", "media" } },
	{ "room.offer", sig_op_room_say, SIG_ROOM_OFFER, OP_LIVE,
	    { "room", "to", "sdp" } },
	{ "sync.ack", sig_op_ack, 0, OP_LIVE, { "sync" } },
	{ "token.refresh", sig_op_token_refresh, 0, OP_LIVE, { "token" } },
};

#define NOPS (sizeof(ops) / sizeof(ops[0]))

const char *
sig_op_name(size_t i)
{
	return i < NOPS ? ops[i].name : NULL;
}

const char *
sig_op_field(size_t i, size_t field)
{
	return i < NOPS && field < FIELDS_MAX ? ops[i].fields[field] : NULL;
}

static int
op_compare(const void *name, const void *op)
{
	return strcmp(name, ((const struct op *)op)->name);
}

static const struct op *
op_find(const char *name)
{
	return bsearch(name, ops, NOPS, sizeof(ops[0]), op_compare);
}

/* Answers what kept a request from its handler. */
static void
op_refuse(struct sig_core *core, struct sig_link *link,
    const struct sig_req *req, enum sig_err err, const char *fmt,
    const char *arg)
{
	char msg[JSON_ERR_MAX + OP_NAME_MAX];

	snprintf(msg, sizeof(msg), "%s%s", fmt, arg);
	sig_fail(core, link->id, req->id, err, msg);
}

static enum sig_cost
op_cost(const struct op *op)
{
	if (op->run == sig_op_ack)
		return SIG_COST_FREE;
	return op->run == sig_op_message_send ||
		op->run == sig_op_message_change
	    ? SIG_COST_MESSAGE
	    : SIG_COST_REQUEST;
}

static void
op_check_and_run(struct sig_core *core, struct sig_link *link,
    struct sig_req *req, const struct op *op)
{
	const char *fields[FIELDS_MAX + 3] = { "id", "op" };
	bool ready = link->state == SIG_LINK_READY;
	size_t n;

	if (link->guest && op->when != OP_READY) {
		op_refuse(core, link, req, SIG_NOT_READY,
		    "only over a WebSocket: ", op->name);
		return;
	}
	if (!ready &&
	    !(op->when == OP_BEFORE_LOGIN && link->state == SIG_LINK_HELLO)) {
		op_refuse(core, link, req, SIG_NOT_READY,
		    "say hello and wait for its answer before ", op->name);
		return;
	}
	if (ready && op->when == OP_BEFORE_LOGIN) {
		op_refuse(core, link, req, SIG_CONFLICT,
		    "this link has said it: ", op->name);
		return;
	}
	if (ready && sig_life_over(core, link)) {
		sig_link_close(core, link->id, 4500, "token expired");
		return;
	}
	if (ready && !sig_flood_pass(core, link, req, op_cost(op)))
		return;
	for (n = 0; n < FIELDS_MAX && op->fields[n] != NULL; n++)
		fields[n + 2] = op->fields[n];
	json_in_only(&req->in, fields);
	if (sig_req_bad(core, link, req))
		return;
	req->arg = op->arg;
	op->run(core, link, req);
}

void
sig_op_run(struct sig_core *core, struct sig_link *link,
    const struct json *value, const char *text, size_t len)
{
	struct sig_req req = { .text = text, .len = len };
	const struct op *op;
	const char *name;

	core->stats.requests++;
	json_in_init(&req.in, value, "");
	if (req.in.code != 0) {
		sig_link_close(core, link->id, 4502, "not a JSON object");
		return;
	}
	req.id = (uint64_t)json_in_int_opt(&req.in, "id", 1, JSON_INT_MAX, 0);
	if (req.in.code != 0) {
		sig_fail_no_id(core, link->id, req.in.err);
		return;
	}
	name = json_in_str(&req.in, "op", 1, OP_NAME_MAX);
	if (sig_req_bad(core, link, &req))
		return;
	op = op_find(name);
	if (op == NULL)
		op_refuse(core, link, &req, SIG_UNKNOWN_OP, "op: ", name);
	else
		op_check_and_run(core, link, &req, op);
}

void
sig_req_names(
    struct json_in *in, const char *field, const struct json *list, bool star)
{
	const char *name;
	size_t i;

	for (i = 0; in->code == 0 && i < json_items(list); i++) {
		name = json_text(json_item(list, i));
		if (name != NULL && star && strcmp(name, "*") == 0)
			continue;
		if (name == NULL || !sig_name_user_ok(name, strlen(name)))
			json_in_fail(in, field, "not a user name");
	}
}

bool
sig_req_bad(
    struct sig_core *core, struct sig_link *link, const struct sig_req *req)
{
	if (req->in.code == 0)
		return false;
	sig_fail(core, link->id, req->id,
	    req->in.code == -EMSGSIZE ? SIG_TOO_LARGE : SIG_BAD_REQUEST,
	    req->in.err);
	return true;
}

bool
sig_op_room(
    struct sig_core *core, struct sig_link *link, const struct sig_req *req)
{
	if (link->pending < core->cfg.max_pending_per_session)
		return true;
	sig_fail(core, link->id, req->id, SIG_OVERLOADED,
	    "too many requests under way");
	return false;
}

bool
sig_op_asked(struct sig_core *core, struct sig_link *link,
    const struct sig_req *req, int err)
{
	if (err == 0)
		link->pending++;
	else
		sig_fail(core, link->id, req->id, SIG_OVERLOADED,
		    "the server is out of room");
	return err == 0;
}

bool
sig_op_done(struct sig_core *core, const struct sig_ticket *ticket)
{
	struct sig_link *link = sig_link_find(core, ticket->link);

	if (link == NULL)
		return false;
	link->pending--;
	return true;
}
