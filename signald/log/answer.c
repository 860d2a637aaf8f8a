/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/log/answer.h"

struct sig_row *
answer_add(struct answer *a)
{
	struct sig_row *row = &a->rows[a->out.nrows++];

	memset(row, 0, sizeof(*row));
	row->text = "";
	return row;
}

int
answer_must(int rc)
{
	return rc == -ENOENT ? -EIO : rc;
}

/* Whether there is nothing here for the user; or -EIO. */
static int
is_hidden(const struct answer *a, const struct store_val *val)
{
	struct schema_message m;

	if (!a->hides)
		return 0;
	if (schema_get_message(val, &m) != 0)
		return -EIO;
	return m.hidden && m.from != a->uid;
}

int
answer_walk(struct answer *a, enum schema_table table,
    const struct schema_key *lo, const struct schema_key *hi, bool down,
    answer_row_fn *fn)
{
	struct store_val first = schema_val(lo), last = schema_val(hi), k, v;
	struct store_walk walk;
	int rc;

	rc = store_walk_init(&walk, a->txn, table, &first, &last, down);
	if (rc != 0)
		return rc;
	while ((rc = store_walk_next(&walk, &k, &v)) == 0) {
		rc = is_hidden(a, &v);
		if (rc > 0)
			continue;
		if (rc < 0 || a->out.nrows == a->limit)
			break;
		rc = fn(a, &k, &v);
		if (rc != 0)
			break;
	}
	store_walk_fini(&walk);
	a->out.complete = rc == -ENOENT;
	return rc == -ENOENT ? 0 : rc;
}

int
answer_peer(struct answer *a, const struct schema_conv *conv,
    struct schema_user *peer, uint64_t *uid)
{
	*uid = conv->member[0] == a->uid ? conv->member[1] : conv->member[0];
	return answer_must(schema_user(a->txn, *uid, peer));
}

int
answer_conv(struct answer *a, uint64_t *cid, struct schema_member *mine)
{
	struct schema_key k = schema_name(a->read->conv);
	int rc;

	rc = schema_find(a->txn, T_CONV_IDS, &k, cid);
	return rc == 0 ? schema_member(a->txn, a->uid, *cid, mine) : rc;
}
