/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * account: the users' REST calls: register, log in, a fresh token, another
 * password. A name that does not exist costs and answers what a wrong password
 * does, and so does one that is banned.
 * Owns: the job of a waiting request belongs to its connection.
 * Thread: the worker's; passwords are hashed by the hasher.
 */
#ifndef FLOE_SIGNALD_ACCOUNT_H
#define FLOE_SIGNALD_ACCOUNT_H

#include "signald/core/append.h"
#include "signald/front.h"

#define ACCOUNT_PASSWORD_MIN 8
#define ACCOUNT_PASSWORD_MAX 256
#define ACCOUNT_NICK_MAX     64

struct account_job;
struct json;

/* Of front_route. */
void account_refresh(struct conn *, const struct h1_head *);
void account_head(struct conn *, const struct h1_head *);
void account_login(struct conn *, const void *body, size_t len);
void account_register(struct conn *, const void *body, size_t len);
void account_password(struct conn *, const void *body, size_t len);
void account_delete_head(struct conn *, const struct h1_head *);
void account_delete(struct conn *, const void *body, size_t len);
/* The log's answer to a registration, a new password or a deletion. */
void account_appended(struct conn *, const struct sig_appended *);
void account_job_free(struct account_job *);

enum account_kind {
	ACCOUNT_LOGIN,    /* user, password */
	ACCOUNT_REGISTER, /* ... and nick */
	ACCOUNT_PASSWORD, /* ... and new_password */
	ACCOUNT_RESET,    /* password; the user is named elsewhere */
	ACCOUNT_DELETE,   /* likewise, and it is the present one */
};

/* What the body of a request says. */
struct account_form {
	char user[SIG_NAME_MAX + 1];
	char nick[ACCOUNT_NICK_MAX + 1]; /* the user's name without one */
	char password[257];
	size_t password_len;
	char fresh[257]; /* the new password */
	size_t fresh_len;
};

/* 0, or -errno with err for the sender. */
int account_form(const void *body, size_t len, enum account_kind,
    struct account_form *, char *err, size_t err_size);

#endif
