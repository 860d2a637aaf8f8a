/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/core/auth.h"
#include "signald/core/name.h"

#define SECOND_MS 1000

static int
auth_own(const struct sig_config *cfg, const char *token, size_t len,
    uint64_t wall_ms, struct sig_claims *claims, const char **why)
{
	int rc = sig_token_verify(cfg->token_key, token, len, wall_ms, claims);

	if (rc != 0)
		*why = "bad or expired";
	return rc;
}

static int
auth_jwt(const struct sig_jwt *jwt, const char *token, size_t len,
    uint64_t wall_ms, struct sig_claims *claims, const char **why)
{
	struct jwt_claims c;
	size_t n;
	int rc;

	rc = jwt_verify(
	    jwt->keys, &jwt->policy, token, len, wall_ms / SECOND_MS, &c, why);
	if (rc != 0)
		return rc;
	n = strlen(c.subject);
	if (!sig_name_user_ok(c.subject, n)) {
		*why = "its user is no name here: a-z 0-9 . _ - only, a letter "
		       "or digit first, 32 at most";
		return -EINVAL;
	}
	memset(claims, 0, sizeof(*claims));
	memcpy(claims->user, c.subject, n);
	/* A link lives as long as its token would still be taken. */
	claims->grant.expires_ms =
	    (c.expires_s + jwt->policy.leeway_s) * SECOND_MS;
	claims->grant.issued_ms = c.issued_s * SECOND_MS;
	claims->grant.outside = true;
	return 0;
}

int
sig_auth(const struct sig_config *cfg, const char *token, size_t len,
    uint64_t wall_ms, struct sig_claims *claims, const char **why)
{
	if (cfg->jwt == NULL || sig_token_is(token, len))
		return auth_own(cfg, token, len, wall_ms, claims, why);
	return auth_jwt(cfg->jwt, token, len, wall_ms, claims, why);
}
