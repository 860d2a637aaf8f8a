/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/log/retain.h"
#include "signald/log/trace.h"

#define STEP 256 /* rows that one step looks at */

enum phase { PHASE_INBOXES, PHASE_CONVS, PHASES };

/* One step of a pass. */
struct pass {
	struct run *run;
	uint64_t before; /* what is older goes */
	size_t left;     /* rows to look at still */
	uint64_t gone;
};

/* The first row of an inbox or a conversation. */
static int
oldest(struct pass *p, enum schema_table table, uint64_t id, uint64_t *at,
    struct store_val *v)
{
	struct schema_key lo = schema_key2(id, 0);
	struct schema_key hi = schema_key2(id, UINT64_MAX);
	uint64_t nums[2];
	int rc = schema_first_nums(p->run->txn, table, &lo, &hi, nums, v);

	if (rc == 0)
		*at = nums[1];
	return rc;
}

/* Whether what the inbox's row is about has gone, or is about to. */
static int
is_old(struct pass *p, const struct store_val *row, bool *old)
{
	struct schema_message m;
	uint64_t where[2];
	int rc;

	if (!schema_nums(row, where, 2))
		return -EIO;
	rc = schema_message(p->run->txn, where[0], where[1], &m);
	*old = rc == -ENOENT || m.text_len == 0 || m.ts < p->before;
	return rc == -ENOENT ? 0 : rc;
}

/* 0: nothing old is left; -EAGAIN: there may be more than this step takes. */
static int
trim_inbox(struct pass *p, uint64_t uid)
{
	struct store_val v;
	uint64_t sync, last;
	bool old;
	int rc;

	for (; p->left > 0; p->left--) {
		rc = oldest(p, T_INBOX, uid, &sync, &v);
		if (rc == 0)
			rc = is_old(p, &v, &old);
		if (rc != 0 || !old)
			return rc == -ENOENT ? 0 : rc;
		rc = schema_last(p->run->txn, T_INBOX, uid, &last);
		if (rc != 0 || sync == last)
			return rc;
		rc = run_del(p->run, T_INBOX, schema_key2(uid, sync));
		if (rc != 0)
			return rc;
		p->gone++;
	}
	return -EAGAIN;
}

/* The newest message keeps its head alone. */
static int
put_head(
    struct run *run, uint64_t cid, uint64_t seq, const struct schema_message *m)
{
	struct schema_key k = schema_key2(cid, seq);
	uint8_t mem[64];
	struct buf b = buf_fixed(mem, sizeof(mem));

	schema_put_message(&b, m);
	buf_puts(&b, "{}");
	return run_put(run, T_MESSAGES, &k, &b, STORE_PUT);
}

static int
take_message(struct pass *p, uint64_t cid, uint64_t seq, bool newest,
    const struct schema_message *old)
{
	struct schema_message m = *old;
	int rc = 0;

	if (m.text_len > 0)
		rc = trace_drop(p->run, cid, seq, &m);
	if (rc == 0)
		rc = newest
		    ? put_head(p->run, cid, seq, &m)
		    : run_del(p->run, T_MESSAGES, schema_key2(cid, seq));
	p->gone += rc == 0;
	return rc == -ENOENT ? -EIO : rc;
}

static int
put_floor(struct run *run, uint64_t cid, const struct schema_floor *floor)
{
	struct schema_key k = schema_key1(cid);
	uint8_t mem[16];
	struct buf b = buf_fixed(mem, sizeof(mem));

	buf_u64(&b, floor->seq);
	buf_u64(&b, floor->count);
	return run_put(run, T_FLOORS, &k, &b, STORE_PUT);
}

/* As trim_inbox; floor is moved up to the last that is gone. */
static int
take_old(struct pass *p, uint64_t cid, struct schema_floor *floor)
{
	struct schema_message m;
	struct store_val v;
	uint64_t seq, last;
	int rc;

	for (; p->left > 0; p->left--) {
		rc = oldest(p, T_MESSAGES, cid, &seq, &v);
		if (rc == 0)
			rc = schema_get_message(&v, &m);
		if (rc != 0 || m.ts >= p->before)
			return rc == -ENOENT ? 0 : rc;
		rc = schema_last(p->run->txn, T_MESSAGES, cid, &last);
		if (rc != 0 || (seq == last && m.text_len == 0))
			return rc;
		rc = take_message(p, cid, seq, seq == last, &m);
		if (rc != 0)
			return rc;
		*floor = (struct schema_floor){ seq, m.count };
		if (seq == last)
			return 0;
	}
	return -EAGAIN;
}

static int
trim_conv(struct pass *p, uint64_t cid)
{
	struct schema_floor floor = { 0, 0 };
	int rc, err;

	rc = take_old(p, cid, &floor);
	if (floor.seq == 0 || (rc != 0 && rc != -EAGAIN))
		return rc;
	err = put_floor(p->run, cid, &floor);
	return err == 0 ? rc : err;
}

/* One inbox or conversation after another, from the one after *id on; *id is
 * the last that is done with. 0: all are; -EAGAIN: the step is over. */
static int
walk(struct pass *p, enum phase phase, uint64_t *id)
{
	struct schema_key lo, hi = schema_key1(UINT64_MAX);
	struct store_val v;
	uint64_t next;
	int rc;

	while (p->left > 0) {
		lo = schema_key1(*id + 1);
		rc = schema_first_nums(p->run->txn,
		    phase == PHASE_INBOXES ? T_USERS : T_CONVS, &lo, &hi, &next,
		    &v);
		if (rc != 0)
			return rc == -ENOENT ? 0 : rc;
		p->left--;
		rc = phase == PHASE_INBOXES ? trim_inbox(p, next)
					    : trim_conv(p, next);
		if (rc != 0)
			return rc;
		*id = next;
	}
	return -EAGAIN;
}

/* The target is one more than the phase and the last id that is done with. */
int
retain_step(struct run *run, struct apply_request *r)
{
	struct pass p = { run, r->append->sync, STEP, 0 };
	uint64_t target = r->append->target, at = target > 0 ? target - 1 : 0;
	enum phase phase = (enum phase)(at % PHASES);
	uint64_t id = at / PHASES;
	int rc = 0;

	for (; rc == 0 && phase < PHASES; phase++) {
		rc = walk(&p, phase, &id);
		if (rc == 0)
			id = 0;
		else
			break;
	}
	r->done.gone = p.gone;
	r->done.more = rc == -EAGAIN;
	r->done.target = r->done.more ? id * PHASES + phase + 1 : 0;
	return rc == -EAGAIN ? 0 : rc;
}
