/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/signald/log/logfix.h"

static void
test_users(void **state)
{
	struct logfix *f = *state;
	struct msglog_account account;
	struct sig_read read;
	struct logfix_seen s;

	logfix_three_users(f);
	logfix_ask_user(f, 4, "bob");
	logfix_settle(f);
	assert_int_equal(f->last.err, -EEXIST);
	assert_int_equal(msglog_account(f->reader, "bob", &account), 0);
	assert_string_equal(account.nick, "Bob");
	assert_string_equal(account.pwhash, "hash");
	assert_int_equal(msglog_account(f->reader, "dave", &account), -ENOENT);
	read = logfix_reading(SIG_READ_USER, "carol", 0);
	s = logfix_read(f, &read);
	assert_string_equal(s.nick, "Carol");
	read = logfix_reading(SIG_READ_USER, "dave", 0);
	assert_int_equal(logfix_read(f, &read).head.err, -ENOENT);
	read = logfix_reading(SIG_READ_INBOX, "dave", 0);
	assert_int_equal(logfix_read(f, &read).head.err, -ENOENT);
}

static void
test_message(void **state)
{
	struct logfix *f = *state;
	struct sig_read read = logfix_reading(SIG_READ_INBOX, "bob", 0);
	struct logfix_seen s;
	char want[256];

	logfix_three_users(f);
	assert_int_equal(logfix_say(f, "alice", "bob", "m-\"1\""), 0);
	assert_true(f->last.first);
	assert_false(f->last.duplicate);
	assert_int_equal(f->last.seq, 1);
	assert_int_equal(f->last.sync, 1);
	assert_int_equal(logfix_sync(f, "bob"), 1);
	snprintf(want, sizeof(want),
	    "\"conv\":\"main:1:alice:bob\",\"seq\":1,\"id\":\"%d\",\"ts\":%llu,"
	    "\"from\":\"alice\",\"device\":\"d1\",\"mid\":\"m-\\\"1\\\"\","
	    "\"type\":\"text\",\"body\":{\"text\":\"hi\"}",
	    (int)f->last.id, (unsigned long long)f->last.ts);
	assert_string_equal(f->text, want);
	s = logfix_read(f, &read);
	assert_string_equal(s.first_text, want);
	assert_string_equal(s.rows, "1:1;");
	assert_true(s.head.complete);
	assert_int_equal(logfix_say(f, "bob", "alice", "b-1"), 0);
	assert_false(f->last.first);
	assert_int_equal(f->last.seq, 2);
	assert_int_equal(f->last.sync, 2);
	/* Another conversation: the inbox goes on, seq starts. */
	assert_int_equal(logfix_say(f, "carol", "bob", "c-1"), 0);
	assert_int_equal(f->last.seq, 1);
	assert_int_equal(f->last.sync, 1);
	assert_int_equal(logfix_sync(f, "bob"), 3);
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "1:1;2:2;3:1;");
	read.from = 2;
	assert_string_equal(logfix_read(f, &read).rows, "3:1;");
	read.from = 0;
	read.limit = 2;
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "1:1;2:2;");
	assert_false(s.head.complete);
}

static void
test_repeated_mid(void **state)
{
	struct logfix *f = *state;
	struct sig_read read = logfix_reading(SIG_READ_INBOX, "bob", 0);
	struct sig_appended first;
	char text[4096];

	logfix_three_users(f);
	logfix_say(f, "alice", "bob", "m-1");
	first = f->last;
	snprintf(text, sizeof(text), "%s", f->text);
	logfix_say(f, "alice", "bob", "m-2");
	assert_int_equal(logfix_say(f, "alice", "bob", "m-1"), 0);
	assert_true(f->last.duplicate);
	assert_int_equal(f->last.id, first.id);
	assert_int_equal(f->last.seq, first.seq);
	assert_int_equal(f->last.ts, first.ts);
	assert_int_equal(f->last.sync, first.sync);
	assert_int_equal(f->last.nto, 0);
	assert_string_equal(f->text, text);
	/* Twice in one group; and the same mid of another user is new. */
	logfix_ask_send(f, 1, "alice", "bob", "m-3");
	logfix_ask_send(f, 2, "alice", "bob", "m-3");
	logfix_ask_send(f, 3, "bob", "alice", "m-3");
	logfix_settle(f);
	assert_int_equal(f->last.seq, 4);
	assert_string_equal(logfix_read(f, &read).rows, "1:1;2:2;3:3;4:4;");
	/* Without a mid there is nothing to repeat. */
	logfix_say(f, "alice", "bob", "");
	logfix_say(f, "alice", "bob", "");
	assert_int_equal(f->last.seq, 6);
}

static void
test_one_fails_alone(void **state)
{
	struct logfix *f = *state;
	struct sig_append *a;

	logfix_three_users(f);
	logfix_ask_send(f, 10, "alice", "bob", "m-1");
	logfix_ask_send(f, 11, "alice", "nobody", "m-2");
	logfix_ask_user(f, 12, "bob");
	logfix_ask_send(f, 13, "alice", "bob", "m-3");
	/* Conversation and members do not belong together. */
	logfix_ask_send(f, 14, "alice", "bob", "m-4");
	logfix_settle(f);
	assert_int_equal(f->n, 5);
	assert_int_equal(f->order[0], 10);
	assert_int_equal(f->order[4], 14);
	assert_int_equal(f->errs[0], 0);
	assert_int_equal(f->errs[1], -ENOENT);
	assert_int_equal(f->errs[2], -EEXIST);
	assert_int_equal(f->errs[3], 0);
	assert_int_equal(f->last.seq, 3);
	a = logfix_append(f, SIG_APPEND_MESSAGE, "carol");
	snprintf(a->peer, sizeof(a->peer), "%s", "bob");
	snprintf(a->conv, sizeof(a->conv), "%s", "main:1:alice:bob");
	snprintf(a->type, sizeof(a->type), "%s", "text");
	a->body = strdup("{}");
	a->body_len = 2;
	msglog_append(f->port, 1, false, a);
	logfix_settle(f);
	assert_int_equal(f->last.err, -ENOENT);
	/* A string that is no UTF-8 leaves no trace of its conversation. */
	assert_int_equal(logfix_say(f, "alice", "carol", "\xff"), -EINVAL);
	assert_int_equal(logfix_say(f, "alice", "carol", "m-5"), 0);
	assert_true(f->last.first);
	assert_int_equal(f->last.seq, 1);
}

static void
test_history(void **state)
{
	struct logfix *f = *state;
	struct sig_read read = logfix_reading(SIG_READ_HISTORY, "alice", 0);
	char mid[8];
	struct logfix_seen s;
	int i;

	logfix_three_users(f);
	for (i = 0; i < 5; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		logfix_say(f, "alice", "bob", mid);
	}
	read.limit = 2;
	s = logfix_read(f, &read); /* the newest */
	assert_string_equal(s.rows, "0:4;0:5;");
	assert_false(s.head.complete);
	read.from = 4;
	assert_string_equal(logfix_read(f, &read).rows, "0:2;0:3;");
	read.from = 3;
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "0:1;0:2;");
	assert_true(s.head.complete);
	read.from = 1;
	assert_string_equal(logfix_read(f, &read).rows, "");
	read.newer = true;
	read.from = 0;
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "0:1;0:2;");
	assert_false(s.head.complete);
	read.from = 3;
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "0:4;0:5;");
	assert_true(s.head.complete);
	/* Only members read. */
	snprintf(read.user, sizeof(read.user), "%s", "carol");
	assert_int_equal(logfix_read(f, &read).head.err, -ENOENT);
	snprintf(read.conv, sizeof(read.conv), "%s", "main:1:nobody:zoe");
	assert_int_equal(logfix_read(f, &read).head.err, -ENOENT);
}

static void
test_conversations(void **state)
{
	struct logfix *f = *state;
	struct sig_read read = logfix_reading(SIG_READ_CONVS, "alice", 0);
	struct logfix_seen s;

	logfix_three_users(f);
	assert_string_equal(logfix_read(f, &read).rows, "");
	logfix_say(f, "alice", "bob", "1");
	logfix_say(f, "carol", "alice", "1");
	assert_string_equal(logfix_read(f, &read).rows, "carol/Carol;bob/Bob;");
	logfix_say(f, "bob", "alice", "1");
	logfix_say(f, "bob", "alice", "2");
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "bob/Bob;carol/Carol;");
	assert_non_null(strstr(s.first_text, "\"seq\":3"));
	logfix_say(f, "alice", "alice", "note"); /* to oneself */
	assert_int_equal(f->last.sync, logfix_sync(f, "alice"));
	assert_string_equal(
	    logfix_read(f, &read).rows, "alice/Alice;bob/Bob;carol/Carol;");
	read.limit = 1;
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "alice/Alice;");
	assert_false(s.head.complete);
	/* Page by page; bob's stayed the newest over two messages. */
	read.from = s.first.activity;
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "bob/Bob;");
	assert_false(s.head.complete);
	read.from = s.first.activity;
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "carol/Carol;");
	read.from = s.first.activity;
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "");
	assert_true(s.head.complete);
}

static void
test_login(void **state)
{
	struct logfix *f = *state;
	struct sig_read read = logfix_reading(SIG_READ_LOGIN, "alice", 0);
	struct sig_append *a;
	struct logfix_seen s;

	logfix_three_users(f);
	logfix_say(f, "alice", "bob", "1");
	logfix_say(f, "carol", "alice", "1");
	logfix_ask_cursor(f, "alice", "d1", 1);
	logfix_settle(f);
	s = logfix_read(f, &read);
	assert_string_equal(s.nick, "Alice");
	assert_string_equal(s.rows, ""); /* friends are no more than that */
	assert_string_equal(s.head.epoch, msglog_epoch(f->log));
	assert_int_equal(s.head.head, 2);
	assert_int_equal(s.head.cursor, 1);
	logfix_ask_cursor(f, "alice", "d1", 77); /* no further than the inbox */
	logfix_ask_cursor(f, "alice", "d1", 1);  /* nor back */
	a = logfix_append(f, SIG_APPEND_SEEN, "alice");
	msglog_append(f->port, 1, false, a);
	logfix_settle(f);
	assert_int_equal(logfix_read(f, &read).head.cursor, 2);
	snprintf(read.device, sizeof(read.device), "%s", "d2");
	assert_int_equal(logfix_read(f, &read).head.cursor, 0);
}

static void
test_reopen(void **state)
{
	struct logfix *f = *state;
	struct sig_read read = logfix_reading(SIG_READ_INBOX, "bob", 0);
	char epoch[SIG_EPOCH_LEN];
	uint64_t id;

	logfix_three_users(f);
	logfix_say(f, "alice", "bob", "1");
	id = f->last.id;
	snprintf(epoch, sizeof(epoch), "%s", msglog_epoch(f->log));
	assert_int_equal(strlen(epoch), SIG_EPOCH_LEN - 1);
	logfix_close(f);
	logfix_open(f, 64 * MIB);
	assert_string_equal(msglog_epoch(f->log), epoch);
	assert_string_equal(logfix_read(f, &read).rows, "1:1;");
	logfix_say(f, "alice", "bob", "1");
	assert_true(f->last.duplicate);
	assert_int_equal(f->last.id, id);
	logfix_say(f, "alice", "bob", "2");
	assert_true(f->last.id > id);
	assert_int_equal(f->last.seq, 2);
}

static void
test_mids_age_out(void **state)
{
	struct logfix *f = *state;
	char mid[16];
	int i;

	logfix_three_users(f);
	for (i = 0; i < 40; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		logfix_ask_send(f, 1, "alice", "bob", mid);
	}
	logfix_settle(f);
	f->ts = T0 + KEEP_MS - DAY_MS;
	logfix_say(f, "alice", "bob", "m0");
	assert_true(f->last.duplicate);
	f->ts = T0 + KEEP_MS + DAY_MS;
	logfix_say(f, "alice", "bob", "new"); /* forgets a bounded number */
	logfix_say(f, "alice", "bob", "m0");
	assert_false(f->last.duplicate);
	logfix_say(f, "alice", "bob", "m39");
	assert_true(f->last.duplicate);
	for (i = 0; i < 3; i++) {
		snprintf(mid, sizeof(mid), "more%d", i);
		logfix_say(f, "alice", "bob", mid);
	}
	logfix_say(f, "alice", "bob", "m39");
	assert_false(f->last.duplicate);
	assert_int_equal(atomic_load(&msglog_stats(f->log)->mids_expired), 40);
}

static void
test_full(void **state)
{
	struct logfix *f = *state;
	struct sig_read read = logfix_reading(SIG_READ_INBOX, "bob", 0);
	uint64_t last = 0;
	char mid[16];
	int i;

	logfix_close(f);
	logfix_open(f, MIB);
	logfix_three_users(f);
	for (i = 0; i < 10000; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		if (logfix_say(f, "alice", "bob", mid) != 0)
			break;
		last = logfix_sync(f, "bob");
	}
	assert_int_equal(f->last.err, -ENOSPC);
	assert_true(last > 100);
	read.from = last - 1;
	assert_int_equal(logfix_read(f, &read).head.nrows, 1);
	/* What failed left nothing: with room it is new. */
	logfix_close(f);
	logfix_open(f, 64 * MIB);
	assert_int_equal(logfix_say(f, "alice", "bob", mid), 0);
	assert_false(f->last.duplicate);
	assert_int_equal(logfix_sync(f, "bob"), last + 1);
}

/* What waits for the disk is memory, too. */
static void
test_too_much_under_way(void **state)
{
	struct logfix *f = *state;
	struct sig_append *a;
	uint64_t n, round;
	int rc = 0;

	logfix_close(f);
	f->waiting_max = MIB / 64;
	logfix_open(f, 64 * MIB);
	logfix_three_users(f);
	for (round = 0; round < 3; round++) {
		for (n = 0; rc == 0; n++) {
			a = logfix_append(f, SIG_APPEND_CURSOR, "alice");
			rc = msglog_append(f->port, n, false, a);
		}
		assert_int_equal(rc, -EAGAIN);
		assert_true(n > 2);
		assert_int_equal(msglog_port_pending(f->port), n - 1);
		logfix_settle(f);
		assert_int_equal(f->n, n - 1);
		rc = 0;
	}
}

static void
test_wait(void **state)
{
	struct logfix *f = *state;

	assert_int_equal(msglog_append_wait(f->log,
			     logfix_append(f, SIG_APPEND_USER, "alice"), NULL),
	    0);
	assert_int_equal(msglog_append_wait(f->log,
			     logfix_append(f, SIG_APPEND_USER, "alice"), NULL),
	    -EEXIST);
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
		LOG_TEST(test_users),
		LOG_TEST(test_message),
		LOG_TEST(test_repeated_mid),
		LOG_TEST(test_one_fails_alone),
		LOG_TEST(test_history),
		LOG_TEST(test_conversations),
		LOG_TEST(test_login),
		LOG_TEST(test_reopen),
		LOG_TEST(test_mids_age_out),
		LOG_TEST(test_full),
		LOG_TEST(test_too_much_under_way),
		LOG_TEST(test_wait),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
