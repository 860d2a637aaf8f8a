/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/json/json.h"
#include "lib/jwt/keys.h"

#define HEADER_MAX 1024
#define SIG_MAX    1024 /* RSA of 8192 bits */

/* The three texts of header "." payload "." signature. */
struct parts {
	const char *text[3];
	size_t len[3];
	size_t signed_len; /* header, dot and payload */
};

static int
fail(int err, const char **why, const char *text)
{
	*why = text;
	return err;
}

static bool
split(const char *token, size_t len, struct parts *p)
{
	const char *end = token + len, *at = token, *dot;
	int i;

	for (i = 0; i < 3; i++) {
		dot = memchr(at, '.', (size_t)(end - at));
		if ((dot == NULL) != (i == 2))
			return false;
		p->text[i] = at;
		p->len[i] = (size_t)((dot != NULL ? dot : end) - at);
		at = dot != NULL ? dot + 1 : end;
	}
	p->signed_len = (size_t)(p->text[2] - token) - 1;
	return true;
}

/* Which key the header asks for, if it is one for the header's algorithm. */
static int
key_of(const struct jwt_keys *keys, struct json_in *in,
    const struct jwt_key **key, const char **why)
{
	const char *alg = json_in_str(in, "alg", 1, 16);
	const char *kid = json_in_str_opt(in, "kid", 1, JWT_KID_MAX);

	if (in->code != 0)
		return fail(-EBADMSG, why, "its header is malformed");
	/* RFC 7515 section 4.1.11: what is critical and not understood makes
	 * the whole token invalid, and we understand no extension. */
	if (json_in_has(in, "crit"))
		return fail(
		    -EBADMSG, why, "its header has critical extensions");
	*key = jwt_keys_find(keys, kid);
	if (*key == NULL)
		return fail(-ENOKEY, why, "its key is not known here");
	if (strcmp(alg, jwt_alg_name((*key)->alg)) != 0)
		return fail(
		    -ENOKEY, why, "its algorithm is not the one of its key");
	return 0;
}

static int
header_read(const struct jwt_keys *keys, const struct parts *p,
    const struct jwt_key **key, const char **why)
{
	static const struct json_limits limits = { HEADER_MAX, 32, 4 };
	uint8_t text[HEADER_MAX];
	size_t len = sizeof(text);
	struct json *header = NULL;
	char err[JSON_ERR_MAX];
	struct json_in in;
	int rc;

	if (crypto_base64url_decode(p->text[0], p->len[0], text, &len) != 0 ||
	    json_parse(text, len, &limits, &header, err) != 0)
		return fail(-EBADMSG, why, "its header is malformed");
	json_in_init(&in, header, "");
	rc = key_of(keys, &in, key, why);
	json_free(header);
	return rc;
}

int
jws_verify(const struct jwt_keys *keys, const char *token, size_t len,
    uint8_t *out, size_t *out_len, const char **why)
{
	const struct jwt_key *key = NULL;
	uint8_t sig[SIG_MAX];
	size_t sig_len = sizeof(sig);
	struct parts p;
	int rc;

	if (len > JWT_TEXT_MAX || !split(token, len, &p))
		return fail(-EBADMSG, why, "it is malformed or too long");
	rc = header_read(keys, &p, &key, why);
	if (rc != 0)
		return rc;
	if (crypto_base64url_decode(p.text[2], p.len[2], sig, &sig_len) != 0)
		return fail(-EBADMSG, why, "its signature is malformed");
	rc = jwt_key_check(key, token, p.signed_len, sig, sig_len);
	if (rc != 0)
		return fail(rc, why, "its signature is not of its key");
	if (crypto_base64url_decode(p.text[1], p.len[1], out, out_len) != 0)
		return fail(-EBADMSG, why, "its payload is malformed");
	return 0;
}
