/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hasher: the thread that hashes passwords, so that no loop waits for the
 * tens of milliseconds and the 64 MiB that a hash costs. Jobs wait in a short
 * queue; a full one refuses.
 * Owns: its thread and the jobs in it.  Thread: submit from any; results come
 * by loop_post.
 */
#ifndef FLOE_SIGNALD_HASHER_H
#define FLOE_SIGNALD_HASHER_H

#include <stdint.h>
#include <sys/queue.h>

#include "lib/crypto/crypto.h"
#include "lib/loop/loop.h"

#define HASHER_PASSWORD_MAX 256

struct hasher;

struct hash_job {
	STAILQ_ENTRY(hash_job) next;
	/* Where the result goes; set NULL by hasher_forget. */
	struct loop *loop;
	loop_fn *done; /* gets the job, which is the receiver's then */
	void *worker;
	uint64_t conn; /* who asked */
	char password[HASHER_PASSWORD_MAX + 1];
	size_t password_len;
	/* In: the hash to compare with, "" to make one. Out: the made one. */
	char hash[CRYPTO_PWHASH_LEN];
	int err; /* out: 0, -EACCES (no match), -ENOMEM */
};

struct hasher *hasher_new(void); /* NULL: no memory or no thread */
/* Ends the thread; what still waits is dropped. NULL is fine. */
void hasher_free(struct hasher *);
/* 0: the job is the hasher's. -EAGAIN: the queue is full, it stays ours. */
int hasher_submit(struct hasher *, struct hash_job *);
/* No results any more for this loop, which is about to end. */
void hasher_forget(struct hasher *, struct loop *);
/* A hash that no password has, for names that do not exist. */
const char *hasher_decoy(const struct hasher *);

void hash_job_free(struct hash_job *); /* wipes; NULL is fine */

#endif
