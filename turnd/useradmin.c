/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The users of the admin REST: kept in userdb, which is on disk before the
 * answer goes. Runs on the admin's thread, so that syncing holds up no call.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "turnd/turnd.h"
#include "turnd/useradmin.h"

#define PASSWORD_MAX 763
#define BODY_MAX     4096
#define LIST_DEFAULT 100
#define LIST_MAX     1000

/* What a request names. */
struct target {
	struct turnd *turnd;
	char realm[REALM_MAX + 1];
	const char *name;
};

/* A name that JSON cannot say could not be listed. */
static bool
is_text(const char *s)
{
	char mem[6 * TURN_NAME_MAX + 3];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct json_out j;

	json_out_init(&j, &b);
	json_out_str(&j, NULL, s);
	return json_out_end(&j) == 0;
}

/* NULL, and the reply says so, when there is no store. */
static struct turnd *
turnd_with_users(struct daemon_run *run, struct http_reply *reply)
{
	struct turnd *d = daemon_state(run);

	if (d->userdb != NULL)
		return d;
	http_error(reply, 404, "no_user_store",
	    "user-store = yes in [turnd] keeps users");
	return NULL;
}

/* "REALM/NAME" apart; false, and the reply says why not. */
static bool
target_parse(struct target *t, struct daemon_run *run, const char *rest,
    struct http_reply *reply)
{
	const char *slash = strchr(rest, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - rest);

	t->turnd = turnd_with_users(run, reply);
	if (t->turnd == NULL)
		return false;
	if (len == 0 || len > REALM_MAX || slash[1] == '\0' ||
	    strlen(slash + 1) > USERDB_NAME_MAX || !is_text(rest)) {
		http_error(reply, 400, "bad_request",
		    "/v1/users/REALM/NAME: a realm of 1 to 127 bytes and a "
		    "name of 1 to 383, UTF-8");
		return false;
	}
	memcpy(t->realm, rest, len);
	t->realm[len] = '\0';
	t->name = slash + 1;
	return true;
}

static void
store_error(struct http_reply *reply, int err)
{
	if (err == -ENOENT)
		http_error(reply, 404, "not_found", "no such user");
	else if (err == -ENOSPC)
		http_error(reply, 507, "disk_full", "no room for it on disk");
	else
		http_error(reply, 500, "internal", "the user store has failed");
}

static void
put_user(struct json_out *j, const char *realm, const char *name,
    const struct turn_record *rec)
{
	json_out_object(j, NULL);
	json_out_str(j, "realm", realm);
	json_out_str(j, "name", name);
	if (rec->quota != 0)
		json_out_int(j, "quota", rec->quota);
	if (rec->bandwidth != 0)
		json_out_int(j, "bandwidth", (int64_t)rec->bandwidth);
	if (rec->expires_s != 0)
		json_out_int(j, "expires", (int64_t)rec->expires_s);
	json_out_close(j);
}

static void
tell_user(struct http_reply *reply, const struct target *t,
    const struct turn_record *rec)
{
	struct json_out j;

	json_out_init(&j, &reply->body);
	put_user(&j, t->realm, t->name, rec);
	json_out_end(&j);
	buf_u8(&reply->body, '\n');
}

static int
read_keys(struct json_in *in, const struct target *t, struct turn_record *rec)
{
	const char *password = json_in_str_opt(in, "password", 1, PASSWORD_MAX);
	const char *key = json_in_str_opt(in, "key", 1, PASSWORD_MAX);

	if (in->code != 0)
		return in->code;
	if ((password == NULL) == (key == NULL)) {
		snprintf(in->err, sizeof(in->err),
		    "password or key: one of them must be there");
		return -EINVAL;
	}
	if (password != NULL)
		return turn_record_keys(rec, t->name, t->realm, password);
	if (turn_record_from_hex(rec, key) == 0)
		return 0;
	snprintf(in->err, sizeof(in->err),
	    "key: must be 96 hex digits, MD5 and SHA-256 of "
	    "name:realm:password");
	return -EINVAL;
}

/* 0, or -EINVAL with the reason in err. */
static int
read_user(const struct json *body, const struct target *t,
    struct turn_record *rec, char err[JSON_ERR_MAX])
{
	static const char *const names[] = { "password", "key", "quota",
		"bandwidth", "expires", NULL };
	struct json_in in;
	int rc;

	memset(rec, 0, sizeof(*rec));
	json_in_init(&in, body, "");
	json_in_only(&in, names);
	rec->quota =
	    (uint32_t)json_in_int_opt(&in, "quota", 0, TURN_MAX_USERS, 0);
	rec->bandwidth =
	    (uint64_t)json_in_int_opt(&in, "bandwidth", 0, INT64_MAX, 0);
	rec->expires_s =
	    (uint64_t)json_in_int_opt(&in, "expires", 0, INT64_MAX, 0);
	rc = read_keys(&in, t, rec);
	memcpy(err, in.err, JSON_ERR_MAX);
	return rc;
}

/* Whom nobody could log in as is no user. */
static bool
realm_known(const struct target *t, struct http_reply *reply)
{
	if (realms_find(&t->turnd->setup.realms, t->realm, strlen(t->realm)) >=
	    0)
		return true;
	http_error(reply, 404, "no_such_realm", "turnd serves no such realm");
	return false;
}

void
useradmin_put(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	static const struct json_limits limits = { BODY_MAX, 16, 2 };
	char err[JSON_ERR_MAX] = "";
	struct turn_record rec;
	struct json *body;
	struct target t;
	bool made = false;
	int rc;

	if (!target_parse(&t, arg, req->rest, reply) || !realm_known(&t, reply))
		return;
	rc = json_parse(req->body, req->body_len, &limits, &body, err);
	if (rc == 0) {
		rc = read_user(body, &t, &rec, err);
		json_free(body);
	}
	if (rc != 0) {
		http_error(reply, 400, "bad_request", err);
		return;
	}
	rc = userdb_put(t.turnd->userdb, t.realm, t.name, &rec, &made);
	if (rc != 0) {
		store_error(reply, rc);
	} else {
		reply->status = made ? 201 : 200;
		tell_user(reply, &t, &rec);
		log_info("user_stored", KV_S("realm", t.realm),
		    KV_S("user", t.name), KV_I("new", made));
	}
	crypto_wipe(&rec, sizeof(rec));
}

void
useradmin_get(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct turn_record rec;
	struct target t;
	int rc;

	if (!target_parse(&t, arg, req->rest, reply))
		return;
	rc = userdb_find(t.turnd->admin_users, t.realm, t.name, &rec);
	if (rc == 0)
		tell_user(reply, &t, &rec);
	else
		store_error(reply, rc);
	crypto_wipe(&rec, sizeof(rec));
}

void
useradmin_delete(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct target t;
	int rc;

	if (!target_parse(&t, arg, req->rest, reply))
		return;
	rc = userdb_del(t.turnd->userdb, t.realm, t.name);
	if (rc != 0) {
		store_error(reply, rc);
		return;
	}
	reply->status = 204;
	log_info("user_deleted", KV_S("realm", t.realm), KV_S("user", t.name));
}

struct listing {
	struct json_out j;
	char last[REALM_MAX + 1 + USERDB_NAME_MAX + 1];
};

static void
list_one(void *arg, const char *realm, const char *name,
    const struct turn_record *rec)
{
	struct listing *l = arg;

	put_user(&l->j, realm, name, rec);
	snprintf(l->last, sizeof(l->last), "%s/%s", realm, name);
}

/* 1 to LIST_MAX, 0 when it is none. */
static size_t
list_limit(const struct http_request *req)
{
	const char *text = http_query(req, "limit");
	char *end;
	unsigned long n;

	if (text == NULL)
		return LIST_DEFAULT;
	n = strtoul(text, &end, 10);
	return *text == '\0' || *end != '\0' || n > LIST_MAX ? 0 : n;
}

void
useradmin_list(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct listing l = { .last = "" };
	struct turnd *d = turnd_with_users(arg, reply);
	const char *after = http_query(req, "after");
	size_t limit = list_limit(req);
	struct target t = { .realm = "", .name = "" };
	bool more = false;
	int rc;

	if (d == NULL ||
	    (after != NULL && *after != '\0' &&
		!target_parse(&t, arg, after, reply)))
		return;
	if (limit == 0) {
		http_error(
		    reply, 400, "bad_request", "limit: must be 1 to 1000");
		return;
	}
	json_out_init(&l.j, &reply->body);
	json_out_object(&l.j, NULL);
	json_out_array(&l.j, "users");
	rc = userdb_walk(
	    d->admin_users, t.realm, t.name, limit, list_one, &l, &more);
	if (rc != 0) {
		store_error(reply, rc);
		return;
	}
	json_out_close(&l.j);
	if (more)
		json_out_str(&l.j, "next", l.last);
	json_out_end(&l.j);
	buf_u8(&reply->body, '\n');
}
