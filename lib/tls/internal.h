/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal: what a session needs from its context.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_TLS_INTERNAL_H
#define FLOE_LIB_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "lib/tls/tls.h"

/* A session with the certificate of this moment; NULL: no memory. */
SSL *tls_ctx_session(struct tls_ctx *);
/* The BIO through which sessions of the context reach a struct tls. */
const BIO_METHOD *tls_ctx_bio(const struct tls_ctx *);
BIO_METHOD *tls_bio_method(void);

#endif
