/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal: what a session needs from its context, and is to its transport.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_TLS_INTERNAL_H
#define FLOE_LIB_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "lib/tls/dtls.h"
#include "lib/tls/tls.h"

#define TLS_COOKIE_KEY 32
#define TLS_AHEAD_MAX  (32 << 10) /* bytes that recv is asked for */

/* What a client thinks of its server's certificate. */
struct tls_verdict {
	enum tls_trust trust;
	char words[TLS_ERR_MAX];
};

struct tls {
	SSL *ssl;
	const struct tls_io *io;
	void *arg;
	int io_err; /* what the transport said last, 0 or -errno */
	bool eof;   /* it has ended */
	bool ahead; /* recv is asked for all there is */
	bool dry;   /* and has given less than there was room for */
	int wants;
	struct tls_room *room; /* records are gathered in it, not sent */
	uint8_t *unsent;       /* records that the transport did not take */
	size_t unsent_len, unsent_off;
	const char *error;          /* OpenSSL's static text */
	struct tls_verdict verdict; /* a client's */
};

/* transport.c: a source and sink of bytes for OpenSSL. NULL: no memory. */
BIO_METHOD *
tls_bio_make(const char *name, int (*read)(BIO *, char *, size_t, size_t *),
    int (*write)(BIO *, const char *, size_t, size_t *),
    long (*ctrl)(BIO *, int, long, void *));
/* How OpenSSL reaches a session's transport. */
BIO_METHOD *tls_bio_method(void);

/* A session with the certificate of this moment; NULL: no memory. */
SSL *tls_ctx_session(struct tls_ctx *, bool datagram);
/* The BIO through which sessions reach a struct tls, or a struct dtls. */
const BIO_METHOD *tls_ctx_bio(const struct tls_ctx *, bool datagram);
/* Of the cookies of DTLS; TLS_COOKIE_KEY bytes. */
const uint8_t *tls_ctx_cookie_key(const struct tls_ctx *);
/* A client's context around two that become its own. 0, -EINVAL or -ENOMEM. */
int tls_ctx_wrap(SSL_CTX *stream, SSL_CTX *datagram, const char *const *alpn,
    struct tls_ctx **out);

/* client.c: makes it a client's session with that host. 0 or -EINVAL. */
int tls_client_expect(SSL *, const char *host, struct tls_verdict *);
BIO_METHOD *dtls_bio_method(void);
/* What DTLS needs besides; 0 or -ENOMEM. */
int dtls_configure(SSL_CTX *);

#endif
