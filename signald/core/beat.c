/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "signald/core/beat.h"
#include "signald/core/effect.h"
#include "signald/core/inbox.h"
#include "signald/core/link.h"

#define PROFILE_MAX 16
#define MOVE_MS     30000 /* over which those that are too many leave */

void
sig_beat_read(struct json_in *in, struct sig_login *login)
{
	const char *profile = json_in_str_opt(in, "heartbeat", 1, PROFILE_MAX);

	if (profile == NULL)
		return;
	login->mobile = strcmp(profile, "mobile") == 0;
	if (login->mobile || strcmp(profile, "default") == 0)
		return;
	in->code = -EINVAL;
	snprintf(
	    in->err, sizeof(in->err), "heartbeat: must be default or mobile");
}

uint32_t
sig_beat_kill_ms(const struct sig_core *core, const struct sig_link *link)
{
	const struct sig_config *cfg = &core->cfg;

	return link->mobile ? cfg->mobile_ping_ms + cfg->mobile_wait_ms
			    : cfg->kill_ms;
}

void
sig_beat_write(struct json_out *o, const struct sig_config *cfg,
    const struct sig_link *link)
{
	uint32_t ping = link->mobile ? cfg->mobile_ping_ms : cfg->ping_ms;
	uint32_t wait = link->mobile ? cfg->mobile_wait_ms : cfg->kill_ms;

	json_out_object(o, "heartbeat");
	json_out_int(o, "ping_ms", ping);
	json_out_int(o, "wait_ms", wait);
	json_out_int(o, "kill_ms", link->mobile ? ping + wait : wait);
	json_out_close(o);
}

/* Whether the link has to go, and when. Who was told once is not told anew:
 * what it does then is its own affair, and others make the room. */
static bool
beat_moves(struct sig_core *core, struct sig_link *link, uint64_t *after_ms)
{
	uint32_t random;

	core->cfg.random(&random, sizeof(random));
	if (core->draining) {
		*after_ms = random % (link->leave_ms - core->now + 1);
		return true;
	}
	if (link->leaves || core->cfg.move_links == 0 ||
	    core->stats.links - core->leaving <= core->cfg.move_links)
		return false;
	link->leaves = true;
	core->leaving++;
	*after_ms = random % MOVE_MS;
	return true;
}

void
sig_op_ping(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	uint64_t after_ms;
	struct json_out o;
	struct buf b;

	if (req->id != 0)
		sig_ok_begin(&o, &b, req->id);
	else
		sig_push_begin(&o, &b, "pong");
	json_out_int(&o, "ts", (int64_t)core->wall);
	if (beat_moves(core, link, &after_ms)) {
		json_out_object(&o, "move");
		json_out_int(&o, "after_ms", (int64_t)after_ms);
		json_out_close(&o);
	}
	json_out_end(&o);
	sig_send(core, link->id, &b, false);
}

static void
beat_leave(struct sig_core *core, struct sig_timer *t)
{
	struct sig_link *link =
	    (struct sig_link *)((char *)t - offsetof(struct sig_link, timer));

	sig_inbox_save(core, link->session);
	sig_link_close(core, link->id, 4003, "the server stops");
}

void
sig_beat_drain(struct sig_core *core)
{
	uint64_t n = core->stats.links, i = 0;
	struct sig_link *link, *next;

	for (link = LIST_FIRST(&core->all_links); link != NULL; link = next) {
		next = LIST_NEXT(link, of_core);
		if (link->session == NULL || core->cfg.drain_ms == 0) {
			sig_link_close(
			    core, link->id, 4003, "the server stops");
			continue;
		}
		link->leave_ms = core->now + core->cfg.drain_ms * ++i / n;
		sig_timer_set(core, &link->timer, link->leave_ms, beat_leave);
	}
}
