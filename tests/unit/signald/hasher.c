/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "signald/hasher.h"
#include "tests/unit/test.h"

/* A loop that ends after so many results. */
struct fixture {
	struct loop *loop;
	struct hasher *hasher;
	int wanted;
	int errs[8];
	char hash[CRYPTO_PWHASH_LEN];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL || crypto_init() != 0)
		return 1;
	f->loop = loop_new();
	f->hasher = hasher_new();
	*state = f;
	return f->loop == NULL || f->hasher == NULL;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	hasher_free(f->hasher);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void
done(void *arg)
{
	struct hash_job *job = arg;
	struct fixture *f = job->worker;
	size_t i;

	f->errs[job->conn] = job->err;
	for (i = 0; i < sizeof(job->password); i++)
		assert_int_equal(job->password[i], 0);
	memcpy(f->hash, job->hash, sizeof(f->hash));
	hash_job_free(job);
	if (--f->wanted == 0)
		loop_stop(f->loop);
}

static int
submit(struct fixture *f, uint64_t id, const char *password, const char *hash)
{
	struct hash_job *job = calloc(1, sizeof(*job));
	int rc;

	job->loop = f->loop;
	job->done = done;
	job->worker = f;
	job->conn = id;
	job->password_len = strlen(password);
	memcpy(job->password, password, job->password_len);
	snprintf(job->hash, sizeof(job->hash), "%s", hash);
	rc = hasher_submit(f->hasher, job);
	if (rc != 0)
		hash_job_free(job);
	return rc;
}

static void
test_make_and_compare(void **state)
{
	struct fixture *f = *state;
	char hash[CRYPTO_PWHASH_LEN];

	f->wanted = 1;
	assert_int_equal(submit(f, 0, "correct horse", ""), 0);
	loop_run(f->loop);
	assert_int_equal(f->errs[0], 0);
	memcpy(hash, f->hash, sizeof(hash));
	f->wanted = 3;
	assert_int_equal(submit(f, 1, "correct horse", hash), 0);
	assert_int_equal(submit(f, 2, "battery staple", hash), 0);
	assert_int_equal(submit(f, 3, "", hasher_decoy(f->hasher)), 0);
	loop_run(f->loop);
	assert_int_equal(f->errs[1], 0);
	assert_int_equal(f->errs[2], -EACCES);
	assert_int_equal(f->errs[3], -EACCES);
}

static void
test_queue_is_bounded(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 1000; i++)
		if (submit(f, 0, "x", "") == -EAGAIN)
			break;
	assert_true(i < 100);
	hasher_forget(f->hasher, f->loop);
}

static void
test_forgotten_loops_get_nothing(void **state)
{
	struct fixture *f = *state;

	f->wanted = -1; /* whatever came would not stop the loop */
	assert_int_equal(submit(f, 0, "x", ""), 0);
	hasher_forget(f->hasher, f->loop);
	hasher_free(f->hasher);
	f->hasher = NULL;
	assert_int_equal(f->wanted, -1);
}

#define HASHER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		HASHER_TEST(test_make_and_compare),
		HASHER_TEST(test_queue_is_bounded),
		HASHER_TEST(test_forgotten_loops_get_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
