/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "signald/core/auth.h"
#include "signald/core/effect.h"
#include "signald/core/life.h"
#include "signald/core/link.h"

#define WARN_SHARE  10 /* of what is left of the life */
#define WARN_MAX_MS (5 * 60 * 1000)
#define WHY_MAX     160

static void life_due(struct sig_core *, struct sig_timer *);

/* Tokens end by the wall clock and timers run on the other one. */
static void
life_arm(struct sig_core *core, struct sig_link *link, uint64_t wall_ms)
{
	uint64_t left = wall_ms > core->wall ? wall_ms - core->wall : 0;

	sig_timer_set(core, &link->life, core->now + left, life_due);
}

static void
life_warn(struct sig_core *core, struct sig_link *link)
{
	struct json_out o;
	struct buf b;

	link->warned = true;
	sig_push_begin(&o, &b, "token.expiring");
	json_out_int(&o, "expires_ts", (int64_t)link->grant.expires_ms);
	json_out_end(&o);
	sig_send(core, link->id, &b, false);
}

static void
life_due(struct sig_core *core, struct sig_timer *t)
{
	struct sig_link *link =
	    (struct sig_link *)((char *)t - offsetof(struct sig_link, life));

	if (sig_life_over(core, link)) {
		sig_link_close(core, link->id, 4500, "token expired");
		return;
	}
	if (!link->warned && core->wall >= link->warn_ms)
		life_warn(core, link);
	life_arm(
	    core, link, link->warned ? link->grant.expires_ms : link->warn_ms);
}

void
sig_life_begin(
    struct sig_core *core, struct sig_link *link, const struct sig_grant *grant)
{
	uint64_t end = grant->expires_ms;
	uint64_t early = end > core->wall ? (end - core->wall) / WARN_SHARE : 0;

	if (early > WARN_MAX_MS)
		early = WARN_MAX_MS;
	link->grant = *grant;
	link->warned = false;
	link->warn_ms = end - early;
	life_arm(core, link, link->warn_ms);
}

bool
sig_life_over(const struct sig_core *core, const struct sig_link *link)
{
	return core->wall >= link->grant.expires_ms;
}

void
sig_life_end(struct sig_core *core, struct sig_link *link)
{
	sig_timer_clear(core, &link->life);
}

int
sig_life_token(const struct sig_config *cfg, const char *user,
    uint32_t generation, uint64_t wall_ms, char token[SIG_TOKEN_MAX],
    uint64_t *expires_ms)
{
	uint8_t id[SIG_TOKEN_ID_LEN];

	cfg->random(id, sizeof(id));
	*expires_ms = wall_ms + cfg->token_ms;
	return sig_token_make(
	    cfg->token_key, user, generation, *expires_ms, id, token);
}

/* An own token is renewed by asking, an outside one by its service only: or
 * whom the service has shut out would stay in by signald's hand. */
static void
refresh_own(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const struct sig_user *user = link->session->user;
	struct sig_grant grant = { .generation = user->standing.generation };
	char token[SIG_TOKEN_MAX];
	struct json_out o;
	struct buf b;

	if (link->grant.outside) {
		sig_fail(core, link->id, req->id, SIG_FORBIDDEN,
		    "token: bring a new one of your identity service");
		return;
	}
	if (sig_life_token(&core->cfg, user->name, grant.generation, core->wall,
		token, &grant.expires_ms) != 0) {
		sig_fail(core, link->id, req->id, SIG_OVERLOADED,
		    "no token could be made");
		return;
	}
	sig_life_begin(core, link, &grant);
	sig_ok_begin(&o, &b, req->id);
	json_out_str(&o, "token", token);
	json_out_int(&o, "expires_ts", (int64_t)grant.expires_ms);
	sig_ok_send(core, link->id, req->id, &o);
	crypto_wipe(token, sizeof(token));
}

/* NULL: it is good for this link's user; else why not. */
static const char *
refresh_wrong(const struct sig_core *core, const struct sig_link *link,
    const char *token, struct sig_claims *claims)
{
	const struct sig_user *user = link->session->user;
	const char *why;

	if (sig_auth(&core->cfg, token, strlen(token), core->wall, claims,
		&why) != 0)
		return why;
	if (strcmp(claims->user, user->name) != 0)
		return "it is another user's";
	if (sig_grant_void(&claims->grant, &user->standing))
		return "it is void";
	return NULL;
}

void
sig_op_token_refresh(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *token = json_in_str_opt(&req->in, "token", 1, SIG_AUTH_MAX);
	struct sig_claims claims;
	char msg[WHY_MAX];
	const char *why;
	struct json_out o;
	struct buf b;

	if (sig_req_bad(core, link, req))
		return;
	if (token == NULL) {
		refresh_own(core, link, req);
		return;
	}
	why = refresh_wrong(core, link, token, &claims);
	if (why != NULL) {
		snprintf(msg, sizeof(msg), "token: %s", why);
		sig_fail(core, link->id, req->id, SIG_UNAUTHORIZED, msg);
		return;
	}
	sig_life_begin(core, link, &claims.grant);
	sig_ok_begin(&o, &b, req->id);
	json_out_int(&o, "expires_ts", (int64_t)claims.grant.expires_ms);
	sig_ok_send(core, link->id, req->id, &o);
}
