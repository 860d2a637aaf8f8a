/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/mail.h"

struct sig_mail *
sig_mail_new(enum sig_mail_kind kind, const char *to)
{
	struct sig_mail *mail = calloc(1, sizeof(*mail));

	if (mail == NULL)
		return NULL;
	mail->kind = kind;
	memcpy(mail->to, to, strnlen(to, sizeof(mail->to) - 1));
	return mail;
}

bool
sig_mail_put(struct sig_mail *mail, const char *text, size_t len)
{
	mail->text = malloc(len + 1);
	if (mail->text == NULL)
		return false;
	memcpy(mail->text, text, len);
	mail->text[len] = '\0';
	mail->text_len = len;
	return true;
}

struct sig_mail *
sig_mail_text(
    enum sig_mail_kind kind, const char *to, const char *text, size_t len)
{
	struct sig_mail *mail = sig_mail_new(kind, to);

	if (mail != NULL && !sig_mail_put(mail, text, len)) {
		free(mail);
		return NULL;
	}
	return mail;
}

void
sig_mail_free(struct sig_mail *mail)
{
	if (mail == NULL)
		return;
	free(mail->text);
	free(mail);
}
