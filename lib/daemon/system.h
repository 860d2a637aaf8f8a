/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * system: what a daemon asks of the kernel and the service manager.
 * Owns: nothing.  Thread: main, before the workers unless noted.
 */
#ifndef FLOE_LIB_DAEMON_SYSTEM_H
#define FLOE_LIB_DAEMON_SYSTEM_H

#include <stddef.h>

/* Soft limit of descriptors up to the hard one. */
void system_raise_nofile(void);
/* Nothing is gained by exec any more, here and in threads to come. */
void system_forbid_privileges(void);
/* INT, TERM and HUP are blocked, here and in threads to come, for
 * system_wait; PIPE is ignored. */
void system_block_signals(void);
/* The next of them. */
int system_wait(void);
/* Become this account for good and be traced by nobody but root. 0, or -errno
 * with the account named in err. user NULL: stay who we are. */
int system_drop(const char *user, char *err, size_t size);
/* The service manager's notification (sd_notify(3)), if it listens. */
void system_notify(const char *state);

#endif
