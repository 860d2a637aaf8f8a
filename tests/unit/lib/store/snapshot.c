/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/store/store.h"
#include "tests/unit/test.h"

/*
 * Threads are stopped in the middle of LMDB by taking the pages away that they
 * touch next: the reader before it reads its root, the writer before it says
 * that its commit is done.
 */

#define MIB        (1024 * 1024ULL)
#define META_PAGES 2

static const char *const tables[] = { "a", NULL };

struct mapping {
	char *at;
	size_t len;
};

struct stop {
	sem_t reached, go;
};

static char dir[64];
static struct mapping metas, locks;
static struct stop reader_stop, writer_stop;
static _Thread_local struct stop *own_stop;

static bool
inside(const struct mapping *m, const void *address)
{
	return (const char *)address >= m->at &&
	    (const char *)address < m->at + m->len;
}

static void
on_fault(int sig, siginfo_t *info, void *context)
{
	struct stop *stop = own_stop;

	if (inside(&metas, info->si_addr))
		mprotect(metas.at, metas.len, PROT_READ);
	else if (inside(&locks, info->si_addr))
		mprotect(locks.at, locks.len, PROT_READ | PROT_WRITE);
	else
		abort();
	if (stop == NULL)
		return;
	own_stop = NULL;
	sem_post(&stop->reached);
	sem_wait(&stop->go);
}

/* Where this process has mapped a file of the store. */
static struct mapping
find_mapping(const char *file)
{
	struct mapping m = { NULL, 0 };
	unsigned long from, to;
	char line[512], path[96];
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_non_null(maps);
	snprintf(path, sizeof(path), "%s/%s\n", dir, file);
	while (m.at == NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, path) != NULL &&
		    sscanf(line, "%lx-%lx", &from, &to) == 2)
			m = (struct mapping){ (char *)from, to - from };
	}
	fclose(maps);
	assert_non_null(m.at);
	return m;
}

/* In the test itself: cmocka has handlers of its own around each part. */
static void
catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER };

	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

static int
setup(void **state)
{
	sem_init(&reader_stop.reached, 0, 0);
	sem_init(&reader_stop.go, 0, 0);
	sem_init(&writer_stop.reached, 0, 0);
	sem_init(&writer_stop.go, 0, 0);
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

static int
put(struct store_txn *txn, const char *text)
{
	struct store_val k = { "k", 1 }, v = { text, 1 };

	return store_put(txn, 0, &k, &v, STORE_PUT);
}

static int
put_text(struct store_txn *txn, void *arg)
{
	return put(txn, arg);
}

/* Stands still when the root is written and the number is not. */
static int
put_and_stop(struct store_txn *txn, void *arg)
{
	own_stop = &writer_stop;
	mprotect(locks.at, locks.len, PROT_READ);
	return put(txn, arg);
}

static void *
write_third(void *arg)
{
	if (store_write(arg, put_and_stop, "3") != 0)
		abort();
	return NULL;
}

static char
read_text(struct store_reader *r)
{
	struct store_txn *txn = store_read_begin(r);
	struct store_val k = { "k", 1 }, v;
	char text = '?';

	if (txn != NULL && store_get(txn, 0, &k, &v) == 0)
		text = *(const char *)v.data;
	store_read_end(r);
	return text;
}

struct reading {
	struct store_reader *r;
	char text;
};

static void *
read_slowly(void *arg)
{
	struct reading *reading = arg;

	own_stop = &reader_stop;
	mprotect(metas.at, metas.len, PROT_NONE);
	reading->text = read_text(reading->r);
	return NULL;
}

static void
test_a_reader_that_two_commits_overtake(void **state)
{
	struct store_config cfg = { dir, tables, MIB, MIB, 16 };
	struct reading reading;
	pthread_t reader, writer;
	struct store *s;

	catch_faults();
	assert_int_equal(store_open(&cfg, &s), 0);
	assert_int_equal(store_write(s, put_text, "1"), 0);
	reading.r = store_reader_new(s);
	assert_int_equal(read_text(reading.r), '1');
	metas = find_mapping("data.mdb");
	metas.len = META_PAGES * (size_t)sysconf(_SC_PAGESIZE);
	locks = find_mapping("lock.mdb");

	pthread_create(&reader, NULL, read_slowly, &reading);
	sem_wait(&reader_stop.reached);
	assert_int_equal(store_write(s, put_text, "2"), 0);
	pthread_create(&writer, NULL, write_third, s);
	sem_wait(&writer_stop.reached);
	sem_post(&reader_stop.go);
	pthread_join(reader, NULL);
	/* Not what may still fail, and what a later snapshot would not have. */
	assert_int_equal(reading.text, '2');
	assert_int_equal(read_text(reading.r), '2');
	sem_post(&writer_stop.go);
	pthread_join(writer, NULL);
	assert_int_equal(read_text(reading.r), '3');
	store_reader_free(reading.r);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_a_reader_that_two_commits_overtake, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
