/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * icerest: ICE servers over HTTP, for programs that speak no floe.v1, in
 * three forms: ours, the one of draft-uberti-behave-turn-rest-00, and the one
 * of Matrix homeservers.
 * Owns: nothing.  Thread: the worker's.
 */
#ifndef FLOE_SIGNALD_ICEREST_H
#define FLOE_SIGNALD_ICEREST_H

#include "signald/front.h"

/* Of front_route. */
front_head_fn icerest_own, icerest_turn, icerest_matrix;

#endif
