/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/buf.h"
#include "lib/json/json.h"
#include "signald/core/change.h"
#include "tests/unit/signald/core/memlog.h"

#define ROWS_MAX 1024

struct message {
	LIST_ENTRY(message) of_log; /* newest first */
	struct conv *conv;
	uint64_t id, seq, ts;
	bool counts, is_change;
	uint64_t sync[2]; /* of the conversation's members */
	char sender[SIG_NAME_MAX + 1];
	char mid[SIG_MID_MAX + 1];
	char *json; /* with its braces */
	size_t json_len;
};

struct conv {
	TAILQ_ENTRY(conv) of_log; /* last activity first */
	char id[SIG_CONV_MAX + 1];
	struct member *member[2];
	uint64_t read[2]; /* seqs, of the members */
	uint64_t seq;
};

struct cursor_row {
	LIST_ENTRY(cursor_row) of_member;
	char device[SIG_DEVICE_MAX + 1];
	uint64_t sync;
};

struct member {
	LIST_ENTRY(member) of_log;
	char name[SIG_NAME_MAX + 1];
	char nick[64];
	uint64_t head, last_seen;
	LIST_HEAD(, cursor_row) cursors;
};

struct memlog {
	char epoch[SIG_EPOCH_LEN];
	uint64_t last_id;
	size_t count;
	LIST_HEAD(, message) messages;
	TAILQ_HEAD(convs, conv) convs;
	LIST_HEAD(, member) members;
	struct sig_row rows[ROWS_MAX];
};

struct memlog *
memlog_new(const char *epoch)
{
	struct memlog *log = calloc(1, sizeof(*log));

	snprintf(log->epoch, sizeof(log->epoch), "%s", epoch);
	LIST_INIT(&log->messages);
	TAILQ_INIT(&log->convs);
	LIST_INIT(&log->members);
	return log;
}

void
memlog_free(struct memlog *log)
{
	struct cursor_row *cursor;
	struct message *message;
	struct member *member;
	struct conv *conv;

	while ((message = LIST_FIRST(&log->messages)) != NULL) {
		LIST_REMOVE(message, of_log);
		free(message->json);
		free(message);
	}
	while ((conv = TAILQ_FIRST(&log->convs)) != NULL) {
		TAILQ_REMOVE(&log->convs, conv, of_log);
		free(conv);
	}
	while ((member = LIST_FIRST(&log->members)) != NULL) {
		while ((cursor = LIST_FIRST(&member->cursors)) != NULL) {
			LIST_REMOVE(cursor, of_member);
			free(cursor);
		}
		LIST_REMOVE(member, of_log);
		free(member);
	}
	free(log);
}

static struct member *
member_find(const struct memlog *log, const char *name)
{
	struct member *m;

	LIST_FOREACH (m, &log->members, of_log) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

void
memlog_add_user(struct memlog *log, const char *name, const char *nick)
{
	struct member *m;

	if (member_find(log, name) != NULL)
		return;
	m = calloc(1, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%s", name);
	snprintf(m->nick, sizeof(m->nick), "%s", nick);
	LIST_INIT(&m->cursors);
	LIST_INSERT_HEAD(&log->members, m, of_log);
}

static struct conv *
conv_find(const struct memlog *log, const char *id)
{
	struct conv *c;

	TAILQ_FOREACH (c, &log->convs, of_log) {
		if (strcmp(c->id, id) == 0)
			return c;
	}
	return NULL;
}

static int
conv_side(const struct conv *conv, const char *user)
{
	if (strcmp(conv->member[0]->name, user) == 0)
		return 0;
	return strcmp(conv->member[1]->name, user) == 0 ? 1 : -1;
}

static void
message_take(struct message *m, struct buf *json)
{
	free(m->json);
	m->json = (char *)json->data;
	m->json_len = json->len;
}

static void
message_write(struct message *m, const struct sig_append *a)
{
	struct json_out o;
	struct buf b;
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)m->id);
	buf_init(&b, 1 << 20);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_str(&o, "conv", a->conv);
	json_out_int(&o, "seq", (int64_t)m->seq);
	json_out_str(&o, "id", id);
	json_out_int(&o, "ts", (int64_t)m->ts);
	json_out_str(&o, "from", a->user);
	json_out_str(&o, "device", a->device);
	if (a->mid[0] != '\0')
		json_out_str(&o, "mid", a->mid);
	json_out_str(&o, "type", a->type);
	if (a->reply != 0)
		json_out_int(&o, "reply", (int64_t)a->reply);
	json_out_raw(&o, "body", a->body, a->body_len);
	if (json_out_end(&o) != 0)
		abort();
	message_take(m, &b);
}

static void
answer(const struct message *m, struct sig_appended *res)
{
	int side = conv_side(m->conv, m->sender);

	res->id = m->id;
	res->seq = m->seq;
	res->ts = m->ts;
	res->sync_user = m->sync[side];
	res->sync_peer = m->sync[!side];
	res->text = m->json + 1;
	res->text_len = m->json_len - 2;
}

static struct message *
message_in(const struct memlog *log, const struct conv *conv, uint64_t seq)
{
	struct message *m;

	LIST_FOREACH (m, &log->messages, of_log) {
		if (m->conv == conv && m->seq == seq)
			return m;
	}
	return NULL;
}

/* 0, and the message is changed; or what the log says against it. */
static int
change(struct memlog *log, const struct sig_append *a, const struct conv *conv)
{
	struct message *m =
	    conv == NULL ? NULL : message_in(log, conv, a->target);
	struct sig_changed changed;
	struct buf b;
	size_t i;
	int rc;

	if (m == NULL)
		return -ENOENT;
	rc = sig_change_apply(m->json, m->json_len, a, conv->seq + 1, &changed);
	if (rc != 0)
		return rc;
	message_take(m, &changed.text);
	for (i = 0; i < changed.nblank; i++) {
		m = message_in(log, conv, changed.blank[i]);
		buf_init(&b, 1 << 20);
		if (sig_change_blank(m->json, m->json_len, &b) != 0)
			abort();
		message_take(m, &b);
	}
	return 0;
}

static void
append_message(
    struct memlog *log, const struct sig_append *a, struct sig_appended *res)
{
	struct member *user = member_find(log, a->user);
	struct member *peer = member_find(log, a->peer);
	struct conv *conv = conv_find(log, a->conv);
	struct message *m;
	int side;

	LIST_FOREACH (m, &log->messages, of_log) {
		if (a->mid[0] != '\0' && strcmp(m->sender, a->user) == 0 &&
		    strcmp(m->mid, a->mid) == 0) {
			res->duplicate = true;
			answer(m, res);
			return;
		}
	}
	if (user == NULL || peer == NULL ||
	    a->reply > (conv == NULL ? 0 : conv->seq)) {
		res->err = -ENOENT;
		return;
	}
	if (a->change != SIG_CHANGE_NONE)
		res->err = change(log, a, conv);
	if (res->err != 0)
		return;
	if (conv == NULL) {
		conv = calloc(1, sizeof(*conv));
		snprintf(conv->id, sizeof(conv->id), "%s", a->conv);
		conv->member[0] = user;
		conv->member[1] = peer;
		res->first = true;
	} else if (a->change == SIG_CHANGE_NONE) {
		TAILQ_REMOVE(&log->convs, conv, of_log);
	}
	if (a->change == SIG_CHANGE_NONE)
		TAILQ_INSERT_HEAD(&log->convs, conv, of_log);
	m = calloc(1, sizeof(*m));
	m->conv = conv;
	m->id = ++log->last_id;
	m->seq = ++conv->seq;
	m->ts = a->ts;
	m->counts = a->counts;
	m->is_change = a->change != SIG_CHANGE_NONE;
	for (side = 0; side < 2; side++)
		m->sync[side] = ++conv->member[side]->head;
	snprintf(m->sender, sizeof(m->sender), "%s", a->user);
	snprintf(m->mid, sizeof(m->mid), "%s", a->mid);
	message_write(m, a);
	LIST_INSERT_HEAD(&log->messages, m, of_log);
	log->count++;
	answer(m, res);
}

static uint64_t
unread_of(const struct memlog *log, const struct conv *conv, int side)
{
	const struct message *m;
	uint64_t n = 0;

	LIST_FOREACH (m, &log->messages, of_log)
		n += m->counts && m->conv == conv &&
		    m->seq > conv->read[side] &&
		    conv_side(conv, m->sender) != side;
	return n;
}

static void
append_read(
    struct memlog *log, const struct sig_append *a, struct sig_appended *res)
{
	struct conv *conv = conv_find(log, a->conv);
	int side = conv == NULL ? -1 : conv_side(conv, a->user);
	uint64_t to;

	if (side < 0) {
		res->err = -ENOENT;
		return;
	}
	to = a->sync < conv->seq ? a->sync : conv->seq;
	res->duplicate = conv->read[side] >= to;
	if (!res->duplicate)
		conv->read[side] = to;
	res->seq = conv->read[side];
	res->unread = unread_of(log, conv, side);
}

static struct cursor_row *
cursor_find(struct memlog *log, const char *user, const char *device)
{
	struct member *m = member_find(log, user);
	struct cursor_row *row;

	LIST_FOREACH (row, &m->cursors, of_member) {
		if (strcmp(row->device, device) == 0)
			return row;
	}
	row = calloc(1, sizeof(*row));
	snprintf(row->device, sizeof(row->device), "%s", device);
	LIST_INSERT_HEAD(&m->cursors, row, of_member);
	return row;
}

uint64_t
memlog_cursor(struct memlog *log, const char *user, const char *device)
{
	return cursor_find(log, user, device)->sync;
}

size_t
memlog_count(const struct memlog *log)
{
	return log->count;
}

size_t
memlog_texts(const struct memlog *log)
{
	const struct message *m;
	size_t n = 0;

	LIST_FOREACH (m, &log->messages, of_log)
		n += m->mid[0] != '\0';
	return n;
}

void
memlog_append(
    struct memlog *log, const struct sig_append *a, struct sig_appended *res)
{
	memset(res, 0, sizeof(*res));
	switch (a->kind) {
	case SIG_APPEND_MESSAGE:
		append_message(log, a, res);
		break;
	case SIG_APPEND_CURSOR:
		cursor_find(log, a->user, a->device)->sync = a->sync;
		break;
	case SIG_APPEND_READ:
		append_read(log, a, res);
		break;
	case SIG_APPEND_SEEN:
		member_find(log, a->user)->last_seen = a->ts;
		break;
	default:
		res->err = -EINVAL;
	}
}

static void
read_login(struct memlog *log, const struct sig_read *read,
    const struct member *me, struct sig_rows *out)
{
	struct conv *conv;
	int side;

	out->nick = me->nick;
	out->head = me->head;
	memcpy(out->epoch, log->epoch, sizeof(out->epoch));
	out->complete = true;
	if (read->kind == SIG_READ_USER)
		return;
	out->cursor = cursor_find(log, me->name, read->device)->sync;
	TAILQ_FOREACH (conv, &log->convs, of_log) {
		side = conv_side(conv, me->name);
		if (side < 0)
			continue;
		if (out->nrows == ROWS_MAX) {
			out->complete = false;
			return;
		}
		log->rows[out->nrows++] =
		    (struct sig_row){ .peer = conv->member[!side]->name,
			    .last_seen = conv->member[!side]->last_seen };
	}
}

static void
read_convs(struct memlog *log, const struct sig_read *read,
    const struct member *me, struct sig_rows *out)
{
	struct message *m;
	struct conv *conv;
	int side;

	out->complete = true;
	TAILQ_FOREACH (conv, &log->convs, of_log) {
		side = conv_side(conv, me->name);
		if (side < 0)
			continue;
		if (out->nrows == read->limit) {
			out->complete = false;
			return;
		}
		LIST_FOREACH (m, &log->messages, of_log) {
			if (m->conv == conv && !m->is_change)
				break;
		}
		log->rows[out->nrows++] = (struct sig_row){ .conv = conv->id,
			.peer = conv->member[!side]->name,
			.nick = conv->member[!side]->nick,
			.read = conv->read[side],
			.peer_read = conv->read[!side],
			.unread = unread_of(log, conv, side),
			.text = m->json + 1,
			.text_len = m->json_len - 2 };
	}
}

static struct message *
message_at(const struct memlog *log, const struct member *me,
    const struct conv *conv, uint64_t at)
{
	struct message *m;
	int side;

	LIST_FOREACH (m, &log->messages, of_log) {
		side = conv_side(m->conv, me->name);
		if (conv != NULL ? m->conv == conv && m->seq == at
				 : side >= 0 && m->sync[side] == at)
			return m;
	}
	return NULL;
}

/* from+1.. of the inbox, or of one conversation. */
static void
read_up(struct memlog *log, const struct sig_read *read,
    const struct member *me, const struct conv *conv, struct sig_rows *out)
{
	uint64_t at = read->from + 1, end = conv != NULL ? conv->seq : me->head;
	struct message *m;

	for (; at <= end && out->nrows < read->limit; at++) {
		m = message_at(log, me, conv, at);
		log->rows[out->nrows++] = (struct sig_row){ .sync = at,
			.seq = m->seq,
			.text = m->json + 1,
			.text_len = m->json_len - 2 };
	}
	out->complete = at > end;
}

static void
read_history(struct memlog *log, const struct sig_read *read,
    const struct member *me, struct sig_rows *out)
{
	const struct conv *conv = conv_find(log, read->conv);
	struct sig_read up = *read;
	uint64_t end;

	if (conv == NULL || conv_side(conv, me->name) < 0) {
		out->err = -ENOENT;
		return;
	}
	if (!read->newer) {
		end = read->from > conv->seq ? conv->seq + 1 : read->from;
		end = end == 0 ? 1 : end;
		up.from = end - 1 > read->limit ? end - 1 - read->limit : 0;
		up.limit = (uint32_t)(end - 1 - up.from);
	}
	read_up(log, &up, me, conv, out);
	if (!read->newer)
		out->complete = up.from == 0;
}

void
memlog_read(
    struct memlog *log, const struct sig_read *read, struct sig_rows *out)
{
	const struct member *me = member_find(log, read->user);

	memset(out, 0, sizeof(*out));
	out->rows = log->rows;
	if (me == NULL) {
		out->err = -ENOENT;
		return;
	}
	switch (read->kind) {
	case SIG_READ_LOGIN:
	case SIG_READ_USER:
		read_login(log, read, me, out);
		break;
	case SIG_READ_INBOX:
		read_up(log, read, me, NULL, out);
		break;
	case SIG_READ_HISTORY:
		read_history(log, read, me, out);
		break;
	case SIG_READ_CONVS:
		read_convs(log, read, me, out);
		break;
	}
}
