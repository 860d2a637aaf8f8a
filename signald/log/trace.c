/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/core/file.h"
#include "signald/log/entry.h"
#include "signald/log/file.h"
#include "signald/log/trace.h"

#define RECORD_MAX (1024 * 1024)

/* A message that goes; texts are the parsed copy's. */
struct trace {
	struct run *run;
	uint64_t cid, seq, id, from;
	const char *mid, *file; /* NULL: none */
	const struct json *mentions;
};

static int
drop_mid(const struct trace *t)
{
	struct schema_key k = schema_key_named(t->from, t->mid);
	struct store_val key = schema_val(&k), v;
	struct schema_mid mid;
	int rc;

	rc = store_get(t->run->txn, T_MIDS, &key, &v);
	if (rc == 0)
		rc = schema_get_mid(&v, &mid);
	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	/* Forgotten long ago, and taken again since. */
	if (mid.cid != t->cid || mid.seq != t->seq)
		return 0;
	rc = run_del(t->run, T_MIDS, k);
	return rc == 0 ? run_drop(t->run, T_MID_AGES, schema_key1(t->id)) : rc;
}

static int
drop_mentions(const struct trace *t)
{
	const char *name;
	uint64_t uid;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < json_items(t->mentions); i++) {
		name = json_text(json_item(t->mentions, i));
		uid = 0;
		if (strcmp(name, "*") != 0)
			rc = run_find_user(t->run, name, &uid);
		if (rc == 0)
			rc = run_drop(t->run, T_MENTIONS,
			    schema_key3(uid, t->cid, t->seq));
		/* Who was no user was a word like any other. */
		if (rc == -ENOENT)
			rc = 0;
	}
	return rc;
}

/* What its sender has said and not read is counted no more; see
 * schema_unread. */
static int
count_own(const struct trace *t, uint64_t own)
{
	struct schema_member m;
	int rc;

	rc = schema_member(t->run->txn, t->from, t->cid, &m);
	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	if (t->seq <= m.read || own <= m.own_read)
		return 0;
	m.own_read = own;
	return entry_put_member(t->run, t->from, t->cid, &m);
}

static void
read_text(struct trace *t, struct json_in *in)
{
	const char *type = json_in_str(in, "type", 1, 15);
	struct json_in body;

	t->mid = json_in_str_opt(in, "mid", 1, SIG_MID_MAX);
	t->mentions = json_in_array_opt(in, "mentions", 0, SIZE_MAX);
	if (type == NULL || strcmp(type, "file") != 0)
		return;
	json_in_init(&body, json_in_object(in, "body"), "body");
	t->file = json_in_str_opt(
	    &body, "file", SIG_FILE_HASH_LEN, SIG_FILE_HASH_LEN);
}

int
trace_drop(
    struct run *run, uint64_t cid, uint64_t seq, const struct schema_message *m)
{
	static const struct json_limits limits = { RECORD_MAX, 8192, 8 };
	struct trace t = { run, cid, seq, m->id, m->from, NULL, NULL, NULL };
	uint64_t own = m->own;
	char why[JSON_ERR_MAX];
	struct json *doc;
	struct json_in in;
	int rc;

	rc = json_parse(m->text - 1, m->text_len + 2, &limits, &doc, why);
	if (rc != 0)
		return rc == -ENOMEM ? rc : -EIO;
	json_in_init(&in, doc, "");
	read_text(&t, &in);
	rc = in.code != 0 ? -EIO : count_own(&t, own);
	if (rc == 0 && t.mid != NULL)
		rc = drop_mid(&t);
	if (rc == 0 && t.mentions != NULL)
		rc = drop_mentions(&t);
	if (rc == 0 && t.file != NULL)
		rc = file_unrefer(run, t.file, cid, seq);
	json_free(doc);
	return rc;
}
