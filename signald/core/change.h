/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change: what an edit, a retraction or a reaction makes of the message that
 * it is about. The change is an entry of the log like any other, so that every
 * device hears of it; the message's own record is changed along with it, so
 * that whoever reads the history later sees how it ended. For those who keep
 * a log (log.h); texts are JSON objects with their braces.
 * Owns: nothing but a struct sig_changed its text.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_CHANGE_H
#define FLOE_SIGNALD_CORE_CHANGE_H

#include "lib/base/buf.h"
#include "signald/core/file.h"
#include "signald/core/append.h"

#define SIG_EDITS_MAX   32 /* of a message */
#define SIG_EMOJIS_MAX  20 /* different ones on a message */
#define SIG_EMOJI_BYTES 32

struct sig_changed {
	struct buf text; /* the message from now on */
	/* Entries that hold an earlier text, which a retraction takes away. */
	uint64_t blank[SIG_EDITS_MAX];
	size_t nblank;
	char file[SIG_FILE_HASH_LEN + 1]; /* is in it no more; or "" */
};

/*
 * The append's change, which becomes the entry seq, applied to a message.
 * 0; -EPERM: it is not the sender's to change; -ENOENT: it is no message;
 * -ESTALE: it has been retracted; -EALREADY: nothing would change; -E2BIG:
 * edited or reacted to too often; -EIO: not what we wrote; -ENOMEM.
 */
int sig_change_apply(const char *text, size_t len, const struct sig_append *,
    uint64_t seq, struct sig_changed *);
void sig_changed_fini(struct sig_changed *);
/* The entry of an edit without the text that it brought. 0, -EIO, -ENOMEM. */
int sig_change_blank(const char *text, size_t len, struct buf *out);

#endif
