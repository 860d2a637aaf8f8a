/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hosts: whose the requests for a host are. Names are compared without regard
 * to case, port and the dot that may end them.
 * Owns: the table; names and owners are the caller's.
 * Thread: filled by one; read by any.
 */
#ifndef FLOE_SIGNALD_HOSTS_H
#define FLOE_SIGNALD_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#define HOSTS_MAX 4096

struct host {
	const char *name;
	int owner;
};

struct hosts {
	struct host *items; /* sorted */
	size_t n;
};

/* Whether it may be put: a name or an address, of IPv6 in brackets, and
 * nothing else. */
bool hosts_ok(const char *name);
/* 0, -EEXIST, -ENOSPC (HOSTS_MAX) or -ENOMEM. The name is borrowed. */
int hosts_put(struct hosts *, const char *name, int owner);
/* The owner of what a request has in Host, -1: nobody. NULL is nobody's. */
int hosts_find(const struct hosts *, const char *host, size_t len);
void hosts_fini(struct hosts *);

#endif
