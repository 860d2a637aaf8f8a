/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/audience.h"
#include "signald/core/effect.h"
#include "signald/core/inbox.h"
#include "signald/core/session.h"
#include "signald/core/user.h"

#define SYNC_MAX     ((INT64_C(1) << 53) - 1)
#define FLIGHT_BYTES (256 * 1024) /* unacked bytes that are enough */
#define PAGE         64           /* rows of one read */
#define SAVE_MS      1000         /* a cursor is stored at most this often */
#define AGAIN_MAX    3            /* resends wait up to resend_ms << this */

static uint32_t
inbox_room(const struct sig_core *core, const struct sig_inbox *in)
{
	uint64_t flight = in->sent - in->acked;

	if (flight >= core->cfg.window || in->flight_bytes >= FLIGHT_BYTES)
		return 0;
	return core->cfg.window - (uint32_t)flight;
}

static void
inbox_resend_due(struct sig_core *core, struct sig_timer *t)
{
	struct sig_session *s = (struct sig_session *)((char *)t -
	    offsetof(struct sig_session, inbox.resend));
	struct sig_inbox *in = &s->inbox;

	core->stats.resends += in->sent - in->acked;
	in->sent = in->acked;
	in->hole = 0;
	in->flight_bytes = 0;
	if (in->again < AGAIN_MAX)
		in->again++;
	sig_inbox_pump(core, s);
}

static void
inbox_arm(struct sig_core *core, struct sig_inbox *in)
{
	sig_timer_set(core, &in->resend,
	    core->now + ((uint64_t)core->cfg.resend_ms << in->again),
	    inbox_resend_due);
}

static void
inbox_push(struct sig_core *core, struct sig_session *s, uint64_t sync,
    const char *text, size_t len)
{
	struct sig_inbox *in = &s->inbox;
	struct buf b;

	buf_init(&b, SIG_TEXT_MAX);
	buf_printf(&b, "{\"push\":\"message\",\"sync\":%llu,",
	    (unsigned long long)sync);
	/* Retention took what was between. */
	if (sync > in->sent + 1)
		buf_printf(&b, "\"after\":%llu,", (unsigned long long)in->sent);
	buf_put(&b, text, len);
	buf_u8(&b, '}');
	in->sent = sync;
	if (in->high < sync)
		in->high = sync;
	in->flight_bytes += len;
	core->stats.pushes++;
	if (!in->resend.wheel.set)
		inbox_arm(core, in);
	sig_send(core, s->link->id, &b, false);
}

/* Up to here all is pushed, or there is nothing to push. */
static uint64_t
inbox_seen(const struct sig_inbox *in)
{
	return in->hole > in->sent ? in->hole : in->sent;
}

static void
inbox_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	struct sig_session *s = sig_session_find(core, ticket->session);
	const struct sig_row *row;
	struct sig_inbox *in;
	size_t i;

	if (s == NULL)
		return;
	in = &s->inbox;
	in->reading = false;
	if (s->link == NULL)
		return;
	if (rows->err == 0 && rows->nrows == 0 && rows->complete) {
		/* The log sees all that was told before it was asked. */
		if (ticket->from == in->sent && in->hole < ticket->head)
			in->hole = ticket->head;
		sig_inbox_pump(core, s);
		return;
	}
	/* Nothing there: the log failed, or a page of it was cut away. The
	 * timer tries again, so that this cannot spin. */
	if (rows->err != 0 || rows->nrows == 0) {
		if (!in->resend.wheel.set)
			inbox_arm(core, in);
		return;
	}
	/* The cursor may have gone back meanwhile (a resend, a resume); then
	 * this page would leave a hole. */
	for (i = 0; i < rows->nrows && ticket->from <= in->sent; i++) {
		row = &rows->rows[i];
		if (row->sync <= in->sent)
			continue;
		if (inbox_room(core, in) == 0)
			break;
		if (row->sync > s->user->head)
			s->user->head = row->sync;
		inbox_push(core, s, row->sync, row->text, row->text_len);
	}
	sig_inbox_pump(core, s);
}

void
sig_inbox_pump(struct sig_core *core, struct sig_session *s)
{
	struct sig_read read = { .kind = SIG_READ_INBOX };
	struct sig_inbox *in = &s->inbox;
	uint64_t lag = s->user->head - in->sent;
	struct sig_ticket *ticket;
	uint32_t room;

	if (s->link == NULL || in->reading || s->user->head <= inbox_seen(in))
		return;
	room = inbox_room(core, in);
	/* A client that acks one by one must not cost a read for each. */
	if (room == 0 || (room < lag && room < core->cfg.window / 4))
		return;
	ticket = sig_ticket_new(s->link, 0);
	if (ticket != NULL) {
		ticket->rows = inbox_rows;
		ticket->from = in->sent;
		ticket->head = s->user->head;
	}
	memcpy(read.user, s->user->name, sizeof(read.user));
	memcpy(read.device, s->device, sizeof(read.device));
	read.from = in->sent;
	read.limit = room < PAGE ? room : PAGE;
	if (sig_read(core, ticket, &read) == 0)
		in->reading = true;
	else if (!in->resend.wheel.set)
		inbox_arm(core, in);
}

void
sig_inbox_start(struct sig_core *core, struct sig_session *s, uint64_t acked)
{
	struct sig_inbox *in = &s->inbox;

	in->acked = in->sent = acked;
	in->hole = 0;
	if (in->high < acked)
		in->high = acked;
	in->flight_bytes = 0;
	in->again = 0;
}

static void
inbox_save_due(struct sig_core *core, struct sig_timer *t)
{
	sig_inbox_save(core,
	    (struct sig_session *)((char *)t -
		offsetof(struct sig_session, inbox.save)));
}

static void
inbox_saved(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	struct sig_session *s = sig_session_find(core, ticket->session);
	struct sig_inbox *in;

	if (s == NULL)
		return;
	in = &s->inbox;
	in->saving = false;
	if (res->err == 0)
		in->saved = ticket->from;
	if (in->saved != in->acked && !in->save.wheel.set)
		sig_timer_set(
		    core, &in->save, core->now + SAVE_MS, inbox_save_due);
}

void
sig_inbox_save(struct sig_core *core, struct sig_session *s)
{
	struct sig_append *append;
	struct sig_inbox *in = &s->inbox;
	struct sig_ticket *ticket;

	sig_timer_clear(core, &in->save);
	if (in->saved == in->acked)
		return;
	append = calloc(1, sizeof(*append));
	ticket = sig_ticket_new(NULL, 0);
	if (append != NULL) {
		append->kind = SIG_APPEND_CURSOR;
		memcpy(append->user, s->user->name, sizeof(append->user));
		memcpy(append->device, s->device, sizeof(append->device));
		append->sync = in->acked;
		append->ts = core->wall;
	}
	if (ticket != NULL) {
		ticket->appended = inbox_saved;
		ticket->from = in->acked;
		memcpy(ticket->session, s->id, sizeof(ticket->session));
	}
	in->saving = sig_append(core, ticket, append) == 0;
}

static void
inbox_acked(struct sig_core *core, struct sig_session *s, uint64_t sync)
{
	struct sig_inbox *in = &s->inbox;
	uint64_t flight;

	if (sync <= in->acked)
		return;
	if (sync > in->sent)
		in->sent = sync;
	/* Sizes are not kept; take it that messages are alike. */
	flight = in->sent - in->acked;
	in->flight_bytes = in->flight_bytes * (in->sent - sync) / flight;
	in->acked = sync;
	in->again = 0;
	if (in->acked == in->sent)
		sig_timer_clear(core, &in->resend);
	else
		inbox_arm(core, in);
	if (!in->saving && !in->save.wheel.set)
		sig_timer_set(
		    core, &in->save, core->now + SAVE_MS, inbox_save_due);
	sig_inbox_pump(core, s);
}

void
sig_op_ack(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_session *s = link->session;
	uint64_t sync = (uint64_t)json_in_int(&req->in, "sync", 0, SYNC_MAX);

	if (sig_req_bad(core, link, req))
		return;
	if (sync > s->inbox.high) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST,
		    "sync: beyond what was pushed");
		return;
	}
	inbox_acked(core, s, sync);
	if (req->id != 0)
		sig_ok(core, link->id, req->id);
}

void
sig_inbox_post(struct sig_core *core, const struct sig_receiver *to,
    const struct sig_appended *res)
{
	struct sig_mail *mail = sig_mail_new(SIG_MAIL_INBOX, to->user);

	if (mail != NULL) {
		mail->sync = to->sync;
		mail->ts = res->ts;
		mail->request = res->seq;
		mail->flags = to->joined ? SIG_INBOX_JOINED : 0;
		/* Without its text it still tells the head, and is read. */
		sig_mail_put(mail, res->text, res->text_len);
	}
	sig_post(core, mail);
}

void
sig_inbox_receive(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_user *user = sig_user_find(core, mail->to);
	struct sig_session *s;

	if (user == NULL)
		return;
	if (mail->sync > user->head)
		user->head = mail->sync;
	if (mail->flags != 0 && mail->text != NULL)
		sig_audience_seat(core, user, mail);
	LIST_FOREACH (s, &user->sessions, of_user) {
		if (s->link != NULL && !s->inbox.reading &&
		    mail->text != NULL &&
		    mail->sync == inbox_seen(&s->inbox) + 1 &&
		    inbox_room(core, &s->inbox) > 0)
			inbox_push(
			    core, s, mail->sync, mail->text, mail->text_len);
		else
			sig_inbox_pump(core, s);
	}
}
