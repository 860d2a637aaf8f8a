/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal: what reads and what writes the frames of a pool's endpoints.
 * Owns: nothing.  Thread: the pool's.
 */
#ifndef FLOE_LIB_WS_INTERNAL_H
#define FLOE_LIB_WS_INTERNAL_H

#include <wslay/wslay.h>

#include "lib/base/buf.h"
#include "lib/ws/ws.h"

#define WS_HEAD_MAX    14  /* bytes of a frame's head: section 5.2 */
#define WS_CONTROL_MAX 125 /* of a control frame's payload: section 5.5 */

struct ws_pool {
	struct ws_limits limits;
	wslay_frame_context_ptr sender; /* holds nothing between frames */
	struct buf *out;                /* only during a send */
	struct ws_zips *zips;
	struct buf packed, unpacked; /* of the message in hand */
	struct ws_reader *idle;
	size_t nidle;
};

/* Empties it; what a long message took goes back. */
void ws_scratch_done(struct buf *);
void ws_close_with(struct ws *, struct ws_pool *, const void *body, size_t len,
    struct buf *out);

/* reader.c: NULL: no memory. */
struct ws_reader *ws_reader_get(struct ws_pool *);
/* Back to the pool, or freed. */
void ws_reader_put(struct ws_pool *, struct ws_reader *);
void ws_reader_free(struct ws_reader *);
void ws_readers_free(struct ws_pool *); /* the idle ones */
/* Reads until *len is 0 (what is left), reading was stopped, or it ends: the
 * code to close with, 0 or -ENOMEM. */
int ws_reader_run(struct ws_reader *, struct ws *, const struct ws_sink *,
    const uint8_t *, size_t *len);
/* Is no message, and no frame, half read? */
bool ws_reader_at_rest(const struct ws_reader *);

#endif
