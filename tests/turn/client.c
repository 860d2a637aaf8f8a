/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "tests/turn/client.h"

#define UDP_TRANSPORT (17u << 24)
#define TCP_TRANSPORT (6u << 24)

void
client_init(struct client *c, struct fake *f, const char *addr)
{
	memset(c, 0, sizeof(*c));
	c->f = f;
	c->addr = fake_addr(addr);
	c->user = "alice";
	c->password = "wonderland";
	strcpy(c->realm, FAKE_REALM);
}

void
client_begin(struct client *c, uint16_t method)
{
	uint8_t txid[STUN_TXID_LEN] = { 0 };
	uint32_t n;

	if (!c->same_id)
		c->requests++;
	c->same_id = false;
	n = c->requests;
	memcpy(txid, &n, sizeof(n));
	memcpy(txid + 4, &c->addr.port, sizeof(c->addr.port));
	c->buf = buf_fixed(c->mem, sizeof(c->mem));
	c->out = stun_begin(&c->buf, method, STUN_REQUEST, txid);
}

void
client_be_modern(struct client *c)
{
	c->sha256 = c->userhash = true;
	c->algorithm = STUN_PASSWORD_SHA256;
}

/* The length of the key. */
static size_t
make_key(const struct client *c, uint8_t key[CRYPTO_SHA256_LEN])
{
	enum crypto_hash hash =
	    c->algorithm == STUN_PASSWORD_SHA256 ? CRYPTO_SHA256 : CRYPTO_MD5;

	if (c->mac != NULL) {
		memcpy(key, c->mac, strlen(c->mac));
		return strlen(c->mac);
	}
	stun_long_term_key(hash, c->user, c->realm, c->password, key);
	return crypto_hash_len(hash);
}

static void
put_unless(struct client *c, uint16_t type, const void *value, size_t len)
{
	if (type != c->without)
		stun_put(&c->out, type, value, len);
}

/* RFC 7635: as the authorization server seals it, with the key of the kid or,
 * when there is none, the first. */
static void
put_token(struct client *c)
{
	const struct turn_oauth *o = &c->f->core.oauth;
	const struct turn_token_key *key = &o->keys[0];
	struct turn_token t = { .issued_s = c->token_issued_s,
		.lifetime_s = c->token_lifetime_s };
	uint8_t sealed[128];
	size_t i, len;

	for (i = 0; i < o->nkeys; i++) {
		if (strcmp(o->keys[i].kid, c->user) == 0)
			key = &o->keys[i];
	}
	t.key.len = strlen(c->mac);
	memcpy(t.key.bytes, c->mac, t.key.len);
	len = turn_token_seal(o, key, &t, sealed, sizeof(sealed));
	if (c->token_broken && len > 0)
		sealed[len - 1] ^= 1;
	stun_put(&c->out, STUN_ACCESS_TOKEN, sealed, len);
}

static void
put_credentials(struct client *c)
{
	uint8_t key[CRYPTO_SHA256_LEN], userhash[CRYPTO_SHA256_LEN];
	size_t len = make_key(c, key);

	stun_userhash(c->user, c->realm, userhash);
	if (c->userhash)
		put_unless(c, STUN_USERHASH, userhash, sizeof(userhash));
	else
		put_unless(c, STUN_USERNAME, c->user, strlen(c->user));
	put_unless(c, STUN_REALM, c->realm, strlen(c->realm));
	put_unless(c, STUN_NONCE, c->nonce, strlen(c->nonce));
	if (c->algorithm != 0) {
		stun_put(
		    &c->out, STUN_PASSWORD_ALGORITHMS, c->offer, c->offer_len);
		stun_put_u32(&c->out, STUN_PASSWORD_ALGORITHM, c->algorithm);
	}
	if (c->with_token)
		put_token(c);
	if (c->no_integrity)
		return;
	if (c->sha1_too || !c->sha256)
		stun_put_integrity(&c->out, CRYPTO_SHA1, key, len);
	if (c->sha256)
		stun_put_integrity(&c->out, CRYPTO_SHA256, key, len);
}

static void
keep_challenge(struct client *c)
{
	const struct stun_attr *nonce = stun_find(&c->answer, STUN_NONCE);
	const struct stun_attr *offer =
	    stun_find(&c->answer, STUN_PASSWORD_ALGORITHMS);

	const struct stun_attr *realm = stun_find(&c->answer, STUN_REALM);

	const struct stun_attr *third =
	    stun_find(&c->answer, STUN_THIRD_PARTY_AUTHORIZATION);

	c->third_party[0] = '\0';
	if (third != NULL && third->len < sizeof(c->third_party)) {
		memcpy(
		    c->third_party, stun_value(&c->answer, third), third->len);
		c->third_party[third->len] = '\0';
	}
	if (nonce == NULL || nonce->len >= sizeof(c->nonce))
		return;
	if (realm != NULL && realm->len < sizeof(c->realm)) {
		memcpy(c->realm, stun_value(&c->answer, realm), realm->len);
		c->realm[realm->len] = '\0';
	}
	memcpy(c->nonce, stun_value(&c->answer, nonce), nonce->len);
	c->nonce[nonce->len] = '\0';
	c->offer_len = 0;
	if (offer == NULL || offer->len > sizeof(c->offer))
		return;
	c->offer_len = offer->len;
	memcpy(c->offer, stun_value(&c->answer, offer), offer->len);
}

/* RFC 8489 section 9.2.4, last paragraph. */
static bool
sealed(const struct client *c)
{
	enum crypto_hash hash = c->algorithm != 0 ? CRYPTO_SHA256 : CRYPTO_SHA1;
	enum crypto_hash other =
	    hash == CRYPTO_SHA1 ? CRYPTO_SHA256 : CRYPTO_SHA1;
	uint8_t key[CRYPTO_SHA256_LEN];
	size_t len = make_key(c, key);

	return stun_check_integrity(&c->answer, hash, key, len) == 0 &&
	    stun_check_integrity(&c->answer, other, key, len) == -ENOENT;
}

static int
error_code(const struct stun_msg *m)
{
	const struct stun_attr *a = stun_find(m, STUN_ERROR_CODE);
	const uint8_t *v;

	if (a == NULL || a->len < 4)
		return -1;
	v = stun_value(m, a);
	return v[2] * 100 + v[3];
}

int
client_send(struct client *c)
{
	struct fake *f = c->f;

	if (c->nonce[0] != '\0')
		put_credentials(c);
	stun_put_fingerprint(&c->out);
	if (stun_end(&c->out) != 0)
		return -1;
	f->stream = c->stream;
	memcpy(c->waiting[c->nwaiting++ % CLIENT_WAITING], c->mem + 8,
	    STUN_TXID_LEN);
	fake_from_client(f, &c->addr, c->buf.data, c->buf.len);
	return client_hear(c);
}

/* Is this the answer to a request that has had none? */
static bool
awaited(struct client *c, const uint8_t *txid)
{
	static const uint8_t none[STUN_TXID_LEN];
	int i;

	for (i = 0; i < CLIENT_WAITING; i++) {
		if (memcmp(c->waiting[i], txid, STUN_TXID_LEN) != 0)
			continue;
		memcpy(c->waiting[i], none, STUN_TXID_LEN);
		return true;
	}
	return false;
}

int
client_hear(struct client *c)
{
	struct fake *f = c->f;

	if (f->out.to != TURN_CLIENT || !addr_equal(f->out.dst, &c->addr) ||
	    stun_decode(f->sent, f->sent_len, &c->answer) != 0 ||
	    !awaited(c, stun_txid(&c->answer)))
		return -1;
	keep_challenge(c);
	c->authentic = sealed(c);
	return c->answer.class == STUN_SUCCESS ? 0 : error_code(&c->answer);
}

static int
allocate(struct client *c, uint32_t transport)
{
	int code, tries;

	for (tries = 0; tries < 2; tries++) {
		client_begin(c, STUN_ALLOCATE);
		stun_put_u32(&c->out, STUN_REQUESTED_TRANSPORT, transport);
		code = client_send(c);
		if (code != 401 || tries > 0)
			break;
	}
	return code;
}

int
client_allocate(struct client *c)
{
	return allocate(c, UDP_TRANSPORT);
}

int
client_allocate_tcp(struct client *c)
{
	c->stream = true;
	return allocate(c, TCP_TRANSPORT);
}

int
client_refresh(struct client *c, uint32_t lifetime_s)
{
	client_begin(c, STUN_REFRESH);
	stun_put_u32(&c->out, STUN_LIFETIME, lifetime_s);
	return client_send(c);
}

static void
put_peer(struct client *c, const char *peer)
{
	struct addr a = fake_addr(peer);

	stun_put_xor_addr(&c->out, STUN_XOR_PEER_ADDRESS, &a);
}

int
client_permit(struct client *c, const char *peer)
{
	client_begin(c, STUN_CREATE_PERMISSION);
	put_peer(c, peer);
	return client_send(c);
}

int
client_connect(struct client *c, const char *peer)
{
	client_begin(c, STUN_CONNECT);
	put_peer(c, peer);
	return client_send(c);
}

int
client_bind_conn(struct client *c, uint32_t id)
{
	client_begin(c, STUN_CONNECTION_BIND);
	stun_put_u32(&c->out, STUN_CONNECTION_ID, id);
	return client_send(c);
}

int
client_bind(struct client *c, uint16_t channel, const char *peer)
{
	client_begin(c, STUN_CHANNEL_BIND);
	stun_put_u32(&c->out, STUN_CHANNEL_NUMBER, (uint32_t)channel << 16);
	put_peer(c, peer);
	return client_send(c);
}

void
client_send_data(struct client *c, const char *peer, const char *text)
{
	static const uint8_t txid[STUN_TXID_LEN] = { 's' };

	c->buf = buf_fixed(c->mem, sizeof(c->mem));
	c->out = stun_begin(&c->buf, STUN_SEND, STUN_INDICATION, txid);
	put_peer(c, peer);
	stun_put(&c->out, STUN_DATA_ATTR, text, strlen(text));
	if (c->whole)
		stun_put(&c->out, STUN_DONT_FRAGMENT, NULL, 0);
	stun_end(&c->out);
	c->f->stream = c->stream;
	fake_from_client(c->f, &c->addr, c->buf.data, c->buf.len);
}

void
client_channel_data(struct client *c, uint16_t channel, const char *text)
{
	size_t len = strlen(text);

	stun_channel_header(c->mem, channel, (uint16_t)len);
	memcpy(c->mem + STUN_CHANNEL_HEADER_LEN, text, len);
	c->f->stream = c->stream;
	fake_from_client(c->f, &c->addr, c->mem, STUN_CHANNEL_HEADER_LEN + len);
}

struct addr
client_relayed(const struct client *c)
{
	struct addr a = { .family = ADDR_NONE };

	stun_get_xor_addr(&c->answer, STUN_XOR_RELAYED_ADDRESS, &a);
	return a;
}

uint32_t
client_conn(const struct client *c)
{
	uint32_t v = 0;

	stun_get_u32(&c->answer, STUN_CONNECTION_ID, &v);
	return v;
}

uint32_t
client_lifetime(const struct client *c)
{
	uint32_t v = UINT32_MAX;

	stun_get_u32(&c->answer, STUN_LIFETIME, &v);
	return v;
}
