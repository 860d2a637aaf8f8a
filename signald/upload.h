/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * upload: POST /api/v1/files: the body goes to the shelf as it comes, so that
 * a file is never in memory, and the disk's pace is the client's.
 * Owns: nothing; the shelf's job is the connection's until it is complete.
 * Thread: the worker's.
 */
#ifndef FLOE_SIGNALD_UPLOAD_H
#define FLOE_SIGNALD_UPLOAD_H

#include "signald/front.h"

/* Of front_route. */
void upload_head(struct conn *, const struct h1_head *);
bool upload_bytes(struct conn *, const void *, size_t len);
void upload_end(struct conn *, const void *, size_t len);

#endif
