/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/log/entry.h"
#include "signald/log/mark.h"

/* A cursor moves forward only, and never beyond the inbox. */
int
mark_cursor(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	uint64_t uid, head, old = 0, sync = a->sync;
	struct schema_key k;
	int rc;

	rc = run_find_user(run, a->user, &uid);
	if (rc == 0)
		rc = schema_last(run->txn, T_INBOX, uid, &head);
	if (rc != 0)
		return rc;
	k = schema_key_named(uid, a->device);
	rc = schema_find(run->txn, T_CURSORS, &k, &old);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	if (sync > head)
		sync = head;
	return sync <= old ? 0 : run_put_num(run, T_CURSORS, k, sync);
}

/* As a cursor: forward only, and never beyond the newest message. */
int
mark_read(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct schema_key k = schema_name(a->conv);
	struct schema_member m;
	struct schema_conv conv;
	uint64_t uid, cid, last;
	int rc;

	rc = run_find_user(run, a->user, &uid);
	if (rc == 0)
		rc = schema_find(run->txn, T_CONV_IDS, &k, &cid);
	if (rc == 0)
		rc = schema_member(run->txn, uid, cid, &m);
	if (rc != 0)
		return rc;
	rc = schema_last(run->txn, T_MESSAGES, cid, &last);
	r->done.duplicate = m.read >= a->sync || m.read >= last;
	if (rc == 0 && !r->done.duplicate) {
		m.read = a->sync < last ? a->sync : last;
		rc = entry_put_member(run, uid, cid, &m);
	}
	if (rc == 0)
		rc = schema_conv(run->txn, cid, &conv);
	if (rc == 0)
		rc = schema_unread(
		    run->txn, uid, &conv, cid, m.read, &r->done.unread);
	r->done.seq = m.read;
	return rc == -ENOENT ? -EIO : rc;
}

int
mark_seen(struct run *run, struct apply_request *r)
{
	uint64_t uid;
	int rc;

	rc = run_find_user(run, r->append->user, &uid);
	return rc == 0
	    ? run_put_num(run, T_SEEN, schema_key1(uid), r->append->ts)
	    : rc;
}
