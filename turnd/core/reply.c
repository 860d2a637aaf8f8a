/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "turnd/core/core.h"

void
reply_success(struct turn_req *r)
{
	r->out = stun_begin_reply(&r->buf, r->msg, STUN_SUCCESS);
}

/* REALM, NONCE and PASSWORD-ALGORITHMS, with which the client can
 * authenticate. */
static void
reply_challenge(struct turn_req *r)
{
	const struct turn_realm *realm = r->realm;
	char nonce[STUN_NONCE_LEN];
	const uint8_t *offer;
	size_t len;

	stun_nonce_make(&realm->nonce_key, r->in->src, r->t.now_ms, nonce);
	stun_put(&r->out, STUN_REALM, realm->name, strlen(realm->name));
	stun_put(&r->out, STUN_NONCE, nonce, strlen(nonce));
	offer = turn_users_offer(realm->users, &len);
	stun_put(&r->out, STUN_PASSWORD_ALGORITHMS, offer, len);
}

static void
put_error(struct turn_req *r, int code, const char *phrase)
{
	r->out = stun_begin_reply(&r->buf, r->msg, STUN_ERROR);
	stun_put_error(&r->out, code, phrase);
	if (code == 300)
		alternate_put(r);
	if (code == 401 || code == 438)
		reply_challenge(r);
	/* RFC 7635 section 4 */
	if (code == 401 && r->s->cfg->oauth.server != NULL)
		stun_put(&r->out, STUN_THIRD_PARTY_AUTHORIZATION,
		    r->s->cfg->oauth.server, strlen(r->s->cfg->oauth.server));
	if (code == 420)
		stun_put_types(
		    &r->out, STUN_UNKNOWN_ATTRIBUTES, r->unknown, r->nunknown);
}

void
reply_error(struct turn_req *r, enum turn_reason reason)
{
	int code = turn_reason_info(reason)->code;

	put_error(r, code, turn_code_phrase(code));
	/* The words are a courtesy, for those who paid for them. */
	if (!r->authed && r->buf.len * 5 > r->msg->len * 8) {
		buf_reset(&r->buf);
		put_error(r, code, "");
	}
}

size_t
reply_end(struct turn_req *r)
{
	const char *software = r->s->cfg->software;

	/* Who runs here is nobody's business before authentication, and the
	 * answer to a stranger stays short. */
	if (r->authed && software != NULL)
		stun_put(&r->out, STUN_SOFTWARE, software, strlen(software));
	if (r->authed)
		stun_put_integrity(&r->out, r->seal, r->key.bytes, r->key.len);
	if (stun_find(r->msg, STUN_FINGERPRINT) != NULL)
		stun_put_fingerprint(&r->out);
	return stun_end(&r->out) == 0 ? r->buf.len : 0;
}
