/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "lib/crypto/crypto.h"
#include "lib/tls/internal.h"

/* RFC 9325 section 4.2: forward secrecy and AEAD only. TLS 1.3 has no other
 * suites, so this is about TLS 1.2. */
#define CIPHERS_TLS12 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS        "X25519:P-256:P-384"

#define ALPN_MAX 256 /* of the list in wire form */

/* One certificate for both kinds of transport. */
struct made {
	SSL_CTX *stream;   /* TLS */
	SSL_CTX *datagram; /* DTLS */
};

struct tls_ctx {
	pthread_mutex_t lock; /* guards now, which a reload replaces */
	struct made now;
	unsigned int version; /* counts the reloads */
	BIO_METHOD *bio, *dgram_bio;
	uint8_t cookie_key[TLS_COOKIE_KEY];
	uint8_t alpn[ALPN_MAX]; /* RFC 7301 section 3.1: length, name, ... */
	unsigned int alpn_len;
};

/* RFC 7301 section 3.2: our preference decides; a client that speaks none of
 * ours is told so instead of being guessed about. */
static int
select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *theirs, unsigned int theirs_len, void *arg)
{
	const struct tls_ctx *c = arg;
	unsigned char *chosen;

	if (SSL_select_next_proto(&chosen, out_len, c->alpn, c->alpn_len,
		theirs, theirs_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Without it OpenSSL would ask for a passphrase on the terminal. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	return -1;
}

static int
fail(char err[TLS_ERR_MAX], const char *path, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(err, TLS_ERR_MAX, "%.150s: %s%s%s", path, what,
	    why != NULL ? ": " : "", why != NULL ? why : "");
	ERR_clear_error();
	return -EINVAL;
}

/* OpenSSL's own words for a missing file are of little help. */
static int
readable(const char *path, char err[TLS_ERR_MAX])
{
	FILE *f = fopen(path, "re");
	int e = errno;

	if (f != NULL) {
		fclose(f);
		return 0;
	}
	snprintf(
	    err, TLS_ERR_MAX, "%.150s: cannot be read: %s", path, strerror(e));
	return -e;
}

static int
load_files(
    SSL_CTX *ssl, const char *cert, const char *key, char err[TLS_ERR_MAX])
{
	int rc = readable(cert, err);

	if (rc == 0)
		rc = readable(key, err);
	if (rc != 0)
		return rc;
	SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ssl, cert) != 1)
		return fail(err, cert, "no usable PEM certificate");
	if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1)
		return fail(err, key, "no usable PEM key of that certificate");
	if (SSL_CTX_check_private_key(ssl) != 1)
		return fail(err, key, "not the key of that certificate");
	return 0;
}

static int
configure(struct tls_ctx *c, SSL_CTX *ssl, int oldest)
{
	if (SSL_CTX_set_min_proto_version(ssl, oldest) != 1 ||
	    SSL_CTX_set_cipher_list(ssl, CIPHERS_TLS12) != 1 ||
	    SSL_CTX_set1_groups_list(ssl, GROUPS) != 1)
		return -ENOMEM;
	SSL_CTX_set_options(ssl,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	/* An idle link holds no record buffers, which are 34 kB. */
	SSL_CTX_set_mode(ssl,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* Resumption by tickets only: nothing is kept for those who left. */
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ssl, 1);
	if (c->alpn_len > 0)
		SSL_CTX_set_alpn_select_cb(ssl, select_alpn, c);
	return 0;
}

static void
made_free(struct made *m)
{
	SSL_CTX_free(m->stream);
	SSL_CTX_free(m->datagram);
	*m = (struct made){ .stream = NULL };
}

static int
build(struct tls_ctx *c, const char *cert, const char *key, struct made *out,
    char err[TLS_ERR_MAX])
{
	struct made m;
	int rc = 0;

	ERR_clear_error();
	m.stream = SSL_CTX_new(TLS_server_method());
	m.datagram = SSL_CTX_new(DTLS_server_method());
	if (m.stream == NULL || m.datagram == NULL ||
	    configure(c, m.stream, TLS1_2_VERSION) != 0 ||
	    configure(c, m.datagram, DTLS1_2_VERSION) != 0 ||
	    dtls_configure(m.datagram) != 0)
		rc = -ENOMEM;
	if (rc != 0)
		snprintf(err, TLS_ERR_MAX, "OpenSSL cannot make a context");
	if (rc == 0)
		rc = load_files(m.stream, cert, key, err);
	if (rc == 0)
		rc = load_files(m.datagram, cert, key, err);
	if (rc != 0)
		made_free(&m);
	else
		*out = m;
	return rc;
}

static int
copy_alpn(struct tls_ctx *c, const char *const *names)
{
	size_t len;

	for (; names != NULL && *names != NULL; names++) {
		len = strlen(*names);
		if (len == 0 || len > 255 || c->alpn_len + 1 + len > ALPN_MAX)
			return -EINVAL;
		c->alpn[c->alpn_len] = (uint8_t)len;
		memcpy(c->alpn + c->alpn_len + 1, *names, len);
		c->alpn_len += 1 + (unsigned int)len;
	}
	return 0;
}

static struct tls_ctx *
ctx_new(void)
{
	struct tls_ctx *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	crypto_random(c->cookie_key, sizeof(c->cookie_key));
	c->bio = tls_bio_method();
	c->dgram_bio = dtls_bio_method();
	if (c->bio != NULL && c->dgram_bio != NULL)
		return c;
	tls_ctx_free(c);
	return NULL;
}

int
tls_ctx_wrap(SSL_CTX *stream, SSL_CTX *datagram, const char *const *alpn,
    struct tls_ctx **out)
{
	struct tls_ctx *c = ctx_new();
	int rc = c != NULL ? copy_alpn(c, alpn) : -ENOMEM;

	if (rc == 0 && c->alpn_len > 0 &&
	    (SSL_CTX_set_alpn_protos(stream, c->alpn, c->alpn_len) != 0 ||
		SSL_CTX_set_alpn_protos(datagram, c->alpn, c->alpn_len) != 0))
		rc = -ENOMEM;
	if (rc != 0) {
		tls_ctx_free(c);
		return rc;
	}
	c->now = (struct made){ stream, datagram };
	*out = c;
	return 0;
}

int
tls_ctx_new(
    const struct tls_conf *conf, struct tls_ctx **out, char err[TLS_ERR_MAX])
{
	struct tls_ctx *c = ctx_new();
	int rc;

	snprintf(err, TLS_ERR_MAX, "out of memory");
	if (c == NULL)
		return -ENOMEM;
	rc = copy_alpn(c, conf->alpn);
	if (rc == -EINVAL)
		snprintf(err, TLS_ERR_MAX, "an ALPN name is empty or long");
	if (rc == 0)
		rc = build(c, conf->cert, conf->key, &c->now, err);
	if (rc != 0) {
		tls_ctx_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

/* Tickets are sealed with keys of the SSL_CTX: hand them on, or every client
 * would make a full handshake after each renewal of the certificate. */
static int
keep_ticket_keys(SSL_CTX *from, SSL_CTX *to)
{
	uint8_t keys[128];
	long len = SSL_CTX_get_tlsext_ticket_keys(from, NULL, 0);
	int ok;

	if (len <= 0 || (size_t)len > sizeof(keys))
		return -EINVAL;
	ok = SSL_CTX_get_tlsext_ticket_keys(from, keys, len) == 1 &&
	    SSL_CTX_set_tlsext_ticket_keys(to, keys, len) == 1;
	OPENSSL_cleanse(keys, sizeof(keys));
	return ok ? 0 : -EINVAL;
}

int
tls_ctx_reload(
    struct tls_ctx *c, const char *cert, const char *key, char err[TLS_ERR_MAX])
{
	struct made fresh, old;
	int rc = build(c, cert, key, &fresh, err);

	if (rc != 0)
		return rc;
	pthread_mutex_lock(&c->lock);
	old = c->now;
	rc = keep_ticket_keys(old.stream, fresh.stream);
	if (rc == 0)
		rc = keep_ticket_keys(old.datagram, fresh.datagram);
	if (rc == 0) {
		c->now = fresh;
		__atomic_add_fetch(&c->version, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&c->lock);
	if (rc != 0)
		snprintf(err, TLS_ERR_MAX, "OpenSSL keeps its ticket keys");
	made_free(rc == 0 ? &old : &fresh);
	return rc;
}

void
tls_ctx_free(struct tls_ctx *c)
{
	if (c == NULL)
		return;
	made_free(&c->now);
	BIO_meth_free(c->bio);
	BIO_meth_free(c->dgram_bio);
	crypto_wipe(c->cookie_key, sizeof(c->cookie_key));
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int64_t
tls_ctx_not_after(struct tls_ctx *c)
{
	struct tm tm = { .tm_year = 0 };
	const X509 *x;
	int ok;

	pthread_mutex_lock(&c->lock);
	x = SSL_CTX_get0_certificate(c->now.stream);
	ok = x != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1;
	pthread_mutex_unlock(&c->lock);
	return ok ? (int64_t)timegm(&tm) : 0;
}

SSL *
tls_ctx_session(struct tls_ctx *c, bool datagram)
{
	SSL *s;

	pthread_mutex_lock(&c->lock);
	s = SSL_new(datagram ? c->now.datagram : c->now.stream);
	pthread_mutex_unlock(&c->lock);
	return s;
}

unsigned int
tls_ctx_version(const struct tls_ctx *c)
{
	return __atomic_load_n(&c->version, __ATOMIC_RELAXED);
}

const BIO_METHOD *
tls_ctx_bio(const struct tls_ctx *c, bool datagram)
{
	return datagram ? c->dgram_bio : c->bio;
}

const uint8_t *
tls_ctx_cookie_key(const struct tls_ctx *c)
{
	return c->cookie_key;
}
