/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/log/answer.h"

static int
user_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_user user;
	struct schema_key k;
	struct sig_row *row;
	uint64_t uid, ts = 0;
	int rc;

	if (!schema_nums(val, &uid, 1))
		return -EIO;
	rc = answer_must(schema_user(a->txn, uid, &user));
	if (rc != 0)
		return rc;
	k = schema_key1(uid);
	rc = schema_find(a->txn, T_SEEN, &k, &ts);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	row = answer_add(a);
	row->peer = user.name;
	row->nick = user.nick;
	row->ts = user.created_ts;
	row->last_seen = ts;
	row->standing = user.standing;
	row->password = user.pwhash[0] != '\0';
	return 0;
}

int
answer_users(struct answer *a)
{
	struct schema_key lo = schema_name(a->read->query), hi = lo;

	hi.bytes[hi.len++] = 0xff; /* in no name */
	if (strcmp(a->read->after, a->read->query) >= 0) {
		lo = schema_name(a->read->after);
		lo.bytes[lo.len++] = 0;
	}
	return answer_walk(a, T_USER_IDS, &lo, &hi, false, user_row);
}

static int
erasing_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_user user;
	uint64_t uid;
	int rc;

	if (!schema_nums(key, &uid, 1))
		return -EIO;
	rc = answer_must(schema_user(a->txn, uid, &user));
	if (rc == 0)
		answer_add(a)->peer = user.name;
	return rc;
}

int
answer_erasing(struct answer *a)
{
	struct schema_key lo = schema_key1(0), hi = schema_key1(UINT64_MAX);

	return answer_walk(a, T_ERASING, &lo, &hi, false, erasing_row);
}
