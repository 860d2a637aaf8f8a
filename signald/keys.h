/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys: what the operator's configuration says of identity services, read into
 * the form that cores check tokens with. Key files are read when it is made;
 * a reload makes another one.
 * Owns: its keys and strings.  Thread: main; read by any once made.
 */
#ifndef FLOE_SIGNALD_KEYS_H
#define FLOE_SIGNALD_KEYS_H

#include "lib/daemon/daemon.h"
#include "signald/core/auth.h"

struct keys {
	struct sig_jwt jwt; /* borrows what follows */
	struct jwt_keys *set;
	char *issuer, *audience, *subject;
	struct keys *older; /* maybe still in use, see signald_reload */
};

/* *out is NULL when no key is configured. 0, or -errno with err, which names
 * file and line. */
int keys_new(const struct conf *, struct keys **out, char err[DAEMON_ERR_MAX]);
void keys_free(struct keys *); /* and older ones; NULL is fine */

#endif
