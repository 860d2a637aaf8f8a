/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/log/entry.h"
#include "signald/log/mid.h"

/* Mids that a commit forgets: at least these, and two for each that it adds,
 * so that the oldest go faster than new ones come. */
#define EXPIRE_STEP 16
#define EXPIRE_MAX  512

int
mid_put(struct run *run, const struct sig_append *a, const struct place *p)
{
	struct schema_mid m = { p->cid, p->seq, p->sync };
	uint8_t mem[64 + SIG_MID_MAX];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct schema_key k = schema_key_named(p->uid, a->mid);
	int rc;

	schema_put_mid(&b, &m);
	rc = run_put(run, T_MIDS, &k, &b, STORE_INSERT);
	if (rc != 0)
		return rc;
	b.len = 0;
	buf_u64(&b, a->ts);
	buf_put(&b, k.bytes, k.len);
	k = schema_key1(p->id);
	return run_put(run, T_MID_AGES, &k, &b, STORE_APPEND);
}

int
mid_answer(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct schema_message m;
	struct schema_key k;
	struct store_val key, v;
	struct schema_mid mid;
	struct place p = { 0 };
	uint64_t uid;
	int rc;

	if (a->mid[0] == '\0')
		return -ENOENT;
	rc = run_find_user(run, a->user, &uid);
	if (rc != 0)
		return rc;
	k = schema_key_named(uid, a->mid);
	key = schema_val(&k);
	rc = store_get(run->txn, T_MIDS, &key, &v);
	if (rc == 0)
		rc = schema_get_mid(&v, &mid);
	if (rc != 0)
		return rc;
	rc = schema_message(run->txn, mid.cid, mid.seq, &m);
	if (rc != 0)
		return -EIO;
	schema_put_message(&r->record, &m);
	buf_put(&r->record, m.text - 1, m.text_len + 2);
	p.seq = mid.seq;
	p.sync = mid.sync;
	r->done.duplicate = true;
	run->group->duplicates++;
	return r->record.err != 0 ? r->record.err : entry_tell(r, &p);
}

/* One row of T_MID_AGES that is old enough, or -ENOENT. */
static int
oldest_mid(struct run *run, struct schema_key *age, struct schema_key *mid)
{
	struct schema_key lo = schema_key1(0), hi = schema_key1(UINT64_MAX);
	struct store_val k, v;
	uint64_t ts;
	int rc;

	rc = schema_first(run->txn, T_MID_AGES, &lo, &hi, &k, &v);
	if (rc != 0)
		return rc;
	if (k.len != 8 || !schema_nums(&v, &ts, 1) ||
	    v.len - 8 > sizeof(mid->bytes))
		return -EIO;
	if (ts + run->group->mid_keep_ms > run->now_ts)
		return -ENOENT;
	memcpy(age->bytes, k.data, k.len);
	age->len = k.len;
	memcpy(mid->bytes, (const uint8_t *)v.data + 8, v.len - 8);
	mid->len = v.len - 8;
	return 0;
}

int
mid_expire(struct run *run)
{
	struct schema_key age, mid;
	uint64_t left = EXPIRE_STEP + 2 * run->group->messages;
	int rc = 0;

	/* Most commits find nothing old in the first row. */
	for (left = left > EXPIRE_MAX ? EXPIRE_MAX : left; left > 0; left--) {
		rc = oldest_mid(run, &age, &mid);
		if (rc == 0)
			rc = run_drop(run, T_MIDS, mid);
		if (rc == 0)
			rc = run_del(run, T_MID_AGES, age);
		if (rc != 0)
			break;
		run->group->mids_expired++;
	}
	return rc == -ENOENT ? 0 : rc;
}
