/* SPDX-License-Identifier: BSD-3-Clause */
#include "turnd/core/core.h"

#define SECOND_MS 1000
#define FORGET_MS (600 * SECOND_MS)

/* What a network that fails a lot leaves to its hosts. */
#define FREE_IF_SUSPECT 1

/* Failures of whomever; 0 is of all names that nobody can have. */
#define ANYBODY 1

void
turn_config_backoff(struct turn_config *cfg, uint32_t failures)
{
	cfg->limits.name = (struct limit_backoff){ failures, SECOND_MS,
		300 * SECOND_MS, FORGET_MS };
	/* A host may be a NAT with many behind it, a network many of those. */
	cfg->limits.host = (struct limit_backoff){ 10 * failures, SECOND_MS,
		60 * SECOND_MS, FORGET_MS };
	cfg->limits.network_failures = 100 * failures;
}

/*
 * What is limited is what a stranger can make us send to somebody else. Who has
 * a password, and whose address is no forgery, gets every answer.
 */
bool
guard_answers(struct turn_req *r)
{
	struct prefix network = limit_network(r->in->src);

	if (r->proven || r->in->verified ||
	    (r->s->cfg->no_auth && r->msg->method != STUN_BINDING))
		return true;
	return limit_take(
	    r->s->answers, &r->s->cfg->limits.answers, &network, r->t.now_ms);
}

bool
turn_server_may_answer(
    struct turn_server *s, const struct addr *stranger, struct turn_time t)
{
	struct prefix network = limit_network(stranger);

	if (limit_take(s->answers, &s->cfg->limits.answers, &network, t.now_ms))
		return true;
	stat_add(&s->stats.reasons[TURN_RATE_LIMITED], 1);
	return false;
}

static bool
network_suspect(const struct turn_req *r)
{
	struct prefix network = limit_network(r->in->src);

	return limit_failures(r->s->failures, &network, ANYBODY, r->t.now_ms) >
	    r->s->cfg->limits.network_failures;
}

/*
 * An allocation goes on whatever others at its address do: its user, who
 * has proved to be one, is not made to wait.
 */
bool
guard_waits(const struct turn_req *r)
{
	struct limit_backoff name = r->s->cfg->limits.name;
	struct limit_backoff all = r->s->cfg->limits.host;
	struct prefix host = limit_host(r->in->src);

	if (name.free == 0 || (r->alloc != NULL && auth_owns(r, r->alloc)))
		return false;
	if (network_suspect(r))
		name.free = all.free = FREE_IF_SUSPECT;
	return limit_waits(
		   r->s->failures, &name, &host, r->tried, r->t.now_ms) ||
	    limit_waits(r->s->failures, &all, &host, ANYBODY, r->t.now_ms);
}

void
guard_failed(struct turn_req *r)
{
	const struct turn_limits *limits = &r->s->cfg->limits;
	struct prefix host = limit_host(r->in->src);
	struct prefix network = limit_network(r->in->src);

	limit_failed(
	    r->s->failures, &limits->name, &host, r->tried, r->t.now_ms);
	limit_failed(
	    r->s->failures, &limits->host, &host, ANYBODY, r->t.now_ms);
	limit_failed(
	    r->s->failures, &limits->host, &network, ANYBODY, r->t.now_ms);
}
