/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "signald/core/append.h"

void
sig_group_free(struct sig_group *g)
{
	if (g == NULL)
		return;
	free(g->users);
	free(g->title);
	free(g->avatar);
	free(g->announcement);
	free(g->memo);
	free(g);
}

void
sig_append_free(struct sig_append *a)
{
	int i;

	if (a == NULL)
		return;
	free(a->body);
	free(a->mentions);
	sig_group_free(a->group);
	free(a->pwhash);
	free(a->nick);
	for (i = 0; i < SIG_PROFILE_FIELDS; i++)
		free(a->profile[i]);
	free(a->file);
	free(a);
}
