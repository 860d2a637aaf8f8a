/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * digest: bringing the hashes and MACs of crypto.h up and down.
 * Owns: the process-wide algorithm handles.  Thread: crypto_init's.
 */
#ifndef FLOE_LIB_CRYPTO_DIGEST_H
#define FLOE_LIB_CRYPTO_DIGEST_H

/* 0, -ENOSYS (an algorithm is missing) or -ENOMEM. Twice is fine. */
int digest_init(void);
void digest_fini(void);

#endif
