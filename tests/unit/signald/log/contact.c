/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/signald/log/logfix.h"

static int
deed(struct logfix *f, const char *user, enum sig_contact contact,
    const char *peer, const char *text)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_CONTACT, user);

	a->contact = contact;
	snprintf(a->peer, sizeof(a->peer), "%s", peer);
	a->body = strdup(text);
	a->body_len = strlen(text);
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	return f->last.err;
}

/* The rows as "peer/nick;". */
static void
check_list(struct logfix *f, const char *user, enum sig_contact_list list,
    const char *rows)
{
	struct sig_read read = logfix_reading(SIG_READ_CONTACTS, user, 0);
	struct logfix_seen s;

	read.list = list;
	s = logfix_read(f, &read);
	assert_int_equal(s.head.err, 0);
	assert_string_equal(s.rows, rows);
}

static struct logfix_seen
search(struct logfix *f, const char *user, const char *query)
{
	struct sig_read read = logfix_reading(SIG_READ_SEARCH, user, 0);

	snprintf(read.query, sizeof(read.query), "%s", query);
	return logfix_read(f, &read);
}

static void
check_version(struct logfix *f, const char *user, uint64_t version)
{
	struct sig_read read = logfix_reading(SIG_READ_LOGIN, user, 0);

	assert_int_equal(logfix_read(f, &read).head.contacts, version);
}

static void
test_both_rows(void **state)
{
	struct logfix *f = *state;

	logfix_three_users(f);
	assert_int_equal(deed(f, "alice", SIG_CONTACT_REQUEST, "bob", "hi"), 0);
	assert_string_equal(f->text,
	    "\"user\":\"bob\",\"nick\":\"Bob\",\"state\":\"outgoing\","
	    "\"ts\":1790000000003,\"memo\":\"hi\"");
	assert_int_equal(f->last.version, 1);
	assert_int_equal(f->last.peer_version, 1);
	check_list(f, "alice", SIG_LIST_OUTGOING, "bob/Bob;");
	check_list(f, "bob", SIG_LIST_INCOMING, "alice/Alice;");
	assert_int_equal(deed(f, "bob", SIG_CONTACT_ACCEPT, "alice", ""), 0);
	check_list(f, "alice", SIG_LIST_FRIENDS, "bob/Bob;");
	check_list(f, "bob", SIG_LIST_FRIENDS, "alice/Alice;");
	check_list(f, "alice", SIG_LIST_OUTGOING, "");
	check_list(f, "bob", SIG_LIST_INCOMING, "");
	check_list(f, "carol", SIG_LIST_FRIENDS, "");
	check_version(f, "alice", 2);
	check_version(f, "bob", 2);
	check_version(f, "carol", 0);
	/* What is refused leaves nothing, and what says nothing new no trace.
	 */
	assert_int_equal(
	    deed(f, "alice", SIG_CONTACT_REQUEST, "bob", ""), -EEXIST);
	assert_int_equal(
	    deed(f, "alice", SIG_CONTACT_REQUEST, "nobody", ""), -ENOENT);
	assert_int_equal(deed(f, "bob", SIG_CONTACT_ACCEPT, "alice", ""), 0);
	assert_true(f->last.duplicate);
	assert_int_equal(f->last.version, 2);
	assert_int_equal(f->last.peer_version, 0);
	check_version(f, "alice", 2);
}

static void
test_stays(void **state)
{
	struct logfix *f = *state;

	logfix_three_users(f);
	deed(f, "alice", SIG_CONTACT_JOIN, "bob", "");
	deed(f, "alice", SIG_CONTACT_REMARK, "bob", "Bobby");
	logfix_close(f);
	logfix_open(f, 64 * MIB);
	check_list(f, "bob", SIG_LIST_FRIENDS, "alice/Alice;");
	assert_int_equal(deed(f, "bob", SIG_CONTACT_REMOVE, "alice", ""), 0);
	check_list(f, "bob", SIG_LIST_REMOVED, "alice/Alice;");
	check_list(f, "alice", SIG_LIST_FRIENDS, "bob/Bob;");
	assert_int_equal(deed(f, "alice", SIG_CONTACT_REMARK, "bob", ""), 0);
	assert_non_null(strstr(f->text, "\"state\":\"one_sided\""));
	assert_null(strstr(f->text, "remark"));
	/* Removed and forgotten, by both. */
	deed(f, "bob", SIG_CONTACT_REMOVE, "alice", "");
	deed(f, "alice", SIG_CONTACT_REMOVE, "bob", "");
	deed(f, "alice", SIG_CONTACT_REMOVE, "bob", "");
	check_list(f, "bob", SIG_LIST_REMOVED, "");
	check_list(f, "alice", SIG_LIST_REMOVED, "");
}

static void
test_pages(void **state)
{
	struct sig_read read;
	struct logfix *f = *state;
	struct logfix_seen s;

	logfix_three_users(f);
	deed(f, "alice", SIG_CONTACT_JOIN, "bob", "");
	deed(f, "alice", SIG_CONTACT_REQUEST, "carol", "");
	logfix_ask_user(f, 4, "dave");
	logfix_settle(f);
	deed(f, "alice", SIG_CONTACT_JOIN, "dave", "");
	read = logfix_reading(SIG_READ_CONTACTS, "alice", 0);
	read.limit = 1;
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "bob/Bob;");
	assert_false(s.head.complete);
	snprintf(read.peer, sizeof(read.peer), "bob");
	s = logfix_read(f, &read);
	assert_string_equal(s.rows, "dave/Dave;");
	assert_true(s.head.complete);
	snprintf(read.peer, sizeof(read.peer), "nobody");
	assert_int_equal(logfix_read(f, &read).head.err, -ENOENT);
}

static void
test_search(void **state)
{
	struct logfix *f = *state;
	struct sig_append *a;
	struct logfix_seen s;

	logfix_three_users(f);
	logfix_ask_user(f, 4, "bobette");
	logfix_ask_user(f, 5, "bo");
	logfix_settle(f);
	s = search(f, "alice", "BO");
	/* The user of that name first, and once. */
	assert_string_equal(s.rows, "bo/Bo;bob/Bob;bobette/Bobette;");
	assert_true(s.head.complete);
	assert_string_equal(
	    search(f, "alice", "bobe").rows, "bobette/Bobette;");
	assert_string_equal(search(f, "alice", "alice").rows, "");
	assert_string_equal(search(f, "alice", "ob").rows, "");
	deed(f, "alice", SIG_CONTACT_REQUEST, "carol", "");
	s = search(f, "alice", "carol");
	assert_int_equal(s.first.relation.state, SIG_OUTGOING);
	s = search(f, "carol", "alice");
	assert_int_equal(s.first.relation.state, SIG_INCOMING);
	/* Who is banned is not found. */
	a = logfix_append(f, SIG_APPEND_ACCOUNT, "alice");
	a->account = SIG_ACCOUNT_ROLE;
	a->role = SIG_USER_BANNED;
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	assert_int_equal(f->last.err, 0);
	assert_string_equal(search(f, "carol", "alice").rows, "");
}

/* A common beginning costs a bounded look and says that there is more. */
static void
test_search_is_bounded(void **state)
{
	struct logfix *f = *state;
	struct logfix_seen s;
	char name[16];
	int i;

	logfix_three_users(f);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "zed%02d", i);
		logfix_ask_user(f, (uint64_t)i, name);
	}
	logfix_settle(f);
	s = search(f, "alice", "zed");
	assert_int_equal(s.head.nrows, 10);
	assert_false(s.head.complete);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_both_rows),
		LOG_TEST(test_stays),
		LOG_TEST(test_pages),
		LOG_TEST(test_search),
		LOG_TEST(test_search_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
