/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/signald/log/logfix.h"

#define ALICE_BOB "main:1:alice:bob"

static int
change(struct logfix *f, enum sig_change what, const char *user,
    const char *mid, const char *body)
{
	static const char *const types[] = { "", "edit", "retract",
		"reaction" };
	struct sig_append *a = logfix_append(f, SIG_APPEND_MESSAGE, user);

	snprintf(
	    a->peer, sizeof(a->peer), "%s", user[0] == 'a' ? "bob" : "alice");
	snprintf(a->conv, sizeof(a->conv), "%s", ALICE_BOB);
	snprintf(a->mid, sizeof(a->mid), "%s", mid);
	snprintf(a->type, sizeof(a->type), "%s", types[what]);
	a->change = what;
	a->target = 1;
	a->body = strdup(body);
	a->body_len = strlen(body);
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	return f->last.err;
}

/* Whether any record of the conversation has this in it. */
static bool
anywhere(struct logfix *f, const char *what)
{
	struct sig_read read = logfix_reading(SIG_READ_HISTORY, "bob", 0);
	struct logfix_seen s;

	read.newer = true;
	read.limit = 1;
	for (read.from = 0; read.from < 5; read.from++) {
		s = logfix_read(f, &read);
		assert_int_equal(s.head.err, 0);
		if (strstr(s.first_text, what) != NULL)
			return true;
	}
	return false;
}

static void
test_what_is_retracted_is_gone(void **state)
{
	struct logfix *f = *state;

	logfix_three_users(f);
	assert_int_equal(logfix_say(f, "alice", "bob", "1"), 0);
	assert_int_equal(change(f, SIG_CHANGE_EDIT, "alice", "2",
			     "{\"seq\":1,\"text\":\"secret\"}"),
	    0);
	assert_int_equal(f->last.seq, 2);
	assert_int_equal(logfix_sync(f, "bob"), 2);
	assert_true(anywhere(f, "secret"));
	assert_true(anywhere(f, "\"edits\":[2]"));
	assert_int_equal(change(f, SIG_CHANGE_REACTION, "bob", "3",
			     "{\"seq\":1,\"emoji\":\"x\",\"on\":true}"),
	    0);
	assert_true(anywhere(f, "\"users\":[\"bob\"]"));
	assert_int_equal(
	    change(f, SIG_CHANGE_RETRACT, "alice", "4", "{\"seq\":1}"), 0);
	assert_int_equal(f->last.seq, 4);
	logfix_say(f, "bob", "alice", "5");
	assert_false(anywhere(f, "secret"));
	assert_true(anywhere(f, "retracted_ts"));
	/* The same again is answered as it was. */
	assert_int_equal(
	    change(f, SIG_CHANGE_RETRACT, "alice", "4", "{\"seq\":1}"), 0);
	assert_true(f->last.duplicate);
	assert_int_equal(f->last.seq, 4);
}

/* The list shows what was said last, and where that put it. */
static void
test_the_list_shows_messages(void **state)
{
	struct logfix *f = *state;
	struct sig_read convs = logfix_reading(SIG_READ_CONVS, "bob", 0);
	struct logfix_seen s;

	logfix_three_users(f);
	logfix_say(f, "alice", "bob", "1");
	logfix_say(f, "carol", "bob", "1");
	assert_int_equal(change(f, SIG_CHANGE_EDIT, "alice", "2",
			     "{\"seq\":1,\"text\":\"better\"}"),
	    0);
	s = logfix_read(f, &convs);
	assert_string_equal(s.rows, "carol/Carol;alice/Alice;");
	logfix_say(f, "bob", "carol", "2");
	change(
	    f, SIG_CHANGE_EDIT, "alice", "3", "{\"seq\":1,\"text\":\"best\"}");
	convs = logfix_reading(SIG_READ_CONVS, "alice", 0);
	s = logfix_read(f, &convs);
	assert_non_null(strstr(s.first_text, "\"text\":\"best\""));
	assert_non_null(strstr(s.first_text, "\"type\":\"text\""));
}

/* A refused one writes nothing, and spoils nothing of its group. */
static void
test_refused(void **state)
{
	struct logfix *f = *state;

	logfix_three_users(f);
	assert_int_equal(
	    change(f, SIG_CHANGE_RETRACT, "alice", "0", "{\"seq\":1}"),
	    -ENOENT);
	logfix_say(f, "alice", "bob", "1");
	assert_int_equal(
	    change(f, SIG_CHANGE_RETRACT, "bob", "1", "{\"seq\":1}"), -EPERM);
	logfix_ask_send(f, 2, "alice", "bob", "2");
	change(f, SIG_CHANGE_RETRACT, "bob", "2", "{\"seq\":1}");
	assert_int_equal(f->errs[0], 0);
	assert_int_equal(f->errs[1], -EPERM);
	logfix_say(f, "alice", "bob", "3");
	assert_int_equal(f->last.seq, 3);
	assert_false(anywhere(f, "retracted_ts"));
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
		LOG_TEST(test_what_is_retracted_is_gone),
		LOG_TEST(test_the_list_shows_messages),
		LOG_TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
