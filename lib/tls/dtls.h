/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dtls: the server side of DTLS 1.2 (RFC 6347) over datagrams that the caller
 * receives and sends. A hello object looks at the ClientHellos of clients
 * unknown and answers them with a cookie (section 4.2.1); the one that comes
 * back with it becomes a session. So nothing is kept for a source address
 * that has not shown that it can be reached, and what it is sent is shorter
 * than what it sent.
 * Owns: its state, never the datagrams.  Thread: one. Retransmission goes by
 * OpenSSL's own clock, the age of cookies by the caller's.
 */
#ifndef FLOE_LIB_TLS_DTLS_H
#define FLOE_LIB_TLS_DTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/tls/tls.h"

#define DTLS_DATAGRAM_MAX 2048 /* the longest that is read */
/* The longest message that fits in one of the same length, and the datagram
 * that one of DTLS_SEND_MAX becomes. */
#define DTLS_SEND_MAX   2176
#define DTLS_RECORD_MAX (DTLS_SEND_MAX + 128)
/* A flight of the handshake is cut to this: IPv6's least MTU less headers,
 * tunnels and all. */
#define DTLS_MTU 1200

/* RFC 7983 section 7: what the first byte of a datagram tells. */
static inline bool
dtls_looks_like(const void *data, size_t len)
{
	const uint8_t *p = data;

	return len > 0 && p[0] >= 20 && p[0] <= 63;
}

/* A ClientHello in the clear begins a handshake. */
struct dtls_client_hello {
	bool cookie;           /* it brings one, right or wrong */
	const uint8_t *random; /* DTLS_RANDOM bytes, borrowed */
};
#define DTLS_RANDOM 32
/* False: it is something else, or cut before the cookie, or a later fragment
 * of one. */
bool dtls_is_client_hello(const void *, size_t len, struct dtls_client_hello *);

struct dtls;
struct dtls_hello;

/* One datagram for the client; called from within the functions below. */
typedef void dtls_send_fn(void *arg, const void *, size_t);

/* The context is borrowed; after its reload the next session has the new
 * certificate. NULL: no memory. */
struct dtls_hello *dtls_hello_new(struct tls_ctx *);
void dtls_hello_free(struct dtls_hello *);

/* Whose hello it is: any bytes that name both ends. */
struct dtls_from {
	const void *id;
	size_t id_len;
	uint64_t now_ms;
	dtls_send_fn *send;
	void *arg;
};
/*
 * 1: the cookie is good, and *out a session that has read the hello;
 * dtls_read goes on with it. 0: it was sent a cookie, or nothing. -ENOMEM
 */
int dtls_hello_input(struct dtls_hello *, const struct dtls_from *,
    const void *, size_t len, struct dtls **out);

void dtls_free(struct dtls *); /* says no good-bye; NULL is fine */
/* Where its datagrams go from now on. */
void dtls_send_to(struct dtls *, dtls_send_fn *, void *arg);
/* A datagram of the client, borrowed until dtls_read returns -EAGAIN. */
void dtls_input(struct dtls *, const void *, size_t len);
/*
 * One record's plaintext after the other; room for DTLS_DATAGRAM_MAX bytes.
 * 0: closed by the peer; -EAGAIN: no more in this datagram; -EPROTO: the
 * handshake failed or the peer gave up. Only dtls_free is left after those
 * but -EAGAIN, and dtls_close after 0.
 */
ssize_t dtls_read(struct dtls *, void *, size_t room);
/* One message, which becomes one record in one datagram. 0, -EMSGSIZE (over
 * DTLS_SEND_MAX), -EAGAIN (before the handshake is through), -EPROTO. */
int dtls_write(struct dtls *, const void *, size_t len);
void dtls_close(struct dtls *); /* sends close_notify */
bool dtls_established(const struct dtls *);
/* Milliseconds until dtls_retry is due, UINT64_MAX: it is not. */
uint64_t dtls_retry_ms(struct dtls *);
/* Sends the last flight again if its time has come. 0, or -ETIMEDOUT when it
 * was repeated often enough. */
int dtls_retry(struct dtls *);
/* Gives back buffers, 30 kB, until there is traffic again. */
void dtls_quiet(struct dtls *);
bool dtls_alpn_is(const struct dtls *, const char *name);
const char *dtls_error(const struct dtls *); /* of the last -EPROTO */

#endif
