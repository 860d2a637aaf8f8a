/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sizes: how long names and texts may be, and how many of what a user or a
 * message may have.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_SIZES_H
#define FLOE_SIGNALD_CORE_SIZES_H

#define SIG_APP_MAX    32 /* name of an app, without NUL */
#define SIG_NAME_MAX   32 /* user name, likewise */
#define SIG_DEVICE_MAX 64
#define SIG_MID_MAX    64
#define SIG_CONV_MAX   128
#define SIG_EPOCH_LEN  33 /* hex and NUL */
#define SIG_MEMO_MAX   256
#define SIG_REMARK_MAX 64
#define SIG_QUERY_MAX  64

#define SIG_PINS_MAX     100 /* of a user */
#define SIG_LARGE_MAX    256 /* conversations of a user read by cursor */
#define SIG_MENTIONS_MAX 64  /* of a message */
#define SIG_SUBJECTS_MAX 200 /* users of one group operation */

#endif
