/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "signald/log/contact.h"

#define LAYOUT     2 /* first byte of a row; 1 knew no blocks */
#define RECORD_MAX (64 + SIG_MEMO_MAX + SIG_REMARK_MAX)

/* One of the two users, and the row that this one keeps. */
struct side {
	uint64_t uid;
	struct schema_user user;
	struct sig_tie tie;
	uint8_t mem[RECORD_MAX];
	struct buf row;
};

/* A string and its NUL, borrowed from the record. */
static const char *
get_str(struct cursor *c)
{
	const char *s = (const char *)c->data + c->pos;
	size_t n = strnlen(s, cursor_left(c));

	return (const char *)cursor_bytes(c, n + 1);
}

int
contact_decode(const struct store_val *v, struct sig_relation *r)
{
	struct cursor c = cursor_init(v->data, v->len);
	uint8_t layout = cursor_u8(&c);

	if (layout < 1 || layout > LAYOUT)
		return -EIO;
	memset(r, 0, sizeof(*r));
	r->state = (enum sig_relation_state)cursor_u8(&c);
	r->ts = cursor_u64(&c);
	r->memo = get_str(&c);
	r->remark = get_str(&c);
	if (layout >= 2) {
		r->blocked = cursor_u8(&c) != 0;
		r->shown = (enum sig_relation_state)cursor_u8(&c);
		r->seen = cursor_u64(&c);
	}
	return c.err == 0 && r->state <= SIG_REMOVED && r->shown <= SIG_REMOVED
	    ? 0
	    : -EIO;
}

static void
encode(struct side *side)
{
	const struct sig_relation *r = &side->tie.relation;

	side->row = buf_fixed(side->mem, sizeof(side->mem));
	buf_u8(&side->row, LAYOUT);
	buf_u8(&side->row, (uint8_t)r->state);
	buf_u64(&side->row, r->ts);
	buf_put(&side->row, r->memo, strlen(r->memo) + 1);
	buf_put(&side->row, r->remark, strlen(r->remark) + 1);
	buf_u8(&side->row, r->blocked);
	buf_u8(&side->row, (uint8_t)r->shown);
	buf_u64(&side->row, r->seen);
}

int
contact_get(
    struct store_txn *txn, uint64_t uid, uint64_t other, struct sig_relation *r)
{
	struct schema_key k = schema_key2(uid, other);
	struct store_val key = schema_val(&k), v;
	int rc;

	rc = store_get(txn, T_CONTACTS, &key, &v);
	if (rc == 0)
		return contact_decode(&v, r);
	if (rc != -ENOENT)
		return rc;
	*r = (struct sig_relation){ .memo = "", .remark = "" };
	return 0;
}

int
contact_blocks(
    struct store_txn *txn, uint64_t uid, uint64_t other, bool *blocked)
{
	struct sig_relation r;
	int rc;

	rc = contact_get(txn, uid, other, &r);
	if (rc == 0)
		*blocked = r.blocked;
	return rc;
}

int
contact_apart(struct store_txn *txn, uint64_t uid, uint64_t other, bool *apart)
{
	int rc;

	rc = contact_blocks(txn, uid, other, apart);
	return rc == 0 && !*apart ? contact_blocks(txn, other, uid, apart) : rc;
}

int
contact_counts(struct store_txn *txn, uint64_t uid, struct sig_contacts *all)
{
	struct schema_key k = schema_key1(uid);
	struct store_val key = schema_val(&k), v;
	uint64_t nums[4] = { 0 };
	int rc;

	rc = store_get(txn, T_CONTACTED, &key, &v);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	if (rc == 0 && !schema_nums(&v, nums, 4))
		return -EIO;
	*all = (struct sig_contacts){ nums[0], nums[1], nums[2], nums[3] };
	return 0;
}

static int
load(struct run *run, const char *name, struct side *side)
{
	int rc;

	rc = run_find_user(run, name, &side->uid);
	if (rc != 0)
		return rc;
	rc = schema_user(run->txn, side->uid, &side->user);
	if (rc == 0)
		rc = contact_counts(run->txn, side->uid, &side->tie.contacts);
	return rc == -ENOENT ? -EIO : rc;
}

static int
save(struct run *run, struct side *side, uint64_t other)
{
	const struct sig_contacts *all = &side->tie.contacts;
	struct schema_key k = schema_key2(side->uid, other);
	uint8_t mem[32];
	struct buf b = buf_fixed(mem, sizeof(mem));
	int rc;

	if (!side->tie.changed && !side->tie.veiled)
		return 0;
	rc = sig_relation_kept(&side->tie.relation)
	    ? run_put(run, T_CONTACTS, &k, &side->row, STORE_PUT)
	    : run_drop(run, T_CONTACTS, k);
	if (rc != 0)
		return rc;
	buf_u64(&b, all->version);
	buf_u64(&b, all->kept);
	buf_u64(&b, all->incoming);
	buf_u64(&b, all->outgoing);
	k = schema_key1(side->uid);
	return run_put(run, T_CONTACTED, &k, &b, STORE_PUT);
}

/* The row of one as it is told to this one, at the end of the record. */
static int
tell(struct apply_request *r, const struct side *one, const struct side *other,
    size_t *len)
{
	size_t start = r->record.len;
	struct json_out o;
	int rc;

	json_out_init(&o, &r->record);
	json_out_object(&o, NULL);
	sig_relation_write(
	    &o, other->user.name, other->user.nick, &one->tie.relation);
	rc = json_out_end(&o);
	*len = r->record.len - start;
	return rc;
}

/* Whether the owner hears and tells how the other one is. */
static bool
is_bound(const struct side *side)
{
	return side->tie.relation.state == SIG_FRIEND &&
	    !side->tie.relation.blocked;
}

static enum sig_bond
bond_of(bool was, const struct side *is)
{
	if (was == is_bound(is))
		return SIG_BOND_SAME;
	return was ? SIG_BOND_BROKEN : SIG_BOND_MADE;
}

/* When the other one will have seen the user last. */
static int
freeze(struct run *run, const struct sig_append *a, struct side *mine)
{
	struct schema_key k = schema_key1(mine->uid);
	struct sig_relation *r = &mine->tie.relation;
	int rc = 0;

	if (a->contact != SIG_CONTACT_BLOCK || !mine->tie.changed)
		return 0;
	r->seen = a->sync;
	if (r->seen == 0)
		rc = schema_find(run->txn, T_SEEN, &k, &r->seen);
	return rc == -ENOENT ? 0 : rc;
}

int
contact_change(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct sig_appended *done = &r->done;
	struct side mine, theirs;
	bool was = false, were = false;
	size_t n = 0, peer_n = 0;
	int rc;

	rc = load(run, a->user, &mine);
	if (rc == 0)
		rc = load(run, a->peer, &theirs);
	if (rc == 0)
		rc = contact_get(
		    run->txn, mine.uid, theirs.uid, &mine.tie.relation);
	if (rc == 0)
		rc = contact_get(
		    run->txn, theirs.uid, mine.uid, &theirs.tie.relation);
	if (rc == 0) {
		was = is_bound(&mine);
		were = is_bound(&theirs);
		rc = sig_relation_apply(a->contact,
		    a->body != NULL ? a->body : "", a->ts, &mine.tie,
		    &theirs.tie);
	}
	if (rc == 0)
		rc = freeze(run, a, &mine);
	if (rc == 0)
		rc = tell(r, &mine, &theirs, &n);
	if (rc == 0)
		rc = tell(r, &theirs, &mine, &peer_n);
	if (rc != 0)
		return rc;
	/* What was read is gone with the first row that is written. */
	encode(&mine);
	encode(&theirs);
	rc = save(run, &mine, theirs.uid);
	if (rc == 0)
		rc = save(run, &theirs, mine.uid);
	done->bond = bond_of(was, &mine);
	if (a->contact == SIG_CONTACT_BLOCK && done->bond == SIG_BOND_BROKEN)
		done->bond = SIG_BOND_BLOCKED;
	done->peer_bond = bond_of(were, &theirs);
	done->duplicate = !mine.tie.changed;
	done->version = mine.tie.contacts.version;
	done->peer_version =
	    theirs.tie.changed ? theirs.tie.contacts.version : 0;
	done->text = (const char *)r->record.data + 1;
	done->text_len = n - 2;
	done->peer_text = done->text + n;
	done->peer_text_len = peer_n - 2;
	return rc;
}
