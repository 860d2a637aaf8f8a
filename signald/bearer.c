/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "signald/bearer.h"
#include "signald/worker.h"

#define SCHEME  "Bearer "
#define WHY_MAX 160

int
bearer_find(struct conn *c, const struct h1_head *head, struct sig_claims *out,
    const char **why)
{
	const size_t scheme = sizeof(SCHEME) - 1;
	const char *token = h1_get(head, "Authorization");
	struct desk *desk = c->desk;
	struct msglog_account account;
	struct sig_claims claims;
	int rc;

	*why = "none; say Authorization: Bearer TOKEN";
	if (token == NULL || strncasecmp(token, SCHEME, scheme) != 0)
		return -ENOENT;
	token += scheme;
	if (sig_auth(&desk->config, token, strlen(token), loop_wall_ms(),
		&claims, why) != 0)
		return -EACCES;
	rc = msglog_account(desk->reader, claims.user, &account);
	crypto_wipe(account.pwhash, sizeof(account.pwhash));
	*why = rc == -ENOENT ? "its user is not here; a first hello makes it"
			     : "the log does not answer";
	if (rc != 0)
		return rc == -ENOENT ? -EACCES : -EIO;
	*why = account.standing.role == SIG_USER_DELETED
	    ? "this user is deleted"
	    : "this user is banned";
	if (sig_role_is_out(account.standing.role))
		return -EPERM;
	*why = "it is void";
	if (sig_grant_void(&claims.grant, &account.standing))
		return -EACCES;
	*out = claims;
	return 0;
}

bool
bearer_take(struct conn *c, const struct h1_head *head, struct sig_claims *out)
{
	char msg[WHY_MAX];
	const char *why;
	int rc = bearer_find(c, head, out, &why);

	if (rc == -EIO) {
		front_error(c, 503, "storage", why, 1000);
	} else if (rc == -EPERM) {
		front_error(c, 403, "banned", why, 0);
	} else if (rc != 0) {
		snprintf(msg, sizeof(msg), "token: %s", why);
		front_error(c, 401, "unauthorized", msg, 0);
	}
	return rc == 0;
}
