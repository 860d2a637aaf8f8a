/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signald/log/msglog.h"
#include "signald/shelf.h"
#include "tests/unit/test.h"

#define MIB (1024 * 1024ULL)
#define ALL (64 * 4096ULL)

static const char abc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

struct fixture {
	char dir[64], files[80];
	struct loop *loop;
	struct msglog *log;
	struct shelf *shelf;
	int err, wanted;
};

static void
add_user(struct fixture *f, const char *name)
{
	struct sig_append *a = calloc(1, sizeof(*a));

	a->kind = SIG_APPEND_USER;
	snprintf(a->user, sizeof(a->user), "%s", name);
	assert_int_equal(msglog_append_wait(f->log, a, NULL), 0);
}

static void
open_shelf(struct fixture *f)
{
	const struct shelf_config cfg = { f->files, f->log, ALL, ALL,
		86400000 };
	char err[256];

	assert_int_equal(shelf_open(&cfg, &f->shelf, err, sizeof(err)), 0);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct msglog_config cfg = { .map_start = MIB,
		.map_max = 16 * MIB,
		.mid_keep_ms = 1000,
		.readers = 4,
		.lazy_ms = 10,
		.waiting_max = MIB };

	snprintf(f->dir, sizeof(f->dir), "/tmp/floe-shelf-XXXXXX");
	if (crypto_init() != 0 || mkdtemp(f->dir) == NULL)
		return 1;
	snprintf(f->files, sizeof(f->files), "%s/files", f->dir);
	cfg.dir = f->dir;
	f->loop = loop_new();
	if (msglog_open(&cfg, &f->log) != 0 || msglog_start(f->log) != 0)
		return 1;
	add_user(f, "alice");
	open_shelf(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	shelf_free(f->shelf);
	msglog_stop(f->log);
	msglog_close(f->log);
	loop_free(f->loop);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	free(f);
	return system(command);
}

static int
count_new(const struct fixture *f)
{
	char path[96];
	struct dirent *e;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/new", f->files);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
done(void *arg)
{
	struct shelf_job *job = arg;
	struct fixture *f = job->worker;

	f->err = job->err;
	shelf_drop(job);
	if (--f->wanted == 0)
		loop_stop(f->loop);
}

static struct shelf_job *
begin(struct fixture *f, const char *user, const char *text)
{
	struct shelf_job *job = NULL;

	assert_int_equal(shelf_begin(f->shelf, user, strlen(text), 0, &job), 0);
	assert_int_equal(shelf_write(job, text, strlen(text)), 0);
	job->loop = f->loop;
	job->done = done;
	job->worker = f;
	return job;
}

static int
keep(struct fixture *f, const char *user, const char *text)
{
	f->wanted = 1;
	shelf_keep(begin(f, user, text));
	assert_int_equal(loop_run(f->loop), 0);
	return f->err;
}

static void
expect_abc(const struct fixture *f)
{
	char text[8] = "";
	int fd = shelf_fetch(f->shelf, abc);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "abc");
	close(fd);
}

static void
test_keep(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(shelf_fetch(f->shelf, abc), -ENOENT);
	assert_int_equal(keep(f, "alice", "abc"), 0);
	expect_abc(f);
	assert_int_equal(keep(f, "alice", "abc"), 0);
	expect_abc(f);
	/* What the log refuses leaves nothing, and does not harm the rest. */
	assert_int_equal(keep(f, "nobody", "abc"), -ENOENT);
	assert_int_equal(keep(f, "nobody", "xyz"), -ENOENT);
	expect_abc(f);
	assert_int_equal(count_new(f), 0);
}

static void
test_drop(void **state)
{
	struct fixture *f = *state;
	struct shelf_job *job = begin(f, "alice", "abc");

	assert_int_equal(count_new(f), 1);
	assert_int_equal(shelf_write(job, "d", 1), -EFBIG);
	shelf_drop(job);
	assert_int_equal(count_new(f), 0);
	assert_int_equal(shelf_fetch(f->shelf, abc), -ENOENT);
}

static void
test_bounds(void **state)
{
	struct fixture *f = *state;
	struct shelf_job *jobs[SHELF_USER_JOBS], *more = NULL;
	int i;

	for (i = 0; i < SHELF_USER_JOBS; i++)
		jobs[i] = begin(f, "alice", "abc");
	assert_int_equal(shelf_begin(f->shelf, "alice", 1, 0, &more), -EAGAIN);
	/* What is on its way counts as if it were there. */
	assert_int_equal(
	    shelf_begin(f->shelf, "bob", ALL - (SHELF_USER_JOBS + 1) * 4096 + 1,
		4096, &more),
	    -ENFILE);
	assert_int_equal(shelf_begin(f->shelf, "bob",
			     ALL - (SHELF_USER_JOBS + 1) * 4096, 4096, &more),
	    0);
	shelf_drop(more);
	for (i = 0; i < SHELF_USER_JOBS; i++)
		shelf_drop(jobs[i]);
	assert_int_equal(shelf_begin(f->shelf, "alice", 1, 0, &more), 0);
	shelf_drop(more);
	assert_int_equal(count_new(f), 0);
}

static void
write_new(const struct fixture *f, const char *name)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/new/%s", f->files, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("abc", file);
	fclose(file);
}

/* A crash between the log's answer and the last rename; and before it. */
static void
test_settles_at_start(void **state)
{
	struct fixture *f = *state;
	char name[128], path[256];

	assert_int_equal(keep(f, "alice", "abc"), 0);
	shelf_free(f->shelf);
	snprintf(path, sizeof(path), "%s/%.2s/%s", f->files, abc, abc + 2);
	assert_int_equal(unlink(path), 0);
	snprintf(name, sizeof(name), "%s-1", abc);
	write_new(f, name);
	write_new(f, "2");
	name[0] = 'c';
	write_new(f, name);
	open_shelf(f);
	expect_abc(f);
	assert_int_equal(count_new(f), 0);
	name[64] = '\0';
	assert_int_equal(shelf_fetch(f->shelf, name), -ENOENT);
}

static void
test_forgotten_loop_gets_nothing(void **state)
{
	struct fixture *f = *state;
	struct shelf_job *job = begin(f, "alice", "xyz");

	shelf_forget(f->shelf, f->loop);
	assert_null(job->loop);
	shelf_keep(job);
	assert_int_equal(keep(f, "alice", "abc"), 0); /* behind it */
	assert_int_equal(count_new(f), 0);
}

#define SHELF_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SHELF_TEST(test_keep),
		SHELF_TEST(test_drop),
		SHELF_TEST(test_bounds),
		SHELF_TEST(test_settles_at_start),
		SHELF_TEST(test_forgotten_loop_gets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
