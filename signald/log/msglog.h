/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * msglog: the message log that signald/core asks for (core/log.h), on
 * lib/store. One writer thread takes every append that is waiting, of all
 * shards, applies them in one transaction and hands the results back after it
 * is on disk; what arrives during that becomes the next group.
 * Owns: the store, the writer thread.  Thread: open, start, stop and close on
 * main; a port and a reader belong to one thread each.
 */
#ifndef FLOE_SIGNALD_LOG_MSGLOG_H
#define FLOE_SIGNALD_LOG_MSGLOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signald/core/log.h"

#define MSGLOG_ROWS_MAX 1024 /* of one read */

struct msglog;
struct msglog_port;
struct msglog_reader;

struct msglog_config {
	const char *dir; /* made when missing */
	uint64_t map_start, map_max;
	uint64_t mid_keep_ms; /* repeats of a mid are known so long */
	uint32_t readers;
	uint32_t lazy_ms;   /* how long cursors and last-seen times may wait */
	size_t waiting_max; /* bytes of appends under way; more are refused */
};

/* 0 or -errno. */
int msglog_open(const struct msglog_config *, struct msglog **);
int msglog_start(struct msglog *);
void msglog_stop(struct msglog *);  /* commits what waits; ends the thread */
void msglog_close(struct msglog *); /* ports and readers are gone; NULL ok */

/* The store's life, as hex. */
const char *msglog_epoch(const struct msglog *);

/*
 * A port is a thread's way to the writer. wake is called on the writer's
 * thread when results wait in an empty port; it makes msglog_port_drain run on
 * the port's thread. When it fails, it is called again with the next result.
 */
typedef int msglog_wake_fn(void *arg);
/* own: as given to msglog_append. Texts are borrowed for the call. */
typedef void msglog_done_fn(
    void *arg, bool own, uint64_t ticket, const struct sig_appended *);

struct msglog_port *
msglog_port_new(struct msglog *, msglog_wake_fn *, void *arg);
/* wake is not called any more: its receiver is about to end. */
void msglog_port_mute(struct msglog_port *);
/* After the writer has stopped, or nothing is pending; NULL is fine. */
void msglog_port_free(struct msglog_port *);
/* Takes the append. Nothing happens before msglog_port_flush. -ENOMEM, or
 * -EAGAIN (too many under way): it is freed and no result will come. */
int msglog_append(
    struct msglog_port *, uint64_t ticket, bool own, struct sig_append *);
void msglog_port_flush(struct msglog_port *);
void msglog_port_drain(struct msglog_port *, msglog_done_fn *, void *arg);
size_t msglog_port_pending(const struct msglog_port *);

/* Any thread but the writer's: appends alone and waits. 0 or -errno of the
 * result, which goes to done (NULL is fine) without its texts. */
int msglog_append_wait(
    struct msglog *, struct sig_append *, struct sig_appended *done);

struct msglog_reader *msglog_reader_new(struct msglog *);
void msglog_reader_free(struct msglog_reader *);
typedef void msglog_rows_fn(void *arg, const struct sig_rows *);
/* Calls fn once with the rows of a snapshot, borrowed for the call. */
void msglog_read(struct msglog_reader *, const struct sig_read *,
    msglog_rows_fn *, void *arg);

struct msglog_account {
	char nick[256];
	char pwhash[256]; /* "": has no password */
	struct sig_standing standing;
};
/* 0, -ENOENT or -EIO. */
int msglog_account(
    struct msglog_reader *, const char *user, struct msglog_account *);

struct msglog_file {
	uint64_t size;
	char type[64];
};
/* A file that the user may read. 0, -ENOENT (no such file for this user) or
 * -EIO. */
int msglog_file(struct msglog_reader *, const char *user, const char *hash,
    struct msglog_file *);
/* Whether anybody has it: 0, -ENOENT or -EIO. */
int msglog_file_known(struct msglog_reader *, const char *hash);
/* What the files of the user, and of all, count. 0 or -EIO. */
int msglog_file_bytes(
    struct msglog_reader *, const char *user, uint64_t *mine, uint64_t *all);
/* Whether one that nobody refers to was uploaded at ts or before. 0, -ENOENT
 * or -EIO. */
int msglog_file_idle(struct msglog_reader *, uint64_t ts);
/* A file that is forgotten and whose bytes may be taken from the disk. 0,
 * -ENOENT (none) or -EIO. */
int msglog_file_gone(struct msglog_reader *, char hash[65]);

/* For this folder: a reader's snapshot, NULL when the store has failed. */
struct store_txn;
struct store_txn *msglog_begin(struct msglog_reader *);
void msglog_end(struct msglog_reader *);

#define MSGLOG_BUCKETS 12 /* group sizes: 1, 2, 4, ... and more */

/* Written by the writer alone, read by anybody. */
struct msglog_stats {
	atomic_uint_fast64_t commits, failed_commits;
	atomic_bool failing; /* the last commit did */
	atomic_uint_fast64_t appends, messages, duplicates;
	atomic_uint_fast64_t commit_ns; /* in all, the fsync within */
	atomic_uint_fast64_t group_sizes[MSGLOG_BUCKETS];
	atomic_uint_fast64_t mids_expired;
};
const struct msglog_stats *msglog_stats(const struct msglog *);
/* A copy of the log as of now into dir, which is empty, while all goes on.
 * Any thread. 0 or -errno. */
int msglog_copy(struct msglog *, const char *dir);
void msglog_disk(struct msglog *, uint64_t *map_bytes, uint64_t *used_bytes);

#endif
