/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deflate: permessage-deflate (RFC 7692): what is agreed on in the opening
 * handshake, and one end's two streams. A direction without context takeover
 * borrows a stream that its thread shares, so it costs a connection nothing.
 * Owns: an end the streams that it keeps; ws_zips the shared ones.
 * Thread: ws_zips is one thread's; an end may move to another, whole.
 */
#ifndef FLOE_LIB_WS_DEFLATE_H
#define FLOE_LIB_WS_DEFLATE_H

#include "lib/zip/zip.h"

/* Of one direction. */
struct ws_deflate_way {
	bool keep;    /* context takeover */
	uint8_t bits; /* of the window, ZIP_BITS_MIN to _MAX */
};

struct ws_deflate_params {
	struct ws_deflate_way send, recv;
	/* What the answer may speak of: the client has. */
	bool tell_send_bits, tell_recv_bits;
};

/* The most that a server grants. */
struct ws_deflate_policy {
	bool keep; /* context takeover, for which a connection needs memory */
	int bits;
};

/*
 * The server's choice among the offers in a Sec-WebSocket-Extensions value
 * (section 7.1): the first that can be had within the policy.
 * 0; -ENOENT: no offer of it, or none that can be had: the connection goes
 * on without.
 */
int ws_deflate_choose(const char *offers, const struct ws_deflate_policy *,
    struct ws_deflate_params *);
/* The answer's header field with its CRLF. */
void ws_deflate_answer(const struct ws_deflate_params *, struct buf *);

struct ws_zips; /* shared streams */
struct ws_zips *ws_zips_new(void);
void ws_zips_free(struct ws_zips *); /* NULL is fine */

struct ws_deflate;
struct ws_deflate *ws_deflate_new(const struct ws_deflate_params *);
void ws_deflate_free(struct ws_deflate *); /* NULL is fine */

/* As zip_deflate and zip_inflate; -ENOMEM too. */
int ws_deflate_send(struct ws_deflate *, struct ws_zips *, const void *,
    size_t len, struct buf *out);
int ws_deflate_recv(struct ws_deflate *, struct ws_zips *, const void *,
    size_t len, size_t max, struct buf *out);

#endif
