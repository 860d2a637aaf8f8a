/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/signald/log/logfix.h"

static int
wake(void *arg)
{
	struct logfix *f = arg;

	pthread_mutex_lock(&f->lock);
	f->woken = true;
	pthread_cond_signal(&f->cond);
	pthread_mutex_unlock(&f->lock);
	return 0;
}

void
logfix_open(struct logfix *f, uint64_t map_max)
{
	struct msglog_config cfg = { f->dir, MIB / 4, map_max, KEEP_MS, 4, 10,
		f->waiting_max };

	assert_int_equal(msglog_open(&cfg, &f->log), 0);
	assert_int_equal(msglog_start(f->log), 0);
	f->port = msglog_port_new(f->log, wake, f);
	f->reader = msglog_reader_new(f->log);
	f->ts = T0;
}

void
logfix_close(struct logfix *f)
{
	msglog_stop(f->log);
	msglog_port_free(f->port);
	msglog_reader_free(f->reader);
	msglog_close(f->log);
}

int
logfix_setup(void **state)
{
	struct logfix *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "%s", "/tmp/floe-msglog-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return 1;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->cond, NULL);
	f->waiting_max = MIB;
	logfix_open(f, 64 * MIB);
	*state = f;
	return 0;
}

int
logfix_teardown(void **state)
{
	struct logfix *f = *state;
	char path[96];

	logfix_close(f);
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
	struct logfix *f = arg;

	f->last = *done;
	if (done->text_len > 0)
		memcpy(f->text, done->text, done->text_len);
	f->text[done->text_len] = '\0';
	assert_true(done->nto <= 64);
	if (done->nto > 0)
		memcpy(f->to, done->to, done->nto * sizeof(f->to[0]));
	f->last.to = f->to;
	f->order[f->n] = ticket;
	f->errs[f->n++] = done->err;
}

void
logfix_settle(struct logfix *f)
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

struct sig_append *
logfix_append(struct logfix *f, enum sig_append_kind kind, const char *user)
{
	struct sig_append *a = calloc(1, sizeof(*a));

	a->kind = kind;
	a->ts = f->ts++;
	snprintf(a->user, sizeof(a->user), "%s", user);
	return a;
}

void
logfix_ask_user(struct logfix *f, uint64_t ticket, const char *user)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_USER, user);

	a->nick = strdup(user);
	a->nick[0] -= 'a' - 'A';
	a->pwhash = strdup("hash");
	assert_int_equal(msglog_append(f->port, ticket, false, a), 0);
}

void
logfix_ask_send(struct logfix *f, uint64_t ticket, const char *from,
    const char *to, const char *mid)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_MESSAGE, from);
	bool less = strcmp(from, to) < 0;

	snprintf(a->peer, sizeof(a->peer), "%s", to);
	snprintf(a->conv, sizeof(a->conv), "main:1:%s:%s", less ? from : to,
	    less ? to : from);
	snprintf(a->device, sizeof(a->device), "%s", "d1");
	snprintf(a->mid, sizeof(a->mid), "%s", mid);
	snprintf(a->type, sizeof(a->type), "%s", "text");
	a->counts = true;
	a->found = true;
	a->body = strdup("{\"text\":\"hi\"}");
	a->body_len = strlen(a->body);
	assert_int_equal(msglog_append(f->port, ticket, false, a), 0);
}

void
logfix_ask_cursor(
    struct logfix *f, const char *user, const char *dev, uint64_t sync)
{
	struct sig_append *a = logfix_append(f, SIG_APPEND_CURSOR, user);

	snprintf(a->device, sizeof(a->device), "%s", dev);
	a->sync = sync;
	assert_int_equal(msglog_append(f->port, 99, false, a), 0);
}

int
logfix_say(struct logfix *f, const char *from, const char *to, const char *mid)
{
	logfix_ask_send(f, 1, from, to, mid);
	logfix_settle(f);
	return f->last.err;
}

uint64_t
logfix_sync(const struct logfix *f, const char *user)
{
	size_t i;

	for (i = 0; i < f->last.nto; i++)
		if (strcmp(f->to[i].user, user) == 0)
			return f->to[i].sync;
	return 0;
}

void
logfix_three_users(struct logfix *f)
{
	logfix_ask_user(f, 1, "alice");
	logfix_ask_user(f, 2, "bob");
	logfix_ask_user(f, 3, "carol");
	logfix_settle(f);
	assert_int_equal(f->n, 3);
	assert_int_equal(f->errs[0] | f->errs[1] | f->errs[2], 0);
}

static void
see(void *arg, const struct sig_rows *rows)
{
	struct logfix_seen *s = arg;
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
		else if (r->conv != NULL)
			at +=
			    (size_t)snprintf(s->rows + at, sizeof(s->rows) - at,
				"%s=%.*s;", r->conv, (int)r->text_len, r->text);
		else
			at +=
			    (size_t)snprintf(s->rows + at, sizeof(s->rows) - at,
				"%d:%d;", (int)r->sync, (int)r->seq);
		if (i == 0) {
			s->first = *r;
			memcpy(s->first_text, r->text, r->text_len);
		}
	}
}

struct sig_read
logfix_reading(enum sig_read_kind kind, const char *user, uint64_t from)
{
	struct sig_read read = { .kind = kind, .from = from, .limit = 10 };

	snprintf(read.user, sizeof(read.user), "%s", user);
	snprintf(read.device, sizeof(read.device), "%s", "d1");
	snprintf(read.conv, sizeof(read.conv), "%s", "main:1:alice:bob");
	return read;
}

struct logfix_seen
logfix_read(struct logfix *f, const struct sig_read *read)
{
	struct logfix_seen s;

	msglog_read(f->reader, read, see, &s);
	return s;
}
