/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/json/json.h"
#include "lib/jwt/jwt.h"

#define SECONDS_MAX (INT64_C(1) << 40) /* ms of it still fit */
#define TEXT_MAX    1024               /* of an issuer or audience */
#define CLAIMS_MAX  256

static int
fail(int err, const char **why, const char *text)
{
	*why = text;
	return err;
}

static bool
is(const char *text, const char *want)
{
	return text != NULL && strcmp(text, want) == 0;
}

/* RFC 7519 section 4.1.3: whoever does not find himself among the audience
 * must refuse the token; one text may stand without its array. */
static bool
audience_ok(const struct json_in *in, const char *audience)
{
	const struct json *aud = json_in_any(in, "aud");
	size_t i;

	if (aud == NULL || audience == NULL)
		return aud == NULL && audience == NULL;
	if (is(json_text(aud), audience))
		return true;
	for (i = 0; i < json_items(aud); i++) {
		if (is(json_text(json_item(aud, i)), audience))
			return true;
	}
	return false;
}

static int
claims_read(struct json_in *in, const struct jwt_policy *policy, uint64_t now_s,
    struct jwt_claims *claims, const char **why)
{
	int64_t exp = json_in_int(in, "exp", 0, SECONDS_MAX);
	int64_t nbf = json_in_int_opt(in, "nbf", 0, SECONDS_MAX, 0);
	int64_t iat = json_in_int_opt(in, "iat", 0, SECONDS_MAX, 0);
	const char *iss = json_in_str_opt(in, "iss", 0, TEXT_MAX);
	const char *subject =
	    json_in_str(in, policy->subject, 1, JWT_SUBJECT_MAX);

	if (in->code != 0)
		return fail(-EINVAL, why,
		    "a claim of it (exp, nbf, iat, iss, or the user's) is "
		    "missing or malformed");
	if (now_s >= (uint64_t)exp + policy->leeway_s)
		return fail(-ETIME, why, "it is expired");
	if ((uint64_t)nbf > now_s + policy->leeway_s)
		return fail(-ETIME, why, "it is not good yet");
	if (policy->issuer != NULL && !is(iss, policy->issuer))
		return fail(-EPERM, why, "its issuer is not ours");
	if (!audience_ok(in, policy->audience))
		return fail(-EPERM, why, "its audience is not this server");
	memcpy(claims->subject, subject, strlen(subject) + 1);
	claims->expires_s = (uint64_t)exp;
	claims->issued_s = (uint64_t)iat;
	return 0;
}

int
jwt_verify(const struct jwt_keys *keys, const struct jwt_policy *policy,
    const char *token, size_t len, uint64_t now_s, struct jwt_claims *claims,
    const char **why)
{
	static const struct json_limits limits = { JWT_TEXT_MAX, CLAIMS_MAX,
		8 };
	uint8_t text[JWT_TEXT_MAX];
	size_t size = sizeof(text);
	struct json *json = NULL;
	char err[JSON_ERR_MAX];
	struct json_in in;
	int rc;

	rc = jws_verify(keys, token, len, text, &size, why);
	if (rc != 0)
		return rc;
	if (json_parse(text, size, &limits, &json, err) != 0)
		return fail(-EINVAL, why, "its claims are no JSON object");
	json_in_init(&in, json, "");
	rc = claims_read(&in, policy, now_s, claims, why);
	json_free(json);
	return rc;
}
