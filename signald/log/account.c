/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/log/account.h"
#include "signald/log/nick.h"

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
	}
	return true;
}

int
account_change(struct run *run, struct apply_request *r)
{
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
	r->done.duplicate = !account_apply(r->append, &user);
	r->done.standing = user.standing;
	if (r->done.duplicate)
		return 0;
	/* Encoded before the write, with which what was read is gone. */
	schema_put_user(&r->record, &user);
	k = schema_key1(uid);
	return run_put(run, T_USERS, &k, &r->record, STORE_PUT);
}
