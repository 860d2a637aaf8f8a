/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * download: GET /api/v1/files/HASH, for whoever may read the file; to others
 * it is not there. Always an attachment that no page can run.
 * Owns: nothing; the open file becomes the connection's.
 * Thread: the worker's.
 */
#ifndef FLOE_SIGNALD_DOWNLOAD_H
#define FLOE_SIGNALD_DOWNLOAD_H

#include "signald/front.h"

/* Of front_route. */
void download(struct conn *, const struct h1_head *);

#endif
