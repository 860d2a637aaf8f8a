/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <sodium.h>

#include "lib/crypto/crypto.h"
#include "lib/crypto/digest.h"

int
crypto_init(void)
{
	if (sodium_init() < 0)
		return -ENOSYS;
	return digest_init();
}

void
crypto_fini(void)
{
	digest_fini();
}
