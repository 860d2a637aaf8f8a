/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * export: all that is kept of a user, as one JSON object a line, read from
 * the log page by page as the socket drains; a reader that is slow costs its
 * connection and one page. The last line says that nothing is missing.
 * Owns: its place in the log; the connection owns it.  Thread: the worker's.
 */
#ifndef FLOE_SIGNALD_EXPORT_H
#define FLOE_SIGNALD_EXPORT_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "signald/front.h"

#define EXPORT_PIECE (64 * 1024)

struct export;
struct msglog_reader;

/* Of front_route. */
void export_head(struct conn *, const struct h1_head *);

/* The next lines, EXPORT_PIECE bytes or one line more; nothing: that was all.
 * 0 or -errno: the log cannot be read. */
int export_piece(struct export *, struct msglog_reader *, struct buf *);
void export_free(struct export *); /* NULL is fine */

#endif
