/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * useradmin: the routes of the admin REST about users and their sessions.
 * What changes is on disk before the answer goes, and the user's worker has
 * been told.
 * Owns: nothing.  Thread: the admin's, which hashes passwords itself.
 */
#ifndef FLOE_SIGNALD_USERADMIN_H
#define FLOE_SIGNALD_USERADMIN_H

#include "lib/http/http.h"

http_fn useradmin_list, useradmin_get, useradmin_make, useradmin_change;
http_fn useradmin_logout, useradmin_kick;

#endif
