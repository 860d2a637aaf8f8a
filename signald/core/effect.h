/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * effect: how the core's objects ask the shell for something. Each takes over
 * the text, mail or append that it is given, also when memory is short: then
 * a send closes its link (the client comes back and resumes), the rest is
 * counted in stats.errors.
 * Owns: nothing; fills the core's queues.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_EFFECT_H
#define FLOE_SIGNALD_CORE_EFFECT_H

#include "lib/base/buf.h"
#include "signald/core/state.h"

/* The buf's bytes go out; the buf is empty after. */
void sig_send(struct sig_core *, uint64_t link, struct buf *, bool droppable);
void
sig_close(struct sig_core *, uint64_t link, uint16_t code, const char *reason);
void sig_move(struct sig_core *, uint64_t link, uint32_t shard,
    const char *text, size_t len);
/* To the shard of the mail's receiver; NULL is fine (no memory, counted). */
void sig_post(struct sig_core *, struct sig_mail *);
void sig_post_to(struct sig_core *, uint32_t shard, struct sig_mail *);
/* The buf's bytes are an event for the operator; the buf is empty after. */
void sig_tell(struct sig_core *, struct buf *);
/* The ticket comes back with the result; 0 and taken over, or -errno. */
int sig_append(struct sig_core *, struct sig_ticket *, struct sig_append *);
int sig_read(struct sig_core *, struct sig_ticket *, const struct sig_read *);

void sig_timer_set(struct sig_core *, struct sig_timer *, uint64_t due_ms,
    void (*fire)(struct sig_core *, struct sig_timer *));
void sig_timer_clear(struct sig_core *, struct sig_timer *);

/* A ticket of this link and request; NULL when out of memory. */
struct sig_ticket *sig_ticket_new(const struct sig_link *, uint64_t request);
void sig_ticket_free(struct sig_ticket *);
/* Into the table, with an id; 0 or -errno (then it is freed). */
int sig_ticket_keep(struct sig_core *, struct sig_ticket *);
/* Out of the table, the caller's; NULL when there is no such ticket. */
struct sig_ticket *sig_ticket_take(struct sig_core *, uint64_t id);

/* Keyed hash of a table's key. */
uint64_t sig_hash(const struct sig_core *, const char *key);
uint64_t sig_hash_id(const struct sig_core *, uint64_t id);

/* Frees all that wait, and what is kept for others. */
void sig_effects_free(struct sig_core *);

#endif
