/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

#include "lib/stun/message.h"
#include "turnd/userdb.h"

#define REALM "example.org"

static char dir[] = "/tmp/floe-userdb-XXXXXX";
static struct userdb *db;
static struct userdb_reader *reader;

static void
reopen(void)
{
	userdb_reader_free(reader);
	userdb_close(db);
	assert_int_equal(userdb_open(dir, &db), 0);
	reader = userdb_reader_new(db);
	assert_non_null(reader);
}

static int
setup(void **state)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (crypto_init() != 0 || mkdtemp(dir) == NULL)
		return 1;
	db = NULL;
	reader = NULL;
	reopen();
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "turnd-users/data.mdb",
		"turnd-users/lock.mdb" };
	char path[128];
	size_t i;

	userdb_reader_free(reader);
	userdb_close(db);
	for (i = 0; i < LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/turnd-users", dir);
	rmdir(path);
	return rmdir(dir);
}

static struct turn_record
record(const char *name, const char *realm, const char *password)
{
	struct turn_record rec = {
		.quota = 7, .bandwidth = 1000000, .expires_s = 1700000000
	};

	assert_int_equal(turn_record_keys(&rec, name, realm, password), 0);
	return rec;
}

static bool
put(const char *realm, const char *name, const char *password)
{
	struct turn_record rec = record(name, realm, password);
	bool made;

	assert_int_equal(userdb_put(db, realm, name, &rec, &made), 0);
	return made;
}

static void
test_put_find_del(void **state)
{
	struct turn_record want = record("bob", REALM, "builder"), got;

	assert_int_equal(userdb_find(reader, REALM, "bob", &got), -ENOENT);
	assert_true(put(REALM, "bob", "builder"));
	assert_int_equal(userdb_find(reader, REALM, "bob", &got), 0);
	assert_memory_equal(got.md5, want.md5, sizeof(got.md5));
	assert_memory_equal(got.sha256, want.sha256, sizeof(got.sha256));
	assert_int_equal(got.quota, want.quota);
	assert_int_equal(got.bandwidth, want.bandwidth);
	assert_int_equal(got.expires_s, want.expires_s);
	assert_false(put(REALM, "bob", "new"));
	assert_int_equal(userdb_find(reader, REALM, "bob", &got), 0);
	assert_memory_not_equal(got.md5, want.md5, sizeof(got.md5));
	assert_int_equal(userdb_find(reader, "other", "bob", &got), -ENOENT);
	reopen();
	assert_int_equal(userdb_find(reader, REALM, "bob", &got), 0);
	assert_int_equal(userdb_del(db, "other", "bob"), -ENOENT);
	assert_int_equal(userdb_del(db, REALM, "bob"), 0);
	assert_int_equal(userdb_find(reader, REALM, "bob", &got), -ENOENT);
	assert_int_equal(userdb_del(db, REALM, "bob"), -ENOENT);
}

/* "x:a" in b and "x" in a:b have one USERHASH; it means either one alone. */
static void
test_by_hash(void **state)
{
	uint8_t hash[CRYPTO_SHA256_LEN];
	char name[TURN_NAME_MAX + 1];

	put(REALM, "bob", "builder");
	stun_userhash("bob", REALM, hash);
	assert_int_equal(userdb_by_hash(reader, REALM, hash, name), 0);
	assert_string_equal(name, "bob");
	assert_int_equal(
	    userdb_by_hash(reader, "example", hash, name), -ENOENT);
	userdb_del(db, REALM, "bob");
	assert_int_equal(userdb_by_hash(reader, REALM, hash, name), -ENOENT);
	put("b", "x:a", "p");
	stun_userhash("x", "a:b", hash);
	assert_int_equal(userdb_by_hash(reader, "b", hash, name), 0);
	assert_int_equal(userdb_by_hash(reader, "a:b", hash, name), -ENOENT);
}

static void
test_names_that_fit(void **state)
{
	char name[USERDB_NAME_MAX + 2], realm[129];
	struct turn_record rec = { .quota = 1 };
	bool made;

	memset(name, 'n', sizeof(name));
	memset(realm, 'r', sizeof(realm));
	name[USERDB_NAME_MAX + 1] = realm[128] = '\0';
	assert_int_equal(userdb_put(db, REALM, name, &rec, &made), -EINVAL);
	assert_int_equal(userdb_put(db, realm, "n", &rec, &made), -EINVAL);
	assert_int_equal(userdb_put(db, REALM, "", &rec, &made), -EINVAL);
	assert_int_equal(userdb_find(reader, REALM, name, &rec), -ENOENT);
	name[USERDB_NAME_MAX] = realm[127] = '\0';
	assert_int_equal(userdb_put(db, realm, name, &rec, &made), 0);
	assert_int_equal(userdb_find(reader, realm, name, &rec), 0);
	assert_int_equal(userdb_del(db, realm, name), 0);
}

struct seen {
	char text[256];
};

static void
see(void *arg, const char *realm, const char *name,
    const struct turn_record *rec)
{
	struct seen *s = arg;
	size_t used = strlen(s->text);

	snprintf(s->text + used, sizeof(s->text) - used, "%s/%s ", realm, name);
}

static void
check_walk(const char *realm, const char *name, size_t max, const char *want,
    bool want_more)
{
	struct seen s = { "" };
	bool more;

	assert_int_equal(
	    userdb_walk(reader, realm, name, max, see, &s, &more), 0);
	assert_string_equal(s.text, want);
	assert_int_equal(more, want_more);
}

static void
test_walk(void **state)
{
	check_walk("", "", 10, "", false);
	put("b", "one", "p");
	put("a", "two", "p");
	put("a", "one", "p");
	put("a", "onerous", "p");
	check_walk("", "", 10, "a/one a/onerous a/two b/one ", false);
	check_walk("", "", 2, "a/one a/onerous ", true);
	check_walk("a", "onerous", 2, "a/two b/one ", false);
	check_walk("a", "p", 1, "a/two ", true); /* who is not there */
	check_walk("b", "one", 2, "", false);
}

/* What was acknowledged is there after the process died. */
static void
test_kill(void **state)
{
	struct turn_record rec;
	int pipes[2], i, done = 0;
	char name[16];
	pid_t pid;

	userdb_reader_free(reader);
	userdb_close(db);
	reader = NULL;
	db = NULL;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		if (userdb_open(dir, &db) != 0)
			_exit(1);
		for (i = 0;; i++) {
			snprintf(name, sizeof(name), "u%d", i);
			put(REALM, name, "p");
			if (write(pipes[1], &i, sizeof(i)) != sizeof(i))
				_exit(1);
		}
	}
	while (done < 20)
		assert_int_equal(
		    read(pipes[0], &done, sizeof(done)), sizeof(done));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pipes[1]);
	while (read(pipes[0], &i, sizeof(i)) == sizeof(i))
		done = i;
	close(pipes[0]);
	reopen();
	for (i = 0; i <= done; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		assert_int_equal(userdb_find(reader, REALM, name, &rec), 0);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_put_find_del),
		CASE(test_by_hash),
		CASE(test_names_that_fit),
		CASE(test_walk),
		CASE(test_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
