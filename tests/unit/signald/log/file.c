/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/crypto/crypto.h"
#include "signald/core/file.h"
#include "tests/unit/signald/log/logfix.h"

#define QUOTA (100 * 4096)
#define ALL   (150 * 4096)

/* 64 times the digit. */
static const char *
hash_of(char digit)
{
	static char hash[SIG_FILE_HASH_LEN + 1];

	memset(hash, digit, SIG_FILE_HASH_LEN);
	return hash;
}

static int
ask(struct logfix *f, enum sig_append_kind kind, const char *user, char digit,
    uint64_t size)
{
	struct sig_append *a = logfix_append(f, kind, user);

	a->file = calloc(1, sizeof(*a->file));
	memcpy(a->file->hash, hash_of(digit), SIG_FILE_HASH_LEN);
	snprintf(a->file->type, sizeof(a->file->type), "%s", "image/png");
	a->file->size = size;
	a->file->quota = QUOTA;
	a->file->all = ALL;
	a->sync = DAY_MS;
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	return f->last.err;
}

static int
keep(struct logfix *f, const char *user, char digit, uint64_t size)
{
	return ask(f, SIG_APPEND_FILE, user, digit, size);
}

/* How many are forgotten. */
static uint64_t
sweep(struct logfix *f)
{
	assert_int_equal(ask(f, SIG_APPEND_FILE_SWEEP, "", '0', 0), 0);
	return f->last.seq;
}

static int
may_read(struct logfix *f, const char *user, char digit)
{
	struct msglog_file file;
	int rc = msglog_file(f->reader, user, hash_of(digit), &file);

	if (rc == 0)
		assert_string_equal(file.type, "image/png");
	return rc;
}

static uint64_t
bytes(struct logfix *f, const char *user, uint64_t *all)
{
	uint64_t mine;

	assert_int_equal(msglog_file_bytes(f->reader, user, &mine, all), 0);
	return mine;
}

static void
test_owners(void **state)
{
	struct logfix *f = *state;
	uint64_t all;

	logfix_three_users(f);
	assert_int_equal(keep(f, "alice", 'a', 1), 0);
	assert_false(f->last.duplicate);
	assert_int_equal(may_read(f, "alice", 'a'), 0);
	assert_int_equal(may_read(f, "bob", 'a'), -ENOENT);
	assert_int_equal(may_read(f, "dave", 'a'), -ENOENT);
	assert_int_equal(may_read(f, "alice", 'b'), -ENOENT);
	/* The same again costs nothing; for another user it counts there. */
	assert_int_equal(keep(f, "alice", 'a', 1), 0);
	assert_true(f->last.duplicate);
	assert_int_equal(bytes(f, "alice", &all), 4096);
	assert_int_equal(keep(f, "bob", 'a', 1), 0);
	assert_int_equal(bytes(f, "bob", &all), 4096);
	assert_int_equal(all, 4096);
	assert_int_equal(may_read(f, "bob", 'a'), 0);
	assert_int_equal(keep(f, "dave", 'b', 1), -ENOENT);
	assert_int_equal(msglog_file_known(f->reader, hash_of('b')), -ENOENT);
}

static void
test_quota(void **state)
{
	struct logfix *f = *state;
	uint64_t all;

	logfix_three_users(f);
	assert_int_equal(keep(f, "alice", 'a', QUOTA - 4096), 0);
	assert_int_equal(keep(f, "alice", 'b', 4097), -EDQUOT);
	assert_int_equal(keep(f, "alice", 'c', 4096), 0);
	assert_int_equal(keep(f, "alice", 'd', 1), -EDQUOT);
	assert_int_equal(bytes(f, "alice", &all), QUOTA);
	assert_int_equal(all, QUOTA);
	assert_int_equal(keep(f, "bob", 'e', ALL - QUOTA + 1), -ENFILE);
	assert_int_equal(keep(f, "bob", 'a', QUOTA - 4096), 0);
	assert_int_equal(keep(f, "carol", 'e', ALL - QUOTA), 0);
	assert_int_equal(bytes(f, "carol", &all), ALL - QUOTA);
	assert_int_equal(all, ALL);
	assert_int_equal(may_read(f, "alice", 'b'), -ENOENT);
}

static void
test_sweep(void **state)
{
	struct logfix *f = *state;
	char hash[SIG_FILE_HASH_LEN + 1];
	uint64_t all;

	logfix_three_users(f);
	assert_int_equal(keep(f, "alice", 'a', QUOTA), 0);
	assert_int_equal(keep(f, "bob", 'a', QUOTA), 0);
	assert_int_equal(sweep(f), 0);
	f->ts += DAY_MS / 2;
	assert_int_equal(keep(f, "carol", 'b', 1), 0);
	f->ts += DAY_MS / 2;
	assert_int_equal(msglog_file_idle(f->reader, f->ts - DAY_MS), 0);
	assert_int_equal(sweep(f), 1);
	assert_int_equal(msglog_file_idle(f->reader, f->ts - DAY_MS), -ENOENT);
	assert_int_equal(may_read(f, "alice", 'a'), -ENOENT);
	assert_int_equal(may_read(f, "carol", 'b'), 0);
	assert_int_equal(bytes(f, "alice", &all), 0);
	assert_int_equal(bytes(f, "bob", &all), 0);
	assert_int_equal(all, 4096);
	/* Its bytes are to be taken away; until then that is remembered. */
	logfix_close(f);
	logfix_open(f, 64 * MIB);
	f->ts += 2 * DAY_MS;
	assert_int_equal(msglog_file_gone(f->reader, hash), 0);
	assert_string_equal(hash, hash_of('a'));
	assert_int_equal(ask(f, SIG_APPEND_FILE_GONE, "", 'a', 0), 0);
	assert_int_equal(msglog_file_gone(f->reader, hash), -ENOENT);
	assert_int_equal(keep(f, "alice", 'a', QUOTA), 0);
}

/* So many that one request does not forget them all. */
static void
test_sweep_is_bounded(void **state)
{
	struct logfix *f = *state;
	char name[16];
	int i;

	logfix_three_users(f);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		logfix_ask_user(f, 1, name);
		logfix_settle(f);
		assert_int_equal(keep(f, name, 'a', 1), 0);
	}
	assert_int_equal(keep(f, "alice", 'b', 1), 0);
	f->ts += 2 * DAY_MS;
	assert_int_equal(sweep(f), 0); /* owners first */
	assert_int_equal(msglog_file_known(f->reader, hash_of('a')), 0);
	assert_int_equal(sweep(f), 2);
	assert_int_equal(sweep(f), 0);
	assert_int_equal(msglog_file_known(f->reader, hash_of('a')), -ENOENT);
}

/* A message that refers to the file; its err. */
static int
say(struct logfix *f, const char *from, const char *to, const char *mid,
    char digit)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_MESSAGE, from);
	bool less = strcmp(from, to) < 0;

	snprintf(a->peer, sizeof(a->peer), "%s", to);
	snprintf(a->conv, sizeof(a->conv), "main:1:%s:%s", less ? from : to,
	    less ? to : from);
	a->found = true;
	snprintf(a->mid, sizeof(a->mid), "%s", mid);
	snprintf(a->type, sizeof(a->type), "%s", "file");
	a->file = calloc(1, sizeof(*a->file));
	memcpy(a->file->hash, hash_of(digit), SIG_FILE_HASH_LEN);
	a->body = malloc(128);
	a->body_len = (size_t)snprintf(
	    a->body, 128, "{\"file\":\"%s\",\"name\":\"n\"}", hash_of(digit));
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	return f->last.err;
}

static int
retract(struct logfix *f, uint64_t seq, const char *mid)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_MESSAGE, "alice");

	snprintf(a->peer, sizeof(a->peer), "bob");
	snprintf(a->conv, sizeof(a->conv), "main:1:alice:bob");
	snprintf(a->mid, sizeof(a->mid), "%s", mid);
	snprintf(a->type, sizeof(a->type), "retract");
	a->change = SIG_CHANGE_RETRACT;
	a->target = seq;
	a->body = malloc(64);
	a->body_len = (size_t)snprintf(a->body, 64, "{\"seq\":%d}", (int)seq);
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	return f->last.err;
}

static void
test_references(void **state)
{
	struct logfix *f = *state;

	logfix_three_users(f);
	assert_int_equal(keep(f, "alice", 'a', 5000), 0);
	assert_int_equal(say(f, "bob", "alice", "b-1", 'a'), -ENOENT);
	assert_int_equal(say(f, "alice", "bob", "m-0", 'b'), -ENOENT);
	assert_int_equal(say(f, "alice", "bob", "m-1", 'a'), 0);
	assert_non_null(
	    strstr(f->text, ",\"size\":5000,\"type\":\"image/png\"}"));
	assert_int_equal(f->last.seq, 1);
	assert_int_equal(may_read(f, "bob", 'a'), 0);
	assert_int_equal(may_read(f, "carol", 'a'), -ENOENT);
	/* Whoever may read it may pass it on; a repeat refers once. */
	assert_int_equal(say(f, "bob", "carol", "b-2", 'a'), 0);
	assert_int_equal(may_read(f, "carol", 'a'), 0);
	assert_int_equal(say(f, "alice", "bob", "m-1", 'a'), 0);
	assert_true(f->last.duplicate);
	f->ts += 2 * DAY_MS;
	assert_int_equal(sweep(f), 0);
	assert_int_equal(retract(f, 1, "t-1"), 0);
	/* Bob still sees what he said himself. */
	assert_int_equal(may_read(f, "bob", 'a'), 0);
	assert_int_equal(retract(f, 1, "t-2"), -ESTALE);
	assert_int_equal(sweep(f), 0);
}

static void
test_retracted_files_are_swept(void **state)
{
	struct logfix *f = *state;
	uint64_t all;

	logfix_three_users(f);
	assert_int_equal(keep(f, "alice", 'a', 5000), 0);
	assert_int_equal(say(f, "alice", "bob", "m-1", 'a'), 0);
	assert_int_equal(say(f, "alice", "bob", "m-2", 'a'), 0);
	f->ts += 2 * DAY_MS;
	assert_int_equal(retract(f, 1, "t-1"), 0);
	assert_int_equal(may_read(f, "bob", 'a'), 0);
	assert_int_equal(sweep(f), 0);
	assert_int_equal(retract(f, 2, "t-2"), 0);
	assert_int_equal(may_read(f, "bob", 'a'), -ENOENT);
	assert_int_equal(may_read(f, "alice", 'a'), 0);
	assert_int_equal(sweep(f), 1);
	assert_int_equal(may_read(f, "alice", 'a'), -ENOENT);
	assert_int_equal(bytes(f, "alice", &all), 0);
	assert_int_equal(all, 0);
}

static void
test_names(void **state)
{
	assert_true(sig_file_hash_ok(hash_of('f'), 64));
	assert_false(sig_file_hash_ok(hash_of('F'), 64));
	assert_false(sig_file_hash_ok(hash_of('g'), 64));
	assert_false(sig_file_hash_ok(hash_of('f'), 63));
	assert_string_equal(sig_file_type("Image/PNG ;x"), "image/png");
	assert_string_equal(sig_file_type("image/svg+xml"), SIG_FILE_TYPE_ANY);
	assert_string_equal(sig_file_type("text/html"), SIG_FILE_TYPE_ANY);
	assert_string_equal(sig_file_type(NULL), SIG_FILE_TYPE_ANY);
	assert_true(sig_file_name_ok("\xc3\xa4 b.png"));
	assert_false(sig_file_name_ok("a/b"));
	assert_false(sig_file_name_ok("a\\b"));
	assert_false(sig_file_name_ok("a\nb"));
	assert_false(sig_file_name_ok(".."));
	assert_false(sig_file_name_ok("\xff"));
	assert_false(sig_file_name_ok("\xc2\x85"));
}

static int
setup(void **state)
{
	return crypto_init();
}

/* What is said to one who has blocked the sender shows no file either. */
static void
test_blocked(void **state)
{
	struct logfix *f = *state;
	struct sig_append *a;

	logfix_three_users(f);
	a = logfix_append(f, SIG_APPEND_CONTACT, "bob");
	a->contact = SIG_CONTACT_BLOCK;
	snprintf(a->peer, sizeof(a->peer), "%s", "alice");
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	assert_int_equal(f->last.err, 0);
	assert_int_equal(keep(f, "alice", 'a', 1), 0);
	assert_int_equal(say(f, "alice", "bob", "m1", 'a'), 0);
	assert_int_equal(logfix_say(f, "bob", "alice", "m2"), 0);
	assert_int_equal(may_read(f, "bob", 'a'), -ENOENT);
	assert_int_equal(keep(f, "bob", 'b', 1), 0);
	assert_int_equal(say(f, "bob", "alice", "m3", 'b'), 0);
	assert_int_equal(may_read(f, "alice", 'b'), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_owners),
		LOG_TEST(test_quota),
		LOG_TEST(test_sweep),
		LOG_TEST(test_sweep_is_bounded),
		LOG_TEST(test_references),
		LOG_TEST(test_retracted_files_are_swept),
		cmocka_unit_test(test_names),
		LOG_TEST(test_blocked),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
