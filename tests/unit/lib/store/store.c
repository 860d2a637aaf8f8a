/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store/store.h"
#include "tests/unit/test.h"

enum { TABLE_A, TABLE_B };

static const char *const tables[] = { "a", "b", NULL };

#define MIB (1024 * 1024ULL)

static char dir[64];

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/floe-store-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
teardown(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	unlink(path);
	return rmdir(dir);
}

static struct store *
open_with(uint64_t start, uint64_t max)
{
	struct store_config cfg = { dir, tables, start, max, 16 };
	struct store *s;

	assert_int_equal(store_open(&cfg, &s), 0);
	return s;
}

static struct store_val
val(const char *text)
{
	return (struct store_val){ text, strlen(text) };
}

static int
put(struct store_txn *txn, unsigned int table, const char *k, const char *v)
{
	struct store_val key = val(k), value = val(v);

	return store_put(txn, table, &key, &value, STORE_PUT);
}

static void
check(struct store *s, unsigned int table, const char *k, const char *want)
{
	struct store_reader *r = store_reader_new(s);
	struct store_txn *txn = store_read_begin(r);
	struct store_val key = val(k), value;
	int rc;

	assert_non_null(txn);
	rc = store_get(txn, table, &key, &value);
	if (want == NULL) {
		assert_int_equal(rc, -ENOENT);
	} else {
		assert_int_equal(rc, 0);
		assert_int_equal(value.len, strlen(want));
		assert_memory_equal(value.data, want, value.len);
	}
	store_read_end(r);
	store_reader_free(r);
}

static int
put_two(struct store_txn *txn, void *arg)
{
	assert_int_equal(put(txn, TABLE_A, "k", "in a"), 0);
	assert_int_equal(put(txn, TABLE_B, "k", "in b"), 0);
	return *(int *)arg;
}

static void
test_commit_and_abort(void **state)
{
	struct store *s = open_with(MIB, MIB);
	int fails = -ECANCELED, works = 0;

	assert_int_equal(store_write(s, put_two, &fails), -ECANCELED);
	check(s, TABLE_A, "k", NULL);
	assert_int_equal(store_write(s, put_two, &works), 0);
	check(s, TABLE_A, "k", "in a");
	check(s, TABLE_B, "k", "in b");
	store_close(s);
	s = open_with(MIB, MIB);
	check(s, TABLE_B, "k", "in b");
	store_close(s);
}

static int
insert_twice(struct store_txn *txn, void *arg)
{
	struct store_val key = val("once"), value = val("1");

	assert_int_equal(
	    store_put(txn, TABLE_A, &key, &value, STORE_INSERT), 0);
	assert_int_equal(
	    store_put(txn, TABLE_A, &key, &value, STORE_INSERT), -EEXIST);
	key = val("never");
	assert_int_equal(store_del(txn, TABLE_A, &key), -ENOENT);
	return 0;
}

static int
delete_once(struct store_txn *txn, void *arg)
{
	struct store_val key = val("once");

	return store_del(txn, TABLE_A, &key);
}

static void
test_insert_and_delete(void **state)
{
	struct store *s = open_with(MIB, MIB);

	assert_int_equal(store_write(s, insert_twice, NULL), 0);
	check(s, TABLE_A, "once", "1");
	assert_int_equal(store_write(s, delete_once, NULL), 0);
	check(s, TABLE_A, "once", NULL);
	store_close(s);
}

static int
put_letters(struct store_txn *txn, void *arg)
{
	put(txn, TABLE_A, "b", "1");
	put(txn, TABLE_A, "d", "2");
	put(txn, TABLE_A, "f", "3");
	return put(txn, TABLE_A, "h", "4");
}

/* The keys met, in a row. */
static const char *
walk(struct store_txn *txn, const char *first, const char *last, bool down)
{
	static char seen[16];
	struct store_val lo = val(first), hi = val(last), k, v;
	struct store_walk w;
	size_t n = 0;

	assert_int_equal(store_walk_init(&w, txn, TABLE_A, &lo, &hi, down), 0);
	while (store_walk_next(&w, &k, &v) == 0)
		seen[n++] = *(const char *)k.data;
	seen[n] = '\0';
	store_walk_fini(&w);
	return seen;
}

static void
test_walks(void **state)
{
	struct store *s = open_with(MIB, MIB);
	struct store_reader *r = store_reader_new(s);
	struct store_txn *txn;

	txn = store_read_begin(r);
	assert_string_equal(walk(txn, "a", "z", false), "");
	assert_string_equal(walk(txn, "a", "z", true), "");
	store_read_end(r);
	assert_int_equal(store_write(s, put_letters, NULL), 0);
	txn = store_read_begin(r);
	assert_string_equal(walk(txn, "a", "z", false), "bdfh");
	assert_string_equal(walk(txn, "a", "z", true), "hfdb");
	assert_string_equal(walk(txn, "d", "f", false), "df");
	assert_string_equal(walk(txn, "d", "f", true), "fd");
	assert_string_equal(walk(txn, "c", "g", false), "df");
	assert_string_equal(walk(txn, "c", "g", true), "fd");
	assert_string_equal(walk(txn, "i", "z", true), "");
	assert_string_equal(walk(txn, "", "a", true), "");
	assert_string_equal(walk(txn, "e", "e", true), "");
	assert_string_equal(walk(txn, "d", "dd", true), "d");
	store_read_end(r);
	store_reader_free(r);
	store_close(s);
}

#define ROW_BYTES 1000

struct fill {
	unsigned int from, count;
	unsigned int runs;
};

static int
fill(struct store_txn *txn, void *arg)
{
	struct fill *f = arg;
	uint8_t row[ROW_BYTES];
	unsigned int i;
	uint8_t k[4];
	int rc = 0;

	f->runs++;
	memset(row, 'x', sizeof(row));
	for (i = f->from; i < f->from + f->count && rc == 0; i++) {
		struct store_val key = { k, 4 }, v = { row, sizeof(row) };

		k[0] = (uint8_t)(i >> 24);
		k[1] = (uint8_t)(i >> 16);
		k[2] = (uint8_t)(i >> 8);
		k[3] = (uint8_t)i;
		rc = store_put(txn, TABLE_A, &key, &v, STORE_APPEND);
	}
	return rc;
}

static unsigned int
count_rows(struct store_txn *txn)
{
	struct store_val lo = { "\0\0\0\0", 4 };
	struct store_val hi = { "\xff\xff\xff\xff", 4 }, k, v;
	struct store_walk w;
	unsigned int n = 0;

	assert_int_equal(store_walk_init(&w, txn, TABLE_A, &lo, &hi, false), 0);
	while (store_walk_next(&w, &k, &v) == 0) {
		assert_int_equal(v.len, ROW_BYTES);
		assert_int_equal(((const uint8_t *)v.data)[ROW_BYTES - 1], 'x');
		n++;
	}
	store_walk_fini(&w);
	return n;
}

static unsigned int
rows_in(struct store *s)
{
	struct store_reader *r = store_reader_new(s);
	unsigned int n = count_rows(store_read_begin(r));

	store_read_end(r);
	store_reader_free(r);
	return n;
}

static void
test_grows_inside_one_write(void **state)
{
	struct store *s = open_with(MIB, 64 * MIB);
	struct fill f = { 0, 10000, 0 };
	struct store_stats stats;

	assert_int_equal(store_write(s, fill, &f), 0);
	assert_true(f.runs > 1);
	assert_int_equal(rows_in(s), 10000);
	store_stats(s, &stats);
	assert_true(stats.grown > 0);
	assert_true(stats.map_bytes >= stats.used_bytes);
	store_close(s);
	s = open_with(MIB, 64 * MIB); /* asks for less than there is */
	assert_int_equal(rows_in(s), 10000);
	f.from = 10000;
	assert_int_equal(store_write(s, fill, &f), 0);
	assert_int_equal(rows_in(s), 20000);
	store_close(s);
}

static void
test_hard_cap(void **state)
{
	struct store *s = open_with(MIB, 4 * MIB);
	struct fill f = { 0, 2000, 0 };
	int works = 0;

	assert_int_equal(store_write(s, fill, &f), 0);
	f.from = 2000;
	f.count = 8000;
	assert_int_equal(store_write(s, fill, &f), -ENOSPC);
	assert_int_equal(rows_in(s), 2000); /* nothing half-written */
	f.count = 10;
	assert_int_equal(store_write(s, fill, &f), 0);
	assert_int_equal(rows_in(s), 2010);
	assert_int_equal(store_write(s, put_two, &works), 0);
	store_close(s);
}

/* A file size limit is a disk that fills up, without a disk. */
static void
test_full_disk(void **state)
{
	struct store *s = open_with(64 * MIB, 64 * MIB);
	struct rlimit old, small;
	struct fill f = { 0, 1000, 0 };

	assert_int_equal(store_write(s, fill, &f), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 2 * MIB;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	f.from = 1000;
	f.count = 20000;
	assert_true(store_write(s, fill, &f) < 0);
	assert_int_equal(rows_in(s), 1000);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(store_write(s, fill, &f), 0);
	assert_int_equal(rows_in(s), 21000);
	store_close(s);
}

struct watch {
	struct store *s;
	atomic_bool stop;
	atomic_uint rounds;
};

/* Snapshots hold whole batches of 100 rows and never shrink. */
static void *
watch_rows(void *arg)
{
	struct watch *w = arg;
	struct store_reader *r = store_reader_new(w->s);
	unsigned int n, last = 0;

	while (!atomic_load(&w->stop)) {
		n = count_rows(store_read_begin(r));
		store_read_end(r);
		if (n % 100 != 0 || n < last)
			abort();
		last = n;
		atomic_fetch_add(&w->rounds, 1);
	}
	store_reader_free(r);
	return NULL;
}

static void *
write_rows(void *arg)
{
	struct watch *w = arg;
	struct fill f = { 100, 100, 0 };

	while (!atomic_load(&w->stop) && f.from < 20000) {
		if (store_write(w->s, fill, &f) != 0)
			abort();
		f.from += 100;
		atomic_fetch_add(&w->rounds, 1);
	}
	/* Who waits for more rounds is not left alone. */
	while (!atomic_load(&w->stop))
		atomic_fetch_add(&w->rounds, 1);
	return NULL;
}

static void
test_grows_under_readers(void **state)
{
	struct store *s = open_with(MIB, 64 * MIB);
	struct watch w = { .s = s };
	struct store_stats stats;
	struct fill f = { 0, 100, 0 };
	pthread_t threads[3];
	size_t i;

	for (i = 0; i < LEN(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, watch_rows, &w), 0);
	for (f.from = 0; f.from < 5000; f.from += 100)
		assert_int_equal(store_write(s, fill, &f), 0);
	while (atomic_load(&w.rounds) < LEN(threads))
		sched_yield();
	atomic_store(&w.stop, true);
	for (i = 0; i < LEN(threads); i++)
		pthread_join(threads[i], NULL);
	store_stats(s, &stats);
	assert_true(stats.grown >= 2);
	assert_int_equal(rows_in(s), 5000);
	store_close(s);
}

/* Copies of a store that is written to: whole batches, compacted, and each a
 * store of its own. */
static void
test_copies_while_it_is_written(void **state)
{
	char source[sizeof(dir)], copy[sizeof(dir)];
	struct store *s = open_with(MIB, 64 * MIB), *copied;
	struct watch w = { .s = s };
	struct fill f = { 0, 100, 0 };
	struct store_stats stats;
	pthread_t writer;
	unsigned int n;

	assert_int_equal(store_write(s, fill, &f), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_rows, &w), 0);
	while (atomic_load(&w.rounds) < 10)
		sched_yield();
	memcpy(source, dir, sizeof(dir));
	assert_int_equal(setup(NULL), 0);
	memcpy(copy, dir, sizeof(dir));
	assert_int_equal(store_copy(s, copy), 0);
	assert_int_equal(store_copy(s, copy), -EEXIST);
	n = atomic_load(&w.rounds);
	while (atomic_load(&w.rounds) < n + 10)
		sched_yield();
	atomic_store(&w.stop, true);
	pthread_join(writer, NULL);
	copied = open_with(MIB, 64 * MIB);
	n = rows_in(copied);
	assert_true(n >= 1100 && n % 100 == 0);
	f.from = n;
	assert_int_equal(store_write(copied, fill, &f), 0);
	store_stats(copied, &stats);
	assert_true(stats.used_bytes < 64 * MIB);
	store_close(copied);
	teardown(NULL);
	memcpy(dir, source, sizeof(dir));
	assert_true(rows_in(s) >= n);
	store_close(s);
}

static int
die_inside(struct store_txn *txn, void *arg)
{
	struct fill f = { 100, 5000, 0 };

	fill(txn, &f);
	_exit(7);
}

static void
test_crash_in_a_transaction(void **state)
{
	struct fill f = { 0, 100, 0 };
	struct store *s;
	pid_t pid;
	int status;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		s = open_with(32 * MIB, 32 * MIB);
		if (store_write(s, fill, &f) != 0)
			_exit(1);
		store_write(s, die_inside, NULL);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	s = open_with(32 * MIB, 32 * MIB);
	assert_int_equal(rows_in(s), 100);
	f.from = 100;
	assert_int_equal(store_write(s, fill, &f), 0);
	assert_int_equal(rows_in(s), 200);
	store_close(s);
}

static void
test_refuses_what_is_no_store(void **state)
{
	struct store_config cfg = { dir, tables, MIB, MIB, 16 };
	struct store *s = NULL;
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 65536), 0);
	close(fd);
	assert_true(store_open(&cfg, &s) < 0);
	assert_null(s);
	cfg.dir = "/nonexistent";
	assert_int_equal(store_open(&cfg, &s), -ENOENT);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_commit_and_abort),
		STORE_TEST(test_insert_and_delete),
		STORE_TEST(test_walks),
		STORE_TEST(test_grows_inside_one_write),
		STORE_TEST(test_hard_cap),
		STORE_TEST(test_full_disk),
		STORE_TEST(test_grows_under_readers),
		STORE_TEST(test_copies_while_it_is_written),
		STORE_TEST(test_crash_in_a_transaction),
		STORE_TEST(test_refuses_what_is_no_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
