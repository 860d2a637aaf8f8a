/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "signald/files.h"
#include "tests/unit/test.h"

static char dir[32];
static char err[512];

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	char path[64];

	snprintf(dir, sizeof(dir), "/tmp/floe-files-XXXXXX");
	if (crypto_init() != 0 || mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/sdk", dir);
	if (mkdir(path, 0700) != 0)
		return 1;
	write_file("index.html", "<p>hello");
	write_file("sdk/a.js", "let a;");
	write_file("empty.css", "");
	write_file("README.md", "no");
	write_file("noname", "no");
	write_file(".hidden.js", "no");
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "index.html", "sdk/a.js",
		"empty.css", "README.md", "noname", ".hidden.js", "loop.js" };
	char path[64];
	size_t i;

	for (i = 0; i < LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/sdk", dir);
	rmdir(path);
	return rmdir(dir);
}

static void
test_find(void **state)
{
	struct files *fs;
	const struct file *f;

	assert_int_equal(files_load(dir, &fs, err, sizeof(err)), 0);
	assert_int_equal(files_count(fs), 3);
	f = files_find(fs, "/");
	assert_ptr_equal(f, files_find(fs, "/index.html"));
	assert_string_equal(f->type, "text/html; charset=utf-8");
	assert_int_equal(f->len, 8);
	assert_memory_equal(f->data, "<p>hello", 8);
	f = files_find(fs, "/sdk/a.js");
	assert_string_equal(f->type, "text/javascript; charset=utf-8");
	assert_int_equal(files_find(fs, "/empty.css")->len, 0);
	assert_null(files_find(fs, "/README.md"));
	assert_null(files_find(fs, "/noname"));
	assert_null(files_find(fs, "/.hidden.js"));
	assert_null(files_find(fs, "/sdk"));
	assert_null(files_find(fs, "/sdk/../index.html"));
	assert_null(files_find(fs, "index.html"));
	assert_null(files_find(fs, ""));
	files_free(fs);
}

static void
test_etag_follows_the_content(void **state)
{
	char before[sizeof(((struct file *)0)->etag)];
	struct files *fs;

	assert_int_equal(files_load(dir, &fs, err, sizeof(err)), 0);
	snprintf(before, sizeof(before), "%s", files_find(fs, "/")->etag);
	assert_int_equal(strlen(before), 34);
	files_free(fs);
	write_file("index.html", "<p>Hello");
	assert_int_equal(files_load(dir, &fs, err, sizeof(err)), 0);
	assert_string_not_equal(before, files_find(fs, "/")->etag);
	files_free(fs);
}

static void
test_errors_name_the_path(void **state)
{
	struct files *fs = NULL;
	char path[64];

	assert_int_equal(
	    files_load("/nonexistent", &fs, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "/nonexistent"));
	snprintf(path, sizeof(path), "%s/loop.js", dir);
	assert_int_equal(symlink("loop.js", path), 0);
	assert_int_equal(files_load(dir, &fs, err, sizeof(err)), -ELOOP);
	assert_non_null(strstr(err, "/loop.js"));
	assert_null(fs);
}

#define FILES_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FILES_TEST(test_find),
		FILES_TEST(test_etag_follows_the_content),
		FILES_TEST(test_errors_name_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
