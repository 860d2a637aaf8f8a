/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disk: the message log that ships (signald/log on lib/store) without its
 * writer thread: what is asked is done and committed at once, in a store of its
 * own in memory, which is gone with the process however that ends.
 * Owns: the store.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_DISK_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_DISK_H

#include "signald/core/log.h"

struct disk;

struct disk *disk_new(const char *epoch);
void disk_free(struct disk *);
void disk_add_user(struct disk *, const char *name, const char *nick);
void disk_befriend(struct disk *, const char *, const char *);
/* What results point to is valid until the next append or commit. */
void
disk_append(struct disk *, const struct sig_append *, struct sig_appended *);
/* The same of several in one transaction. With undo they are answered, and
 * nothing is stored. */
void disk_commit(struct disk *, const struct sig_append *const *, size_t n,
    struct sig_appended *, bool undo);
/* From now on repeats of a mid are known so long; 7 days otherwise. */
void disk_keep_mids(struct disk *, uint64_t ms);
/* Calls fn once with the rows, borrowed for the call. */
typedef void disk_rows_fn(void *arg, const struct sig_rows *);
void disk_read(struct disk *, const struct sig_read *, disk_rows_fn *, void *);

/* What a test asks: the stored cursor of a device, the entries of all
 * conversations, the mids that are known, and what is kept. */
uint64_t disk_cursor(struct disk *, const char *user, const char *device);
size_t disk_count(struct disk *);
size_t disk_texts(struct disk *);
size_t disk_kept(struct disk *); /* sessions and calls */

#endif
