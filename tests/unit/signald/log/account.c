/* SPDX-License-Identifier: BSD-3-Clause */
/* Users, their roles, and what their tokens are worth. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/crypto/crypto.h"
#include "signald/log/schema.h"
#include "tests/unit/signald/log/logfix.h"

static int
change(struct logfix *f, const char *user, enum sig_account account,
    enum sig_user_role role, const char *pwhash, uint64_t ts)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_ACCOUNT, user);

	a->account = account;
	a->role = role;
	a->ts = ts;
	a->pwhash = pwhash != NULL ? strdup(pwhash) : NULL;
	assert_int_equal(msglog_append(f->port, 1, false, a), 0);
	logfix_settle(f);
	return f->last.err;
}

static void
check(struct logfix *f, const char *user, enum sig_user_role role,
    uint32_t generation, uint64_t voided_ts, const char *pwhash)
{
	struct msglog_account account;
	struct sig_read read = logfix_reading(SIG_READ_LOGIN, user, 0);
	struct logfix_seen s = logfix_read(f, &read);

	assert_int_equal(msglog_account(f->reader, user, &account), 0);
	assert_int_equal(account.standing.role, role);
	assert_int_equal(account.standing.generation, generation);
	assert_int_equal(account.standing.voided_ts, voided_ts);
	assert_string_equal(account.pwhash, pwhash);
	assert_int_equal(s.head.standing.role, role);
	assert_int_equal(s.head.standing.generation, generation);
	assert_int_equal(s.head.standing.voided_ts, voided_ts);
}

static void
test_changes(void **state)
{
	struct logfix *f = *state;

	logfix_three_users(f);
	assert_int_equal(
	    change(f, "alice", SIG_ACCOUNT_PASSWORD, 0, "hash", 100), 0);
	assert_int_equal(f->last.standing.generation, 1);
	check(f, "alice", SIG_USER_NORMAL, 1, 100, "hash");
	assert_int_equal(
	    change(f, "alice", SIG_ACCOUNT_ROLE, SIG_USER_ADMIN, NULL, 200), 0);
	assert_false(f->last.duplicate);
	check(f, "alice", SIG_USER_ADMIN, 1, 100, "hash");
	assert_int_equal(
	    change(f, "alice", SIG_ACCOUNT_ROLE, SIG_USER_BANNED, NULL, 300),
	    0);
	check(f, "alice", SIG_USER_BANNED, 2, 300, "hash");
	/* Banned twice is banned once. */
	assert_int_equal(
	    change(f, "alice", SIG_ACCOUNT_ROLE, SIG_USER_BANNED, NULL, 400),
	    0);
	assert_true(f->last.duplicate);
	check(f, "alice", SIG_USER_BANNED, 2, 300, "hash");
	/* A clock that was set back makes nothing good again. */
	assert_int_equal(
	    change(f, "alice", SIG_ACCOUNT_LOGOUT, 0, NULL, 50), 0);
	check(f, "alice", SIG_USER_BANNED, 3, 300, "hash");
	assert_int_equal(
	    change(f, "zoe", SIG_ACCOUNT_LOGOUT, 0, NULL, 50), -ENOENT);
	check(f, "bob", SIG_USER_NORMAL, 0, 0, "hash");
}

/* What a list has. */
struct list {
	char names[128];
	bool complete;
};

static void
list_rows(void *arg, const struct sig_rows *rows)
{
	struct list *l = arg;
	size_t i;

	assert_int_equal(rows->err, 0);
	l->complete = rows->complete;
	for (i = 0; i < rows->nrows; i++) {
		strcat(l->names, rows->rows[i].peer);
		strcat(l->names, " ");
	}
}

static struct list
list(struct logfix *f, const char *prefix, const char *after, uint32_t limit)
{
	struct sig_read read = { .kind = SIG_READ_USERS, .limit = limit };
	struct list l = { .complete = false };

	snprintf(read.query, sizeof(read.query), "%s", prefix);
	snprintf(read.after, sizeof(read.after), "%s", after);
	msglog_read(f->reader, &read, list_rows, &l);
	return l;
}

static void
test_list(void **state)
{
	static const struct {
		const char *prefix, *after;
		uint32_t limit;
		const char *names;
		bool complete;
	} rows[] = {
		{ "", "", 100, "alice alice-2 alicia bob carol ", true },
		{ "", "", 2, "alice alice-2 ", false },
		{ "", "alice-2", 2, "alicia bob ", false },
		{ "", "bob", 2, "carol ", true },
		{ "", "carol", 2, "", true },
		{ "alice", "", 1, "alice ", false },
		{ "alice", "", 9, "alice alice-2 ", true },
		{ "ali", "alice", 9, "alice-2 alicia ", true },
		{ "b", "alice", 9, "bob ", true },
		{ "b", "carol", 9, "", true },
		{ "z", "", 9, "", true },
	};
	struct logfix *f = *state;
	struct list l;
	size_t i;

	logfix_three_users(f);
	logfix_ask_user(f, 1, "alicia");
	logfix_ask_user(f, 2, "alice-2");
	logfix_settle(f);
	for (i = 0; i < LEN(rows); i++) {
		l = list(f, rows[i].prefix, rows[i].after, rows[i].limit);
		assert_string_equal(l.names, rows[i].names);
		assert_int_equal(l.complete, rows[i].complete);
	}
}

/* A record of the first layout, byte for byte. */
static void
test_first_layout(void **state)
{
	static const char bytes[] = "\1\0\0\0\0\0\0\1\2alice\0Alice\0hash";
	const struct store_val v = { bytes, sizeof(bytes) };
	struct schema_user user;

	assert_int_equal(schema_get_user(&v, &user), 0);
	assert_int_equal(user.created_ts, 258);
	assert_string_equal(user.name, "alice");
	assert_string_equal(user.nick, "Alice");
	assert_string_equal(user.pwhash, "hash");
	assert_int_equal(user.standing.role, SIG_USER_NORMAL);
	assert_int_equal(user.standing.generation, 0);
	assert_int_equal(user.standing.voided_ts, 0);
	assert_string_equal(user.avatar, "");
	assert_string_equal(user.extend, "");
}

/* And one of the second. */
static void
test_second_layout(void **state)
{
	static const char bytes[] = "\2\0\0\0\0\0\0\1\2bob\0Bob\0\0"
				    "\2\0\0\0\7\0\0\0\0\0\0\0\11";
	const struct store_val v = { bytes, sizeof(bytes) - 1 };
	struct schema_user user;

	assert_int_equal(schema_get_user(&v, &user), 0);
	assert_string_equal(user.name, "bob");
	assert_string_equal(user.pwhash, "");
	assert_int_equal(user.standing.role, SIG_USER_BANNED);
	assert_int_equal(user.standing.generation, 7);
	assert_int_equal(user.standing.voided_ts, 9);
	assert_string_equal(user.signature, "");
}

static void
test_every_cut(void **state)
{
	const struct schema_user user = { .created_ts = 7,
		.name = "alice",
		.nick = "Alice",
		.pwhash = "hash",
		.standing = { SIG_USER_ADMIN, 5, 9 },
		.avatar = "/a",
		.extend = "{}" };
	uint8_t mem[256];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct schema_user again;
	struct store_val v;

	schema_put_user(&b, &user);
	v = (struct store_val){ mem, b.len };
	assert_int_equal(schema_get_user(&v, &again), 0);
	assert_int_equal(again.standing.role, SIG_USER_ADMIN);
	assert_int_equal(again.standing.generation, 5);
	assert_int_equal(again.standing.voided_ts, 9);
	assert_string_equal(again.avatar, "/a");
	assert_string_equal(again.signature, "");
	assert_string_equal(again.extend, "{}");
	while (v.len-- > 0)
		assert_int_equal(schema_get_user(&v, &again), -EIO);
	mem[0] = 4;
	v.len = b.len;
	assert_int_equal(schema_get_user(&v, &again), -EIO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_changes),
		LOG_TEST(test_list),
		cmocka_unit_test(test_first_layout),
		cmocka_unit_test(test_second_layout),
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
