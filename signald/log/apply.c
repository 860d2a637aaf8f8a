/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/log/account.h"
#include "signald/log/contact.h"
#include "signald/log/entry.h"
#include "signald/log/erase.h"
#include "signald/log/file.h"
#include "signald/log/kept.h"
#include "signald/log/group.h"
#include "signald/log/mark.h"
#include "signald/log/mid.h"
#include "signald/log/privacy.h"
#include "signald/log/retain.h"

static int
apply_one(struct run *run, struct apply_request *r)
{
	static run_fn *const by_kind[] = {
		[SIG_APPEND_MESSAGE] = entry_message,
		[SIG_APPEND_CURSOR] = mark_cursor,
		[SIG_APPEND_SEEN] = mark_seen,
		[SIG_APPEND_READ] = mark_read,
		[SIG_APPEND_USER] = account_add,
		[SIG_APPEND_ACCOUNT] = account_change,
		[SIG_APPEND_PRIVACY] = privacy_change,
		[SIG_APPEND_PROFILE] = account_tell,
		[SIG_APPEND_CONTACT] = contact_change,
		[SIG_APPEND_FILE] = file_keep,
		[SIG_APPEND_FILE_SWEEP] = file_sweep,
		[SIG_APPEND_FILE_GONE] = file_gone,
		[SIG_APPEND_KEEP] = kept_write,
		[SIG_APPEND_GROUP] = group_apply,
		[SIG_APPEND_CONV] = mark_conv,
		[SIG_APPEND_RETAIN] = retain_step,
		[SIG_APPEND_ERASE] = erase_step,
	};

	/* An earlier run of the group may have left its results. */
	memset(&r->done, 0, sizeof(r->done));
	buf_reset(&r->record);
	if (r->append->ts > run->now_ts)
		run->now_ts = r->append->ts;
	return by_kind[r->append->kind](run, r);
}

/* Refusals of one append; everything else is the store's, and everybody's. */
static bool
refusal(int rc)
{
	return rc == -ENOENT || rc == -EEXIST || rc == -EINVAL ||
	    rc == -EPERM || rc == -ESTALE || rc == -EALREADY || rc == -E2BIG ||
	    rc == -EACCES || rc == -EBUSY || rc == -EDQUOT || rc == -ENFILE;
}

int
apply_group(struct store_txn *txn, void *arg)
{
	struct apply_group *group = arg;
	struct run run = { .txn = txn, .group = group };
	struct schema_key k = schema_name("next_id");
	struct apply_request *r;
	uint64_t first_id;
	int rc;

	group->count = group->messages = group->duplicates = 0;
	group->mids_expired = 0;
	rc = schema_find(txn, T_META, &k, &run.next_id);
	if (rc != 0)
		return -EIO;
	first_id = run.next_id;
	STAILQ_FOREACH (r, group->requests, next) {
		rc = apply_one(&run, r);
		r->done.err = rc;
		if (rc != 0 && !refusal(rc))
			return rc;
		group->count += rc == 0;
	}
	rc = mid_expire(&run);
	/* What stored nothing costs no sync. */
	if (rc != 0 || run.next_id == first_id)
		return rc;
	return run_put_num(&run, T_META, k, run.next_id);
}
