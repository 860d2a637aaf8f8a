/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

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
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
