/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/log/amend.h"
#include "signald/log/file.h"

int
amend_judge(struct store_txn *txn, const struct sig_append *a, uint64_t cid,
    uint64_t seq, struct amend *out)
{
	const struct schema_message *m = &out->target;
	int rc;

	out->seq = 0;
	if (a->change == SIG_CHANGE_NONE)
		return 0;
	rc = cid == 0 ? -ENOENT
		      : schema_message(txn, cid, a->target, &out->target);
	if (rc == 0 && m->text_len == 0)
		rc = -ENOENT;
	if (rc == 0)
		rc = sig_change_apply(
		    m->text - 1, m->text_len + 2, a, seq, &out->changed);
	if (rc != 0)
		return rc;
	out->cid = cid;
	out->seq = a->target;
	return 0;
}

static int
put_text(struct store_txn *txn, uint64_t cid, uint64_t seq,
    const struct schema_message *m, const struct buf *text)
{
	struct schema_key k = schema_key2(cid, seq);
	struct store_val key = schema_val(&k), v;
	struct buf b;
	int rc;

	buf_init(&b, text->len + 64);
	schema_put_message(&b, m);
	buf_put(&b, text->data, text->len);
	v = (struct store_val){ b.data, b.len };
	rc = b.err != 0 ? b.err
			: store_put(txn, T_MESSAGES, &key, &v, STORE_PUT);
	buf_fini(&b);
	return rc;
}

static int
blank(struct store_txn *txn, uint64_t cid, uint64_t seq)
{
	struct schema_message m;
	struct buf text;
	int rc;

	rc = schema_message(txn, cid, seq, &m);
	if (rc != 0)
		return -EIO;
	buf_init(&text, m.text_len + 64);
	rc = sig_change_blank(m.text - 1, m.text_len + 2, &text);
	if (rc == 0)
		rc = put_text(txn, cid, seq, &m, &text);
	buf_fini(&text);
	return rc;
}

int
amend_write(struct run *run, const struct amend *am)
{
	struct store_txn *txn = run->txn;
	size_t i;
	int rc;

	if (am->seq == 0)
		return 0;
	rc = put_text(txn, am->cid, am->seq, &am->target, &am->changed.text);
	for (i = 0; rc == 0 && i < am->changed.nblank; i++)
		rc = blank(txn, am->cid, am->changed.blank[i]);
	if (rc == 0 && am->changed.file[0] != '\0')
		rc = file_unrefer(run, am->changed.file, am->cid, am->seq);
	return rc;
}

void
amend_fini(struct amend *am)
{
	if (am->seq != 0)
		sig_changed_fini(&am->changed);
}
