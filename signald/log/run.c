/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/log/run.h"

int
run_put(struct run *run, enum schema_table table, const struct schema_key *key,
    const struct buf *value, enum store_put how)
{
	struct store_val k = schema_val(key);
	struct store_val v = { value->data, value->len };
	int rc;

	if (value->err != 0)
		return value->err;
	rc = store_put(run->txn, table, &k, &v, how);
	/* Judged before: a row that is there means that the store is broken. */
	return rc == -EEXIST ? -EIO : rc;
}

int
run_put_num(struct run *run, enum schema_table table, struct schema_key key,
    uint64_t num)
{
	uint8_t mem[8];
	struct buf b = buf_fixed(mem, sizeof(mem));

	buf_u64(&b, num);
	return run_put(run, table, &key, &b, STORE_PUT);
}

int
run_del(struct run *run, enum schema_table table, struct schema_key key)
{
	struct store_val k = schema_val(&key);

	return store_del(run->txn, table, &k);
}

int
run_drop(struct run *run, enum schema_table table, struct schema_key key)
{
	int rc = run_del(run, table, key);

	return rc == -ENOENT ? 0 : rc;
}

int
run_find_user(struct run *run, const char *user, uint64_t *uid)
{
	struct schema_key k = schema_name(user);

	return schema_find(run->txn, T_USER_IDS, &k, uid);
}

int
run_find_peer(struct run *run, const char *user, uint64_t *uid)
{
	struct schema_user record;
	uint64_t found;
	int rc;

	rc = run_find_user(run, user, &found);
	if (rc != 0)
		return rc;
	rc = schema_user(run->txn, found, &record);
	if (rc != 0)
		return -EIO;
	if (record.standing.role == SIG_USER_DELETED)
		return -ENOENT;
	*uid = found;
	return 0;
}
