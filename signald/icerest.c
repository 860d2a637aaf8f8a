/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/bearer.h"
#include "signald/core/ice.h"
#include "signald/icerest.h"
#include "signald/worker.h"

#define ANSWER_MAX (48 * 1024) /* as many URIs as there may be */
#define KEY_MAX    256

void
icerest_own(struct conn *c, const struct h1_head *head)
{
	struct sig_claims claims;
	struct json_out out;
	struct buf b;

	if (!bearer_take(c, head, &claims))
		return;
	buf_init(&b, ANSWER_MAX);
	json_out_init(&out, &b);
	json_out_object(&out, NULL);
	sig_ice_write(&out, &c->desk->config, claims.user, loop_wall_ms());
	json_out_end(&out);
	front_json(c, 200, &b);
	buf_fini(&b);
}

/* Both of the others say the same in the same words. */
static void
answer(struct conn *c, const struct sig_ice *ice)
{
	const struct sig_config *cfg = &c->desk->config;
	struct json_out out;
	struct buf b;

	buf_init(&b, ANSWER_MAX);
	json_out_init(&out, &b);
	json_out_object(&out, NULL);
	json_out_str(&out, "username", ice->username);
	json_out_str(&out, "password", ice->credential);
	json_out_int(&out, "ttl", cfg->ice_ttl_s);
	sig_ice_write_uris(&out, "uris", cfg->turn_uris);
	json_out_end(&out);
	front_json(c, 200, &b);
	buf_fini(&b);
}

/* An application's key speaks for whomever it names. */
static bool
key_ok(const struct signald_conf *conf, const char *key)
{
	const char *const *keys = conf->turn_rest_keys.items;
	bool ok = false;
	size_t i;

	for (i = 0; i < conf->turn_rest_keys.n; i++)
		ok |= strlen(keys[i]) == strlen(key) &&
		    crypto_equal(keys[i], key, strlen(key));
	return ok;
}

/* Whom the credentials are for; false after saying what is wrong. */
static bool
turn_user(
    struct conn *c, const struct h1_head *head, char user[SIG_ICE_USER_MAX + 1])
{
	char key[KEY_MAX] = "", service[8] = "turn";
	struct sig_claims claims;
	int named, asked, keyed;

	user[0] = '\0';
	named = h1_query(head->query, "username", user, SIG_ICE_USER_MAX + 1);
	asked = h1_query(head->query, "service", service, sizeof(service));
	keyed = h1_query(head->query, "key", key, sizeof(key));
	if ((named != 0 && named != -ENOENT) || asked == -EBADMSG ||
	    strcmp(service, "turn") != 0 || strchr(user, ':') != NULL) {
		front_error(c, 400, "bad_request",
		    "allowed: service=turn, username of at most 64 bytes "
		    "without a colon",
		    0);
		return false;
	}
	if (keyed == 0 && key_ok(c->desk->app->conf, key))
		return true;
	if (!bearer_take(c, head, &claims))
		return false;
	if (named == 0 && strcmp(user, claims.user) != 0) {
		front_error(c, 403, "forbidden",
		    "username: a token speaks for its own user", 0);
		return false;
	}
	memcpy(user, claims.user, strlen(claims.user) + 1);
	return true;
}

void
icerest_turn(struct conn *c, const struct h1_head *head)
{
	char user[SIG_ICE_USER_MAX + 1];
	struct sig_ice ice;
	int rc;

	if (!turn_user(c, head, user))
		return;
	rc = sig_ice_make(&c->desk->config, user, loop_wall_ms(), &ice);
	if (rc == 0)
		answer(c, &ice);
	else if (rc == -ENOENT)
		front_error(c, 404, "not_found", "there is no TURN server", 0);
	else
		front_error(c, 503, "overloaded", "no memory", 1000);
}

static void
matrix_error(struct conn *c, int status, const char *code, const char *msg)
{
	char mem[256];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct json_out out;

	json_out_init(&out, &b);
	json_out_object(&out, NULL);
	json_out_str(&out, "errcode", code);
	json_out_str(&out, "error", msg);
	json_out_end(&out);
	front_json(c, status, &b);
}

void
icerest_matrix(struct conn *c, const struct h1_head *head)
{
	const char *why;
	struct sig_claims claims;
	struct sig_ice ice;
	char mem[4];
	struct buf none = buf_fixed(mem, sizeof(mem));
	int rc;

	rc = bearer_find(c, head, &claims, &why);
	if (rc == -EIO) {
		matrix_error(c, 503, "M_UNKNOWN", why);
		return;
	}
	if (rc != 0) {
		matrix_error(c, 401,
		    rc == -ENOENT ? "M_MISSING_TOKEN" : "M_UNKNOWN_TOKEN", why);
		return;
	}
	rc = sig_ice_make(&c->desk->config, claims.user, loop_wall_ms(), &ice);
	if (rc == 0) {
		answer(c, &ice);
	} else if (rc == -ENOENT) {
		/* Clients take an empty object for: there is none. */
		buf_puts(&none, "{}");
		front_json(c, 200, &none);
	} else {
		matrix_error(c, 500, "M_UNKNOWN", "no memory");
	}
}
