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
	int rc;

	rc = store_get(txn, T_META, &k, &v);
	if (rc == 0 && v.len == SIG_EPOCH_LEN - 1) {
		memcpy(epoch, v.data, v.len);
		return 0;
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
	return store_put(txn, T_META, &k, &v, STORE_INSERT);
}
