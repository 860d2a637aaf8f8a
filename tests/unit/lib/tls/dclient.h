/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dclient: a DTLS client of OpenSSL's own over two queues of datagrams, for
 * tests of our server side.
 * Owns: the client and what waits in the queues.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_LIB_TLS_DCLIENT_H
#define FLOE_TESTS_UNIT_LIB_TLS_DCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#define DGRAMS     64
#define DGRAM_ROOM 4096

struct dgrams {
	size_t n; /* waiting */
	size_t len[DGRAMS];
	uint8_t bytes[DGRAMS][DGRAM_ROOM];
};

void dgrams_put(struct dgrams *, const void *, size_t);
/* The oldest; its length, 0: none. */
size_t dgrams_get(struct dgrams *, void *, size_t room);

struct dclient {
	SSL_CTX *ctx;
	BIO_METHOD *method;
	SSL *ssl;
	struct dgrams to_server, to_client;
};

void dclient_open(struct dclient *, int version);
void dclient_close(struct dclient *);
/* One step of the handshake; true when it is through. */
bool dclient_shake(struct dclient *);
/* As SSL_write and SSL_read: whether it did, or the bytes. */
bool dclient_send(struct dclient *, const void *, size_t);
size_t dclient_recv(struct dclient *, void *, size_t room);

#endif
