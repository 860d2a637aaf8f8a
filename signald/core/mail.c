/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/mail.h"

/* Where a text is that is as old as its mail: in the same block, always. */
static char *
text_behind(struct sig_mail *mail)
{
	return (char *)(mail + 1);
}

static struct sig_mail *
mail_new(enum sig_mail_kind kind, const char *to, size_t len)
{
	struct sig_mail *mail = malloc(sizeof(*mail) + len + 1);

	if (mail == NULL)
		return NULL;
	memset(mail, 0, sizeof(*mail));
	mail->kind = kind;
	memcpy(mail->to, to, strnlen(to, sizeof(mail->to) - 1));
	return mail;
}

struct sig_mail *
sig_mail_new(enum sig_mail_kind kind, const char *to)
{
	return mail_new(kind, to, 0);
}

static void
text_set(struct sig_mail *mail, char *room, const char *text, size_t len)
{
	memcpy(room, text, len);
	room[len] = '\0';
	mail->text = room;
	mail->text_len = len;
}

bool
sig_mail_put(struct sig_mail *mail, const char *text, size_t len)
{
	char *room = malloc(len + 1);

	if (room == NULL)
		return false;
	text_set(mail, room, text, len);
	return true;
}

struct sig_mail *
sig_mail_text(
    enum sig_mail_kind kind, const char *to, const char *text, size_t len)
{
	struct sig_mail *mail = mail_new(kind, to, len);

	if (mail != NULL)
		text_set(mail, text_behind(mail), text, len);
	return mail;
}

void
sig_mail_free(struct sig_mail *mail)
{
	if (mail == NULL)
		return;
	if (mail->text != text_behind(mail))
		free(mail->text);
	free(mail);
}
