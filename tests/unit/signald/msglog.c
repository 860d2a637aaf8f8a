/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "signald/msglog.h"
#include "tests/unit/test.h"

#define MIB     (1024 * 1024ULL)
#define DAY_MS  86400000ULL
#define KEEP_MS (7 * DAY_MS)
#define T0      1790000000000ULL

/* A log, the port of one shard, and the last results by ticket. */
struct fixture {
	char dir[64];
	struct msglog *log;
	struct msglog_port *port;
	struct msglog_reader *reader;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool woken;
	size_t waiting_max;
	uint64_t ts;
	struct sig_appended last;
	char text[4096];
	uint64_t order[64]; /* tickets as they came back */
	int errs[64];
	size_t n;
};

static int
wake(void *arg)
{
	struct fixture *f = arg;

	pthread_mutex_lock(&f->lock);
	f->woken = true;
	pthread_cond_signal(&f->cond);
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static void
open_log(struct fixture *f, uint64_t map_max)
{
	struct msglog_config cfg = { f->dir, MIB / 4, map_max, KEEP_MS, 4, 10,
		f->waiting_max };

	assert_int_equal(msglog_open(&cfg, &f->log), 0);
	assert_int_equal(msglog_start(f->log), 0);
	f->port = msglog_port_new(f->log, wake, f);
	f->reader = msglog_reader_new(f->log);
	f->ts = T0;
}

static void
close_log(struct fixture *f)
{
	msglog_stop(f->log);
	msglog_port_free(f->port);
	msglog_reader_free(f->reader);
	msglog_close(f->log);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "%s", "/tmp/floe-msglog-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return 1;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->cond, NULL);
	f->waiting_max = MIB;
	open_log(f, 64 * MIB);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char path[96];

	close_log(f);
	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", f->dir);
	unlink(path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
result(void *arg, bool own, uint64_t ticket, const struct sig_appended *done)
{
	struct fixture *f = arg;

	f->last = *done;
	if (done->text_len > 0)
		memcpy(f->text, done->text, done->text_len);
	f->text[done->text_len] = '\0';
	f->order[f->n] = ticket;
	f->errs[f->n++] = done->err;
}

/* Waits until all that was asked has come back. */
static void
settle(struct fixture *f)
{
	f->n = 0;
	msglog_port_flush(f->port);
	while (msglog_port_pending(f->port) > 0) {
		pthread_mutex_lock(&f->lock);
		while (!f->woken)
			pthread_cond_wait(&f->cond, &f->lock);
		f->woken = false;
		pthread_mutex_unlock(&f->lock);
		msglog_port_drain(f->port, result, f);
	}
}

static struct sig_append *
append_new(struct fixture *f, enum sig_append_kind kind, const char *user)
{
	struct sig_append *a = calloc(1, sizeof(*a));

	a->kind = kind;
	a->ts = f->ts++;
	snprintf(a->user, sizeof(a->user), "%s", user);
	return a;
}

static void
ask_user(struct fixture *f, uint64_t ticket, const char *user)
{
	struct sig_append *a = append_new(f, SIG_APPEND_USER, user);

	a->nick = strdup(user);
	a->nick[0] -= 'a' - 'A';
	a->pwhash = strdup("hash");
	assert_int_equal(msglog_append(f->port, ticket, false, a), 0);
}

static void
ask_send(struct fixture *f, uint64_t ticket, const char *from, const char *to,
    const char *mid)
{
	struct sig_append *a = append_new(f, SIG_APPEND_MESSAGE, from);
	bool less = strcmp(from, to) < 0;

	snprintf(a->peer, sizeof(a->peer), "%s", to);
	snprintf(a->conv, sizeof(a->conv), "main:1:%s:%s", less ? from : to,
	    less ? to : from);
	snprintf(a->device, sizeof(a->device), "%s", "d1");
	snprintf(a->mid, sizeof(a->mid), "%s", mid);
	snprintf(a->type, sizeof(a->type), "%s", "text");
	a->body = strdup("{\"text\":\"hi\"}");
	a->body_len = strlen(a->body);
	assert_int_equal(msglog_append(f->port, ticket, false, a), 0);
}

static void
ask_cursor(struct fixture *f, const char *user, const char *dev, uint64_t sync)
{
	struct sig_append *a = append_new(f, SIG_APPEND_CURSOR, user);

	snprintf(a->device, sizeof(a->device), "%s", dev);
	a->sync = sync;
	assert_int_equal(msglog_append(f->port, 99, false, a), 0);
}

static int
say(struct fixture *f, const char *from, const char *to, const char *mid)
{
	ask_send(f, 1, from, to, mid);
	settle(f);
	return f->last.err;
}

static void
three_users(struct fixture *f)
{
	ask_user(f, 1, "alice");
	ask_user(f, 2, "bob");
	ask_user(f, 3, "carol");
	settle(f);
	assert_int_equal(f->n, 3);
	assert_int_equal(f->errs[0] | f->errs[1] | f->errs[2], 0);
}

/* What a read gave, as text: "sync:seq conv/peer/nick;" a row. */
struct seen {
	char rows[2048];
	struct sig_rows head;
	char nick[32];
	char first_text[512];
};

static void
see(void *arg, const struct sig_rows *rows)
{
	struct seen *s = arg;
	size_t i, at = 0;

	memset(s, 0, sizeof(*s));
	s->head = *rows;
	if (rows->nick != NULL)
		snprintf(s->nick, sizeof(s->nick), "%s", rows->nick);
	for (i = 0; i < rows->nrows; i++) {
		const struct sig_row *r = &rows->rows[i];

		if (r->peer != NULL)
			at += (size_t)snprintf(s->rows + at,
			    sizeof(s->rows) - at, "%s/%s;", r->peer, r->nick);
		else
			at +=
			    (size_t)snprintf(s->rows + at, sizeof(s->rows) - at,
				"%d:%d;", (int)r->sync, (int)r->seq);
		if (i == 0)
			memcpy(s->first_text, r->text, r->text_len);
	}
}

static struct sig_read
reading(enum sig_read_kind kind, const char *user, uint64_t from)
{
	struct sig_read read = { .kind = kind, .from = from, .limit = 10 };

	snprintf(read.user, sizeof(read.user), "%s", user);
	snprintf(read.device, sizeof(read.device), "%s", "d1");
	snprintf(read.conv, sizeof(read.conv), "%s", "main:1:alice:bob");
	return read;
}

static struct seen
read_log(struct fixture *f, const struct sig_read *read)
{
	struct seen s;

	msglog_read(f->reader, read, see, &s);
	return s;
}

static void
test_users(void **state)
{
	struct fixture *f = *state;
	struct msglog_account account;
	struct sig_read read;
	struct seen s;

	three_users(f);
	ask_user(f, 4, "bob");
	settle(f);
	assert_int_equal(f->last.err, -EEXIST);
	assert_int_equal(msglog_account(f->reader, "bob", &account), 0);
	assert_string_equal(account.nick, "Bob");
	assert_string_equal(account.pwhash, "hash");
	assert_int_equal(msglog_account(f->reader, "dave", &account), -ENOENT);
	read = reading(SIG_READ_USER, "carol", 0);
	s = read_log(f, &read);
	assert_string_equal(s.nick, "Carol");
	read = reading(SIG_READ_USER, "dave", 0);
	assert_int_equal(read_log(f, &read).head.err, -ENOENT);
	read = reading(SIG_READ_INBOX, "dave", 0);
	assert_int_equal(read_log(f, &read).head.err, -ENOENT);
}

static void
test_message(void **state)
{
	struct fixture *f = *state;
	struct sig_read read = reading(SIG_READ_INBOX, "bob", 0);
	struct seen s;
	char want[256];

	three_users(f);
	assert_int_equal(say(f, "alice", "bob", "m-\"1\""), 0);
	assert_true(f->last.first);
	assert_false(f->last.duplicate);
	assert_int_equal(f->last.seq, 1);
	assert_int_equal(f->last.sync_user, 1);
	assert_int_equal(f->last.sync_peer, 1);
	snprintf(want, sizeof(want),
	    "\"conv\":\"main:1:alice:bob\",\"seq\":1,\"id\":\"%d\",\"ts\":%llu,"
	    "\"from\":\"alice\",\"device\":\"d1\",\"mid\":\"m-\\\"1\\\"\","
	    "\"type\":\"text\",\"body\":{\"text\":\"hi\"}",
	    (int)f->last.id, (unsigned long long)f->last.ts);
	assert_string_equal(f->text, want);
	s = read_log(f, &read);
	assert_string_equal(s.first_text, want);
	assert_string_equal(s.rows, "1:1;");
	assert_true(s.head.complete);
	assert_int_equal(say(f, "bob", "alice", "b-1"), 0);
	assert_false(f->last.first);
	assert_int_equal(f->last.seq, 2);
	assert_int_equal(f->last.sync_user, 2);
	/* Another conversation: the inbox goes on, seq starts. */
	assert_int_equal(say(f, "carol", "bob", "c-1"), 0);
	assert_int_equal(f->last.seq, 1);
	assert_int_equal(f->last.sync_user, 1);
	assert_int_equal(f->last.sync_peer, 3);
	s = read_log(f, &read);
	assert_string_equal(s.rows, "1:1;2:2;3:1;");
	read.from = 2;
	assert_string_equal(read_log(f, &read).rows, "3:1;");
	read.from = 0;
	read.limit = 2;
	s = read_log(f, &read);
	assert_string_equal(s.rows, "1:1;2:2;");
	assert_false(s.head.complete);
}

static void
test_repeated_mid(void **state)
{
	struct fixture *f = *state;
	struct sig_read read = reading(SIG_READ_INBOX, "bob", 0);
	struct sig_appended first;
	char text[4096];

	three_users(f);
	say(f, "alice", "bob", "m-1");
	first = f->last;
	snprintf(text, sizeof(text), "%s", f->text);
	say(f, "alice", "bob", "m-2");
	assert_int_equal(say(f, "alice", "bob", "m-1"), 0);
	assert_true(f->last.duplicate);
	assert_int_equal(f->last.id, first.id);
	assert_int_equal(f->last.seq, first.seq);
	assert_int_equal(f->last.ts, first.ts);
	assert_int_equal(f->last.sync_user, first.sync_user);
	assert_int_equal(f->last.sync_peer, first.sync_peer);
	assert_string_equal(f->text, text);
	/* Twice in one group; and the same mid of another user is new. */
	ask_send(f, 1, "alice", "bob", "m-3");
	ask_send(f, 2, "alice", "bob", "m-3");
	ask_send(f, 3, "bob", "alice", "m-3");
	settle(f);
	assert_int_equal(f->last.seq, 4);
	assert_string_equal(read_log(f, &read).rows, "1:1;2:2;3:3;4:4;");
	/* Without a mid there is nothing to repeat. */
	say(f, "alice", "bob", "");
	say(f, "alice", "bob", "");
	assert_int_equal(f->last.seq, 6);
}

static void
test_one_fails_alone(void **state)
{
	struct fixture *f = *state;
	struct sig_append *a;

	three_users(f);
	ask_send(f, 10, "alice", "bob", "m-1");
	ask_send(f, 11, "alice", "nobody", "m-2");
	ask_user(f, 12, "bob");
	ask_send(f, 13, "alice", "bob", "m-3");
	/* Conversation and members do not belong together. */
	ask_send(f, 14, "alice", "bob", "m-4");
	settle(f);
	assert_int_equal(f->n, 5);
	assert_int_equal(f->order[0], 10);
	assert_int_equal(f->order[4], 14);
	assert_int_equal(f->errs[0], 0);
	assert_int_equal(f->errs[1], -ENOENT);
	assert_int_equal(f->errs[2], -EEXIST);
	assert_int_equal(f->errs[3], 0);
	assert_int_equal(f->last.seq, 3);
	a = append_new(f, SIG_APPEND_MESSAGE, "carol");
	snprintf(a->peer, sizeof(a->peer), "%s", "bob");
	snprintf(a->conv, sizeof(a->conv), "%s", "main:1:alice:bob");
	snprintf(a->type, sizeof(a->type), "%s", "text");
	a->body = strdup("{}");
	a->body_len = 2;
	msglog_append(f->port, 1, false, a);
	settle(f);
	assert_int_equal(f->last.err, -ENOENT);
	/* A string that is no UTF-8 leaves no trace of its conversation. */
	assert_int_equal(say(f, "alice", "carol", "\xff"), -EINVAL);
	assert_int_equal(say(f, "alice", "carol", "m-5"), 0);
	assert_true(f->last.first);
	assert_int_equal(f->last.seq, 1);
}

static void
test_history(void **state)
{
	struct fixture *f = *state;
	struct sig_read read = reading(SIG_READ_HISTORY, "alice", 0);
	char mid[8];
	struct seen s;
	int i;

	three_users(f);
	for (i = 0; i < 5; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		say(f, "alice", "bob", mid);
	}
	read.limit = 2;
	s = read_log(f, &read); /* the newest */
	assert_string_equal(s.rows, "0:4;0:5;");
	assert_false(s.head.complete);
	read.from = 4;
	assert_string_equal(read_log(f, &read).rows, "0:2;0:3;");
	read.from = 3;
	s = read_log(f, &read);
	assert_string_equal(s.rows, "0:1;0:2;");
	assert_true(s.head.complete);
	read.from = 1;
	assert_string_equal(read_log(f, &read).rows, "");
	read.newer = true;
	read.from = 0;
	s = read_log(f, &read);
	assert_string_equal(s.rows, "0:1;0:2;");
	assert_false(s.head.complete);
	read.from = 3;
	s = read_log(f, &read);
	assert_string_equal(s.rows, "0:4;0:5;");
	assert_true(s.head.complete);
	/* Only members read. */
	snprintf(read.user, sizeof(read.user), "%s", "carol");
	assert_int_equal(read_log(f, &read).head.err, -ENOENT);
	snprintf(read.conv, sizeof(read.conv), "%s", "main:1:nobody:zoe");
	assert_int_equal(read_log(f, &read).head.err, -ENOENT);
}

static void
test_conversations(void **state)
{
	struct fixture *f = *state;
	struct sig_read read = reading(SIG_READ_CONVS, "alice", 0);
	struct seen s;

	three_users(f);
	assert_string_equal(read_log(f, &read).rows, "");
	say(f, "alice", "bob", "1");
	say(f, "carol", "alice", "1");
	assert_string_equal(read_log(f, &read).rows, "carol/Carol;bob/Bob;");
	say(f, "bob", "alice", "1");
	say(f, "bob", "alice", "2");
	s = read_log(f, &read);
	assert_string_equal(s.rows, "bob/Bob;carol/Carol;");
	assert_non_null(strstr(s.first_text, "\"seq\":3"));
	say(f, "alice", "alice", "note"); /* to oneself */
	assert_int_equal(f->last.sync_user, f->last.sync_peer);
	assert_string_equal(
	    read_log(f, &read).rows, "alice/Alice;bob/Bob;carol/Carol;");
	read.limit = 1;
	s = read_log(f, &read);
	assert_string_equal(s.rows, "alice/Alice;");
	assert_false(s.head.complete);
}

static void
test_login(void **state)
{
	struct fixture *f = *state;
	struct sig_read read = reading(SIG_READ_LOGIN, "alice", 0);
	struct sig_append *a;
	struct seen s;

	three_users(f);
	say(f, "alice", "bob", "1");
	say(f, "carol", "alice", "1");
	ask_cursor(f, "alice", "d1", 1);
	settle(f);
	s = read_log(f, &read);
	assert_string_equal(s.nick, "Alice");
	assert_string_equal(s.rows, "carol/Carol;bob/Bob;");
	assert_string_equal(s.head.epoch, msglog_epoch(f->log));
	assert_int_equal(s.head.head, 2);
	assert_int_equal(s.head.cursor, 1);
	ask_cursor(f, "alice", "d1", 77); /* no further than the inbox */
	ask_cursor(f, "alice", "d1", 1);  /* nor back */
	a = append_new(f, SIG_APPEND_SEEN, "alice");
	msglog_append(f->port, 1, false, a);
	settle(f);
	assert_int_equal(read_log(f, &read).head.cursor, 2);
	snprintf(read.device, sizeof(read.device), "%s", "d2");
	assert_int_equal(read_log(f, &read).head.cursor, 0);
}

static void
test_reopen(void **state)
{
	struct fixture *f = *state;
	struct sig_read read = reading(SIG_READ_INBOX, "bob", 0);
	char epoch[SIG_EPOCH_LEN];
	uint64_t id;

	three_users(f);
	say(f, "alice", "bob", "1");
	id = f->last.id;
	snprintf(epoch, sizeof(epoch), "%s", msglog_epoch(f->log));
	assert_int_equal(strlen(epoch), SIG_EPOCH_LEN - 1);
	close_log(f);
	open_log(f, 64 * MIB);
	assert_string_equal(msglog_epoch(f->log), epoch);
	assert_string_equal(read_log(f, &read).rows, "1:1;");
	say(f, "alice", "bob", "1");
	assert_true(f->last.duplicate);
	assert_int_equal(f->last.id, id);
	say(f, "alice", "bob", "2");
	assert_true(f->last.id > id);
	assert_int_equal(f->last.seq, 2);
}

static void
test_mids_age_out(void **state)
{
	struct fixture *f = *state;
	char mid[16];
	int i;

	three_users(f);
	for (i = 0; i < 40; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		ask_send(f, 1, "alice", "bob", mid);
	}
	settle(f);
	f->ts = T0 + KEEP_MS - DAY_MS;
	say(f, "alice", "bob", "m0");
	assert_true(f->last.duplicate);
	f->ts = T0 + KEEP_MS + DAY_MS;
	say(f, "alice", "bob", "new"); /* forgets a bounded number */
	say(f, "alice", "bob", "m0");
	assert_false(f->last.duplicate);
	say(f, "alice", "bob", "m39");
	assert_true(f->last.duplicate);
	for (i = 0; i < 3; i++) {
		snprintf(mid, sizeof(mid), "more%d", i);
		say(f, "alice", "bob", mid);
	}
	say(f, "alice", "bob", "m39");
	assert_false(f->last.duplicate);
	assert_int_equal(atomic_load(&msglog_stats(f->log)->mids_expired), 40);
}

static void
test_full(void **state)
{
	struct fixture *f = *state;
	struct sig_read read = reading(SIG_READ_INBOX, "bob", 0);
	uint64_t last = 0;
	char mid[16];
	int i;

	close_log(f);
	open_log(f, MIB);
	three_users(f);
	for (i = 0; i < 10000; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		if (say(f, "alice", "bob", mid) != 0)
			break;
		last = f->last.sync_peer;
	}
	assert_int_equal(f->last.err, -ENOSPC);
	assert_true(last > 100);
	read.from = last - 1;
	assert_int_equal(read_log(f, &read).head.nrows, 1);
	/* What failed left nothing: with room it is new. */
	close_log(f);
	open_log(f, 64 * MIB);
	assert_int_equal(say(f, "alice", "bob", mid), 0);
	assert_false(f->last.duplicate);
	assert_int_equal(f->last.sync_peer, last + 1);
}

/* What waits for the disk is memory, too. */
static void
test_too_much_under_way(void **state)
{
	struct fixture *f = *state;
	struct sig_append *a;
	uint64_t n, round;
	int rc = 0;

	close_log(f);
	f->waiting_max = MIB / 64;
	open_log(f, 64 * MIB);
	three_users(f);
	for (round = 0; round < 3; round++) {
		for (n = 0; rc == 0; n++) {
			a = append_new(f, SIG_APPEND_CURSOR, "alice");
			rc = msglog_append(f->port, n, false, a);
		}
		assert_int_equal(rc, -EAGAIN);
		assert_true(n > 2);
		assert_int_equal(msglog_port_pending(f->port), n - 1);
		settle(f);
		assert_int_equal(f->n, n - 1);
		rc = 0;
	}
}

static void
test_wait(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    msglog_append_wait(f->log, append_new(f, SIG_APPEND_USER, "alice")),
	    0);
	assert_int_equal(
	    msglog_append_wait(f->log, append_new(f, SIG_APPEND_USER, "alice")),
	    -EEXIST);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
