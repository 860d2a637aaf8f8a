/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/contact.h"
#include "signald/core/effect.h"
#include "signald/core/message.h"
#include "signald/core/tend.h"

#define ERASING_MAX 1024 /* users of one look; the log has no more */
#define AGAIN_MS    5000 /* after a step that failed */
/* A pass begins so often, by how long messages are kept. */
#define PASSES      16
#define PASS_MIN_MS 500
#define PASS_MAX_MS (10 * 60 * 1000)

static void retain_due(struct sig_core *, struct sig_timer *);

static uint64_t
pass_ms(const struct sig_core *core)
{
	uint64_t ms = core->cfg.retention_ms / PASSES;

	if (ms < PASS_MIN_MS)
		return PASS_MIN_MS;
	return ms < PASS_MAX_MS ? ms : PASS_MAX_MS;
}

static void
retain_wait(struct sig_core *core, uint64_t ms)
{
	sig_timer_set(core, &core->tend.retain, core->now + ms, retain_due);
}

static void
retain_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	struct sig_tend *tend = &core->tend;

	if (res->err != 0) {
		core->stats.errors++;
		retain_wait(core, AGAIN_MS);
		return;
	}
	core->stats.retained += res->gone;
	tend->target = res->more ? res->target : 0;
	retain_wait(core, res->more ? SIG_TEND_STEP_MS : pass_ms(core));
}

static void
retain_due(struct sig_core *core, struct sig_timer *t)
{
	struct sig_tend *tend = &core->tend;
	struct sig_append *append = calloc(1, sizeof(*append));
	struct sig_ticket *ticket = sig_ticket_new(NULL, 0);

	/* One age for the whole pass: what is in no inbox any more is what
	 * goes from the conversations then. */
	if (tend->target == 0)
		tend->before = core->wall > core->cfg.retention_ms
		    ? core->wall - core->cfg.retention_ms
		    : 0;
	if (append != NULL) {
		append->kind = SIG_APPEND_RETAIN;
		append->ts = core->wall;
		append->sync = tend->before;
		append->target = tend->target;
	}
	if (ticket != NULL)
		ticket->appended = retain_done;
	if (sig_append(core, ticket, append) != 0)
		retain_wait(core, AGAIN_MS);
}

static void erase_due(struct sig_core *, struct sig_timer *);

static void
erase_wait(struct sig_core *core, uint64_t ms)
{
	core->tend.erasing = true;
	sig_timer_set(core, &core->tend.erase, core->now + ms, erase_due);
}

static void
erase_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	if (res->err != 0) {
		core->stats.errors++;
		erase_wait(core, AGAIN_MS);
		return;
	}
	if (res->text_len > 0 && res->peer_text_len == 0)
		sig_message_committed(core, ticket->user, "", res);
	else if (res->peer_text_len > 0 && res->nto == 1)
		sig_contact_erased(core, ticket->user, res);
	erase_wait(core, SIG_TEND_STEP_MS);
}

static void
erase_ask(struct sig_core *core, const char *user)
{
	struct sig_append *append = calloc(1, sizeof(*append));
	struct sig_ticket *ticket = sig_ticket_new(NULL, 0);
	size_t len = strnlen(user, SIG_NAME_MAX);

	if (append != NULL) {
		append->kind = SIG_APPEND_ERASE;
		append->ts = core->wall;
		memcpy(append->user, user, len);
	}
	if (ticket != NULL) {
		ticket->appended = erase_done;
		memcpy(ticket->user, user, len);
	}
	if (sig_append(core, ticket, append) != 0)
		erase_wait(core, AGAIN_MS);
}

/* The first one of this shard; the others are other shards' affair. */
static void
erase_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	struct sig_tend *tend = &core->tend;
	size_t i;

	for (i = 0; rows->err == 0 && i < rows->nrows; i++) {
		if (sig_shard_of(&core->cfg, rows->rows[i].peer) ==
		    core->cfg.shard) {
			erase_ask(core, rows->rows[i].peer);
			return;
		}
	}
	tend->erasing = false;
	if (rows->err != 0 || !rows->complete)
		erase_wait(core, AGAIN_MS);
	else if (tend->again)
		erase_wait(core, 0);
	tend->again = false;
}

static void
erase_due(struct sig_core *core, struct sig_timer *t)
{
	struct sig_read read = { .kind = SIG_READ_ERASING,
		.limit = ERASING_MAX };
	struct sig_ticket *ticket = sig_ticket_new(NULL, 0);

	if (ticket != NULL)
		ticket->rows = erase_rows;
	if (sig_read(core, ticket, &read) != 0)
		erase_wait(core, AGAIN_MS);
}

void
sig_tend_erase(struct sig_core *core)
{
	if (core->tend.erasing)
		core->tend.again = true;
	else
		erase_wait(core, 0);
}

void
sig_tend_start(struct sig_core *core)
{
	sig_tend_erase(core);
	if (core->cfg.retention_ms != 0 && core->cfg.shard == 0)
		retain_wait(core, 0);
}
