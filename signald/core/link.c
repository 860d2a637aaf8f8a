/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/core/beat.h"
#include "signald/core/effect.h"
#include "signald/core/guest.h"
#include "signald/core/hello.h"
#include "signald/core/life.h"
#include "signald/core/link.h"
#include "signald/core/op.h"
#include "signald/core/session.h"

/* Of one request; candidates are the richest. */
#define REQUEST_VALUES 2048
#define REQUEST_DEPTH  12

/* What a stranger costs us, beside what the shell has read. */
_Static_assert(sizeof(struct sig_link) <= 512, "state before the log-in");

static bool
link_is(const void *obj, const void *key)
{
	return ((const struct sig_link *)obj)->id == *(const uint64_t *)key;
}

struct sig_link *
sig_link_find(const struct sig_core *core, uint64_t id)
{
	return htab_find(&core->links, sig_hash_id(core, id), link_is, &id);
}

struct sig_link *
sig_link_new(struct sig_core *core, uint64_t id)
{
	struct sig_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->id = id;
	link->opened_ms = core->now;
	if (htab_put(&core->links, sig_hash_id(core, id), link) != 0) {
		free(link);
		return NULL;
	}
	LIST_INSERT_HEAD(&core->all_links, link, of_core);
	core->stats.links++;
	core->stats.strangers++;
	sig_link_await_hello(core, link);
	return link;
}

void
sig_link_forget(struct sig_core *core, struct sig_link *link)
{
	struct sig_session *s = link->session;

	sig_timer_clear(core, &link->timer);
	sig_life_end(core, link);
	htab_del(&core->links, sig_hash_id(core, link->id), link);
	LIST_REMOVE(link, of_core);
	core->stats.links--;
	core->stats.strangers -= link->state != SIG_LINK_READY;
	core->leaving -= link->leaves;
	sig_login_free(core, link->login);
	if (s != NULL && link->guest)
		sig_guest_end(core, s);
	else if (s != NULL)
		sig_session_detach(core, s);
	free(link);
}

void
sig_link_close(
    struct sig_core *core, uint64_t id, uint16_t code, const char *reason)
{
	struct sig_link *link = sig_link_find(core, id);

	if (link == NULL)
		return;
	sig_close(core, id, code, reason);
	sig_link_forget(core, link);
}

void
sig_link_break(struct sig_core *core, uint64_t id)
{
	struct sig_link *link = sig_link_find(core, id);

	if (link != NULL)
		link->broken = core->broken = true;
}

static void
link_hello_due(struct sig_core *core, struct sig_timer *t)
{
	struct sig_link *link =
	    (struct sig_link *)((char *)t - offsetof(struct sig_link, timer));

	sig_link_close(core, link->id, 4000, "no hello in time");
}

static void
link_silent(struct sig_core *core, struct sig_timer *t)
{
	struct sig_link *link =
	    (struct sig_link *)((char *)t - offsetof(struct sig_link, timer));
	uint64_t due = link->heard_ms + sig_beat_kill_ms(core, link);

	if (core->now >= due) {
		sig_link_close(core, link->id, 4000, "nothing heard");
		return;
	}
	/* Frames only note the time; the timer catches up here. */
	sig_timer_set(core, t, due, link_silent);
	sig_session_settle(link->session);
}

void
sig_link_await_hello(struct sig_core *core, struct sig_link *link)
{
	link->state = SIG_LINK_HELLO;
	sig_timer_set(
	    core, &link->timer, core->now + core->cfg.hello_ms, link_hello_due);
}

void
sig_link_ready(
    struct sig_core *core, struct sig_link *link, struct sig_session *s)
{
	link->state = SIG_LINK_READY;
	core->stats.strangers--;
	link->session = s;
	link->heard_ms = core->now;
	sig_timer_set(core, &link->timer,
	    core->now + sig_beat_kill_ms(core, link), link_silent);
}

void
sig_link_welcome(struct sig_core *core, struct sig_link *link)
{
	static const char *const features[] = { "message", "presence", "call",
		"room", "chatroom", "contact", "ice" };
	const struct sig_config *cfg = &core->cfg;
	struct json_out o;
	struct buf b;
	size_t i;

	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_str(&o, "push", "welcome");
	json_out_str(&o, "protocol", "floe.v1");
	json_out_str(&o, "server", "floe");
	json_out_str(&o, "node", cfg->node);
	json_out_int(&o, "ts", (int64_t)core->wall);
	json_out_object(&o, "limits");
	json_out_int(&o, "frame_bytes", cfg->frame_bytes);
	json_out_int(&o, "text_bytes", cfg->text_bytes);
	json_out_int(&o, "sdp_bytes", cfg->sdp_bytes);
	json_out_int(&o, "candidates", cfg->candidates);
	json_out_int(&o, "hello_ms", cfg->hello_ms);
	json_out_int(&o, "window", cfg->window);
	json_out_int(&o, "pending", cfg->max_pending_per_session);
	json_out_int(&o, "sessions", cfg->max_sessions_per_user);
	json_out_int(&o, "requests_s", cfg->request_rate);
	json_out_int(&o, "messages_s", cfg->message_rate);
	json_out_close(&o);
	json_out_object(&o, "reconnect");
	json_out_int(&o, "spread_ms", cfg->spread_ms);
	json_out_close(&o);
	json_out_array(&o, "features");
	for (i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		json_out_str(&o, NULL, features[i]);
	json_out_end(&o);
	sig_send(core, link->id, &b, false);
}

void
sig_link_heard(struct sig_core *core, struct sig_link *link)
{
	link->heard_ms = core->now;
	if (link->session != NULL)
		link->session->heard_wall = core->wall;
}

/* What a stranger may send us is small, so that many cost little. */
static bool
frame_fits(const struct sig_core *core, const struct sig_link *link, size_t len)
{
	if (link->state != SIG_LINK_READY && len > SIG_PRELOGIN_READ)
		return false;
	return len <= core->cfg.frame_bytes;
}

/* A client need not wait for the answer to its hello; but we do, with what
 * follows it. */
static void
link_put_off(
    struct sig_core *core, struct sig_link *link, const char *text, size_t len)
{
	struct buf *said = &link->login->said;

	if (said->len > 0)
		buf_u8(said, '\n');
	buf_put(said, text, len);
	if (said->err != 0)
		sig_link_close(core, link->id, 4502, "all talk and no hello");
}

void
sig_link_hear_said(struct sig_core *core, uint64_t id, struct buf *said)
{
	struct sig_link *link = sig_link_find(core, id);

	if (link != NULL && said->len > 0)
		sig_link_frame(core, link, (const char *)said->data, said->len);
	buf_fini(said);
}

static bool
is_blank(const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", *text) != NULL && *text != '\0') {
		text++;
		len--;
	}
	return len == 0;
}

void
sig_link_frame(
    struct sig_core *core, struct sig_link *link, const char *text, size_t len)
{
	const struct json_limits limits = { core->cfg.frame_bytes,
		REQUEST_VALUES, REQUEST_DEPTH };
	const uint64_t id = link->id;
	const char *end = text + len, *start;
	char why[JSON_ERR_MAX];
	struct json *value;
	int err, count;

	sig_link_heard(core, link);
	if (!frame_fits(core, link, len)) {
		sig_link_close(core, id, 4502, "frame too large");
		return;
	}
	for (count = 0; link != NULL; count++) {
		if (link->state == SIG_LINK_LOGIN && count > 0 &&
		    is_blank(text, len))
			return;
		if (link->state == SIG_LINK_LOGIN) {
			link_put_off(core, link, text, len);
			return;
		}
		start = text;
		value = NULL;
		err = json_parse_next(&text, &len, &limits, &value, why);
		if (err == -ENOMEM) {
			sig_link_close(core, id, 4003, "no memory");
			return;
		}
		if (err != 0 || (value == NULL && count == 0)) {
			sig_link_close(core, id, 4502, "not a JSON object");
			return;
		}
		if (value == NULL)
			return;
		sig_op_run(core, link, value, start, (size_t)(end - start));
		json_free(value);
		/* The request may have closed or moved its link. */
		link = sig_link_find(core, id);
		if (link != NULL && link->state != SIG_LINK_READY &&
		    ++link->strange >= SIG_PRELOGIN_OPS) {
			sig_link_close(core, id, 4502, "all talk and no hello");
			return;
		}
	}
}
