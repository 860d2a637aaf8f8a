/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/log/privacy.h"

int
privacy_get(struct store_txn *txn, uint64_t uid, uint32_t *hides)
{
	struct schema_key k = schema_key1(uid);
	uint64_t bits = 0;
	int rc;

	rc = schema_find(txn, T_PRIVACY, &k, &bits);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	*hides = (uint32_t)(bits & SIG_HIDE_ALL);
	return 0;
}

int
privacy_change(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	uint32_t old;
	uint64_t uid;
	int rc;

	rc = run_find_user(run, a->user, &uid);
	if (rc == 0)
		rc = privacy_get(run->txn, uid, &old);
	if (rc != 0)
		return rc;
	r->done.privacy = (old & ~a->mask) | (a->hide & a->mask);
	r->done.duplicate = r->done.privacy == old;
	return r->done.duplicate
	    ? 0
	    : run_put_num(run, T_PRIVACY, schema_key1(uid), r->done.privacy);
}
