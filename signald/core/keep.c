/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/call_keep.h"
#include "signald/core/effect.h"
#include "signald/core/keep.h"
#include "signald/core/session.h"

#define PAGE       256 /* records of one read */
#define TEXT_MAX   4096
#define VALUES_MAX 32
#define DEPTH_MAX  4

bool
sig_keep_call_key(char out[SIG_KEY_MAX + 1], const char *conv)
{
	return snprintf(out, SIG_KEY_MAX + 1, "c:%s", conv) <= SIG_KEY_MAX;
}

void
sig_keep_session_key(
    char out[SIG_KEY_MAX + 1], const char *user, const char *session)
{
	snprintf(out, SIG_KEY_MAX + 1, "s:%s:%s", user, session);
}

static struct sig_append *
keep_append(const struct sig_core *core, const char *key, bool lazy)
{
	struct sig_append *append = calloc(1, sizeof(*append));

	if (append == NULL)
		return NULL;
	append->kind = SIG_APPEND_KEEP;
	memcpy(append->conv, key, strnlen(key, SIG_KEY_MAX));
	append->ts = core->wall;
	append->lazy = lazy;
	return append;
}

int
sig_keep_put(struct sig_core *core, struct sig_ticket *ticket, const char *key,
    struct buf *text, bool lazy)
{
	struct sig_append *append = NULL;

	if (text->err == 0)
		append = keep_append(core, key, lazy);
	if (append == NULL) {
		buf_fini(text);
		sig_ticket_free(ticket);
		return -ENOMEM;
	}
	append->body = (char *)text->data;
	append->body_len = text->len;
	return sig_append(core, ticket, append);
}

void
sig_keep_drop(struct sig_core *core, const char *key)
{
	if (sig_append(core, sig_ticket_new(NULL, 0),
		keep_append(core, key, true)) != 0)
		core->stats.errors++;
}

/* One record, of whichever shard; what is not understood is of no use. */
static void
keep_take(struct sig_core *core, const struct sig_row *row)
{
	static const struct json_limits limits = { TEXT_MAX, VALUES_MAX,
		DEPTH_MAX };
	char user[SIG_NAME_MAX + 1], why[JSON_ERR_MAX];
	const char *name = row->conv + 2, *colon = strchr(name, ':');
	struct json *value;
	struct json_in in;
	bool taken = true;

	if (row->conv[0] == 's') {
		if (colon == NULL || colon - name > SIG_NAME_MAX)
			return;
		snprintf(user, sizeof(user), "%.*s", (int)(colon - name), name);
		if (sig_shard_of(&core->cfg, user) != core->cfg.shard)
			return;
	}
	if (json_parse(row->text, row->text_len, &limits, &value, why) != 0)
		return;
	json_in_init(&in, value, "");
	if (row->conv[0] == 's')
		taken = sig_session_wake(core, user, colon + 1, &in);
	else
		taken = sig_call_wake(core, name, &in);
	json_free(value);
	if (!taken)
		sig_keep_drop(core, row->conv);
}

static void keep_read(struct sig_core *, const char *after);

static void
keep_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	size_t i;

	/* Without them everybody begins anew: a loss, but no wrong. */
	if (rows->err != 0) {
		core->stats.errors++;
		return;
	}
	for (i = 0; i < rows->nrows; i++)
		keep_take(core, &rows->rows[i]);
	if (!rows->complete && rows->nrows > 0)
		keep_read(core, rows->rows[rows->nrows - 1].conv);
}

static void
keep_read(struct sig_core *core, const char *after)
{
	struct sig_read read = { .kind = SIG_READ_KEPT, .limit = PAGE };
	struct sig_ticket *ticket = sig_ticket_new(NULL, 0);

	if (ticket != NULL)
		ticket->rows = keep_rows;
	memcpy(read.conv, after, strnlen(after, SIG_KEY_MAX));
	if (sig_read(core, ticket, &read) != 0)
		core->stats.errors++;
}

void
sig_keep_load(struct sig_core *core)
{
	keep_read(core, "");
}
