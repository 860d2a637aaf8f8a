/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "signald/core/log.h"

void
sig_append_free(struct sig_append *a)
{
	if (a == NULL)
		return;
	free(a->body);
	free(a->pwhash);
	free(a->nick);
	free(a->file);
	free(a);
}
