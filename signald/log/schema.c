/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cursor.h"
#include "signald/log/schema.h"

const char *const schema_tables[] = {
	[T_META] = "meta",
	[T_USER_IDS] = "user_ids",
	[T_USERS] = "users",
	[T_SEEN] = "seen",
	[T_CONV_IDS] = "conv_ids",
	[T_CONVS] = "convs",
	[T_MEMBERS] = "members",
	[T_ROSTERS] = "rosters",
	[T_RECENT] = "recent",
	[T_LARGE] = "large",
	[T_PINS] = "pins",
	[T_JOINS] = "joins",
	[T_MENTIONS] = "mentions",
	[T_MESSAGES] = "messages",
	[T_INBOX] = "inbox",
	[T_CURSORS] = "cursors",
	[T_MIDS] = "mids",
	[T_MID_AGES] = "mid_ages",
	[T_CONTACTS] = "contacts",
	[T_CONTACTED] = "contacted",
	[T_NICKS] = "nicks",
	[T_FILE_IDS] = "file_ids",
	[T_FILES] = "files",
	[T_FILE_OWNERS] = "file_owners",
	[T_USER_FILES] = "user_files",
	[T_FILE_CONVS] = "file_convs",
	[T_FILE_BYTES] = "file_bytes",
	[T_FILE_IDLE] = "file_idle",
	[T_FILE_GONE] = "file_gone",
	[T_KEPT] = "kept",
	[T_PRIVACY] = "privacy",
	[T_ERASING] = "erasing",
	[T_FLOORS] = "floors",
	[T_COUNT] = NULL,
};

/* First byte of a record: its layout. */
enum {
	LAYOUT_USER = 3, /* 1 had no standing, 2 no profile */
	LAYOUT_CONV = 2,
	LAYOUT_MEMBER = 3, /* 2 knew no blocks */
	LAYOUT_SEAT = 1,
	LAYOUT_JOIN = 1,
	LAYOUT_MESSAGE = 3,
	LAYOUT_HIDDEN = 4, /* the same of a hidden one */
	LAYOUT_MID = 2,
	LAYOUT_KEPT = 1
};

static void
key_num(struct schema_key *k, uint64_t n)
{
	int shift;

	for (shift = 56; shift >= 0; shift -= 8)
		k->bytes[k->len++] = (uint8_t)(n >> shift);
}

static void
key_str(struct schema_key *k, const char *name)
{
	size_t n = strnlen(name, SIG_CONV_MAX);

	memcpy(k->bytes + k->len, name, n);
	k->len += n;
}

struct schema_key
schema_key1(uint64_t a)
{
	struct schema_key k = { .len = 0 };

	key_num(&k, a);
	return k;
}

struct schema_key
schema_key2(uint64_t a, uint64_t b)
{
	struct schema_key k = { .len = 0 };

	key_num(&k, a);
	key_num(&k, b);
	return k;
}

struct schema_key
schema_key3(uint64_t a, uint64_t b, uint64_t c)
{
	struct schema_key k = { .len = 0 };

	key_num(&k, a);
	key_num(&k, b);
	key_num(&k, c);
	return k;
}

struct schema_key
schema_key_named(uint64_t a, const char *name)
{
	struct schema_key k = { .len = 0 };

	key_num(&k, a);
	key_str(&k, name);
	return k;
}

struct schema_key
schema_name(const char *name)
{
	struct schema_key k = { .len = 0 };

	key_str(&k, name);
	return k;
}

bool
schema_nums(const struct store_val *v, uint64_t *out, size_t n)
{
	struct cursor c = cursor_init(v->data, v->len);
	size_t i;

	if (v->len < n * 8)
		return false;
	for (i = 0; i < n; i++)
		out[i] = cursor_u64(&c);
	return true;
}

/* A string and its NUL, borrowed from the record. */
static const char *
get_str(struct cursor *c)
{
	const char *s = (const char *)c->data + c->pos;
	size_t n = strnlen(s, cursor_left(c));

	return (const char *)cursor_bytes(c, n + 1);
}

static void
put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s) + 1);
}

void
schema_put_user(struct buf *b, const struct schema_user *u)
{
	buf_u8(b, LAYOUT_USER);
	buf_u64(b, u->created_ts);
	put_str(b, u->name);
	put_str(b, u->nick);
	put_str(b, u->pwhash);
	buf_u8(b, (uint8_t)u->standing.role);
	buf_u32(b, u->standing.generation);
	buf_u64(b, u->standing.voided_ts);
	put_str(b, u->avatar != NULL ? u->avatar : "");
	put_str(b, u->signature != NULL ? u->signature : "");
	put_str(b, u->extend != NULL ? u->extend : "");
}

int
schema_get_user(const struct store_val *v, struct schema_user *u)
{
	struct cursor c = cursor_init(v->data, v->len);
	uint8_t layout = cursor_u8(&c);

	if (layout < 1 || layout > LAYOUT_USER)
		return -EIO;
	memset(u, 0, sizeof(*u));
	u->created_ts = cursor_u64(&c);
	u->name = get_str(&c);
	u->nick = get_str(&c);
	u->pwhash = get_str(&c);
	if (layout >= 2) {
		u->standing.role = (enum sig_user_role)cursor_u8(&c);
		u->standing.generation = cursor_u32(&c);
		u->standing.voided_ts = cursor_u64(&c);
	}
	u->avatar = layout >= 3 ? get_str(&c) : "";
	u->signature = layout >= 3 ? get_str(&c) : "";
	u->extend = layout >= 3 ? get_str(&c) : "";
	return c.err == 0 ? 0 : -EIO;
}

void
schema_put_conv(struct buf *b, const struct schema_conv *conv)
{
	buf_u8(b, LAYOUT_CONV);
	buf_u8(b, (uint8_t)conv->kind);
	buf_u8(b, conv->large);
	buf_u8(b, (uint8_t)conv->join);
	buf_u8(b, (uint8_t)conv->history);
	buf_u64(b, conv->created_ts);
	buf_u64(b, conv->member[0]);
	buf_u64(b, conv->member[1]);
	buf_u64(b, conv->members);
	put_str(b, conv->name);
	put_str(b, conv->title);
	put_str(b, conv->avatar);
	put_str(b, conv->announcement);
}

int
schema_get_conv(const struct store_val *v, struct schema_conv *conv)
{
	struct cursor c = cursor_init(v->data, v->len);

	if (cursor_u8(&c) != LAYOUT_CONV)
		return -EIO;
	conv->kind = (enum schema_kind)cursor_u8(&c);
	conv->large = cursor_u8(&c) != 0;
	conv->join = (enum sig_join)cursor_u8(&c);
	conv->history = (enum sig_history)cursor_u8(&c);
	conv->created_ts = cursor_u64(&c);
	conv->member[0] = cursor_u64(&c);
	conv->member[1] = cursor_u64(&c);
	conv->members = cursor_u64(&c);
	conv->name = get_str(&c);
	conv->title = get_str(&c);
	conv->avatar = get_str(&c);
	conv->announcement = get_str(&c);
	return c.err == 0 ? 0 : -EIO;
}

void
schema_put_member(struct buf *b, const struct schema_member *m)
{
	buf_u8(b, LAYOUT_MEMBER);
	buf_u64(b, m->place);
	buf_u64(b, m->since);
	buf_u64(b, m->read);
	buf_u64(b, m->count);
	buf_u64(b, m->own);
	buf_u64(b, m->own_read);
	buf_u64(b, m->muted_until);
	buf_u64(b, m->told);
	buf_u64(b, m->hidden);
}

int
schema_get_member(const struct store_val *v, struct schema_member *m)
{
	struct cursor c = cursor_init(v->data, v->len);
	uint8_t layout = cursor_u8(&c);

	if (layout < 2 || layout > LAYOUT_MEMBER)
		return -EIO;
	m->place = cursor_u64(&c);
	m->since = cursor_u64(&c);
	m->read = cursor_u64(&c);
	m->count = cursor_u64(&c);
	m->own = cursor_u64(&c);
	m->own_read = cursor_u64(&c);
	m->muted_until = cursor_u64(&c);
	m->told = layout >= 3 ? cursor_u64(&c) : m->read;
	m->hidden = layout >= 3 ? cursor_u64(&c) : 0;
	return c.err == 0 ? 0 : -EIO;
}

void
schema_put_seat(struct buf *b, const struct schema_seat *seat)
{
	buf_u8(b, LAYOUT_SEAT);
	buf_u8(b, (uint8_t)seat->role);
	buf_u64(b, seat->joined_ts);
	buf_u64(b, seat->muted_until);
}

int
schema_get_seat(const struct store_val *v, struct schema_seat *seat)
{
	struct cursor c = cursor_init(v->data, v->len);

	if (cursor_u8(&c) != LAYOUT_SEAT)
		return -EIO;
	seat->role = (enum sig_role)cursor_u8(&c);
	seat->joined_ts = cursor_u64(&c);
	seat->muted_until = cursor_u64(&c);
	return c.err == 0 ? 0 : -EIO;
}

void
schema_put_join(struct buf *b, const struct schema_join *join)
{
	buf_u8(b, LAYOUT_JOIN);
	buf_u64(b, join->ts);
	put_str(b, join->memo);
}

int
schema_get_join(const struct store_val *v, struct schema_join *join)
{
	struct cursor c = cursor_init(v->data, v->len);

	if (cursor_u8(&c) != LAYOUT_JOIN)
		return -EIO;
	join->ts = cursor_u64(&c);
	join->memo = get_str(&c);
	return c.err == 0 ? 0 : -EIO;
}

void
schema_put_message(struct buf *b, const struct schema_message *m)
{
	buf_u8(b, m->hidden ? LAYOUT_HIDDEN : LAYOUT_MESSAGE);
	buf_u64(b, m->id);
	buf_u64(b, m->ts);
	buf_u64(b, m->from);
	buf_u64(b, m->count);
	buf_u64(b, m->own);
	buf_u64(b, m->latest);
}

int
schema_get_message(const struct store_val *v, struct schema_message *m)
{
	struct cursor c = cursor_init(v->data, v->len);
	uint8_t layout = cursor_u8(&c);

	if (layout != LAYOUT_MESSAGE && layout != LAYOUT_HIDDEN)
		return -EIO;
	m->hidden = layout == LAYOUT_HIDDEN;
	m->id = cursor_u64(&c);
	m->ts = cursor_u64(&c);
	m->from = cursor_u64(&c);
	m->count = cursor_u64(&c);
	m->own = cursor_u64(&c);
	m->latest = cursor_u64(&c);
	m->text_len = cursor_left(&c);
	m->text = (const char *)cursor_bytes(&c, m->text_len);
	if (c.err != 0 || m->text_len < 2)
		return -EIO;
	m->text++; /* without its braces */
	m->text_len -= 2;
	return 0;
}

void
schema_put_mid(struct buf *b, const struct schema_mid *m)
{
	buf_u8(b, LAYOUT_MID);
	buf_u64(b, m->cid);
	buf_u64(b, m->seq);
	buf_u64(b, m->sync);
}

int
schema_get_mid(const struct store_val *v, struct schema_mid *m)
{
	struct cursor c = cursor_init(v->data, v->len);

	if (cursor_u8(&c) != LAYOUT_MID)
		return -EIO;
	m->cid = cursor_u64(&c);
	m->seq = cursor_u64(&c);
	m->sync = cursor_u64(&c);
	return c.err == 0 ? 0 : -EIO;
}

void
schema_put_kept(struct buf *b, const struct schema_kept *kept)
{
	buf_u8(b, LAYOUT_KEPT);
	put_str(b, kept->key);
	buf_put(b, kept->text, kept->text_len);
}

int
schema_get_kept(const struct store_val *v, struct schema_kept *kept)
{
	struct cursor c = cursor_init(v->data, v->len);

	if (cursor_u8(&c) != LAYOUT_KEPT)
		return -EIO;
	kept->key = get_str(&c);
	kept->text_len = cursor_left(&c);
	kept->text = (const char *)cursor_bytes(&c, kept->text_len);
	return c.err == 0 ? 0 : -EIO;
}

static int
get(struct store_txn *txn, enum schema_table table, const struct schema_key *k,
    struct store_val *v)
{
	struct store_val key = schema_val(k);

	return store_get(txn, table, &key, v);
}

int
schema_find(struct store_txn *txn, enum schema_table table,
    const struct schema_key *k, uint64_t *num)
{
	struct store_val v;
	int rc;

	rc = get(txn, table, k, &v);
	if (rc != 0)
		return rc;
	return schema_nums(&v, num, 1) ? 0 : -EIO;
}

int
schema_user(struct store_txn *txn, uint64_t uid, struct schema_user *u)
{
	struct schema_key k = schema_key1(uid);
	struct store_val v;
	int rc;

	rc = get(txn, T_USERS, &k, &v);
	return rc == 0 ? schema_get_user(&v, u) : rc;
}

int
schema_conv(struct store_txn *txn, uint64_t cid, struct schema_conv *conv)
{
	struct schema_key k = schema_key1(cid);
	struct store_val v;
	int rc;

	rc = get(txn, T_CONVS, &k, &v);
	return rc == 0 ? schema_get_conv(&v, conv) : rc;
}

int
schema_message(
    struct store_txn *txn, uint64_t cid, uint64_t seq, struct schema_message *m)
{
	struct schema_key k = schema_key2(cid, seq);
	struct store_val v;
	int rc;

	rc = get(txn, T_MESSAGES, &k, &v);
	return rc == 0 ? schema_get_message(&v, m) : rc;
}

int
schema_hidden(struct store_txn *txn, uint64_t cid, uint64_t seq, uint64_t uid,
    bool *hidden)
{
	struct schema_message m;
	int rc;

	rc = schema_message(txn, cid, seq, &m);
	*hidden = rc == 0 && m.hidden && m.from != uid;
	return rc == -ENOENT ? 0 : rc;
}

int
schema_member(
    struct store_txn *txn, uint64_t uid, uint64_t cid, struct schema_member *m)
{
	struct schema_key k = schema_key2(uid, cid);
	struct store_val v;
	int rc;

	rc = get(txn, T_MEMBERS, &k, &v);
	return rc == 0 ? schema_get_member(&v, m) : rc;
}

int
schema_seat(
    struct store_txn *txn, uint64_t cid, uint64_t uid, struct schema_seat *seat)
{
	struct schema_key k = schema_key2(cid, uid);
	struct store_val v;
	int rc;

	rc = get(txn, T_ROSTERS, &k, &v);
	return rc == 0 ? schema_get_seat(&v, seat) : rc;
}

/* A walk of one row, at the end that it begins from. */
static int
edge_row(struct store_txn *txn, enum schema_table table,
    const struct schema_key *lo, const struct schema_key *hi, bool down,
    struct store_val *k, struct store_val *v)
{
	struct store_val first = schema_val(lo), last = schema_val(hi);
	struct store_walk walk;
	int rc;

	rc = store_walk_init(&walk, txn, table, &first, &last, down);
	if (rc != 0)
		return rc;
	rc = store_walk_next(&walk, k, v);
	store_walk_fini(&walk);
	return rc;
}

int
schema_first(struct store_txn *txn, enum schema_table table,
    const struct schema_key *lo, const struct schema_key *hi,
    struct store_val *key, struct store_val *val)
{
	return edge_row(txn, table, lo, hi, false, key, val);
}

int
schema_first_nums(struct store_txn *txn, enum schema_table table,
    const struct schema_key *lo, const struct schema_key *hi, uint64_t *nums,
    struct store_val *val)
{
	struct store_val k;
	int rc = schema_first(txn, table, lo, hi, &k, val);

	return rc == 0 && !schema_nums(&k, nums, lo->len / 8) ? -EIO : rc;
}

int
schema_count(struct store_txn *txn, enum schema_table table, uint64_t id,
    size_t max, size_t *n)
{
	struct schema_key lo = schema_key2(id, 0);
	struct schema_key hi = schema_key2(id, UINT64_MAX);
	struct store_val first = schema_val(&lo), last = schema_val(&hi), k, v;
	struct store_walk walk;
	int rc;

	*n = 0;
	rc = store_walk_init(&walk, txn, table, &first, &last, false);
	if (rc != 0)
		return rc;
	while (*n < max && (rc = store_walk_next(&walk, &k, &v)) == 0)
		++*n;
	store_walk_fini(&walk);
	return rc == -ENOENT ? 0 : rc;
}

/* The last row whose first number is id; nums gets both. */
static int
last_row(struct store_txn *txn, enum schema_table table, uint64_t id,
    uint64_t nums[2], struct store_val *v)
{
	struct schema_key lo = schema_key2(id, 0);
	struct schema_key hi = schema_key2(id, UINT64_MAX);
	struct store_val k;
	int rc = edge_row(txn, table, &lo, &hi, true, &k, v);

	return rc == 0 && !schema_nums(&k, nums, 2) ? -EIO : rc;
}

int
schema_last(
    struct store_txn *txn, enum schema_table table, uint64_t id, uint64_t *last)
{
	uint64_t nums[2] = { id, 0 };
	struct store_val v;
	int rc;

	rc = last_row(txn, table, id, nums, &v);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	*last = nums[1];
	return 0;
}

int
schema_newest(struct store_txn *txn, uint64_t cid, uint64_t *seq,
    struct schema_message *m)
{
	struct store_val v;
	uint64_t nums[2];
	int rc;

	rc = last_row(txn, T_MESSAGES, cid, nums, &v);
	if (rc != 0)
		return rc;
	*seq = nums[1];
	return schema_get_message(&v, m);
}

int
schema_floor(struct store_txn *txn, uint64_t cid, struct schema_floor *floor)
{
	struct schema_key k = schema_key1(cid);
	uint64_t nums[2] = { 0, 0 };
	struct store_val v;
	int rc;

	rc = get(txn, T_FLOORS, &k, &v);
	if (rc == 0 && !schema_nums(&v, nums, 2))
		rc = -EIO;
	if (rc != 0 && rc != -ENOENT)
		return rc;
	*floor = (struct schema_floor){ nums[0], nums[1] };
	return 0;
}

int
schema_unread(struct store_txn *txn, uint64_t cid,
    const struct schema_member *m, uint64_t *unread)
{
	struct schema_message head;
	struct schema_floor floor;
	uint64_t seq;
	int rc;

	rc = schema_newest(txn, cid, &seq, &head);
	if (rc == 0)
		rc = schema_floor(txn, cid, &floor);
	if (rc != 0)
		return -EIO;
	/* Where messages go, own_read follows (retain.c). */
	*unread = head.count - (m->read < floor.seq ? floor.count : m->count) -
	    (m->own - m->own_read);
	return 0;
}
