/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * useradmin: the routes of the admin REST that edit the users of userdb.
 * Owns: nothing.  Thread: the admin's.
 */
#ifndef FLOE_TURND_USERADMIN_H
#define FLOE_TURND_USERADMIN_H

#include "lib/http/http.h"

http_fn useradmin_put, useradmin_get, useradmin_delete, useradmin_list;

#endif
