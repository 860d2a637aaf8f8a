/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "lib/base/buf.h"
#include "lib/base/cursor.h"
#include "lib/crypto/crypto.h"
#include "lib/tls/internal.h"

/* Short, so that what carries it is shorter than any ClientHello. */
#define COOKIE_LEN 16
/* A cookie is good for one to two of these: a client answers at once. */
#define COOKIE_MS 30000

#define HANDSHAKE_RECORD 22
#define CLIENT_HELLO     1

struct dtls {
	SSL *ssl;
	dtls_send_fn *send;
	void *arg;
	const uint8_t *in; /* a datagram not yet read, or NULL */
	size_t in_len;
	const char *error; /* OpenSSL's static text */
	bool quiet;        /* it has no buffers */
	/* While it looks at hellos: */
	const uint8_t *key;
	const struct dtls_from *from;
	bool verified; /* it does no longer */
};

struct dtls_hello {
	struct tls_ctx *ctx;
	BIO_ADDR *nobody;     /* OpenSSL wants one, our clients have none */
	struct dtls *next;    /* what becomes a session */
	unsigned int version; /* of the certificate that next has */
};

static int
bio_read(BIO *b, char *data, size_t room, size_t *moved)
{
	struct dtls *d = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (d->in == NULL) {
		BIO_set_retry_read(b);
		return 0;
	}
	/* A datagram is taken whole or cut, never in two. */
	*moved = d->in_len < room ? d->in_len : room;
	memcpy(data, d->in, *moved);
	d->in = NULL;
	return *moved > 0;
}

static int
bio_write(BIO *b, const char *data, size_t len, size_t *moved)
{
	struct dtls *d = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	d->send(d->arg, data, len);
	*moved = len;
	return 1;
}

/* Questions about the path and the peer have no answer here. */
static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *
dtls_bio_method(void)
{
	return tls_bio_make(
	    "caller's datagrams", bio_read, bio_write, bio_ctrl);
}

/* RFC 6347 section 4.2.1: a MAC over who asks. 0 or -EIO. */
static int
cookie_make(const struct dtls *d, uint64_t period, uint8_t out[COOKIE_LEN])
{
	uint8_t when[8], mac[CRYPTO_SHA256_LEN];
	struct buf b = buf_fixed(when, sizeof(when));
	const struct crypto_span spans[] = {
		{ when, sizeof(when) },
		{ d->from->id, d->from->id_len },
	};
	int err;

	buf_u64(&b, period);
	err = crypto_hmac(CRYPTO_SHA256, d->key, TLS_COOKIE_KEY, spans, 2, mac);
	if (err == 0)
		memcpy(out, mac, COOKIE_LEN);
	return err;
}

static int
generate_cookie(SSL *ssl, unsigned char *cookie, unsigned int *len)
{
	const struct dtls *d = SSL_get_app_data(ssl);

	*len = COOKIE_LEN;
	return cookie_make(d, d->from->now_ms / COOKIE_MS, cookie) == 0;
}

static int
verify_cookie(SSL *ssl, const unsigned char *cookie, unsigned int len)
{
	const struct dtls *d = SSL_get_app_data(ssl);
	uint8_t want[COOKIE_LEN];
	int i;

	/* The handshake asks again about the hello that was found good. */
	if (d->verified)
		return 1;
	for (i = 0; i < 2 && len == COOKIE_LEN; i++) {
		if (cookie_make(d, d->from->now_ms / COOKIE_MS - (uint64_t)i,
			want) == 0 &&
		    crypto_equal(want, cookie, COOKIE_LEN))
			return 1;
	}
	return 0;
}

int
dtls_configure(SSL_CTX *ctx)
{
	SSL_CTX_set_cookie_generate_cb(ctx, generate_cookie);
	SSL_CTX_set_cookie_verify_cb(ctx, verify_cookie);
	/* The path is not asked; DTLS_MTU is said of each session. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_read_ahead(ctx, 1);
	return SSL_CTX_set_max_send_fragment(ctx, DTLS_SEND_MAX) == 1 ? 0
								      : -ENOMEM;
}

bool
dtls_is_client_hello(
    const void *data, size_t len, struct dtls_client_hello *out)
{
	struct cursor c = cursor_init(data, len);
	uint8_t type = cursor_u8(&c), handshake, skip;
	uint16_t epoch;
	uint32_t offset;

	cursor_bytes(&c, 2); /* version */
	epoch = cursor_u16(&c);
	cursor_bytes(&c, 6 + 2); /* sequence number, length */
	handshake = cursor_u8(&c);
	cursor_bytes(&c, 3 + 1); /* length, most of the message's number */
	offset = cursor_u32(&c) & 0xffffff; /* the rest of that, offset */
	cursor_bytes(&c, 3 + 2); /* length of the fragment, client_version */
	out->random = cursor_bytes(&c, DTLS_RANDOM);
	skip = cursor_u8(&c);
	cursor_bytes(&c, skip); /* session_id */
	out->cookie = cursor_u8(&c) > 0;
	return c.err == 0 && type == HANDSHAKE_RECORD && epoch == 0 &&
	    handshake == CLIENT_HELLO && offset == 0;
}

static struct dtls *
dtls_new(struct tls_ctx *ctx)
{
	struct dtls *d = calloc(1, sizeof(*d));
	BIO *b = NULL;

	if (d == NULL)
		return NULL;
	d->ssl = tls_ctx_session(ctx, true);
	if (d->ssl != NULL)
		b = BIO_new(tls_ctx_bio(ctx, true));
	if (b == NULL) {
		dtls_free(d);
		return NULL;
	}
	d->key = tls_ctx_cookie_key(ctx);
	BIO_set_data(b, d);
	BIO_set_init(b, 1);
	SSL_set_bio(d->ssl, b, b); /* which takes both as one reference */
	SSL_set_app_data(d->ssl, d);
	return d;
}

void
dtls_free(struct dtls *d)
{
	if (d == NULL)
		return;
	SSL_free(d->ssl);
	free(d);
}

struct dtls_hello *
dtls_hello_new(struct tls_ctx *ctx)
{
	struct dtls_hello *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->ctx = ctx;
	h->nobody = BIO_ADDR_new();
	if (h->nobody == NULL) {
		dtls_hello_free(h);
		return NULL;
	}
	return h;
}

void
dtls_hello_free(struct dtls_hello *h)
{
	if (h == NULL)
		return;
	dtls_free(h->next);
	BIO_ADDR_free(h->nobody);
	free(h);
}

/* What looks at the next hello, with today's certificate. */
static struct dtls *
hello_ready(struct dtls_hello *h)
{
	unsigned int version = tls_ctx_version(h->ctx);

	if (h->next != NULL && h->version != version) {
		dtls_free(h->next);
		h->next = NULL;
	}
	if (h->next == NULL)
		h->next = dtls_new(h->ctx);
	h->version = version;
	return h->next;
}

int
dtls_hello_input(struct dtls_hello *h, const struct dtls_from *from,
    const void *data, size_t len, struct dtls **out)
{
	struct dtls *d = hello_ready(h);
	int rc;

	if (d == NULL)
		return -ENOMEM;
	d->from = from;
	dtls_send_to(d, from->send, from->arg);
	dtls_input(d, data, len);
	ERR_clear_error();
	rc = DTLSv1_listen(d->ssl, h->nobody);
	d->in = NULL;
	d->from = NULL;
	if (rc == 0)
		return 0;
	h->next = NULL;
	if (rc < 0) { /* noise may have left it in any state */
		dtls_free(d);
		return 0;
	}
	d->verified = true;
	SSL_set_mtu(d->ssl, DTLS_MTU);
	*out = d;
	return 1;
}

void
dtls_send_to(struct dtls *d, dtls_send_fn *send, void *arg)
{
	d->send = send;
	d->arg = arg;
}

void
dtls_input(struct dtls *d, const void *data, size_t len)
{
	d->in = data;
	d->in_len = len;
}

/* OpenSSL gets buffers for reading by itself, but writes without looking. */
static bool
wake(struct dtls *d)
{
	ERR_clear_error();
	if (d->quiet && SSL_alloc_buffers(d->ssl) != 1)
		return false;
	d->quiet = false;
	return true;
}

/* 0, -EAGAIN or -EPROTO of the last call on the session. */
static int
outcome(struct dtls *d, int rc)
{
	unsigned long e;

	switch (SSL_get_error(d->ssl, rc)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_NONE:
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	default:
		e = ERR_peek_error();
		d->error = e != 0 ? ERR_reason_error_string(e) : NULL;
		return -EPROTO;
	}
}

ssize_t
dtls_read(struct dtls *d, void *data, size_t room)
{
	size_t n;
	int rc;

	if (!wake(d))
		return -EPROTO;
	rc = SSL_read_ex(d->ssl, data, room, &n);
	return rc == 1 ? (ssize_t)n : outcome(d, rc);
}

int
dtls_write(struct dtls *d, const void *data, size_t len)
{
	size_t n;
	int rc;

	if (len > DTLS_SEND_MAX)
		return -EMSGSIZE;
	if (!dtls_established(d))
		return -EAGAIN;
	if (!wake(d))
		return -EPROTO;
	rc = SSL_write_ex(d->ssl, data, len, &n);
	return rc == 1 ? 0 : outcome(d, rc) == -EAGAIN ? -EAGAIN : -EPROTO;
}

void
dtls_close(struct dtls *d)
{
	if (dtls_established(d) && wake(d))
		(void)SSL_shutdown(d->ssl);
}

bool
dtls_established(const struct dtls *d)
{
	return SSL_is_init_finished(d->ssl) == 1;
}

uint64_t
dtls_retry_ms(struct dtls *d)
{
	struct timeval left;

	if (dtls_established(d) || DTLSv1_get_timeout(d->ssl, &left) != 1)
		return UINT64_MAX;
	/* Up, or it would be asked for once too often. */
	return (uint64_t)left.tv_sec * 1000 +
	    (uint64_t)(left.tv_usec + 999) / 1000;
}

int
dtls_retry(struct dtls *d)
{
	return !wake(d) || DTLSv1_handle_timeout(d->ssl) < 0 ? -ETIMEDOUT : 0;
}

void
dtls_quiet(struct dtls *d)
{
	if (SSL_free_buffers(d->ssl) == 1)
		d->quiet = true;
}

bool
dtls_alpn_is(const struct dtls *d, const char *name)
{
	const unsigned char *agreed;
	unsigned int len;

	SSL_get0_alpn_selected(d->ssl, &agreed, &len);
	return len > 0 && len == strlen(name) && memcmp(agreed, name, len) == 0;
}

const char *
dtls_error(const struct dtls *d)
{
	return d->error != NULL ? d->error : "";
}
