/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "signald/core/mail.h"

struct sig_mail *
sig_mail_new(enum sig_mail_kind kind, const char *to)
{
	struct sig_mail *mail = calloc(1, sizeof(*mail));

	if (mail == NULL)
		return NULL;
	mail->kind = kind;
	snprintf(mail->to, sizeof(mail->to), "%s", to);
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
