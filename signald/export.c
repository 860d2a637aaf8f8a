/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/bearer.h"
#include "signald/core/profile.h"
#include "signald/core/relation.h"
#include "signald/core/reply.h"
#include "signald/export.h"
#include "signald/worker.h"

#define ROWS     32 /* of one read */
#define LINE_MAX (1024 * 1024)

enum stage { PROFILE, CONTACTS, CONVS, MESSAGES, FILES, END, OVER };

/* Where an export is: what read asks for next. */
struct export
{
	enum stage stage;
	struct sig_read read;
	uint64_t ts;
};

/* The rows of one read on their way into a buffer. */
struct page {
	struct export *export;
	struct buf *out;
	int err;
};

static void
line_begin(struct json_out *o, struct buf *b, const char *kind)
{
	json_out_init(o, b);
	json_out_object(o, NULL);
	json_out_str(o, "kind", kind);
}

static void
line_end(struct json_out *o, struct buf *b)
{
	json_out_end(o);
	buf_u8(b, '\n');
}

static void
put_profile(struct page *p, const struct sig_rows *rows)
{
	struct json_out o;

	line_begin(&o, p->out, "profile");
	sig_profile_write(&o, p->export->read.user, rows->profile);
	line_end(&o, p->out);
}

static void
put_contact(struct export *e, const struct sig_row *row, struct buf *b)
{
	struct json_out o;

	line_begin(&o, b, "contact");
	sig_relation_write(&o, row->peer, row->nick, &row->relation);
	line_end(&o, b);
	memcpy(e->read.peer, row->peer, strlen(row->peer) + 1);
}

static void
put_conv(struct export *e, const struct sig_row *row, struct buf *b)
{
	struct json_out o;

	line_begin(&o, b, "conversation");
	json_out_str(&o, "conv", row->conv);
	json_out_str(&o, row->title != NULL ? "title" : "peer",
	    row->title != NULL ? row->title : row->peer);
	json_out_int(&o, "read", (int64_t)row->read);
	line_end(&o, b);
	memcpy(e->read.conv, row->conv, strlen(row->conv) + 1);
}

static void
put_message(struct export *e, const struct sig_row *row, struct buf *b)
{
	buf_puts(b, "{\"kind\":\"message\",");
	buf_put(b, row->text, row->text_len);
	buf_puts(b, "}\n");
	e->read.from = row->seq;
}

static void
put_file(struct export *e, const struct sig_row *row, struct buf *b)
{
	struct json_out o;

	line_begin(&o, b, "file");
	json_out_mem(&o, "file", row->text, row->text_len);
	json_out_str(&o, "name", row->title);
	json_out_int(&o, "size", (int64_t)row->size);
	json_out_int(&o, "ts", (int64_t)row->ts);
	line_end(&o, b);
	e->read.from = row->seq;
}

static void
enter(struct export *e, enum stage stage)
{
	static const enum sig_read_kind kinds[] = {
		[PROFILE] = SIG_READ_USER,
		[CONTACTS] = SIG_READ_CONTACTS,
		[CONVS] = SIG_READ_MINE,
		[MESSAGES] = SIG_READ_HISTORY,
		[FILES] = SIG_READ_FILES,
	};

	e->stage = stage;
	if (stage >= END)
		return;
	e->read.kind = kinds[stage];
	e->read.from = 0;
	/* Of conversations one at a time, its messages behind it. */
	e->read.limit = stage == CONVS ? 1 : ROWS;
}

/* What comes after a stage whose rows are all written. */
static void
go_on(struct export *e, bool found)
{
	switch (e->stage) {
	case CONTACTS:
		e->read.peer[0] = '\0';
		if (e->read.list < SIG_LIST_BLOCKED)
			e->read.list++;
		else
			enter(e, CONVS);
		break;
	case CONVS:
		enter(e, found ? MESSAGES : FILES);
		break;
	case MESSAGES:
		enter(e, CONVS);
		break;
	default:
		enter(e, e->stage + 1);
		break;
	}
}

static void
take_rows(void *arg, const struct sig_rows *rows)
{
	static void (*const put[])(
	    struct export *, const struct sig_row *, struct buf *) = {
		[CONTACTS] = put_contact,
		[CONVS] = put_conv,
		[MESSAGES] = put_message,
		[FILES] = put_file,
	};
	struct page *p = arg;
	struct export *e = p->export;
	size_t i = 0;

	/* A conversation may be left meanwhile. */
	p->err = rows->err == -ENOENT && e->stage == MESSAGES ? 0 : rows->err;
	if (p->err != 0)
		return;
	if (e->stage == PROFILE)
		put_profile(p, rows);
	else
		for (; i < rows->nrows && p->out->len < EXPORT_PIECE; i++)
			put[e->stage](e, &rows->rows[i], p->out);
	if (e->stage == CONVS || rows->err != 0 ||
	    (i == rows->nrows && (rows->complete || rows->nrows == 0)))
		go_on(e, rows->nrows > 0);
}

static void
put_end(struct export *e, struct buf *b)
{
	struct json_out o;

	line_begin(&o, b, "end");
	json_out_int(&o, "ts", (int64_t)e->ts);
	line_end(&o, b);
	enter(e, OVER);
}

int
export_piece(struct export *e, struct msglog_reader *reader, struct buf *out)
{
	struct page p = { e, out, 0 };

	buf_init(out, EXPORT_PIECE + LINE_MAX);
	while (p.err == 0 && out->len < EXPORT_PIECE && e->stage < END)
		msglog_read(reader, &e->read, take_rows, &p);
	if (p.err == 0 && out->len < EXPORT_PIECE && e->stage == END)
		put_end(e, out);
	return p.err != 0 ? p.err : out->err;
}

void
export_free(struct export *e)
{
	free(e);
}

void
export_head(struct conn *c, const struct h1_head *head)
{
	struct sig_claims claims;
	struct export *e;
	uint64_t wait;

	if (!front_origin_ok(c, head)) {
		front_error(c, 403, "forbidden",
		    "pages of this origin may not do this", 0);
		return;
	}
	if (!bearer_take(c, head, &claims))
		return;
	wait = rate_take(c->desk->app->rest_rate, claims.user,
	    strlen(claims.user), loop_now_ms(c->worker->loop));
	if (wait != 0) {
		front_error(c, 429, "rate_limited", "too often", wait);
		return;
	}
	e = calloc(1, sizeof(*e));
	if (e == NULL) {
		front_error(c, 503, "overloaded", "no memory", 1000);
		return;
	}
	memcpy(e->read.user, claims.user, sizeof(e->read.user));
	e->read.newer = true;
	e->ts = loop_wall_ms();
	enter(e, PROFILE);
	front_answer_export(c, e);
}
