/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/log/contact.h"
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

/*
 * How many of the member's own messages stand up to seq: as the last of them
 * says, which is looked for from seq back to the old mark.
 */
static int
count_own(struct run *run, uint64_t uid, uint64_t cid, uint64_t seq,
    struct schema_member *m)
{
	struct schema_message at;
	int rc = 0;

	for (; rc == 0 && seq > m->read; seq--) {
		rc = schema_message(run->txn, cid, seq, &at);
		if (rc == 0 && at.from == uid) {
			m->own_read = at.own;
			break;
		}
	}
	/* What is not there any more is counted already. */
	return rc == -ENOENT ? 0 : rc;
}

/* Those that have been read are counted no more. */
static int
forget_mentions(struct run *run, uint64_t uid, uint64_t cid, uint64_t seq)
{
	struct schema_key lo = schema_key3(uid, cid, 0);
	struct schema_key hi = schema_key3(uid, cid, seq);
	struct store_val v;
	uint64_t at[3];
	int rc;

	do {
		rc = schema_first_nums(run->txn, T_MENTIONS, &lo, &hi, at, &v);
		if (rc == 0)
			rc = run_del(
			    run, T_MENTIONS, schema_key3(uid, cid, at[2]));
	} while (rc == 0);
	return rc == -ENOENT ? 0 : rc;
}

/* Whether this is of two, one of whom has blocked the other. */
static int
are_apart(struct run *run, uint64_t cid, bool *apart)
{
	struct schema_conv conv;
	int rc;

	*apart = false;
	rc = schema_conv(run->txn, cid, &conv);
	return rc == 0 && conv.kind == SCHEMA_DIRECT
	    ? contact_apart(run->txn, conv.member[0], conv.member[1], apart)
	    : rc;
}

/* The message up to which is read: a hidden one is not there. */
static int
last_read(struct run *run, uint64_t uid, uint64_t cid, uint64_t *seq)
{
	struct schema_message m;
	int rc;

	rc = schema_message(run->txn, cid, *seq, &m);
	if (rc == 0 && m.hidden && m.from != uid)
		*seq = m.latest;
	return rc == -ENOENT ? 0 : rc;
}

static int
move_read(struct run *run, uint64_t uid, uint64_t cid, uint64_t seq,
    struct schema_member *m, uint64_t *news)
{
	struct schema_message at;
	struct schema_floor floor;
	uint64_t told;
	bool apart;
	int rc;

	rc = are_apart(run, cid, &apart);
	if (rc == 0)
		rc = schema_message(run->txn, cid, seq, &at);
	if (rc == -ENOENT) {
		/* Up to the floor they are all gone. */
		rc = schema_floor(run->txn, cid, &floor);
		at.count = floor.count;
		at.hidden = false;
		if (rc == 0 && seq > floor.seq)
			rc = -EIO;
	}
	if (rc == 0)
		rc = count_own(run, uid, cid, seq, m);
	if (rc != 0)
		return -EIO;
	m->read = seq;
	m->count = at.count;
	/* Nor is the other told of what it does not see. */
	told = at.hidden ? at.latest : seq;
	if (!apart && told > m->told)
		*news = m->told = told;
	rc = entry_put_member(run, uid, cid, m);
	return rc == 0 ? forget_mentions(run, uid, cid, seq) : rc;
}

static int
find_mine(struct run *run, const struct sig_append *a, uint64_t *uid,
    uint64_t *cid, struct schema_member *m)
{
	struct schema_key k = schema_name(a->conv);
	int rc;

	rc = run_find_user(run, a->user, uid);
	if (rc == 0)
		rc = schema_find(run->txn, T_CONV_IDS, &k, cid);
	return rc == 0 ? schema_member(run->txn, *uid, *cid, m) : rc;
}

/* As a cursor: forward only, and never beyond the newest message. */
int
mark_read(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct schema_member m;
	uint64_t uid, cid, last, seq;
	int rc;

	rc = find_mine(run, a, &uid, &cid, &m);
	if (rc != 0)
		return rc;
	rc = schema_last(run->txn, T_MESSAGES, cid, &last);
	seq = a->sync < last ? a->sync : last;
	if (rc == 0)
		rc = last_read(run, uid, cid, &seq);
	r->done.duplicate = m.read >= seq;
	if (rc == 0 && !r->done.duplicate)
		rc = move_read(run, uid, cid, seq, &m, &r->done.peer_read);
	if (rc == 0)
		rc = schema_unread(run->txn, cid, &m, &r->done.unread);
	r->done.seq = m.read;
	return rc == -ENOENT ? -EIO : rc;
}

static int
pin(struct run *run, uint64_t uid, uint64_t cid, bool on)
{
	struct schema_key k = schema_key2(uid, cid);

	return on ? run_put_num(run, T_PINS, k, 0) : run_drop(run, T_PINS, k);
}

int
mark_conv(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct schema_member m;
	uint64_t uid, cid;
	size_t pins = 0;
	int rc;

	rc = find_mine(run, a, &uid, &cid, &m);
	if (rc == 0 && a->pinned == 1)
		rc = schema_count(run->txn, T_PINS, uid, SIG_PINS_MAX, &pins);
	if (rc == 0 && pins >= SIG_PINS_MAX)
		rc = -E2BIG;
	if (rc == 0 && a->pinned >= 0)
		rc = pin(run, uid, cid, a->pinned != 0);
	if (rc == 0 && a->muted_until >= 0) {
		m.muted_until = (uint64_t)a->muted_until;
		rc = entry_put_member(run, uid, cid, &m);
	}
	return rc;
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
