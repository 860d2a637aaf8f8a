/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sample: a daemon that does nothing but tell what is done to it, as lines on
 * standard output, and can be told by its configuration to fail.
 * Owns: nothing.  Thread: as lib/daemon says for each hook.
 */
#ifndef FLOE_TESTS_UNIT_LIB_DAEMON_SAMPLE_H
#define FLOE_TESTS_UNIT_LIB_DAEMON_SAMPLE_H

#include "lib/daemon/daemon.h"

extern const struct daemon sample_daemon;

#endif
