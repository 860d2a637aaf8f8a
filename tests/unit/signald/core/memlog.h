/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memlog: the message log of core/log.h in memory, for tests: simple enough
 * to be believed, without durability, which is not the core's business.
 * Owns: all it is given.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_MEMLOG_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_MEMLOG_H

#include "signald/core/log.h"

struct memlog;

struct memlog *memlog_new(const char *epoch);
void memlog_free(struct memlog *);
void memlog_add_user(struct memlog *, const char *name, const char *nick);
/* Takes the append's effect; the text of the result stays the log's. */
void memlog_append(
    struct memlog *, const struct sig_append *, struct sig_appended *);
/* Rows are valid until the next call. */
void memlog_read(struct memlog *, const struct sig_read *, struct sig_rows *);

/* What a test asks: the stored cursor of a device, the messages in all, and
 * those with a mid. */
uint64_t memlog_cursor(struct memlog *, const char *user, const char *device);
size_t memlog_count(const struct memlog *);
size_t memlog_texts(const struct memlog *);

#endif
