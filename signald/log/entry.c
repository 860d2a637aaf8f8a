/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/log/amend.h"
#include "signald/log/contact.h"
#include "signald/log/crowd.h"
#include "signald/log/entry.h"
#include "signald/log/kept.h"
#include "signald/log/file.h"
#include "signald/log/mid.h"

static int
must_be_friends(struct run *run, const struct place *p)
{
	struct sig_relation r;
	int rc;

	rc = contact_get(run->txn, p->uid, p->peer, &r);
	if (rc != 0)
		return rc;
	return r.state == SIG_FRIEND ? 0 : -EPERM;
}

static int
find_direct(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_key k = schema_name(a->conv);
	struct schema_conv conv;
	int rc;

	rc = run_find_peer(run, a->peer, &p->peer);
	if (rc == 0 && a->friends && a->change == SIG_CHANGE_NONE)
		rc = must_be_friends(run, p);
	if (rc != 0)
		return rc;
	rc = schema_find(run->txn, T_CONV_IDS, &k, &p->cid);
	if (rc == -ENOENT)
		return a->found ? 0 : rc;
	if (rc == 0)
		rc = schema_conv(run->txn, p->cid, &conv);
	if (rc != 0)
		return rc == -ENOENT ? -EIO : rc;
	return (conv.member[0] == p->uid && conv.member[1] == p->peer) ||
		(conv.member[1] == p->uid && conv.member[0] == p->peer)
	    ? 0
	    : -ENOENT;
}

static int
find_group(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_key k = schema_name(a->conv);
	struct schema_conv conv;
	struct schema_seat seat;
	int rc;

	rc = schema_find(run->txn, T_CONV_IDS, &k, &p->cid);
	if (rc == 0)
		rc = schema_conv(run->txn, p->cid, &conv);
	if (rc != 0)
		return rc;
	if (conv.kind != SCHEMA_GROUP)
		return -ENOENT;
	rc = schema_seat(run->txn, p->cid, p->uid, &seat);
	if (rc != 0)
		return rc;
	p->large = conv.large;
	if (seat.muted_until > a->ts)
		return -EACCES;
	return a->mentions_all && seat.role == SIG_ROLE_MEMBER ? -EPERM : 0;
}

static int
find_place(struct run *run, const struct sig_append *a, struct place *p)
{
	int rc;

	memset(p, 0, sizeof(*p));
	rc = run_find_user(run, a->user, &p->uid);
	if (rc != 0)
		return rc;
	if (a->peer[0] == '\0')
		return find_group(run, a, p);
	rc = find_direct(run, a, p);
	return rc == 0 ? contact_blocks(run->txn, p->peer, p->uid, &p->hidden)
		       : rc;
}

/* A 1:1 conversation, with the seats of its two members. */
static int
found_conv(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_conv conv = { .kind = SCHEMA_DIRECT,
		.created_ts = a->ts,
		.member = { p->uid, p->peer },
		.members = 2,
		.name = a->conv,
		.title = "",
		.avatar = "",
		.announcement = "" };
	struct schema_seat seat = { SIG_ROLE_MEMBER, a->ts, 0 };
	uint8_t mem[64 + SIG_CONV_MAX];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct schema_key k;
	int rc;

	p->cid = run->next_id++;
	schema_put_conv(&b, &conv);
	k = schema_key1(p->cid);
	rc = run_put(run, T_CONVS, &k, &b, STORE_INSERT);
	if (rc == 0)
		rc = run_put_num(run, T_CONV_IDS, schema_name(a->conv), p->cid);
	if (rc == 0)
		rc = entry_put_seat(run, p->cid, p->uid, &seat);
	return rc == 0 ? entry_put_seat(run, p->cid, p->peer, &seat) : rc;
}

int
entry_next(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_message newest = { .count = 0 };
	struct schema_member mine = { .own = 0 };
	bool counts;
	int rc = -ENOENT;

	if (p->cid != 0)
		rc = schema_newest(run->txn, p->cid, &p->seq, &newest);
	if (rc == 0)
		rc = schema_member(run->txn, p->uid, p->cid, &mine);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	counts = a->counts && !p->hidden;
	p->seq++;
	p->count = newest.count + counts;
	p->own = mine.own + counts;
	p->latest =
	    a->change == SIG_CHANGE_NONE && !p->hidden ? p->seq : newest.latest;
	return 0;
}

static void
put_mentions(struct json_out *out, const struct sig_append *a)
{
	size_t i;

	if (a->nmentions == 0 && !a->mentions_all)
		return;
	json_out_array(out, "mentions");
	if (a->mentions_all)
		json_out_str(out, NULL, "*");
	for (i = 0; i < a->nmentions; i++)
		json_out_str(out, NULL, a->mentions[i]);
	json_out_close(out);
}

int
entry_record(struct apply_request *r, uint64_t id, const struct place *p,
    const void *body, size_t len)
{
	const struct sig_append *a = r->append;
	struct schema_message m = { .id = id,
		.ts = a->ts,
		.from = p->uid,
		.count = p->count,
		.own = p->own,
		.latest = p->latest,
		.hidden = p->hidden };
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
	put_mentions(&out, a);
	json_out_raw(&out, "body", body, len);
	rc = json_out_end(&out);
	/* Too long: not the disk's fault. */
	return rc == -ENOSPC ? -EINVAL : rc;
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
	done->sync = p->sync;
	done->large = p->large;
	done->text = m.text;
	done->text_len = m.text_len;
	return 0;
}

int
entry_put_member(
    struct run *run, uint64_t uid, uint64_t cid, const struct schema_member *m)
{
	struct schema_key k = schema_key2(uid, cid);
	uint8_t mem[96];
	struct buf b = buf_fixed(mem, sizeof(mem));

	schema_put_member(&b, m);
	return run_put(run, T_MEMBERS, &k, &b, STORE_PUT);
}

int
entry_put_seat(
    struct run *run, uint64_t cid, uint64_t uid, const struct schema_seat *seat)
{
	struct schema_key k = schema_key2(cid, uid);
	uint8_t mem[32];
	struct buf b = buf_fixed(mem, sizeof(mem));

	schema_put_seat(&b, seat);
	return run_put(run, T_ROSTERS, &k, &b, STORE_PUT);
}

/*
 * The list of conversations is ordered by the place at which one became the
 * newest: while it stays the newest, nothing moves. 0 moved, or -EALREADY.
 */
static int
move_recent(struct run *run, uint64_t uid, uint64_t cid, uint64_t place,
    struct schema_member *m)
{
	struct schema_key k;
	uint64_t newest, at;
	int rc;

	rc = schema_last(run->txn, T_RECENT, uid, &newest);
	if (rc != 0)
		return rc;
	k = schema_key2(uid, newest);
	rc = newest == 0 ? -ENOENT : schema_find(run->txn, T_RECENT, &k, &at);
	if (rc == 0 && at == cid)
		return -EALREADY;
	if (rc != 0 && rc != -ENOENT)
		return rc;
	rc = m->place == 0
	    ? 0
	    : run_drop(run, T_RECENT, schema_key2(uid, m->place));
	if (rc != 0)
		return rc;
	m->place = place;
	return run_put_num(run, T_RECENT, schema_key2(uid, place), cid);
}

/* What an entry changes in how a member keeps the conversation. */
static int
touch_member(struct run *run, struct apply_request *r, const struct place *p,
    uint64_t uid)
{
	const struct sig_append *a = r->append;
	struct schema_member m = { .read = 0 };
	bool moved = false;
	int rc;

	rc = schema_member(run->txn, uid, p->cid, &m);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	if (a->change == SIG_CHANGE_NONE && !p->large) {
		rc = move_recent(run, uid, p->cid, p->id, &m);
		if (rc != 0 && rc != -EALREADY)
			return rc;
		moved = rc == 0;
	}
	if (p->hidden && a->change == SIG_CHANGE_NONE)
		m.hidden = p->seq;
	else if (uid == p->uid && a->counts)
		m.own = p->own;
	else if (!moved)
		return 0;
	return entry_put_member(run, uid, p->cid, &m);
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

/* Into zeroes. The append names its sender and a peer: mostly it is one of
 * them. */
static int
receiver_name(struct run *run, const struct sig_append *a,
    const struct place *p, uint64_t uid, char name[SIG_NAME_MAX + 1])
{
	struct schema_user user = { .name = a->user };

	if (uid != p->uid && uid == p->peer)
		user.name = a->peer;
	else if (uid != p->uid && schema_user(run->txn, uid, &user) != 0)
		return -EIO;
	memcpy(name, user.name, strnlen(user.name, SIG_NAME_MAX));
	return 0;
}

static int
put_receiver(struct run *run, struct apply_request *r, struct place *p,
    const struct crowd *crowd, size_t i)
{
	struct sig_receiver *to = &r->to[i];
	uint64_t uid = crowd->all[i].uid;
	int rc;

	memset(to, 0, sizeof(*to));
	rc = receiver_name(run, r->append, p, uid, to->user);
	if (rc != 0)
		return rc;
	to->joined = crowd->all[i].joined;
	to->left = crowd->all[i].left;
	rc = schema_last(run->txn, T_INBOX, uid, &to->sync);
	to->sync++;
	if (rc == 0)
		rc = put_inbox(run, uid, to->sync, p);
	if (uid == p->uid)
		p->sync = to->sync;
	/* Who has left keeps nothing of it but this. */
	return rc == 0 && !to->left && (uid != p->uid || !p->large)
	    ? touch_member(run, r, p, uid)
	    : rc;
}

static int
put_receivers(struct run *run, struct apply_request *r, struct place *p,
    const struct crowd *crowd)
{
	struct sig_receiver *to;
	size_t i;
	int rc = 0;

	to = realloc(r->to, (crowd->n + 1) * sizeof(*to));
	if (to == NULL)
		return -ENOMEM;
	r->to = to;
	for (i = 0; rc == 0 && i < crowd->n; i++)
		rc = put_receiver(run, r, p, crowd, i);
	/* In a large conversation the sender is a member like any, whose own
	 * messages are counted. */
	if (rc == 0 && p->large && r->append->counts)
		rc = touch_member(run, r, p, p->uid);
	r->done.to = r->to;
	r->done.nto = crowd->n;
	return rc;
}

static int
put_mention_rows(
    struct run *run, const struct sig_append *a, const struct place *p)
{
	struct schema_seat seat;
	uint64_t uid;
	size_t i;
	int rc = 0;

	if (a->mentions_all)
		rc = run_put_num(
		    run, T_MENTIONS, schema_key3(0, p->cid, p->seq), p->uid);
	for (i = 0; rc == 0 && i < a->nmentions; i++) {
		rc = run_find_user(run, a->mentions[i], &uid);
		if (rc == 0)
			rc = schema_seat(run->txn, p->cid, uid, &seat);
		if (rc == 0 && uid != p->uid)
			rc = run_put_num(run, T_MENTIONS,
			    schema_key3(uid, p->cid, p->seq), p->uid);
		/* Who is no member is a word like any other. */
		if (rc == -ENOENT)
			rc = 0;
	}
	return rc;
}

int
entry_put(struct run *run, struct apply_request *r, struct place *p,
    const struct crowd *crowd)
{
	struct schema_key k = schema_key2(p->cid, p->seq);
	int rc;

	rc = run_put(run, T_MESSAGES, &k, &r->record, STORE_INSERT);
	if (rc == 0)
		rc = put_receivers(run, r, p, crowd);
	if (rc == 0)
		rc = put_mention_rows(run, r->append, p);
	if (rc == 0 && r->append->mid[0] != '\0')
		rc = mid_put(run, r->append, p);
	if (rc == 0 && r->append->drops[0] != '\0')
		rc = kept_drop(run, r->append->drops);
	if (rc == 0)
		rc = entry_tell(r, p);
	if (rc == 0)
		run->group->messages++;
	return rc;
}

/* A hidden message is changed behind the other's back for ever, and is none
 * to whom it is hidden from. */
static int
judge_target(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_message m;
	int rc;

	if (a->change == SIG_CHANGE_NONE || p->peer == 0 || p->cid == 0)
		return 0;
	rc = schema_message(run->txn, p->cid, a->target, &m);
	if (rc != 0 || !m.hidden)
		return rc;
	p->hidden = true;
	return m.from == p->uid ? 0 : -ENOENT;
}

/* Whether it may be written, before the first row is. */
static int
judge_message(struct run *run, const struct sig_append *a, struct place *p)
{
	int rc = find_place(run, a, p);

	if (rc == 0)
		rc = judge_target(run, a, p);
	if (rc == 0)
		rc = entry_next(run, a, p);
	return rc == 0 && a->reply >= p->seq ? -ENOENT : rc;
}

/* Whom it is indexed for. The two of a 1:1 conversation were judged already,
 * and need no walk through its seats. */
static int
find_crowd(struct run *run, const struct place *p, struct crowd *crowd)
{
	uint64_t low = p->uid < p->peer ? p->uid : p->peer;
	uint64_t high = p->uid < p->peer ? p->peer : p->uid;

	if (p->large)
		return 0;
	if (p->peer == 0)
		return crowd_members(crowd, run, p->cid);
	if (p->hidden)
		low = high = p->uid;
	if (crowd_add(crowd, low) == NULL ||
	    (high != low && crowd_add(crowd, high) == NULL))
		return -ENOMEM;
	return 0;
}

static int
write_message(struct run *run, struct apply_request *r, struct place *p,
    const struct amend *amend)
{
	struct crowd crowd = { .n = 0 };
	int rc = 0;

	p->id = run->next_id++;
	if (p->cid == 0) {
		r->done.first = true;
		rc = found_conv(run, r->append, p);
	}
	if (rc == 0)
		rc = find_crowd(run, p, &crowd);
	if (rc == 0)
		rc = entry_put(run, r, p, &crowd);
	crowd_fini(&crowd);
	if (rc == 0 && r->append->file != NULL)
		rc = file_refer(run, r->append, p->cid, p->seq);
	/* Nothing that the other sees is changed by what it does not. */
	if (rc != 0 || (p->hidden && amend->seq != 0 && !amend->target.hidden))
		return rc;
	return amend_write(run, amend);
}

/* The body as it came, or with what is known of the file that it names. */
static int
make_record(struct run *run, struct apply_request *r, const struct place *p)
{
	const struct sig_append *a = r->append;
	struct buf b;
	int rc;

	if (a->file == NULL)
		return entry_record(r, run->next_id, p, a->body, a->body_len);
	buf_init(&b, a->body_len + 256);
	rc = file_judge(run, a, p->uid, &b);
	if (rc == 0)
		rc = entry_record(r, run->next_id, p, b.data, b.len);
	buf_fini(&b);
	return rc;
}

int
entry_message(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct amend amend;
	struct place p;
	int rc;

	rc = mid_answer(run, r);
	if (rc != -ENOENT)
		return rc;
	rc = judge_message(run, a, &p);
	if (rc == 0)
		rc = make_record(run, r, &p);
	if (rc == 0)
		rc = amend_judge(run->txn, a, p.cid, p.seq, &amend);
	if (rc != 0)
		return rc;
	rc = write_message(run, r, &p, &amend);
	amend_fini(&amend);
	return rc;
}
