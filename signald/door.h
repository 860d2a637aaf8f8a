/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * door: where connections come in: a worker's sockets of the listeners.
 * Owns: their watches; the sockets belong to the listeners.
 * Thread: the worker's.
 */
#ifndef FLOE_SIGNALD_DOOR_H
#define FLOE_SIGNALD_DOOR_H

#include <stdbool.h>

struct worker;

/* 0 or -ENOMEM. Nobody is let in yet. */
int doors_open(struct worker *);
void doors_watch(struct worker *, bool open);
void doors_close(struct worker *);

#endif
