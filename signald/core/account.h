/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * account: what is kept of a user besides its messages.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_ACCOUNT_H
#define FLOE_SIGNALD_CORE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* What a user may do. Banned: nothing. */
enum sig_user_role {
	SIG_USER_NORMAL,
	SIG_USER_ADMIN,
	SIG_USER_BANNED,
	SIG_USER_DELETED, /* for good; the name stays taken */
	SIG_USER_ROLES
};

/* Whether nobody may come in as that user. */
static inline bool
sig_role_is_out(enum sig_user_role role)
{
	return role == SIG_USER_BANNED || role == SIG_USER_DELETED;
}

/* What a user's tokens are worth: an own one is of this generation or void,
 * an outside one is issued at voided_ts or later, or void. */
struct sig_standing {
	enum sig_user_role role;
	uint32_t generation;
	uint64_t voided_ts; /* 0: never */
};

/* What a user tells of itself; see profile.h. */
enum sig_profile_field {
	SIG_PROFILE_NICK,
	SIG_PROFILE_AVATAR,
	SIG_PROFILE_SIGNATURE,
	SIG_PROFILE_EXTEND, /* a JSON object */
	SIG_PROFILE_FIELDS
};
#define SIG_PROFILE_NICK_MAX 64
#define SIG_AVATAR_MAX       512
#define SIG_SIGNATURE_MAX    256
#define SIG_EXTEND_MAX       4096

/* What becomes of an account. */
enum sig_account {
	SIG_ACCOUNT_ROLE,     /* role; a ban voids all tokens */
	SIG_ACCOUNT_PASSWORD, /* pwhash; all tokens are void */
	SIG_ACCOUNT_LOGOUT,   /* all tokens are void */
	SIG_ACCOUNT_DELETE,   /* and what is stored of it will go */
};

/* What a user keeps from others; bits. */
#define SIG_HIDE_SEEN     1u /* when it was here last */
#define SIG_HIDE_PRESENCE 2u /* whether it is here */
#define SIG_HIDE_USER     4u /* from a search */
#define SIG_HIDE_ALL      7u

#endif
