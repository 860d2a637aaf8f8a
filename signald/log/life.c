/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/log/life.h"
#include "signald/log/schema.h"

int
life_begin(struct store_txn *txn, void *epoch)
{
	struct schema_key name = schema_name("epoch");
	struct store_val k = schema_val(&name), v;
	uint8_t first[8] = { 0, 0, 0, 0, 0, 0, 0, 1 };
	uint8_t ours[8] = { 0, 0, 0, 0, 0, 0, 0, SCHEMA_VERSION };
	uint64_t version;
	int rc;

	rc = store_get(txn, T_META, &k, &v);
	if (rc == 0 && v.len == SIG_EPOCH_LEN - 1) {
		memcpy(epoch, v.data, v.len);
		name = schema_name("version");
		rc = schema_find(txn, T_META, &name, &version);
		return rc == 0 && version == SCHEMA_VERSION ? 0 : -EINVAL;
	}
	if (rc != -ENOENT)
		return -EINVAL;
	v = (struct store_val){ epoch, SIG_EPOCH_LEN - 1 };
	rc = store_put(txn, T_META, &k, &v, STORE_INSERT);
	if (rc != 0)
		return rc;
	name = schema_name("next_id");
	k = schema_val(&name);
	v = (struct store_val){ first, sizeof(first) };
	rc = store_put(txn, T_META, &k, &v, STORE_INSERT);
	if (rc != 0)
		return rc;
	name = schema_name("version");
	k = schema_val(&name);
	v = (struct store_val){ ours, sizeof(ours) };
	return store_put(txn, T_META, &k, &v, STORE_INSERT);
}
