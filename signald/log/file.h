/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file: the records of uploaded files: who has uploaded one, in which
 * conversations it was sent, what it counts. Bytes are the shell's.
 * Invariant: a file has a row in T_FILE_IDLE while no message refers to it;
 * what an owner has counts in T_FILE_BYTES once a file.
 * Owns: nothing.  Thread: the writer's; look-ups the reader's.
 */
#ifndef FLOE_SIGNALD_LOG_FILE_H
#define FLOE_SIGNALD_LOG_FILE_H

#include "signald/core/file.h"
#include "signald/log/run.h"

run_fn file_keep, file_sweep, file_gone;

struct file_record {
	uint64_t size, ts, refs; /* messages that refer to it */
	const char *hash, *type;
};

/* 0, -ENOENT or -EIO. */
int file_find(
    struct store_txn *, const char *hash, uint64_t *fid, struct file_record *);
/* Of a message: whether the user may send the file of the append, and the body
 * with what is known of it. 0, -ENOENT or the store's. */
int file_judge(
    struct run *, const struct sig_append *, uint64_t uid, struct buf *body);
/* The message refers to the file of the append; and no more. */
int
file_refer(struct run *, const struct sig_append *, uint64_t cid, uint64_t seq);
int file_unrefer(struct run *, const char *hash, uint64_t cid, uint64_t seq);
/* The user is no owner of it any more. */
int file_disown(struct run *, uint64_t uid, uint64_t fid);
/* Whether the user has uploaded it, or is a member where it was sent. 0,
 * -ENOENT or -EIO. */
int file_may_read(struct store_txn *, uint64_t uid, uint64_t fid);

#endif
