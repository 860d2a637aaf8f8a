/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/daemon/daemon.h"
#include "tests/unit/test.h"

static char folder[] = "/tmp/floe-token-XXXXXX";
static char path[64];

static void
write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
makes_one(void **state)
{
	char first[256], again[256], err[DAEMON_ERR_MAX];
	struct stat st;

	unlink(path);
	umask(0);
	assert_int_equal(daemon_token(path, first, sizeof(first), err), 0);
	assert_true(strlen(first) >= 32);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(daemon_token(path, again, sizeof(again), err), 0);
	assert_string_equal(first, again);
	unlink(path);
	assert_int_equal(daemon_token(path, again, sizeof(again), err), 0);
	assert_string_not_equal(first, again);
}

static void
reads_one(void **state)
{
	char out[256], err[DAEMON_ERR_MAX];

	write_file("0123456789abcdef\r\nsecond line\n");
	assert_int_equal(daemon_token(path, out, sizeof(out), err), 0);
	assert_string_equal(out, "0123456789abcdef");
	write_file("0123456789abcdef");
	assert_int_equal(daemon_token(path, out, sizeof(out), err), 0);
	assert_string_equal(out, "0123456789abcdef");
}

static void
refuses(void **state)
{
	static const char *const rows[] = { "", "\n", "short\n",
		"0123456789abcde\n" };
	char out[256], err[DAEMON_ERR_MAX];
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		write_file(rows[i]);
		assert_int_equal(
		    daemon_token(path, out, sizeof(out), err), -EINVAL);
		assert_non_null(strstr(err, path));
	}
	assert_int_equal(
	    daemon_token("/nowhere/token", out, sizeof(out), err), -ENOENT);
	assert_non_null(strstr(err, "/nowhere/token"));
	assert_int_equal(daemon_token(folder, out, sizeof(out), err), -EISDIR);
}

static int
init(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/token", folder);
	return crypto_init();
}

static int
fini(void **state)
{
	crypto_fini();
	unlink(path);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_one),
		cmocka_unit_test(reads_one),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, init, fini);
}
