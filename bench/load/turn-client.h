/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn-client: a TURN client with long-term credentials, one of many in a
 * load. Requests are asked one at a time: turn_client_ask waits for the
 * answer; who has many under way builds and hears by itself.
 * Owns: its socket.  Thread: one.
 */
#ifndef FLOE_BENCH_LOAD_TURN_CLIENT_H
#define FLOE_BENCH_LOAD_TURN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/addr/addr.h"
#include "lib/base/buf.h"
#include "lib/crypto/crypto.h"
#include "lib/stun/message.h"
#include "lib/tls/tls.h"

#define TURN_TEXT_MAX    128 /* of a realm, of a nonce */
#define TURN_REQUEST_MAX 1024
#define TURN_CHANNEL     STUN_CHANNEL_MIN /* the one that a client binds */

enum turn_over {
	TURN_OVER_UDP,
	TURN_OVER_TCP,
	TURN_OVER_TLS,
	TURN_OVER_NONE, /* no TURN: `forward` beside this is the server */
	TURN_OVER_NONE_TCP,
};
bool turn_over_stream(enum turn_over);
bool turn_over_none(enum turn_over);

/* What all clients share. Realm and key come with the first challenge. */
struct turn_side {
	struct addr server, local; /* local without a port */
	const char *user, *password;
	enum turn_over over;
	struct tls_ctx *tls;
	char realm[TURN_TEXT_MAX];
	uint8_t key[CRYPTO_MD5_LEN];
};

struct turn_client {
	int fd;
	struct tls *tls;
	uint8_t *in; /* what has come of a stream */
	size_t in_len;
	struct addr relayed; /* ADDR_NONE: no allocation */
	uint8_t txid[STUN_TXID_LEN];
	uint16_t refused;  /* the code of the last error */
	uint8_t nonce_len; /* 0: no challenge yet */
	char nonce[TURN_TEXT_MAX];
};

/* type 0, peer NULL: none. */
struct turn_ask {
	uint16_t method, type;
	uint32_t value;
	const struct addr *peer;
};
extern const struct turn_ask turn_ask_allocate, turn_ask_end;

enum turn_answer {
	TURN_NOTHING, /* it is no answer to the last request */
	TURN_GRANTED,
	TURN_CHALLENGED, /* ask again: there is a new nonce */
	TURN_REFUSED,
};

void turn_side_init(struct turn_side *);
/* Connected, past the handshake, non-blocking. */
void turn_client_open(struct turn_side *, struct turn_client *);
void turn_client_close(struct turn_client *);

/* A request with a new transaction id, as long as the return tells. */
size_t turn_client_build(const struct turn_side *, struct turn_client *,
    const struct turn_ask *, uint8_t out[TURN_REQUEST_MAX]);
enum turn_answer turn_client_hear(
    struct turn_side *, struct turn_client *, const uint8_t *, size_t len);
/* GRANTED, REFUSED, or NOTHING when there was no answer. */
enum turn_answer turn_client_ask(
    struct turn_side *, struct turn_client *, const struct turn_ask *);

_Noreturn void turn_client_die(const struct turn_client *, const char *what);
/* An allocation, and its peer by TURN_CHANNEL or by a permission alone; the
 * program ends when it is refused. */
void turn_client_allocate(struct turn_side *, struct turn_client *);
void turn_client_reach(struct turn_side *, struct turn_client *,
    const struct addr *peer, bool channel);

/* Bytes taken, or -errno. */
ssize_t turn_client_send(struct turn_client *, const void *, size_t);
/* Every message that has come on a stream, whole and with its padding. */
typedef void turn_hear_fn(void *arg, uint8_t *, size_t len);
void turn_client_stream(struct turn_client *, turn_hear_fn *, void *arg);

#endif
