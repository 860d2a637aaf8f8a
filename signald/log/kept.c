/* SPDX-License-Identifier: BSD-3-Clause */
#include "signald/log/kept.h"

int
kept_drop(struct run *run, const char *key)
{
	return run_drop(run, T_KEPT, schema_name(key));
}

int
kept_write(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	const struct schema_kept kept = { a->conv, a->body, a->body_len };
	struct schema_key k = schema_name(a->conv);

	if (a->body == NULL)
		return kept_drop(run, a->conv);
	schema_put_kept(&r->record, &kept);
	return run_put(run, T_KEPT, &k, &r->record, STORE_PUT);
}
