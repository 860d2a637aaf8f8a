/* SPDX-License-Identifier: BSD-3-Clause */
/* What is older than it may be goes, and all that stays still fits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/file.h"
#include "tests/unit/signald/log/logfix.h"

/* Whole passes, until nothing is left to do; how many steps it took. */
static unsigned int
retain(struct logfix *f, uint64_t before, uint64_t *gone)
{
	struct sig_append *a;
	uint64_t target = 0;
	unsigned int steps = 0;

	*gone = 0;
	do {
		a = logfix_append(f, SIG_APPEND_RETAIN, "");
		a->sync = before;
		a->target = target;
		assert_int_equal(msglog_append(f->port, 1, false, a), 0);
		logfix_settle(f);
		assert_int_equal(f->last.err, 0);
		assert_true(f->last.gone <= 256);
		*gone += f->last.gone;
		target = f->last.target;
		assert_true(f->last.more == (target != 0));
		assert_true(++steps < 1000);
	} while (target != 0);
	return steps;
}

static struct logfix_seen
look(struct logfix *f, enum sig_read_kind kind, const char *user, uint64_t from)
{
	struct sig_read read = logfix_reading(kind, user, from);

	read.newer = true;
	return logfix_read(f, &read);
}

static uint64_t
mark(struct logfix *f, const char *user, uint64_t seq)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_READ, user);

	snprintf(a->conv, sizeof(a->conv), "%s", "main:1:alice:bob");
	a->sync = seq;
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	assert_int_equal(f->last.err, 0);
	return f->last.unread;
}

static uint64_t
unread(struct logfix *f, const char *user)
{
	return look(f, SIG_READ_CONVS, user, 0).first.unread;
}

static void
test_oldest_go(void **state)
{
	struct logfix *f = *state;
	struct logfix_seen s;
	uint64_t gone, ts;
	int i;

	logfix_three_users(f);
	for (i = 0; i < 3; i++)
		assert_int_equal(logfix_say(f, "alice", "bob", ""), 0);
	ts = f->ts;
	for (i = 0; i < 2; i++)
		assert_int_equal(logfix_say(f, "bob", "alice", ""), 0);
	assert_int_equal(retain(f, T0, &gone), 1);
	assert_int_equal(gone, 0);
	retain(f, ts, &gone);
	assert_int_equal(gone, 9); /* three rows, and in two inboxes */
	s = look(f, SIG_READ_HISTORY, "alice", 0);
	assert_string_equal(s.rows, "0:4;0:5;");
	assert_true(s.head.complete);
	s = look(f, SIG_READ_INBOX, "bob", 0);
	assert_string_equal(s.rows, "4:4;5:5;");
	assert_true(s.head.complete);
	/* Again: nothing is left to do. */
	retain(f, ts, &gone);
	assert_int_equal(gone, 0);
	assert_int_equal(logfix_say(f, "alice", "bob", ""), 0);
	assert_int_equal(f->last.seq, 6);
	assert_int_equal(f->last.sync, 6);
}

/* The newest row of each log stays without its text, until the next comes. */
static void
test_all_go(void **state)
{
	struct logfix *f = *state;
	struct logfix_seen s;
	uint64_t gone, id;

	logfix_three_users(f);
	assert_int_equal(logfix_say(f, "alice", "bob", "m1"), 0);
	assert_int_equal(logfix_say(f, "alice", "bob", "m2"), 0);
	id = f->last.id;
	retain(f, f->ts, &gone);
	assert_int_equal(gone, 4);
	assert_string_equal(look(f, SIG_READ_HISTORY, "bob", 0).rows, "");
	s = look(f, SIG_READ_INBOX, "bob", 0);
	assert_string_equal(s.rows, "");
	assert_true(s.head.complete);
	assert_int_equal(look(f, SIG_READ_LOGIN, "bob", 0).head.head, 2);
	s = look(f, SIG_READ_CONVS, "bob", 0);
	assert_string_equal(s.rows, "alice/Alice;");
	assert_string_equal(s.first_text, "");
	assert_int_equal(s.first.unread, 0);
	assert_int_equal(s.first.activity, id);
	retain(f, f->ts, &gone);
	assert_int_equal(gone, 0);
	/* A mid is gone with its message. */
	assert_int_equal(logfix_say(f, "alice", "bob", "m2"), 0);
	assert_false(f->last.duplicate);
	assert_int_equal(f->last.seq, 3);
	assert_int_equal(f->last.sync, 3);
	assert_int_equal(unread(f, "bob"), 1);
	retain(f, f->ts - 1, &gone);
	assert_int_equal(gone, 3);
	assert_string_equal(look(f, SIG_READ_INBOX, "bob", 0).rows, "3:3;");
	assert_string_equal(look(f, SIG_READ_HISTORY, "bob", 0).rows, "0:3;");
}

static void
test_counts(void **state)
{
	struct logfix *f = *state;
	uint64_t gone, ts;

	logfix_three_users(f);
	assert_int_equal(logfix_say(f, "alice", "bob", ""), 0);
	assert_int_equal(logfix_say(f, "alice", "bob", ""), 0);
	assert_int_equal(logfix_say(f, "bob", "alice", ""), 0);
	assert_int_equal(logfix_say(f, "alice", "bob", ""), 0);
	assert_int_equal(mark(f, "bob", 1), 2);
	ts = f->ts;
	assert_int_equal(logfix_say(f, "bob", "alice", ""), 0);
	assert_int_equal(logfix_say(f, "alice", "bob", ""), 0);
	assert_int_equal(unread(f, "bob"), 3);
	assert_int_equal(unread(f, "alice"), 2);
	retain(f, ts, &gone);
	/* Only what is there waits to be read. */
	assert_int_equal(unread(f, "bob"), 1);
	assert_int_equal(unread(f, "alice"), 1);
	/* A mark among those that are gone, and on. */
	assert_int_equal(mark(f, "bob", 3), 1);
	assert_int_equal(mark(f, "alice", 4), 1);
	assert_int_equal(mark(f, "alice", 5), 0);
	assert_int_equal(mark(f, "bob", 6), 0);
	assert_int_equal(logfix_say(f, "bob", "alice", ""), 0);
	assert_int_equal(unread(f, "alice"), 1);
	assert_int_equal(unread(f, "bob"), 0);
}

/* Many rows take many steps, and no step takes more than its share. */
static void
test_bounded(void **state)
{
	struct logfix *f = *state;
	uint64_t gone;
	int i;

	logfix_three_users(f);
	for (i = 0; i < 20; i++) {
		logfix_ask_send(f, 1, "alice", "bob", "");
		logfix_ask_send(f, 1, "bob", "carol", "");
		if (i % 8 == 7)
			logfix_settle(f);
	}
	logfix_settle(f);
	for (i = 0; i < 300; i++)
		assert_int_equal(logfix_say(f, "alice", "bob", ""), 0);
	assert_true(retain(f, f->ts, &gone) >= 4);
	/* All but the last of three inboxes; the last texts of two logs. */
	assert_int_equal(gone, 320 + 20 + (320 + 340 + 20 - 3));
	assert_string_equal(look(f, SIG_READ_HISTORY, "bob", 0).rows, "");
	assert_int_equal(look(f, SIG_READ_LOGIN, "bob", 0).head.head, 340);
}

static int
file_op(struct logfix *f, enum sig_append_kind kind)
{
	struct sig_append *a = logfix_append(f, kind, "alice");
	const char *hash = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	char body[128];

	a->file = calloc(1, sizeof(*a->file));
	memcpy(a->file->hash, hash, SIG_FILE_HASH_LEN);
	snprintf(a->file->type, sizeof(a->file->type), "%s", "image/png");
	a->file->size = 10;
	a->file->quota = a->file->all = MIB;
	if (kind == SIG_APPEND_MESSAGE) {
		snprintf(a->conv, sizeof(a->conv), "%s", "main:1:alice:bob");
		snprintf(a->peer, sizeof(a->peer), "%s", "bob");
		snprintf(a->type, sizeof(a->type), "%s", "file");
		snprintf(body, sizeof(body), "{\"file\":\"%s\"}", hash);
		a->body = strdup(body);
		a->body_len = strlen(body);
		a->found = true;
	}
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	return f->last.err;
}

/* With its last message a file is nobody's. */
static void
test_file(void **state)
{
	struct logfix *f = *state;
	uint64_t gone, ts;

	logfix_three_users(f);
	assert_int_equal(file_op(f, SIG_APPEND_FILE), 0);
	assert_int_equal(file_op(f, SIG_APPEND_MESSAGE), 0);
	ts = f->ts;
	assert_int_equal(file_op(f, SIG_APPEND_MESSAGE), 0);
	retain(f, ts, &gone);
	assert_int_equal(msglog_file_idle(f->reader, f->ts), -ENOENT);
	retain(f, f->ts, &gone);
	assert_int_equal(msglog_file_idle(f->reader, f->ts), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_oldest_go),
		LOG_TEST(test_all_go),
		LOG_TEST(test_counts),
		LOG_TEST(test_bounded),
		LOG_TEST(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
