/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/signald/log/logfix.h"

#define ALICE_BOB "main:1:alice:bob"

static int
read_to(struct logfix *f, const char *user, const char *conv, uint64_t seq)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_READ, user);

	snprintf(a->conv, sizeof(a->conv), "%s", conv);
	a->sync = seq;
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	return f->last.err;
}

static void
check_marks(struct logfix *f, const char *user, uint64_t read,
    uint64_t peer_read, uint64_t unread)
{
	struct sig_read convs = logfix_reading(SIG_READ_CONVS, user, 0);
	struct logfix_seen s = logfix_read(f, &convs);

	assert_int_equal(s.head.err, 0);
	assert_int_equal(s.first.read, read);
	assert_int_equal(s.first.peer_read, peer_read);
	assert_int_equal(s.first.unread, unread);
}

/* Only the other's messages count, wherever one's own stand between them. */
static void
test_unread(void **state)
{
	static const char *const from[] = { "alice", "bob", "alice", "alice",
		"bob" };
	struct logfix *f = *state;
	char mid[8];
	size_t i;

	logfix_three_users(f);
	for (i = 0; i < LEN(from); i++) {
		snprintf(mid, sizeof(mid), "%zu", i);
		assert_int_equal(logfix_say(f, from[i],
				     from[i][0] == 'a' ? "bob" : "alice", mid),
		    0);
	}
	check_marks(f, "bob", 0, 0, 3);
	check_marks(f, "alice", 0, 0, 2);
	assert_int_equal(read_to(f, "bob", ALICE_BOB, 1), 0);
	assert_int_equal(f->last.seq, 1);
	assert_int_equal(f->last.unread, 2);
	assert_false(f->last.duplicate);
	assert_int_equal(read_to(f, "bob", ALICE_BOB, 3), 0);
	assert_int_equal(f->last.unread, 1);
	check_marks(f, "alice", 0, 3, 2);
	assert_int_equal(read_to(f, "alice", ALICE_BOB, 2), 0);
	assert_int_equal(f->last.unread, 1);
	check_marks(f, "bob", 3, 2, 1);
}

static void
test_forward_only(void **state)
{
	struct logfix *f = *state;

	logfix_three_users(f);
	logfix_say(f, "alice", "bob", "1");
	logfix_say(f, "alice", "bob", "2");
	assert_int_equal(read_to(f, "bob", ALICE_BOB, 99), 0);
	assert_int_equal(f->last.seq, 2);
	assert_int_equal(f->last.unread, 0);
	assert_int_equal(read_to(f, "bob", ALICE_BOB, 1), 0);
	assert_int_equal(f->last.seq, 2);
	assert_true(f->last.duplicate);
	logfix_say(f, "alice", "bob", "3");
	check_marks(f, "bob", 2, 0, 1);
}

static void
test_what_does_not_count(void **state)
{
	struct logfix *f = *state;
	struct sig_append *a;

	logfix_three_users(f);
	logfix_say(f, "alice", "bob", "1");
	a = logfix_append(f, SIG_APPEND_MESSAGE, "alice");
	snprintf(a->peer, sizeof(a->peer), "%s", "bob");
	snprintf(a->conv, sizeof(a->conv), "%s", ALICE_BOB);
	snprintf(a->type, sizeof(a->type), "%s", "call");
	a->body = strdup("{\"outcome\":\"answered\"}");
	a->body_len = strlen(a->body);
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	check_marks(f, "bob", 0, 0, 1);
}

/* A conversation that moves in the list takes its mark along, and so does a
 * log that is opened again. */
static void
test_marks_stay(void **state)
{
	struct logfix *f = *state;

	logfix_three_users(f);
	logfix_say(f, "alice", "bob", "1");
	assert_int_equal(read_to(f, "bob", ALICE_BOB, 1), 0);
	logfix_say(f, "carol", "bob", "1");
	logfix_say(f, "alice", "bob", "2");
	check_marks(f, "bob", 1, 0, 1);
	logfix_close(f);
	logfix_open(f, 64 * MIB);
	check_marks(f, "bob", 1, 0, 1);
}

static void
test_nobody_elses(void **state)
{
	struct logfix *f = *state;

	logfix_three_users(f);
	logfix_say(f, "alice", "bob", "1");
	assert_int_equal(read_to(f, "carol", ALICE_BOB, 1), -ENOENT);
	assert_int_equal(read_to(f, "alice", "main:1:alice:carol", 1), -ENOENT);
	assert_int_equal(read_to(f, "dave", ALICE_BOB, 1), -ENOENT);
	check_marks(f, "bob", 0, 0, 1);
}

static void
keep(struct logfix *f, const char *key, const char *text)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_KEEP, "");

	snprintf(a->conv, sizeof(a->conv), "%s", key);
	a->body = text == NULL ? NULL : strdup(text);
	a->body_len = text == NULL ? 0 : strlen(text);
	a->lazy = text == NULL;
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	assert_int_equal(f->last.err, 0);
}

static void
check_kept(struct logfix *f, const char *after, uint32_t limit,
    const char *rows, bool complete)
{
	struct sig_read read = { .kind = SIG_READ_KEPT, .limit = limit };
	struct logfix_seen s;

	snprintf(read.conv, sizeof(read.conv), "%s", after);
	s = logfix_read(f, &read);
	assert_int_equal(s.head.err, 0);
	assert_string_equal(s.rows, rows);
	assert_int_equal(s.head.complete, complete);
}

static void
test_kept(void **state)
{
	struct logfix *f = *state;

	check_kept(f, "", 9, "", true);
	keep(f, "s:bob:1", "{}");
	keep(f, "c:x", "{\"a\":1}");
	keep(f, "s:bob:10", "{\"b\":2}");
	check_kept(
	    f, "", 9, "c:x={\"a\":1};s:bob:1={};s:bob:10={\"b\":2};", true);
	check_kept(f, "", 2, "c:x={\"a\":1};s:bob:1={};", false);
	check_kept(f, "s:bob:1", 2, "s:bob:10={\"b\":2};", true);
	keep(f, "c:x", "{\"a\":2}");
	keep(f, "s:bob:1", NULL);
	keep(f, "s:bob:1", NULL);
	check_kept(f, "", 9, "c:x={\"a\":2};s:bob:10={\"b\":2};", true);
}

static int
group_setup(void **state)
{
	return crypto_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_unread),
		LOG_TEST(test_forward_only),
		LOG_TEST(test_what_does_not_count),
		LOG_TEST(test_marks_stay),
		LOG_TEST(test_nobody_elses),
		LOG_TEST(test_kept),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
