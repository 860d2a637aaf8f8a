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
	json_out_int(&o, "expires_ts", (int64_t)link->expires_ms);
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
	life_arm(core, link, link->warned ? link->expires_ms : link->warn_ms);
}

void
sig_life_begin(struct sig_core *core, struct sig_link *link,
    uint64_t expires_ms, bool outside)
{
	uint64_t early = expires_ms > core->wall
	    ? (expires_ms - core->wall) / WARN_SHARE
	    : 0;

	if (early > WARN_MAX_MS)
		early = WARN_MAX_MS;
	link->outside = outside;
	link->warned = false;
	link->expires_ms = expires_ms;
	link->warn_ms = expires_ms - early;
	life_arm(core, link, link->warn_ms);
}

bool
sig_life_over(const struct sig_core *core, const struct sig_link *link)
{
	return core->wall >= link->expires_ms;
}

void
sig_life_end(struct sig_core *core, struct sig_link *link)
{
	sig_timer_clear(core, &link->life);
}

int
sig_life_token(const struct sig_config *cfg, const char *user, uint64_t wall_ms,
    char token[SIG_TOKEN_MAX], uint64_t *expires_ms)
{
	uint8_t id[SIG_TOKEN_ID_LEN];

	cfg->random(id, sizeof(id));
	*expires_ms = wall_ms + cfg->token_ms;
	return sig_token_make(cfg->token_key, user, *expires_ms, id, token);
}

/* An own token is renewed by asking, an outside one by its service only: or
 * whom the service has shut out would stay in by signald's hand. */
static void
refresh_own(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *user = link->session->user->name;
	char token[SIG_TOKEN_MAX];
	uint64_t expires_ms;
	struct json_out o;
	struct buf b;

	if (link->outside) {
		sig_fail(core, link->id, req->id, SIG_FORBIDDEN,
		    "token: bring a new one of your identity service");
		return;
	}
	if (sig_life_token(&core->cfg, user, core->wall, token, &expires_ms) !=
	    0) {
		sig_fail(core, link->id, req->id, SIG_OVERLOADED,
		    "no token could be made");
		return;
	}
	sig_life_begin(core, link, expires_ms, false);
	sig_ok_begin(&o, &b, req->id);
	json_out_str(&o, "token", token);
	json_out_int(&o, "expires_ts", (int64_t)expires_ms);
	sig_ok_send(core, link->id, req->id, &o);
	crypto_wipe(token, sizeof(token));
}

void
sig_op_token_refresh(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *token = json_in_str_opt(&req->in, "token", 1, SIG_AUTH_MAX);
	struct sig_claims claims;
	char msg[WHY_MAX];
	const char *why = NULL;
	struct json_out o;
	struct buf b;

	if (sig_req_bad(core, link, req))
		return;
	if (token == NULL) {
		refresh_own(core, link, req);
		return;
	}
	if (sig_auth(&core->cfg, token, strlen(token), core->wall, &claims,
		&why) == 0 &&
	    strcmp(claims.user, link->session->user->name) == 0) {
		sig_life_begin(core, link, claims.expires_ms, claims.outside);
		sig_ok_begin(&o, &b, req->id);
		json_out_int(&o, "expires_ts", (int64_t)claims.expires_ms);
		sig_ok_send(core, link->id, req->id, &o);
		return;
	}
	if (why == NULL)
		why = "it is another user's";
	snprintf(msg, sizeof(msg), "token: %s", why);
	sig_fail(core, link->id, req->id, SIG_UNAUTHORIZED, msg);
}
