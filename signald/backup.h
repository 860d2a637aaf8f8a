/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backup: a copy of the message log while it is written to, made by a thread
 * of its own into a new folder of backup-dir, which then is a state directory
 * that signald can start on. Uploaded files are not in it: they never change,
 * and any tool copies them.
 * Owns: the thread.  Thread: the handlers the admin server's; the others main.
 */
#ifndef FLOE_SIGNALD_BACKUP_H
#define FLOE_SIGNALD_BACKUP_H

#include "lib/http/http.h"

struct backup;
struct signald;

struct backup *backup_new(void);     /* NULL: no memory */
void backup_free(struct backup *);   /* waits for the copy; NULL is fine */
http_fn backup_begin, backup_status; /* of /v1/backup */

#endif
