/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/json/json.h"
#include "signald/core/beat.h"
#include "signald/core/crowd.h"
#include "signald/core/call.h"
#include "signald/core/effect.h"
#include "signald/core/guest.h"
#include "signald/core/inbox.h"
#include "signald/core/keep.h"
#include "signald/core/leg.h"
#include "signald/core/link.h"
#include "signald/core/post.h"
#include "signald/core/presence.h"
#include "signald/core/tend.h"
#include "signald/core/user.h"

/* A session may outlive its link, and a ringing user has none. */
#define SESSIONS_PER_LINK 2
#define USERS_PER_LINK    4
#define TICKETS_PER_LINK  16
#define HALLS_PER_LINK    16

struct sig_core *
sig_core_new(const struct sig_config *cfg)
{
	struct sig_core *core = calloc(1, sizeof(*core));
	size_t links = cfg->max_links;

	if (core == NULL)
		return NULL;
	core->cfg = *cfg;
	cfg->random(&core->key, sizeof(core->key));
	htab_init(&core->links, links);
	htab_init(&core->sessions, links * SESSIONS_PER_LINK);
	htab_init(&core->users, links * USERS_PER_LINK);
	htab_init(&core->calls, links * USERS_PER_LINK);
	htab_init(&core->tickets, links * TICKETS_PER_LINK);
	htab_init(&core->audiences, links * USERS_PER_LINK);
	htab_init(&core->crowds, cfg->max_rooms);
	htab_init(&core->halls, links * HALLS_PER_LINK);
	STAILQ_INIT(&core->effects);
	STAILQ_INIT(&core->spare);
	STAILQ_INIT(&core->local);
	TAILQ_INIT(&core->to_tell);
	core->tell_left = SIG_TELL_MAX;
	return core;
}

void
sig_core_free(struct sig_core *core)
{
	struct sig_ticket *ticket;
	struct sig_link *link;
	struct sig_user *user;
	struct sig_crowd *crowd;
	struct sig_mail *mail;
	size_t pos = 0;

	if (core == NULL)
		return;
	while ((link = LIST_FIRST(&core->all_links)) != NULL)
		sig_link_forget(core, link);
	while ((user = LIST_FIRST(&core->all_users)) != NULL)
		sig_user_free(core, user);
	sig_call_free_all(core);
	while ((crowd = LIST_FIRST(&core->all_crowds)) != NULL)
		sig_crowd_free(core, crowd);
	while ((ticket = htab_next(&core->tickets, &pos)) != NULL)
		sig_ticket_free(ticket);
	sig_effects_free(core);
	while ((mail = STAILQ_FIRST(&core->local)) != NULL) {
		STAILQ_REMOVE_HEAD(&core->local, next);
		sig_mail_free(mail);
	}
	htab_fini(&core->links);
	htab_fini(&core->sessions);
	htab_fini(&core->users);
	htab_fini(&core->calls);
	htab_fini(&core->tickets);
	htab_fini(&core->audiences);
	htab_fini(&core->crowds);
	htab_fini(&core->halls);
	free(core);
}

void
sig_core_set_jwt(struct sig_core *core, const struct sig_jwt *jwt)
{
	core->cfg.jwt = jwt;
}

uint32_t
sig_shard_of(const struct sig_config *cfg, const char *key)
{
	struct hash_key hash_key;

	memcpy(&hash_key, cfg->shard_key, sizeof(hash_key));
	return (
	    uint32_t)(hash_bytes(&hash_key, key, strlen(key)) % cfg->shards);
}

void
sig_core_enter(struct sig_core *core, struct sig_time t)
{
	core->now = t.now_ms;
	core->wall = t.wall_ms;
	if (!core->started) {
		core->started = true;
		wheel_init(&core->wheel, t.now_ms);
	}
}

/* Mail to ourselves is delivered after the event that caused it, so that no
 * object changes under the hands of its own handler. */
void
sig_core_leave(struct sig_core *core)
{
	struct sig_link *link, *next;
	struct sig_mail *mail;

	do {
		while ((mail = STAILQ_FIRST(&core->local)) != NULL) {
			STAILQ_REMOVE_HEAD(&core->local, next);
			sig_post_receive(core, mail);
			sig_mail_free(mail);
		}
	} while (sig_presence_run(core));
	if (!core->broken)
		return;
	core->broken = false;
	for (link = LIST_FIRST(&core->all_links); link != NULL; link = next) {
		next = LIST_NEXT(link, of_core);
		if (link->broken)
			sig_link_close(core, link->id, 4003, "no memory");
	}
}

void
sig_core_load(struct sig_core *core, struct sig_time t)
{
	sig_core_enter(core, t);
	sig_keep_load(core);
	sig_core_leave(core);
}

void
sig_core_start(struct sig_core *core, struct sig_time t)
{
	sig_core_enter(core, t);
	sig_leg_start(core);
	sig_tend_start(core);
	sig_core_leave(core);
}

/* Each costs memory for nothing that we know of it. */
static bool
takes_strangers(const struct sig_core *core)
{
	uint32_t most = core->cfg.max_strangers;

	return !core->draining && (most == 0 || core->stats.strangers < most);
}

void
sig_core_link_open(struct sig_core *core, uint64_t id, struct sig_time t)
{
	struct sig_link *link;

	sig_core_enter(core, t);
	link = takes_strangers(core) ? sig_link_new(core, id) : NULL;
	if (link == NULL)
		sig_close(core, id, 4003, "no room for another link");
	else
		sig_link_welcome(core, link);
	sig_core_leave(core);
}

void
sig_core_link_adopt(struct sig_core *core, uint64_t id, uint64_t opened_ms,
    const char *hello, size_t len, struct sig_time t)
{
	struct sig_link *link;

	sig_core_enter(core, t);
	link = core->draining ? NULL : sig_link_new(core, id);
	if (link == NULL) {
		sig_close(core, id, 4003, "no room for another link");
	} else {
		link->opened_ms = opened_ms;
		sig_link_frame(core, link, hello, len);
	}
	sig_core_leave(core);
}

void
sig_core_link_frame(struct sig_core *core, uint64_t id, const char *text,
    size_t len, struct sig_time t)
{
	struct sig_link *link;

	sig_core_enter(core, t);
	link = sig_link_find(core, id);
	/* Who speaks has the answer to its hello. */
	if (link != NULL && link->session != NULL)
		link->session->unsure = false;
	if (link != NULL)
		sig_link_frame(core, link, text, len);
	sig_core_leave(core);
}

void
sig_core_link_behind(struct sig_core *core, uint64_t id)
{
	struct sig_link *link = sig_link_find(core, id);

	if (link != NULL && link->session != NULL)
		link->session->unsure = true;
}

void
sig_core_ask(struct sig_core *core, uint64_t id, const char *user,
    const char *text, size_t len, struct sig_time t)
{
	struct sig_link *link;

	sig_core_enter(core, t);
	link = core->draining ? NULL : sig_guest_new(core, id, user);
	if (link == NULL)
		sig_close(core, id, 4003, "no room for another request");
	else
		sig_link_frame(core, link, text, len);
	sig_core_leave(core);
}

bool
sig_core_link_heard(struct sig_core *core, uint64_t id, struct sig_time t)
{
	struct sig_link *link;

	sig_core_enter(core, t);
	link = sig_link_find(core, id);
	if (link == NULL)
		return false;
	sig_link_heard(core, link);
	return link->state == SIG_LINK_READY;
}

void
sig_core_link_closed(struct sig_core *core, uint64_t id, struct sig_time t)
{
	struct sig_link *link;

	sig_core_enter(core, t);
	link = sig_link_find(core, id);
	if (link != NULL)
		sig_link_forget(core, link);
	sig_core_leave(core);
}

void
sig_core_mail(struct sig_core *core, struct sig_mail *mail, struct sig_time t)
{
	sig_core_enter(core, t);
	sig_post_receive(core, mail);
	sig_mail_free(mail);
	sig_core_leave(core);
}

void
sig_core_appended(struct sig_core *core, uint64_t id,
    const struct sig_appended *res, struct sig_time t)
{
	struct sig_ticket *ticket;

	sig_core_enter(core, t);
	ticket = sig_ticket_take(core, id);
	if (ticket != NULL && ticket->appended != NULL)
		ticket->appended(core, ticket, res);
	sig_ticket_free(ticket);
	sig_core_leave(core);
}

void
sig_core_read(struct sig_core *core, uint64_t id, const struct sig_rows *rows,
    struct sig_time t)
{
	struct sig_ticket *ticket;

	sig_core_enter(core, t);
	ticket = sig_ticket_take(core, id);
	if (ticket != NULL && ticket->rows != NULL)
		ticket->rows(core, ticket, rows);
	sig_ticket_free(ticket);
	sig_core_leave(core);
}

void
sig_core_tick(struct sig_core *core, struct sig_time t)
{
	struct wheel_timer *w;
	struct sig_timer *timer;

	sig_core_enter(core, t);
	while ((w = wheel_pop(&core->wheel, core->now)) != NULL) {
		timer = (struct sig_timer *)w; /* its first member */
		timer->fire(core, timer);
	}
	sig_core_leave(core);
}

uint64_t
sig_core_next_ms(const struct sig_core *core)
{
	return core->started ? wheel_next_ms(&core->wheel) : UINT64_MAX;
}

void
sig_core_drain(struct sig_core *core, struct sig_time t)
{
	struct sig_session *s;
	size_t pos = 0;

	sig_core_enter(core, t);
	core->draining = true;
	sig_beat_drain(core);
	while ((s = htab_next(&core->sessions, &pos)) != NULL)
		sig_inbox_save(core, s);
	sig_core_leave(core);
}

void
sig_core_serve(struct sig_core *core)
{
	core->draining = false;
}

const struct sig_stats *
sig_core_stats(const struct sig_core *core)
{
	return &core->stats;
}

void
sig_core_dump_sessions(const struct sig_core *core, struct buf *b)
{
	const struct sig_session *s;
	struct json_out o;
	size_t pos = 0;

	while ((s = htab_next(&core->sessions, &pos)) != NULL) {
		json_out_init(&o, b);
		json_out_object(&o, NULL);
		json_out_str(&o, "user", s->user->name);
		json_out_str(&o, "device", s->device);
		json_out_str(&o, "session", s->id);
		json_out_bool(&o, "attached", s->link != NULL);
		json_out_int(&o, "heard_ts", (int64_t)s->heard_wall);
		json_out_int(&o, "acked", (int64_t)s->inbox.acked);
		json_out_int(&o, "sent", (int64_t)s->inbox.sent);
		json_out_int(&o, "head", (int64_t)s->user->head);
		json_out_int(&o, "shard", core->cfg.shard);
		json_out_end(&o);
		buf_u8(b, '\n');
	}
}
