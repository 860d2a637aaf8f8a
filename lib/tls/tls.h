/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tls: TLS (1.2 and later) for non-blocking use. A server's context holds the
 * certificate and can be given a new one while sessions live, a client's what
 * it trusts; a session moves ciphertext through two functions of its caller, so
 * it runs the same over a socket, a memory queue or datagrams. Owns: a context
 * its certificate and ticket keys; a session its state, never the transport.
 * Thread: a context is shared by all (reload too); a session has one.
 */
#ifndef FLOE_LIB_TLS_TLS_H
#define FLOE_LIB_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define TLS_ERR_MAX 256

struct tls_ctx;
struct tls;

struct tls_conf {
	const char *cert;        /* PEM file, the chain after the certificate */
	const char *key;         /* PEM file */
	const char *const *alpn; /* in our order of preference; NULL: none */
};

/*
 * 0; or -errno of the file, -EINVAL (not PEM, or the key is not the
 * certificate's), -ENOMEM, with err "PATH: what is wrong". conf is copied.
 */
int
tls_ctx_new(const struct tls_conf *, struct tls_ctx **, char err[TLS_ERR_MAX]);
/*
 * Reads both files again (the paths may be new ones). New sessions get the
 * new certificate, living ones go on, and tickets given out before still
 * resume. On error nothing changes.
 */
int tls_ctx_reload(
    struct tls_ctx *, const char *cert, const char *key, char err[TLS_ERR_MAX]);
void tls_ctx_free(struct tls_ctx *); /* after its sessions; NULL is fine */
/* Counts the reloads. */
unsigned int tls_ctx_version(const struct tls_ctx *);
/* When the certificate in use ends, seconds since 1970. */
int64_t tls_ctx_not_after(struct tls_ctx *);

/*
 * The transport: bytes moved, or -errno (-EAGAIN: not now). recv returns 0
 * at the end of the stream. Called only from within the functions below.
 */
struct tls_io {
	ssize_t (*recv)(void *arg, void *, size_t);
	ssize_t (*send)(void *arg, const void *, size_t);
};

/* A new server session; NULL: no memory. */
struct tls *tls_open(struct tls_ctx *, const struct tls_io *, void *arg);
/* Over a connected, non-blocking socket, which stays the caller's. */
struct tls *tls_open_fd(struct tls_ctx *, int fd);
void tls_free(struct tls *); /* says no good-bye: tls_close does; NULL ok */

/* The other side. ca: a PEM file of authorities, NULL for the system's.
 * insecure goes on with any certificate, and tells what is wrong all the
 * same. 0, or as tls_ctx_new. */
struct tls_client_conf {
	const char *ca;
	bool insecure;
	const char *const *alpn;
};
int tls_client_ctx_new(
    const struct tls_client_conf *, struct tls_ctx **, char err[TLS_ERR_MAX]);
/* host is the name or the IP address that the certificate has to have. With
 * datagram it speaks DTLS over a transport that keeps datagrams whole: until
 * the handshake is done tls_retry is due in tls_retry_ms. */
struct tls *tls_open_client(struct tls_ctx *, const struct tls_io *, void *arg,
    const char *host, bool datagram);
struct tls *
tls_open_client_fd(struct tls_ctx *, int fd, const char *host, bool datagram);
uint64_t tls_retry_ms(struct tls *); /* UINT64_MAX: nothing is to repeat */
int tls_retry(struct tls *);         /* 0, or -ETIMEDOUT: give it up */
enum tls_trust {
	TLS_TRUSTED, /* or not seen yet */
	TLS_EXPIRED,
	TLS_NOT_YET,
	TLS_WRONG_NAME,
	TLS_SELF_SIGNED,
	TLS_UNKNOWN_AUTHORITY,
	TLS_UNTRUSTED,
};
/* The first thing wrong with the server's certificate, and in words. */
enum tls_trust tls_trust(const struct tls *);
const char *tls_trust_words(const struct tls *);

/*
 * All of these: -EAGAIN (see tls_wants), -EPROTO (the peer broke the
 * protocol or refused ours; tls_error has the words), or the transport's
 * error, -ECONNRESET when it ended without the peer's close_notify. After
 * anything but -EAGAIN the session is good for tls_free only.
 */
int tls_handshake(struct tls *); /* 0: done. Optional: read and write do it */
ssize_t tls_read(struct tls *, void *, size_t); /* 0: closed by the peer */
/* Bytes taken, maybe fewer than given. After -EAGAIN go on with the same
 * bytes (their place in memory may change). */
ssize_t tls_write(struct tls *, const void *, size_t);
/* Where records are gathered: TLS_RECORD_MAX bytes at least, and worth a few
 * of them. Its bytes are nobody's between two calls. */
#define TLS_RECORD_MAX ((16 << 10) + 512)
struct tls_room {
	uint8_t *data;
	size_t size;
	size_t len; /* the session's */
};
/* The same for n parts, each of which begins a record of its own; all records
 * are sent together, and what the transport does not take is kept: it leaves
 * before anything else, and until then -EAGAIN takes nothing. Without parts
 * only that is sent: 0 when it is out. */
ssize_t
tls_write_parts(struct tls *, const struct iovec *, int n, struct tls_room *);
bool tls_unsent(const struct tls *); /* Is something kept? */
int tls_close(struct tls *);         /* sends close_notify; 0 or as above */

#define TLS_WANTS_RECV 1
#define TLS_WANTS_SEND 2
/* What the last -EAGAIN waits for; one of the two. */
int tls_wants(const struct tls *);
/* Something is waiting inside: read on although the transport is quiet. */
bool tls_pending(const struct tls *);
/* Takes what the transport has, not a record at a time: fewer calls of recv,
 * for who reads until -EAGAIN or looks at tls_pending. After fewer bytes than
 * asked for recv is not called again before -EAGAIN has been said. */
void tls_read_ahead(struct tls *, bool on);
/* With that, after a read: would the next one say -EAGAIN, and is saved? */
bool tls_drained(struct tls *);
bool tls_established(const struct tls *);
/* Whether this is the protocol agreed on by ALPN. */
bool tls_alpn_is(const struct tls *, const char *name);
const char *tls_version(const struct tls *); /* "TLSv1.3" */
const char *tls_error(const struct tls *);   /* of the last -EPROTO */

#endif
