/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include "signald/core/profile.h"
#include "signald/log/account.h"
#include "signald/log/erase.h"
#include "signald/log/nick.h"

#define RECORD_MAX (16 * 1024)
#define NICK_MAX   256

int
account_add(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	const struct schema_user user = { .created_ts = a->ts,
		.name = a->user,
		.nick = a->nick != NULL ? a->nick : a->user,
		.pwhash = a->pwhash != NULL ? a->pwhash : "" };
	struct schema_key k;
	uint64_t uid;
	int rc;

	rc = run_find_user(run, a->user, &uid);
	if (rc != -ENOENT)
		return rc == 0 ? -EEXIST : rc;
	uid = run->next_id++;
	schema_put_user(&r->record, &user);
	k = schema_key1(uid);
	rc = run_put(run, T_USERS, &k, &r->record, STORE_INSERT);
	if (rc == 0)
		rc = nick_put(run, uid, user.nick);
	if (rc != 0)
		return rc;
	return run_put_num(run, T_USER_IDS, schema_name(a->user), uid);
}

/* Tokens made so far are void from now on. */
static void
void_tokens(struct schema_user *user, uint64_t ts)
{
	user->standing.generation++;
	if (ts > user->standing.voided_ts)
		user->standing.voided_ts = ts;
}

/* False: it is so already. */
static bool
account_apply(const struct sig_append *a, struct schema_user *user)
{
	switch (a->account) {
	case SIG_ACCOUNT_ROLE:
		if (user->standing.role == a->role)
			return false;
		user->standing.role = a->role;
		if (a->role == SIG_USER_BANNED)
			void_tokens(user, a->ts);
		break;
	case SIG_ACCOUNT_PASSWORD:
		user->pwhash = a->pwhash != NULL ? a->pwhash : "";
		void_tokens(user, a->ts);
		break;
	case SIG_ACCOUNT_LOGOUT:
		void_tokens(user, a->ts);
		break;
	case SIG_ACCOUNT_DELETE:
		user->standing.role = SIG_USER_DELETED;
		user->pwhash = user->avatar = user->signature = "";
		user->extend = "";
		user->nick = user->name;
		void_tokens(user, a->ts);
		break;
	}
	return true;
}

int
account_change(struct run *run, struct apply_request *r)
{
	bool deletes = r->append->account == SIG_ACCOUNT_DELETE;
	char nick[NICK_MAX];
	struct schema_user user;
	struct schema_key k;
	uint64_t uid;
	int rc;

	rc = run_find_user(run, r->append->user, &uid);
	if (rc != 0)
		return rc;
	rc = schema_user(run->txn, uid, &user);
	if (rc != 0)
		return -EIO;
	if (user.standing.role == SIG_USER_DELETED)
		return -ENOENT;
	snprintf(nick, sizeof(nick), "%s", user.nick);
	r->done.duplicate = !account_apply(r->append, &user);
	r->done.standing = user.standing;
	if (r->done.duplicate)
		return 0;
	/* Encoded before the write, with which what was read is gone. */
	schema_put_user(&r->record, &user);
	k = schema_key1(uid);
	rc = run_put(run, T_USERS, &k, &r->record, STORE_PUT);
	if (rc == 0 && deletes)
		rc = nick_del(run, uid, nick);
	return rc == 0 && deletes ? erase_begin(run, uid) : rc;
}

static const char *
said(const struct sig_append *a, int field, const char *old)
{
	return a->profile[field] != NULL ? a->profile[field] : old;
}

/* The whole profile as the answer, and the record with it. */
static int
profile_encode(struct apply_request *r, struct schema_user *user, struct buf *b)
{
	const struct sig_append *a = r->append;
	const char *const all[SIG_PROFILE_FIELDS] = {
		[SIG_PROFILE_NICK] = user->nick,
		[SIG_PROFILE_AVATAR] =
		    said(a, SIG_PROFILE_AVATAR, user->avatar),
		[SIG_PROFILE_SIGNATURE] =
		    said(a, SIG_PROFILE_SIGNATURE, user->signature),
		[SIG_PROFILE_EXTEND] =
		    said(a, SIG_PROFILE_EXTEND, user->extend),
	};
	struct json_out o;

	user->avatar = all[SIG_PROFILE_AVATAR];
	user->signature = all[SIG_PROFILE_SIGNATURE];
	user->extend = all[SIG_PROFILE_EXTEND];
	schema_put_user(b, user);
	json_out_init(&o, &r->record);
	json_out_object(&o, NULL);
	sig_profile_write(&o, user->name, all);
	json_out_end(&o);
	/* Without its braces. */
	r->done.text = (const char *)r->record.data + 1;
	r->done.text_len = r->record.len - 2;
	return b->err != 0 ? b->err : r->record.err;
}

int
account_tell(struct run *run, struct apply_request *r)
{
	char *nick = r->append->profile[SIG_PROFILE_NICK];
	char old[NICK_MAX];
	struct schema_user user;
	struct schema_key k;
	struct buf b;
	uint64_t uid;
	int rc;

	rc = run_find_user(run, r->append->user, &uid);
	if (rc != 0)
		return rc;
	rc = schema_user(run->txn, uid, &user);
	if (rc != 0)
		return -EIO;
	snprintf(old, sizeof(old), "%s", user.nick);
	/* Who has no nick is called by the user name. */
	if (nick != NULL && nick[0] == '\0')
		nick = r->append->user;
	if (nick != NULL)
		user.nick = nick;
	buf_init(&b, RECORD_MAX);
	rc = profile_encode(r, &user, &b);
	k = schema_key1(uid);
	if (rc == 0)
		rc = run_put(run, T_USERS, &k, &b, STORE_PUT);
	if (rc == 0 && nick != NULL)
		rc = nick_del(run, uid, old);
	if (rc == 0 && nick != NULL)
		rc = nick_put(run, uid, nick);
	buf_fini(&b);
	return rc;
}
