/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log: what the core asks of the message log, in words that no engine shows
 * through. Every message lives once in its conversation log (seq, dense) and
 * is indexed once per member in the member's inbox log (sync, dense).
 * Appends are grouped by the engine and come back after they are durable, in
 * the order of asking per shard; reads see everything that came back.
 * Owns: requests own their strings.  Thread: handed over whole.
 */
#ifndef FLOE_SIGNALD_CORE_LOG_H
#define FLOE_SIGNALD_CORE_LOG_H

#include "signald/core/append.h"
#include "signald/core/read.h"

#endif
