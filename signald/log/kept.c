/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/log/kept.h"

int
kept_write(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	const struct schema_kept kept = { a->conv, a->body, a->body_len };
	struct schema_key k = schema_name(a->conv);
	int rc;

	if (a->body == NULL) {
		rc = run_del(run, T_KEPT, k);
		return rc == -ENOENT ? 0 : rc;
	}
	schema_put_kept(&r->record, &kept);
	return run_put(run, T_KEPT, &k, &r->record, STORE_PUT);
}
