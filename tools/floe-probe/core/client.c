/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/floe-probe/core/client.h"

#define UDP         17 /* RFC 8656 section 18.8 */
#define FAMILY_IPV6 2  /* its section 18.6 */
#define STALE_MAX   3

static void
put_ask(struct stun_out *o, const struct client_ask *ask)
{
	switch (ask->method) {
	case STUN_ALLOCATE:
		stun_put_u32(o, STUN_REQUESTED_TRANSPORT, (uint32_t)UDP << 24);
		if (ask->ipv6)
			stun_put_u32(o, STUN_REQUESTED_ADDRESS_FAMILY,
			    (uint32_t)FAMILY_IPV6 << 24);
		return;
	case STUN_REFRESH:
		stun_put_u32(o, STUN_LIFETIME, ask->lifetime);
		return;
	case STUN_CHANNEL_BIND:
		stun_put_u32(
		    o, STUN_CHANNEL_NUMBER, (uint32_t)ask->channel << 16);
		/* FALLTHROUGH */
	case STUN_CREATE_PERMISSION:
		stun_put_xor_addr(o, STUN_XOR_PEER_ADDRESS, &ask->peer);
		return;
	default:
		return;
	}
}

int
client_request(const struct client *c, const struct client_ask *ask,
    const uint8_t txid[STUN_TXID_LEN], struct buf *out)
{
	struct stun_out o = stun_begin(out, ask->method, STUN_REQUEST, txid);

	put_ask(&o, ask);
	if (c->challenged && ask->method != STUN_BINDING) {
		stun_put(&o, STUN_USERNAME, c->user, strlen(c->user));
		stun_put(&o, STUN_REALM, c->realm, strlen(c->realm));
		stun_put(&o, STUN_NONCE, c->nonce, strlen(c->nonce));
		stun_put_integrity(&o, CRYPTO_SHA1, c->key, sizeof(c->key));
	}
	stun_put_fingerprint(&o);
	return stun_end(&o);
}

static bool
copy_text(const struct stun_msg *m, uint16_t type, char out[CLIENT_TEXT_MAX])
{
	const struct stun_attr *a = stun_find(m, type);

	if (a == NULL || a->len >= CLIENT_TEXT_MAX ||
	    memchr(stun_value(m, a), '\0', a->len) != NULL)
		return false;
	memcpy(out, stun_value(m, a), a->len);
	out[a->len] = '\0';
	return true;
}

/* RFC 8489 section 9.2.5: false when it cannot be asked again. */
static bool
learn(struct client *c, const struct stun_msg *m, int code)
{
	if (c->user == NULL || c->password == NULL)
		return false;
	if (code == 401 ? c->challenged : ++c->stale > STALE_MAX)
		return false;
	if (!copy_text(m, STUN_REALM, c->realm) ||
	    !copy_text(m, STUN_NONCE, c->nonce))
		return false;
	if (stun_long_term_key(
		CRYPTO_MD5, c->user, c->realm, c->password, c->key) != 0)
		return false;
	c->challenged = true;
	return true;
}

/* Only what a terminal takes, for it comes from a stranger. */
static void
copy_reason(
    const struct stun_msg *m, const struct stun_attr *a, struct client_reply *r)
{
	const uint8_t *v = stun_value(m, a);
	size_t i, n = a->len - 4u;

	r->code = (v[2] & 7) * 100 + v[3] % 100;
	if (n >= sizeof(r->reason))
		n = sizeof(r->reason) - 1;
	for (i = 0; i < n; i++)
		r->reason[i] =
		    v[4 + i] >= ' ' && v[4 + i] < 127 ? (char)v[4 + i] : '?';
	r->reason[n] = '\0';
}

static enum client_verdict
answer_error(struct client *c, const struct stun_msg *m, struct client_reply *r)
{
	const struct stun_attr *a = stun_find(m, STUN_ERROR_CODE);

	if (a == NULL || a->len < 4)
		return CLIENT_FORGED;
	copy_reason(m, a, r);
	(void)stun_get_addr(m, STUN_ALTERNATE_SERVER, &r->other);
	if ((r->code == 401 || r->code == 438) && learn(c, m, r->code))
		return CLIENT_AGAIN;
	return CLIENT_REFUSED;
}

enum client_verdict
client_answer(
    struct client *c, const struct stun_msg *m, struct client_reply *r)
{
	*r = (struct client_reply){ .code = 0 };
	if (m->class == STUN_ERROR)
		return answer_error(c, m, r);
	if (c->challenged && m->method != STUN_BINDING &&
	    stun_check_integrity(m, CRYPTO_SHA1, c->key, sizeof(c->key)) != 0)
		return CLIENT_FORGED;
	if (stun_get_xor_addr(m, STUN_XOR_MAPPED_ADDRESS, &r->mapped) != 0)
		(void)stun_get_addr(m, STUN_MAPPED_ADDRESS, &r->mapped);
	(void)stun_get_xor_addr(m, STUN_XOR_RELAYED_ADDRESS, &r->relayed);
	(void)stun_get_addr(m, STUN_OTHER_ADDRESS, &r->other);
	(void)stun_get_u32(m, STUN_LIFETIME, &r->lifetime);
	return CLIENT_DONE;
}

int
client_send(const struct addr *peer, uint16_t channel, const void *data,
    size_t len, struct buf *out)
{
	static const uint8_t zeros[4];
	uint8_t txid[STUN_TXID_LEN];
	struct stun_out o;

	if (channel != 0) {
		buf_u16(out, channel);
		buf_u16(out, (uint16_t)len);
		buf_put(out, data, len);
		buf_put(out, zeros, -len & 3);
		return out->err;
	}
	/* Nobody answers an indication, so its id is nobody's secret. */
	memset(txid, 0, sizeof(txid));
	o = stun_begin(out, STUN_SEND, STUN_INDICATION, txid);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, peer);
	stun_put(&o, STUN_DATA_ATTR, data, len);
	stun_put_fingerprint(&o);
	return stun_end(&o);
}

int
client_data(const void *msg, size_t msg_len, struct addr *peer,
    uint16_t *channel, const uint8_t **data, size_t *len)
{
	const struct stun_attr *a;
	struct stun_msg m;

	*peer = (struct addr){ .family = ADDR_NONE };
	if (stun_channel_looks_like(msg, msg_len))
		return stun_channel_decode(msg, msg_len, channel, data, len);
	if (stun_decode(msg, msg_len, &m) != 0 || m.method != STUN_DATA ||
	    m.class != STUN_INDICATION ||
	    stun_get_xor_addr(&m, STUN_XOR_PEER_ADDRESS, peer) != 0)
		return -EBADMSG;
	a = stun_find(&m, STUN_DATA_ATTR);
	if (a == NULL)
		return -EBADMSG;
	*channel = 0;
	*data = stun_value(&m, a);
	*len = a->len;
	return 0;
}

int
client_secret(const char *secret, uint64_t expiry_s, char *user, char *password,
    size_t size)
{
	uint8_t mac[CRYPTO_SHA1_LEN];
	struct crypto_span name;
	int n = snprintf(user, size, "%" PRIu64 ":floe-probe", expiry_s);

	if (n < 0 || (size_t)n >= size ||
	    size < CRYPTO_BASE64_LEN(CRYPTO_SHA1_LEN))
		return -EIO;
	name = (struct crypto_span){ user, (size_t)n };
	if (crypto_hmac(CRYPTO_SHA1, secret, strlen(secret), &name, 1, mac) !=
	    0)
		return -EIO;
	crypto_base64(mac, sizeof(mac), password);
	return 0;
}
