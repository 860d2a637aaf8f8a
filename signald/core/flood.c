/* SPDX-License-Identifier: BSD-3-Clause */
#include "signald/core/flood.h"

#define SECOND_MS 1000
#define BURST_S   10 /* so many seconds' worth may come at once */

/* a_second 0: as many as one likes. */
static bool
flood_take(struct sig_core *core, struct sig_rate *rate, uint32_t a_second,
    uint64_t *wait_ms)
{
	uint32_t period = a_second == 0 ? 0 : SECOND_MS / a_second;
	uint32_t burst = a_second * BURST_S;

	if (a_second == 0 || sig_rate_take(rate, core->now, period, burst))
		return true;
	*wait_ms =
	    rate->clear_ms + period - core->now - (uint64_t)period * burst;
	return false;
}

bool
sig_flood_pass(struct sig_core *core, struct sig_link *link,
    const struct sig_req *req, enum sig_cost cost)
{
	const struct sig_config *cfg = &core->cfg;
	struct sig_user *user = link->session->user;
	uint64_t wait_ms = 0;

	if (cost == SIG_COST_FREE)
		return true;
	if (flood_take(core, &user->ops, cfg->request_rate, &wait_ms) &&
	    (cost != SIG_COST_MESSAGE ||
		flood_take(core, &user->texts, cfg->message_rate, &wait_ms)))
		return true;
	sig_fail_later(core, link->id, req->id, SIG_RATE_LIMITED,
	    "too many in a second", wait_ms);
	return false;
}
