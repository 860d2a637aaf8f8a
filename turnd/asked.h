/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * asked: users who are not in the configuration, as struct turn_ops asks for
 * them, and requests that wait until the operator's hook has answered.
 * Owns: what waits.  Thread: the worker's.
 */
#ifndef FLOE_TURND_ASKED_H
#define FLOE_TURND_ASKED_H

#include "turnd/turnd.h"

int asked_open(struct worker *); /* 0 or -ENOMEM */
void asked_close(struct worker *);
int asked_find(void *worker, const char *realm, const struct turn_name *,
    struct turn_record *);
int asked_by_hash(void *worker, const char *realm, const uint8_t *hash,
    char name[TURN_NAME_MAX + 1]);
/* What was fed has to wait. */
void asked_park(struct worker *, const struct turn_in *);
hook_fn asked_answered;

#endif
