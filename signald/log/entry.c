/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/log/amend.h"
#include "signald/log/entry.h"
#include "signald/log/mid.h"

static int
find_place(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_key k = schema_name(a->conv);
	struct schema_conv conv;
	int rc;

	memset(p, 0, sizeof(*p));
	rc = run_find_user(run, a->user, &p->uid);
	if (rc == 0)
		rc = run_find_user(run, a->peer, &p->peer);
	if (rc != 0)
		return rc;
	rc = schema_find(run->txn, T_CONV_IDS, &k, &p->cid);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = schema_conv(run->txn, p->cid, &conv);
	if (rc != 0)
		return rc == -ENOENT ? -EIO : rc;
	p->side = conv.member[1] == p->uid;
	return conv.member[p->side] == p->uid &&
		conv.member[!p->side] == p->peer
	    ? 0
	    : -ENOENT;
}

static int
found_conv(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_conv conv = { a->ts, { p->uid, p->peer }, a->conv };
	uint8_t mem[64 + SIG_CONV_MAX];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct schema_key k;
	int rc;

	p->cid = run->next_id++;
	schema_put_conv(&b, &conv);
	k = schema_key1(p->cid);
	rc = run_put(run, T_CONVS, &k, &b, STORE_INSERT);
	if (rc != 0)
		return rc;
	return run_put_num(run, T_CONV_IDS, schema_name(a->conv), p->cid);
}

static int
next_places(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_message newest = { .count = { 0, 0 } };
	int rc = 0;

	if (p->cid != 0)
		rc = schema_newest(run->txn, p->cid, &p->seq, &newest);
	memcpy(p->count, newest.count, sizeof(p->count));
	p->count[p->side] += a->counts;
	if (rc == 0)
		rc = schema_last(run->txn, T_INBOX, p->uid, &p->sync_user);
	if (rc == 0 && p->peer != p->uid)
		rc = schema_last(run->txn, T_INBOX, p->peer, &p->sync_peer);
	p->seq++;
	p->latest = a->change == SIG_CHANGE_NONE ? p->seq : newest.latest;
	p->sync_user++;
	p->sync_peer = p->peer == p->uid ? p->sync_user : p->sync_peer + 1;
	return rc;
}

/* The record of a message: its head, then the members of its pushes. */
static int
make_record(struct apply_request *r, uint64_t id, const struct place *p)
{
	const struct sig_append *a = r->append;
	struct schema_message m = { .id = id,
		.ts = a->ts,
		.count = { p->count[0], p->count[1] },
		.latest = p->latest };
	struct json_out out;
	char digits[24];
	int rc;

	schema_put_message(&r->record, &m);
	snprintf(digits, sizeof(digits), "%" PRIu64, id);
	json_out_init(&out, &r->record);
	json_out_object(&out, NULL);
	json_out_str(&out, "conv", a->conv);
	json_out_int(&out, "seq", (int64_t)p->seq);
	json_out_str(&out, "id", digits);
	json_out_int(&out, "ts", (int64_t)a->ts);
	json_out_str(&out, "from", a->user);
	if (a->device[0] != '\0')
		json_out_str(&out, "device", a->device);
	if (a->mid[0] != '\0')
		json_out_str(&out, "mid", a->mid);
	json_out_str(&out, "type", a->type);
	if (a->reply != 0)
		json_out_int(&out, "reply", (int64_t)a->reply);
	json_out_raw(&out, "body", a->body, a->body_len);
	rc = json_out_end(&out);
	return rc == -ENOSPC ? -EINVAL
			     : rc; /* too long: not the disk's fault */
}

int
entry_tell(struct apply_request *r, const struct place *p)
{
	struct store_val v = { r->record.data, r->record.len };
	struct sig_appended *done = &r->done;
	struct schema_message m;
	int rc;

	rc = schema_get_message(&v, &m);
	if (rc != 0)
		return rc;
	done->id = m.id;
	done->ts = m.ts;
	done->seq = p->seq;
	done->sync_user = p->sync_user;
	done->sync_peer = p->sync_peer;
	done->text = m.text;
	done->text_len = m.text_len;
	return 0;
}

int
entry_put_member(
    struct run *run, uint64_t uid, uint64_t cid, const struct schema_member *m)
{
	struct schema_key k = schema_key2(uid, cid);
	uint8_t mem[32];
	struct buf b = buf_fixed(mem, sizeof(mem));

	schema_put_member(&b, m);
	return run_put(run, T_MEMBERS, &k, &b, STORE_PUT);
}

/*
 * The list of conversations is ordered by the place at which one became the
 * newest: while it stays the newest, nothing moves.
 */
static int
touch_recent(struct run *run, uint64_t uid, uint64_t cid, uint64_t place)
{
	struct schema_member m = { .read = 0 };
	struct schema_key k;
	uint64_t newest, at;
	int rc;

	rc = schema_last(run->txn, T_RECENT, uid, &newest);
	if (rc != 0)
		return rc;
	k = schema_key2(uid, newest);
	rc = newest == 0 ? -ENOENT : schema_find(run->txn, T_RECENT, &k, &at);
	if (rc == 0 && at == cid)
		return 0;
	rc = schema_member(run->txn, uid, cid, &m);
	if (rc == 0)
		rc = run_del(run, T_RECENT, schema_key2(uid, m.place));
	if (rc != 0 && rc != -ENOENT)
		return rc;
	m.place = place;
	rc = run_put_num(run, T_RECENT, schema_key2(uid, place), cid);
	return rc == 0 ? entry_put_member(run, uid, cid, &m) : rc;
}

static int
put_inbox(struct run *run, uint64_t uid, uint64_t sync, const struct place *p)
{
	struct schema_key k = schema_key2(uid, sync);
	uint8_t mem[16];
	struct buf b = buf_fixed(mem, sizeof(mem));

	buf_u64(&b, p->cid);
	buf_u64(&b, p->seq);
	return run_put(run, T_INBOX, &k, &b, STORE_INSERT);
}

static int
put_message(struct run *run, struct apply_request *r, const struct place *p,
    uint64_t id)
{
	const struct sig_append *a = r->append;
	struct schema_key k = schema_key2(p->cid, p->seq);
	int rc;

	rc = run_put(run, T_MESSAGES, &k, &r->record, STORE_INSERT);
	if (rc == 0)
		rc = put_inbox(run, p->uid, p->sync_user, p);
	if (rc == 0 && p->peer != p->uid)
		rc = put_inbox(run, p->peer, p->sync_peer, p);
	if (rc == 0 && a->change == SIG_CHANGE_NONE)
		rc = touch_recent(run, p->uid, p->cid, id);
	if (rc == 0 && a->change == SIG_CHANGE_NONE && p->peer != p->uid)
		rc = touch_recent(run, p->peer, p->cid, id);
	if (rc == 0 && a->mid[0] != '\0')
		rc = mid_put(run, a, p, id);
	return rc;
}

/* Whether it may be written, before the first row is. */
static int
judge_message(struct run *run, const struct sig_append *a, struct place *p)
{
	int rc = find_place(run, a, p);

	if (rc == 0)
		rc = next_places(run, a, p);
	return rc == 0 && a->reply >= p->seq ? -ENOENT : rc;
}

static int
write_message(
    struct run *run, struct apply_request *r, struct place *p, uint64_t id)
{
	int rc = 0;

	run->next_id++;
	if (p->cid == 0) {
		r->done.first = true;
		rc = found_conv(run, r->append, p);
	}
	return rc == 0 ? put_message(run, r, p, id) : rc;
}

int
entry_message(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	uint64_t id = run->next_id;
	struct amend amend;
	struct place p;
	int rc;

	rc = mid_answer(run, r);
	if (rc != -ENOENT)
		return rc;
	rc = judge_message(run, a, &p);
	if (rc == 0)
		rc = make_record(r, id, &p);
	if (rc == 0)
		rc = amend_judge(run->txn, a, p.cid, p.seq, &amend);
	if (rc != 0)
		return rc;
	rc = write_message(run, r, &p, id);
	if (rc == 0)
		rc = amend_write(run->txn, &amend);
	amend_fini(&amend);
	if (rc == 0)
		rc = entry_tell(r, &p);
	if (rc == 0)
		run->group->messages++;
	return rc;
}
