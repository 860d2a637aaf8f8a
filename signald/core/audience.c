/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/audience.h"
#include "signald/core/effect.h"
#include "signald/core/name.h"
#include "signald/core/user.h"

#define PAGE 64 /* rows of one read */

struct sig_audience {
	char conv[SIG_CONV_MAX + 1];
	uint64_t head; /* highest seq known */
	uint64_t told; /* pushed up to here */
	bool reading;
	bool again; /* what is being read begins too late for somebody */
	bool look;  /* there may be more than head: what came before a was */
	LIST_HEAD(, sig_seat) seats;
};

struct sig_seat {
	LIST_ENTRY(sig_seat) of_audience, of_user;
	struct sig_audience *audience;
	struct sig_user *user;
	uint64_t from; /* has been told up to here, or need not be */
	bool gone;     /* with from: late news of an earlier coming are old */
	/* A log-in may find the seat before the news of the coming are here.
	 * Sessions whose hello was answered by then were told of nothing: they
	 * wait for the news, then hear what is between late and from, too. */
	uint64_t hello; /* the last one that was answered */
	bool waits;
	uint64_t late; /* 0: nothing is */
};

static bool
audience_is(const void *obj, const void *key)
{
	return strcmp(((const struct sig_audience *)obj)->conv, key) == 0;
}

static struct sig_audience *
audience_find(const struct sig_core *core, const char *conv)
{
	return htab_find(
	    &core->audiences, sig_hash(core, conv), audience_is, conv);
}

static void
audience_drop_if_empty(struct sig_core *core, struct sig_audience *a)
{
	if (!LIST_EMPTY(&a->seats))
		return;
	htab_del(&core->audiences, sig_hash(core, a->conv), a);
	free(a);
}

static struct sig_audience *
audience_get(struct sig_core *core, const char *conv)
{
	struct sig_audience *a = audience_find(core, conv);

	if (a != NULL)
		return a;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	memcpy(a->conv, conv, strnlen(conv, SIG_CONV_MAX));
	LIST_INIT(&a->seats);
	if (htab_put(&core->audiences, sig_hash(core, conv), a) != 0) {
		free(a);
		return NULL;
	}
	return a;
}

static struct sig_seat *
seat_find(const struct sig_user *user, const char *conv)
{
	struct sig_seat *seat;

	LIST_FOREACH (seat, &user->seats, of_user) {
		if (strcmp(seat->audience->conv, conv) == 0)
			return seat;
	}
	return NULL;
}

static void
seat_free(struct sig_core *core, struct sig_seat *seat)
{
	LIST_REMOVE(seat, of_user);
	LIST_REMOVE(seat, of_audience);
	audience_drop_if_empty(core, seat->audience);
	free(seat);
}

static void audience_pump(struct sig_core *, struct sig_audience *);

/* 0 or -ENOMEM; a new audience that stays empty is gone. */
static int
seat_new(struct sig_core *core, struct sig_audience *a, struct sig_user *user,
    uint64_t from)
{
	struct sig_seat *seat = calloc(1, sizeof(*seat));

	if (seat == NULL) {
		audience_drop_if_empty(core, a);
		return -ENOMEM;
	}
	if (LIST_EMPTY(&a->seats)) {
		a->head = a->told = from;
		a->look = true;
	}
	seat->audience = a;
	seat->user = user;
	seat->from = from;
	LIST_INSERT_HEAD(&a->seats, seat, of_audience);
	LIST_INSERT_HEAD(&user->seats, seat, of_user);
	return 0;
}

/* Whether somebody is here who was not told of the seat. */
static bool
is_here(const struct sig_user *user)
{
	const struct sig_session *s;

	LIST_FOREACH (s, &user->sessions, of_user)
		if (s->link != NULL)
			return true;
	return false;
}

/* Goes through what follows seq once more: it seats and unseats as it did. */
static void
audience_rewind(struct sig_audience *a, uint64_t seq)
{
	if (a->told <= seq)
		return;
	a->told = seq;
	a->look = true;
	a->again = a->reading;
}

int
sig_audience_join(struct sig_core *core, struct sig_user *user,
    const char *conv, uint64_t head)
{
	struct sig_audience *a = audience_get(core, conv);
	struct sig_seat *seat;
	int rc;

	if (a == NULL)
		return -ENOMEM;
	if (seat_find(user, conv) == NULL) {
		rc = seat_new(core, a, user, head);
		if (rc != 0)
			return rc;
		seat = seat_find(user, conv);
		seat->waits = is_here(user);
		seat->hello = core->hellos;
		/* The user may be gone again, further on. */
		audience_rewind(a, head);
	}
	if (a->head < head)
		a->head = head;
	audience_pump(core, a);
	return 0;
}

void
sig_audience_leave_all(struct sig_core *core, struct sig_user *user)
{
	while (!LIST_EMPTY(&user->seats))
		seat_free(core, LIST_FIRST(&user->seats));
}

/* What follows this one is yet to be pushed. */
static uint64_t
seat_told(const struct sig_seat *seat)
{
	uint64_t told = seat->audience->told;

	return told > seat->from ? told : seat->from;
}

void
sig_audience_write(struct json_out *o, const struct sig_user *user)
{
	const struct sig_seat *seat;

	if (LIST_EMPTY(&user->seats))
		return;
	json_out_array(o, "large");
	LIST_FOREACH (seat, &user->seats, of_user) {
		if (seat->gone)
			continue;
		json_out_object(o, NULL);
		json_out_str(o, "conv", seat->audience->conv);
		json_out_int(o, "seq", (int64_t)seat_told(seat));
		json_out_close(o);
	}
	json_out_close(o);
}

/* What its sessions wait for: from here on they are told. */
static void
seat_late(struct sig_seat *seat, uint64_t seq)
{
	seat->waits = false;
	seat->late = seq < seat->from ? seq : 0;
}

void
sig_audience_seat(
    struct sig_core *core, struct sig_user *user, const struct sig_mail *mail)
{
	char conv[SIG_CONV_MAX + 1];
	struct sig_seat *seat;

	if (!sig_name_of_entry(conv, mail->text, mail->text_len))
		return;
	seat = seat_find(user, conv);
	if (seat != NULL && seat->waits) {
		seat_late(seat, mail->request);
		audience_rewind(seat->audience, mail->request);
	}
	if (sig_audience_join(core, user, conv, mail->request) != 0) {
		core->stats.errors++;
		return;
	}
	/* Whoever is here is told of all that follows. */
	if (seat == NULL)
		seat_find(user, conv)->waits = false;
}

void
sig_audience_tell(struct sig_core *core, const struct sig_appended *res)
{
	char conv[SIG_CONV_MAX + 1];
	struct sig_mail *mail;
	uint32_t shard;

	if (!sig_name_of_entry(conv, res->text, res->text_len))
		return;
	for (shard = 0; shard < core->cfg.shards; shard++) {
		mail = sig_mail_text(
		    SIG_MAIL_AUDIENCE, conv, res->text, res->text_len);
		if (mail == NULL) {
			core->stats.errors++;
			return;
		}
		mail->sync = res->seq;
		sig_post_to(core, shard, mail);
	}
}

static void
seat_push(struct sig_core *core, struct sig_seat *seat, uint64_t seq,
    const char *text, size_t len)
{
	bool late = seat->late != 0 && seq > seat->late && seq <= seat->from;
	bool fresh = !seat->gone && seq > seat->from;
	const struct sig_session *s;
	struct buf b;

	if (!late && !fresh)
		return;
	if (fresh)
		seat->from = seq;
	LIST_FOREACH (s, &seat->user->sessions, of_user) {
		if (s->link == NULL ||
		    (s->hello > seat->hello ? late : seat->waits))
			continue;
		buf_init(&b, SIG_TEXT_MAX);
		buf_puts(&b, "{\"push\":\"message\",");
		buf_put(&b, text, len);
		buf_u8(&b, '}');
		core->stats.pushes++;
		sig_send(core, s->link->id, &b, false);
	}
	if (late)
		seat->late = seq < seat->from ? seq : 0;
}

/* Those of a notice come or go with it: who came later is not meant. */
static void
audience_move(struct sig_core *core, struct sig_audience *a, uint64_t seq,
    const char *event, const char *name)
{
	struct sig_user *user = sig_user_find(core, name);
	struct sig_seat *seat = user == NULL ? NULL : seat_find(user, a->conv);

	if (strcmp(event, "kick") == 0 || strcmp(event, "leave") == 0) {
		if (seat != NULL && seat->from <= seq)
			seat->gone = true;
		else if (seat != NULL && seat->late == seq) {
			seat->late = 0;
			seat->waits = true; /* for the next coming */
		}
	} else if (strcmp(event, "join") == 0 && user != NULL) {
		if (seat == NULL && seat_new(core, a, user, seq) != 0)
			core->stats.errors++;
		if (seat != NULL && seat->gone && seat->from < seq) {
			seat->gone = false;
			seat->from = seq;
		} else if (seat != NULL && seat->waits) {
			seat_late(seat, seq);
		}
	}
}

static void
audience_end(struct sig_core *core, struct sig_audience *a)
{
	struct sig_seat *seat = LIST_FIRST(&a->seats), *next;

	for (; seat != NULL; seat = next) {
		next = LIST_NEXT(seat, of_audience);
		seat_free(core, seat);
	}
}

static void
audience_notice(struct sig_core *core, struct sig_audience *a, uint64_t seq,
    const char *text, size_t len)
{
	static const struct json_limits limits = { SIG_TEXT_MAX, 8192, 8 };
	char err[JSON_ERR_MAX];
	const struct json *users;
	struct json_in in, body;
	struct json *doc = NULL;
	const char *event;
	struct buf b;
	size_t i;

	buf_init(&b, SIG_TEXT_MAX);
	buf_u8(&b, '{');
	buf_put(&b, text, len);
	buf_u8(&b, '}');
	if (b.err != 0 || json_parse(b.data, b.len, &limits, &doc, err) != 0) {
		core->stats.errors++;
		buf_fini(&b);
		return;
	}
	json_in_init(&in, doc, "");
	json_in_init(&body, json_in_object(&in, "body"), "body");
	event = json_in_str(&body, "event", 1, 16);
	users = json_in_array_opt(&body, "users", 0, SIG_SUBJECTS_MAX + 1);
	for (i = 0; event != NULL && i < json_items(users); i++)
		audience_move(
		    core, a, seq, event, json_text(json_item(users, i)));
	if (event != NULL && strcmp(event, "dissolve") == 0)
		audience_end(core, a);
	json_free(doc);
	buf_fini(&b);
}

/* Who comes or goes does so at this place of the conversation, whatever way
 * the news of it takes. The audience may be gone afterwards. */
static void
audience_push(struct sig_core *core, struct sig_audience *a, uint64_t seq,
    const char *text, size_t len)
{
	/* In what users say quotes are escaped. */
	static const char notice[] = "\"type\":\"notice\"";
	struct sig_seat *seat;

	a->told = seq;
	LIST_FOREACH (seat, &a->seats, of_audience)
		seat_push(core, seat, seq, text, len);
	if (memmem(text, len, notice, sizeof(notice) - 1) != NULL)
		audience_notice(core, a, seq, text, len);
}

static void
audience_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	struct sig_audience *a = audience_find(core, ticket->conv);
	const struct sig_row *row;
	size_t i;

	if (a == NULL)
		return;
	a->reading = false;
	/* The next entry makes us try again. */
	if (rows->err != 0)
		return;
	for (i = 0; a != NULL && !a->again && i < rows->nrows; i++) {
		row = &rows->rows[i];
		if (row->seq <= a->told)
			continue;
		audience_push(core, a, row->seq, row->text, row->text_len);
		a = audience_find(core, ticket->conv);
	}
	if (a == NULL)
		return;
	a->look = a->again || rows->nrows == PAGE;
	a->again = false;
	audience_pump(core, a);
}

/* Reads on when something lies between what was told and what there is. */
static void
audience_pump(struct sig_core *core, struct sig_audience *a)
{
	struct sig_read read = { .kind = SIG_READ_ENTRIES, .limit = PAGE };
	struct sig_ticket *ticket;

	if (a->reading || (a->told >= a->head && !a->look))
		return;
	ticket = sig_ticket_new(NULL, 0);
	if (ticket != NULL) {
		ticket->rows = audience_rows;
		memcpy(ticket->conv, a->conv, sizeof(ticket->conv));
	}
	memcpy(read.conv, a->conv, sizeof(read.conv));
	read.from = a->told;
	a->reading = sig_read(core, ticket, &read) == 0;
	a->look = a->look && !a->reading;
}

void
sig_audience_receive(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_audience *a = audience_find(core, mail->to);

	if (a == NULL || mail->sync <= a->told)
		return;
	if (a->head < mail->sync)
		a->head = mail->sync;
	if (!a->reading && mail->sync == a->told + 1) {
		audience_push(core, a, mail->sync, mail->text, mail->text_len);
		a = audience_find(core, mail->to);
	}
	if (a != NULL)
		audience_pump(core, a);
}
