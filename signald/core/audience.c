/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/audience.h"
#include "signald/core/effect.h"
#include "signald/core/name.h"

struct sig_audience {
	char conv[SIG_CONV_MAX + 1];
	uint64_t head; /* highest seq known */
	LIST_HEAD(, sig_seat) seats;
};

struct sig_seat {
	LIST_ENTRY(sig_seat) of_audience, of_user;
	struct sig_audience *audience;
	struct sig_user *user;
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

static void
audience_grow(struct sig_audience *a, uint64_t head)
{
	if (a->head < head)
		a->head = head;
}

int
sig_audience_join(struct sig_core *core, struct sig_user *user,
    const char *conv, uint64_t head)
{
	struct sig_audience *a = audience_get(core, conv);
	struct sig_seat *seat;

	if (a == NULL)
		return -ENOMEM;
	audience_grow(a, head);
	if (seat_find(user, conv) != NULL)
		return 0;
	seat = calloc(1, sizeof(*seat));
	if (seat == NULL) {
		audience_drop_if_empty(core, a);
		return -ENOMEM;
	}
	seat->audience = a;
	seat->user = user;
	LIST_INSERT_HEAD(&a->seats, seat, of_audience);
	LIST_INSERT_HEAD(&user->seats, seat, of_user);
	return 0;
}

void
sig_audience_leave_all(struct sig_core *core, struct sig_user *user)
{
	while (!LIST_EMPTY(&user->seats))
		seat_free(core, LIST_FIRST(&user->seats));
}

void
sig_audience_write(struct json_out *o, const struct sig_user *user)
{
	const struct sig_seat *seat;

	if (LIST_EMPTY(&user->seats))
		return;
	json_out_array(o, "large");
	LIST_FOREACH (seat, &user->seats, of_user) {
		json_out_object(o, NULL);
		json_out_str(o, "conv", seat->audience->conv);
		json_out_int(o, "seq", (int64_t)seat->audience->head);
		json_out_close(o);
	}
	json_out_close(o);
}

void
sig_audience_seat(
    struct sig_core *core, struct sig_user *user, const struct sig_mail *mail)
{
	char conv[SIG_CONV_MAX + 1];
	struct sig_seat *seat;

	if (!sig_name_of_entry(conv, mail->text, mail->text_len))
		return;
	if ((mail->flags & SIG_INBOX_JOINED) != 0) {
		if (sig_audience_join(core, user, conv, mail->request) != 0)
			core->stats.errors++;
		return;
	}
	seat = seat_find(user, conv);
	if (seat != NULL)
		seat_free(core, seat);
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
		mail = sig_mail_new(SIG_MAIL_AUDIENCE, conv);
		if (mail != NULL)
			mail->text = malloc(res->text_len);
		if (mail == NULL || mail->text == NULL) {
			sig_mail_free(mail);
			core->stats.errors++;
			return;
		}
		memcpy(mail->text, res->text, res->text_len);
		mail->text_len = res->text_len;
		mail->sync = res->seq;
		sig_post_to(core, shard, mail);
	}
}

void
sig_audience_receive(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_audience *a = audience_find(core, mail->to);
	const struct sig_session *s;
	const struct sig_seat *seat;
	struct buf b;

	if (a == NULL)
		return;
	audience_grow(a, mail->sync);
	LIST_FOREACH (seat, &a->seats, of_audience) {
		LIST_FOREACH (s, &seat->user->sessions, of_user) {
			if (s->link == NULL)
				continue;
			buf_init(&b, SIG_TEXT_MAX);
			buf_puts(&b, "{\"push\":\"message\",");
			buf_put(&b, mail->text, mail->text_len);
			buf_u8(&b, '}');
			core->stats.pushes++;
			sig_send(core, s->link->id, &b, false);
		}
	}
}
