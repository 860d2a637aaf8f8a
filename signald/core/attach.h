/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attach: the body of a message of type file. What it says of the file's size
 * and type is the log's to say; see sig_attach_stamp.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_ATTACH_H
#define FLOE_SIGNALD_CORE_ATTACH_H

#include "lib/base/buf.h"
#include "lib/json/json.h"
#include "signald/core/file.h"

/* The member body of a request as it is stored, but for size and type; hash
 * and name go to file. What is wrong stays in the reader or in b. */
void sig_attach_read(struct json_in *, uint32_t text_bytes, struct buf *b,
    struct sig_file *file);
/* body[0..len), which sig_attach_read wrote, with what is known of the file. */
void sig_attach_stamp(struct buf *b, const char *body, size_t len,
    uint64_t size, const char *type);

#endif
