/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "signald/bearer.h"
#include "signald/worker.h"

#define SCHEME  "Bearer "
#define WHY_MAX 160

static bool
refuse(struct conn *c, const char *why)
{
	char msg[WHY_MAX];

	snprintf(msg, sizeof(msg), "token: %s", why);
	front_error(c, 401, "unauthorized", msg, 0);
	return false;
}

bool
bearer_take(struct conn *c, const struct h1_head *head, struct sig_claims *out)
{
	const size_t scheme = sizeof(SCHEME) - 1;
	const char *token = h1_get(head, "Authorization"), *why;
	struct worker *w = c->worker;
	struct msglog_account account;
	struct sig_claims claims;
	int rc;

	if (token == NULL || strncasecmp(token, SCHEME, scheme) != 0)
		return refuse(c, "none; say Authorization: Bearer TOKEN");
	token += scheme;
	if (sig_auth(&w->config, token, strlen(token), loop_wall_ms(), &claims,
		&why) != 0)
		return refuse(c, why);
	rc = msglog_account(w->reader, claims.user, &account);
	crypto_wipe(&account, sizeof(account));
	if (rc == -ENOENT)
		return refuse(
		    c, "its user is not here; a first hello makes it");
	if (rc != 0) {
		front_error(c, 503, "storage", "the log does not answer", 1000);
		return false;
	}
	*out = claims;
	return true;
}
