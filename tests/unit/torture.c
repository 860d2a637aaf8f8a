/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/torture.h"

static unsigned int left; /* calls until the one that fails; 0: none does */
static bool failed;

void
torture_arm(unsigned int n)
{
	left = n;
	failed = false;
}

bool
torture_disarm(void)
{
	left = 0;
	return failed;
}

static bool
fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	failed = true;
	return true;
}

void *__real_malloc(size_t);
void *__wrap_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_realloc(void *, size_t);
void *__real_aligned_alloc(size_t, size_t);
void *__wrap_aligned_alloc(size_t, size_t);
char *__real_strdup(const char *);
char *__wrap_strdup(const char *);
int __real_crypto_hmac(enum crypto_hash, const void *, size_t,
    const struct crypto_span *, size_t, uint8_t *);
int __wrap_crypto_hmac(enum crypto_hash, const void *, size_t,
    const struct crypto_span *, size_t, uint8_t *);
int __real_crypto_digest(
    enum crypto_hash, const struct crypto_span *, size_t, uint8_t *);
int __wrap_crypto_digest(
    enum crypto_hash, const struct crypto_span *, size_t, uint8_t *);

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

void *
__wrap_aligned_alloc(size_t align, size_t n)
{
	return fails() ? NULL : __real_aligned_alloc(align, n);
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

int
__wrap_crypto_hmac(enum crypto_hash hash, const void *key, size_t key_len,
    const struct crypto_span *spans, size_t n, uint8_t *out)
{
	return fails() ? -EIO
		       : __real_crypto_hmac(hash, key, key_len, spans, n, out);
}

int
__wrap_crypto_digest(enum crypto_hash hash, const struct crypto_span *spans,
    size_t n, uint8_t *out)
{
	return fails() ? -EIO : __real_crypto_digest(hash, spans, n, out);
}
