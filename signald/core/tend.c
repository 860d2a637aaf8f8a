/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "signald/core/effect.h"
#include "signald/core/tend.h"

#define AGAIN_MS 5000 /* after a step that failed */
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

void
sig_tend_start(struct sig_core *core)
{
	if (core->cfg.retention_ms != 0 && core->cfg.shard == 0)
		retain_wait(core, 0);
}
