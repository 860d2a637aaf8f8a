/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * error: LMDB's return codes as our -errno.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_STORE_ERROR_H
#define FLOE_LIB_STORE_ERROR_H

int store_errno(int mdb_rc);

#endif
