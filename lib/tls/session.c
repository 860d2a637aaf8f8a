/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "lib/tls/internal.h"

static struct tls *
open_session(
    struct tls_ctx *c, const struct tls_io *io, void *arg, bool datagram)
{
	struct tls *t = calloc(1, sizeof(*t));
	BIO *b = NULL;

	if (t == NULL)
		return NULL;
	t->io = io;
	t->arg = arg;
	t->ssl = tls_ctx_session(c, datagram);
	if (t->ssl != NULL)
		b = BIO_new(tls_ctx_bio(c, false));
	if (b == NULL) {
		tls_free(t);
		return NULL;
	}
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b); /* which takes both as one reference */
	return t;
}

struct tls *
tls_open(struct tls_ctx *c, const struct tls_io *io, void *arg)
{
	struct tls *t = open_session(c, io, arg, false);

	if (t != NULL)
		SSL_set_accept_state(t->ssl);
	return t;
}

struct tls *
tls_open_client(struct tls_ctx *c, const struct tls_io *io, void *arg,
    const char *host, bool datagram)
{
	struct tls *t = open_session(c, io, arg, datagram);

	if (t == NULL)
		return NULL;
	if (datagram)
		SSL_set_mtu(t->ssl, DTLS_MTU);
	if (tls_client_expect(t->ssl, host, &t->verdict) == 0)
		return t;
	tls_free(t);
	return NULL;
}

static ssize_t
fd_recv(void *arg, void *data, size_t room)
{
	ssize_t n;

	do
		n = recv((int)(intptr_t)arg, data, room, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t
fd_send(void *arg, const void *data, size_t len)
{
	ssize_t n;

	do
		n = send((int)(intptr_t)arg, data, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static const struct tls_io over_fd = { fd_recv, fd_send };

struct tls *
tls_open_fd(struct tls_ctx *c, int fd)
{
	return tls_open(c, &over_fd, (void *)(intptr_t)fd);
}

struct tls *
tls_open_client_fd(struct tls_ctx *c, int fd, const char *host, bool datagram)
{
	return tls_open_client(
	    c, &over_fd, (void *)(intptr_t)fd, host, datagram);
}

uint64_t
tls_retry_ms(struct tls *t)
{
	struct timeval left;

	if (tls_established(t) || DTLSv1_get_timeout(t->ssl, &left) != 1)
		return UINT64_MAX;
	return (uint64_t)left.tv_sec * 1000 +
	    (uint64_t)(left.tv_usec + 999) / 1000;
}

int
tls_retry(struct tls *t)
{
	ERR_clear_error();
	return DTLSv1_handle_timeout(t->ssl) < 0 ? -ETIMEDOUT : 0;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t->unsent);
	free(t);
}

/* Why the last call on the session moved nothing; 0: the peer has closed. */
static int
outcome(struct tls *t, int rc)
{
	unsigned long e;

	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_NONE:
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
		t->wants = TLS_WANTS_RECV;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		t->wants = TLS_WANTS_SEND;
		return -EAGAIN;
	default:
		break;
	}
	if (t->io_err != 0)
		return t->io_err;
	e = ERR_peek_error();
	if (t->eof || e == 0)
		return -ECONNRESET;
	t->error = ERR_reason_error_string(e);
	return -EPROTO;
}

/* SSL_get_error looks at the thread's queue, so nothing old may be in it. */
static void
prepare(struct tls *t)
{
	ERR_clear_error();
	t->wants = 0;
}

int
tls_handshake(struct tls *t)
{
	int rc;

	prepare(t);
	rc = SSL_do_handshake(t->ssl);
	if (rc == 1)
		return 0;
	rc = outcome(t, rc);
	return rc != 0 ? rc : -ECONNRESET; /* good-bye instead of hello */
}

ssize_t
tls_read(struct tls *t, void *data, size_t room)
{
	size_t n;
	int rc;

	prepare(t);
	rc = SSL_read_ex(t->ssl, data, room, &n);
	return rc == 1 ? (ssize_t)n : outcome(t, rc);
}

ssize_t
tls_write(struct tls *t, const void *data, size_t len)
{
	size_t n;
	int rc;

	if (len == 0)
		return 0;
	prepare(t);
	rc = SSL_write_ex(t->ssl, data, len, &n);
	return rc == 1 ? (ssize_t)n : outcome(t, rc);
}

int
tls_close(struct tls *t)
{
	int rc;

	/* RFC 8446 section 6.1 speaks of connections; before there is one,
	 * the end of the transport says it all. */
	if (!tls_established(t))
		return 0;
	prepare(t);
	rc = SSL_shutdown(t->ssl);
	return rc >= 0 ? 0 : outcome(t, rc);
}

int
tls_wants(const struct tls *t)
{
	return t->wants;
}

bool
tls_pending(const struct tls *t)
{
	return SSL_has_pending(t->ssl) == 1;
}

bool
tls_drained(struct tls *t)
{
	bool drained = t->dry && !tls_pending(t);

	/* Who believes it does not come for the -EAGAIN. */
	if (drained)
		t->dry = false;
	return drained;
}

void
tls_read_ahead(struct tls *t, bool on)
{
	SSL_set_read_ahead(t->ssl, on);
	SSL_set_default_read_buffer_len(t->ssl, on ? TLS_AHEAD_MAX : 0);
	t->ahead = on;
	t->dry = false;
}

bool
tls_established(const struct tls *t)
{
	return SSL_is_init_finished(t->ssl) == 1;
}

bool
tls_alpn_is(const struct tls *t, const char *name)
{
	const unsigned char *agreed;
	unsigned int len;

	SSL_get0_alpn_selected(t->ssl, &agreed, &len);
	return len > 0 && len == strlen(name) && memcmp(agreed, name, len) == 0;
}

const char *
tls_version(const struct tls *t)
{
	return SSL_get_version(t->ssl);
}

const char *
tls_error(const struct tls *t)
{
	return t->error != NULL ? t->error : "";
}

enum tls_trust
tls_trust(const struct tls *t)
{
	return t->verdict.trust;
}

const char *
tls_trust_words(const struct tls *t)
{
	return t->verdict.words;
}
