/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shelf: the bytes of uploaded files, by the hash of their contents, in
 * state-dir/files/ab/cdef...; one that is being written is in files/new. A
 * thread keeps what is complete: on the disk, then in the log, then in its
 * place; so a file that the log knows is whole, and what a crash leaves in
 * files/new is put in its place or taken away at the next start. The same
 * thread takes away what the log has forgotten.
 * Owns: its thread; a job belongs to whoever holds it.
 * Thread: open and free on main; the rest on any.
 */
#ifndef FLOE_SIGNALD_SHELF_H
#define FLOE_SIGNALD_SHELF_H

#include <sys/queue.h>

#include "lib/crypto/crypto.h"
#include "lib/loop/loop.h"
#include "signald/core/file.h"
#include "signald/core/log.h"

#define SHELF_JOBS_MAX  256 /* files under construction */
#define SHELF_USER_JOBS 8   /* of one user */
#define SHELF_DIR_MAX   512

struct msglog;
struct shelf;

struct shelf_config {
	const char *dir; /* made when missing */
	struct msglog *log;
	uint64_t quota, all; /* as in struct sig_file */
	uint64_t keep_ms;    /* a file that nobody refers to lives so long */
};

/* A file under construction. */
struct shelf_job {
	LIST_ENTRY(shelf_job) of_shelf;
	STAILQ_ENTRY(shelf_job) next;
	struct shelf *shelf;
	uint64_t number; /* its name in files/new */
	bool named;      /* ... and its hash */
	int fd;
	struct crypto_sum *sum;
	char user[SIG_NAME_MAX + 1];
	struct sig_file file; /* size: bytes promised; hash: when complete */
	uint64_t written;
	/* Where the result goes; loop NULL: nowhere. */
	struct loop *loop;
	loop_fn *done; /* gets the job, which is the receiver's then */
	void *worker;
	uint64_t conn;
	int err;
};

/* 0 or -errno with err. Sweeps what an earlier life has left. */
int shelf_open(
    const struct shelf_config *, struct shelf **, char *err, size_t err_size);
/* Jobs that still wait are dropped. NULL is fine. */
void shelf_free(struct shelf *);

/*
 * A new file of so many bytes. -EAGAIN: too many at once; -ENFILE: no room for
 * it beside all that is there (all_used) and on its way; or the disk's error.
 */
int shelf_begin(struct shelf *, const char *user, uint64_t size,
    uint64_t all_used, struct shelf_job **);
int shelf_write(struct shelf_job *, const void *, size_t); /* 0 or -errno */
/* All bytes are written: keeps it. The job comes back to done with err: 0, or
 * what the log says to SIG_APPEND_FILE, or the disk's. */
void shelf_keep(struct shelf_job *);
/* Before it is kept: takes it away; after: only the job. NULL is fine. */
void shelf_drop(struct shelf_job *);
/* No results any more for this loop, which is about to end. */
void shelf_forget(struct shelf *, struct loop *);

/* The bytes of a file that the log knows: a descriptor, or -errno. */
int shelf_fetch(const struct shelf *, const char *hash);

#endif
