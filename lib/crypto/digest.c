/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "lib/crypto/crypto.h"
#include "lib/crypto/digest.h"

#define NHASHES (CRYPTO_SHA256 + 1)

static const struct {
	const char *name;
	size_t len;
} hashes[NHASHES] = {
	[CRYPTO_MD5] = { "MD5", CRYPTO_MD5_LEN },
	[CRYPTO_SHA1] = { "SHA1", CRYPTO_SHA1_LEN },
	[CRYPTO_SHA256] = { "SHA256", CRYPTO_SHA256_LEN },
};

/* Fetching an algorithm takes locks and string compares: once a process. */
static struct {
	EVP_MD *md[NHASHES];
	EVP_MAC *hmac;
	pthread_key_t key;
	bool up;
} algs;

/* Making a context allocates: once a thread. */
struct contexts {
	EVP_MD_CTX *md;
	EVP_MAC_CTX *hmac[NHASHES]; /* each bound to its hash for good */
};

static _Thread_local struct contexts *contexts;

static void
contexts_free(void *arg)
{
	struct contexts *c = arg;
	int i;

	if (c == NULL)
		return;
	for (i = 0; i < NHASHES; i++)
		EVP_MAC_CTX_free(c->hmac[i]);
	EVP_MD_CTX_free(c->md);
	free(c);
	contexts = NULL;
}

static EVP_MAC_CTX *
hmac_ctx_new(const char *hash)
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)hash, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(algs.hmac);

	if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static struct contexts *
contexts_new(void)
{
	struct contexts *c = calloc(1, sizeof(*c));
	bool ok;
	int i;

	if (c == NULL)
		return NULL;
	c->md = EVP_MD_CTX_new();
	ok = c->md != NULL;
	for (i = 0; i < NHASHES; i++) {
		c->hmac[i] = hmac_ctx_new(hashes[i].name);
		ok = ok && c->hmac[i] != NULL;
	}
	/* The key only buys the call of contexts_free at the thread's end. */
	if (!ok || pthread_setspecific(algs.key, c) != 0) {
		contexts_free(c);
		return NULL;
	}
	return c;
}

static struct contexts *
contexts_get(void)
{
	assert(algs.up);
	if (contexts == NULL)
		contexts = contexts_new();
	return contexts;
}

static void
algs_free(void)
{
	int i;

	for (i = 0; i < NHASHES; i++) {
		EVP_MD_free(algs.md[i]);
		algs.md[i] = NULL;
	}
	EVP_MAC_free(algs.hmac);
	algs.hmac = NULL;
}

int
digest_init(void)
{
	bool ok;
	int i;

	if (algs.up)
		return 0;
	algs.hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	ok = algs.hmac != NULL;
	for (i = 0; i < NHASHES; i++) {
		algs.md[i] = EVP_MD_fetch(NULL, hashes[i].name, NULL);
		ok = ok && algs.md[i] != NULL;
	}
	if (!ok) {
		algs_free();
		return -ENOSYS;
	}
	if (pthread_key_create(&algs.key, contexts_free) != 0) {
		algs_free();
		return -ENOMEM;
	}
	algs.up = true;
	return 0;
}

void
digest_fini(void)
{
	if (!algs.up)
		return;
	contexts_free(contexts);
	pthread_key_delete(algs.key);
	algs_free();
	algs.up = false;
}

size_t
crypto_hash_len(enum crypto_hash hash)
{
	return hashes[hash].len;
}

int
crypto_digest(enum crypto_hash hash, const struct crypto_span *spans, size_t n,
    uint8_t *out)
{
	struct contexts *c = contexts_get();
	size_t i;

	if (c == NULL || EVP_DigestInit_ex2(c->md, algs.md[hash], NULL) != 1)
		return -EIO;
	for (i = 0; i < n; i++) {
		if (EVP_DigestUpdate(c->md, spans[i].data, spans[i].len) != 1)
			return -EIO;
	}
	return EVP_DigestFinal_ex(c->md, out, NULL) == 1 ? 0 : -EIO;
}

struct crypto_sum *
crypto_sum_new(enum crypto_hash hash)
{
	EVP_MD_CTX *ctx;

	assert(algs.up);
	ctx = EVP_MD_CTX_new();
	if (ctx != NULL && EVP_DigestInit_ex2(ctx, algs.md[hash], NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	return (struct crypto_sum *)ctx;
}

void
crypto_sum_free(struct crypto_sum *sum)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)sum);
}

int
crypto_sum_add(struct crypto_sum *sum, const void *data, size_t len)
{
	return EVP_DigestUpdate((EVP_MD_CTX *)sum, data, len) == 1 ? 0 : -EIO;
}

int
crypto_sum_end(struct crypto_sum *sum, uint8_t *out)
{
	return EVP_DigestFinal_ex((EVP_MD_CTX *)sum, out, NULL) == 1 ? 0 : -EIO;
}

int
crypto_hmac(enum crypto_hash hash, const void *key, size_t key_len,
    const struct crypto_span *spans, size_t n, uint8_t *out)
{
	struct contexts *c = contexts_get();
	/* To EVP_MAC_init a NULL key means "the one you have". */
	const void *k = key != NULL ? key : "";
	size_t i, len;

	if (c == NULL || EVP_MAC_init(c->hmac[hash], k, key_len, NULL) != 1)
		return -EIO;
	for (i = 0; i < n; i++) {
		if (EVP_MAC_update(
			c->hmac[hash], spans[i].data, spans[i].len) != 1)
			return -EIO;
	}
	if (EVP_MAC_final(c->hmac[hash], out, &len, hashes[hash].len) != 1)
		return -EIO;
	return 0;
}
