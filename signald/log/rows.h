/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rows: answers one read of the core from a snapshot of the store.
 * Owns: nothing; rows are the caller's scratch, texts the snapshot's.
 * Thread: the reader's.
 */
#ifndef FLOE_SIGNALD_LOG_ROWS_H
#define FLOE_SIGNALD_LOG_ROWS_H

#include "lib/store/store.h"
#include "signald/core/read.h"

/* rows has room for MSGLOG_ROWS_MAX. The outcome is in out->err too. */
void rows_read(struct store_txn *, struct sig_row *rows, const char *epoch,
    const struct sig_read *, struct sig_rows *out);

#endif
