/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message: the STUN message format (RFC 8489 sections 5, 6, 14), decoding and
 * encoding without any state, socket or clock.
 * A decoded message borrows the datagram and indexes its attributes once.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_STUN_MESSAGE_H
#define FLOE_LIB_STUN_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr/addr.h"
#include "lib/base/buf.h"
#include "lib/base/cursor.h"
#include "lib/crypto/crypto.h"
#include "lib/stun/attr.h"

#define STUN_HEADER_LEN   20
#define STUN_MAGIC_COOKIE 0x2112a442u
#define STUN_TXID_LEN     12
/* As many peers as a CreatePermission of 2 KiB names: some clients refresh all
 * their permissions at once. More in one message is malformed to us. */
#define STUN_MAX_ATTRS 170

enum stun_class {
	STUN_REQUEST = 0x000,
	STUN_INDICATION = 0x010,
	STUN_SUCCESS = 0x100,
	STUN_ERROR = 0x110,
};

enum stun_method {
	STUN_BINDING = 0x001,
	STUN_ALLOCATE = 0x003,
	STUN_REFRESH = 0x004,
	STUN_SEND = 0x006,
	STUN_DATA = 0x007,
	STUN_CREATE_PERMISSION = 0x008,
	STUN_CHANNEL_BIND = 0x009,
	STUN_CONNECT = 0x00a,            /* RFC 6062 */
	STUN_CONNECTION_BIND = 0x00b,    /* RFC 6062 */
	STUN_CONNECTION_ATTEMPT = 0x00c, /* RFC 6062 */
};

/* One attribute of a decoded message, in the order of the datagram. */
struct stun_attr {
	uint16_t type;
	uint16_t len; /* without padding */
	uint16_t off; /* of the value, from the start of the message */
};

struct stun_msg {
	const uint8_t *data; /* the whole message, borrowed */
	size_t len;
	uint16_t method;
	uint16_t class;
	bool rfc3489; /* no magic cookie: RFC 3489 client, 16-byte id */
	/* Those that count: not what follows MESSAGE-INTEGRITY (but for the
	 * other seals) or FINGERPRINT, RFC 8489 sections 14.5 to 14.7. */
	uint8_t nattrs;
	struct stun_attr attrs[STUN_MAX_ATTRS];
};

/* True when the first bytes look like STUN: two zero bits, length a multiple of
 * 4 that fits (RFC 8489 section 6.3, RFC 7983). */
bool stun_looks_like(const void *, size_t len);
/* 0, or -EBADMSG, when stun_msg is undefined: not exactly one message, or a
 * wrong FINGERPRINT. Values are not judged: that is for stun_malformed and
 * the getters, since a request with a bad value deserves a 400. */
int stun_decode(const void *, size_t len, struct stun_msg *);
const uint8_t *stun_txid(const struct stun_msg *); /* STUN_TXID_LEN bytes */

/* First attribute of the type, or NULL. */
const struct stun_attr *stun_find(const struct stun_msg *, uint16_t type);
const uint8_t *stun_value(const struct stun_msg *, const struct stun_attr *);
/* First attribute whose length its registry row (attr.h) does not allow. */
const struct stun_attr *stun_malformed(const struct stun_msg *);
/* 0; -ENOENT when it is not there; -EBADMSG when its value is malformed. */
int stun_get_u32(const struct stun_msg *, uint16_t type, uint32_t *);
int stun_get_addr(const struct stun_msg *, uint16_t type, struct addr *);
int stun_get_xor_addr(const struct stun_msg *, uint16_t type, struct addr *);
/* The same of one attribute, where a message may hold several. */
int stun_read_xor_addr(
    const struct stun_msg *, const struct stun_attr *, struct addr *);
/* Comprehension-required types that known() does not know, each once. */
size_t stun_unknown(const struct stun_msg *, bool (*known)(uint16_t type),
    uint16_t *out, size_t max);

/*
 * Building: begin, put attributes, at last integrity and fingerprint, end.
 * The buf's sticky error tells at the end whether all fitted. The message
 * starts at the buf's length at begin. Padding is zero.
 */
struct stun_out {
	struct buf *buf;
	size_t start;
};

struct stun_out stun_begin(struct buf *, uint16_t method, uint16_t class,
    const uint8_t txid[STUN_TXID_LEN]);
/* An answer: the method, id (and RFC 3489 form) of a request. */
struct stun_out
stun_begin_reply(struct buf *, const struct stun_msg *req, uint16_t class);
void stun_put(struct stun_out *, uint16_t type, const void *, size_t len);
void stun_put_u32(struct stun_out *, uint16_t type, uint32_t);
void stun_put_addr(struct stun_out *, uint16_t type, const struct addr *);
void stun_put_xor_addr(struct stun_out *, uint16_t type, const struct addr *);
void stun_put_error(struct stun_out *, int code, const char *reason);
/* ADDRESS-ERROR-CODE of either type, RFC 8656 section 18.12; family 1 or 2 as
 * there. */
void stun_put_address_error(struct stun_out *, uint16_t type, uint8_t family,
    int code, const char *reason);
/* RFC 8656 section 18.13. mtu: 0 but where a datagram was too long. */
void stun_put_icmp(struct stun_out *, uint8_t type, uint8_t code, uint32_t mtu);
void stun_put_types(struct stun_out *, uint16_t type, const uint16_t *,
    size_t n); /* UNKNOWN-ATTRIBUTES */
/* MESSAGE-INTEGRITY (CRYPTO_SHA1) or -SHA256 (CRYPTO_SHA256). */
void stun_put_integrity(
    struct stun_out *, enum crypto_hash, const void *key, size_t key_len);
void stun_put_fingerprint(struct stun_out *);
/* Writes the final length. 0, or the buf's error (-ENOSPC also for more than
 * a message can hold, -EIO when the MAC failed). */
int stun_end(struct stun_out *);

/* 0; -ENOENT without the attribute; -EACCES when it does not match or is not
 * of full length. */
int stun_check_integrity(
    const struct stun_msg *, enum crypto_hash, const void *key, size_t key_len);
/* The values of PASSWORD-ALGORITHM, and the entries of PASSWORD-ALGORITHMS,
 * that we know (RFC 8489 section 18.5): the number, and no parameters. */
#define STUN_PASSWORD_MD5    0x00010000u
#define STUN_PASSWORD_SHA256 0x00020000u
/* CRYPTO_MD5 or CRYPTO_SHA256 of user:realm:password, RFC 8489 sections 9.2.2
 * and 18.5.1; key has crypto_hash_len() bytes. 0 or -EIO. */
int stun_long_term_key(enum crypto_hash, const char *user, const char *realm,
    const char *password, uint8_t *key);
/* USERHASH: SHA-256 of user:realm, RFC 8489 section 14.4. 0 or -EIO. */
int stun_userhash(
    const char *user, const char *realm, uint8_t out[CRYPTO_SHA256_LEN]);

/* CRC-32 of RFC 8489 section 14.7 (ITU-T V.42), not yet XORed. */
uint32_t stun_crc32(const void *, size_t len);

/* The ChannelData message, RFC 8656 section 12.4. */
#define STUN_CHANNEL_HEADER_LEN 4
#define STUN_CHANNEL_MIN        0x4000
#define STUN_CHANNEL_MAX        0x4fff
#define STUN_CHANNEL_MAX_5766   0x7ffe
bool stun_channel_looks_like(const void *, size_t len); /* 0b01 first */
/* 0 or -EBADMSG; *data borrows. Over UDP trailing padding may follow. */
int stun_channel_decode(const void *, size_t len, uint16_t *channel,
    const uint8_t **data, size_t *data_len);
void stun_channel_header(
    uint8_t head[STUN_CHANNEL_HEADER_LEN], uint16_t channel, uint16_t len);

/*
 * How many bytes the first message on a stream takes (RFC 8656 section 2.1,
 * ChannelData padded to 4): > 0 the count; 0 more bytes are needed to
 * know; -EBADMSG neither STUN nor ChannelData. May exceed len.
 */
int stun_stream_next(const void *, size_t len);

#endif
