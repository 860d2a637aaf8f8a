/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/crypto/crypto.h"
#include "lib/daemon/daemon.h"
#include "lib/fetch/fetch.h"
#include "lib/json/json.h"
#include "lib/log/log.h"
#include "turnd/conf.h"
#include "turnd/hook.h"

#define UNDER_WAY  16 /* connections to the operator's server */
#define ASKING     256
#define ANSWER_MAX 4096
#define FAILED_MS  1000    /* until it is asked again */
#define STALE_MS   3600000 /* users go on for so long without an answer */
/* Names that a network may ask for: what an office does in the morning. */
#define RATE_PER_S  10
#define RATE_BURST  100
#define LINES_A_SEC 2

struct attached {
	struct loop *loop; /* NULL: not attached */
	void *worker;
};

struct hook {
	struct fetch *fetch;
	hook_fn *fn;
	pthread_mutex_t lock; /* of what follows */
	struct lookup *lookup;
	struct log_limit failures;
	struct attached workers[DAEMON_WORKERS_MAX];
};

/* On its way to a worker. */
struct news {
	struct hook *hook;
	int index;
	uint64_t user;
};

static uint64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A worker that has detached itself is not told; its loop's mail is read once
 * more when the loop is freed. */
static void
news_arrived(void *arg)
{
	struct news *n = arg;
	void *worker;

	pthread_mutex_lock(&n->hook->lock);
	worker = n->hook->workers[n->index].loop == NULL
	    ? NULL
	    : n->hook->workers[n->index].worker;
	pthread_mutex_unlock(&n->hook->lock);
	if (worker != NULL)
		n->hook->fn(worker, n->user);
	free(n);
}

/* Under the lock. Who cannot be told hears nothing, as if it were lost. */
static void
tell(struct hook *h, uint64_t workers, uint64_t user)
{
	struct news *n;
	int i;

	for (i = 0; i < DAEMON_WORKERS_MAX; i++) {
		if ((workers >> i & 1) == 0 || h->workers[i].loop == NULL)
			continue;
		n = malloc(sizeof(*n));
		if (n == NULL)
			continue;
		*n = (struct news){ h, i, user };
		if (loop_post(h->workers[i].loop, news_arrived, n) != 0)
			free(n);
	}
}

/* Both keys, or the password that makes them. */
static int
read_keys(struct json_in *in, const char *realm, const char *name,
    struct turn_record *rec)
{
	const char *password, *md5, *sha256;
	char hex[96 + 1];
	int rc;

	if (json_in_has(in, "password")) {
		password = json_in_str(in, "password", 1, ANSWER_MAX);
		return password == NULL
		    ? -EINVAL
		    : turn_record_keys(rec, name, realm, password);
	}
	md5 = json_in_str(in, "key_md5", 32, 32);
	sha256 = json_in_str(in, "key_sha256", 64, 64);
	if (in->code != 0)
		return in->code;
	snprintf(hex, sizeof(hex), "%s%s", md5, sha256);
	rc = turn_record_from_hex(rec, hex);
	crypto_wipe(hex, sizeof(hex));
	if (rc != 0)
		snprintf(in->err, sizeof(in->err), "keys: must be hex digits");
	return rc;
}

/* 0, or -errno with the reason in err. Members that we do not know are
 * somebody else's matter. */
static int
read_user(const struct fetch_answer *a, const char *realm, const char *name,
    struct turn_record *rec, char err[JSON_ERR_MAX])
{
	static const struct json_limits limits = { ANSWER_MAX, 64, 4 };
	struct json_in in;
	struct json *body;
	int rc;

	rc = json_parse(a->body, a->len, &limits, &body, err);
	if (rc != 0)
		return rc;
	memset(rec, 0, sizeof(*rec));
	json_in_init(&in, body, "");
	rec->quota =
	    (uint32_t)json_in_int_opt(&in, "quota", 0, TURN_MAX_USERS, 0);
	rec->bandwidth =
	    (uint64_t)json_in_int_opt(&in, "bandwidth", 0, INT64_MAX, 0);
	rec->expires_s =
	    (uint64_t)json_in_int_opt(&in, "expires", 0, INT64_MAX, 0);
	rc = in.code != 0 ? in.code : read_keys(&in, realm, name, rec);
	memcpy(err, in.err, JSON_ERR_MAX);
	json_free(body);
	return rc;
}

/* What an answer means; anything that is neither a user nor 404 is a failure,
 * with the reason in why. */
static enum lookup_result
judge(const struct fetch_answer *a, const char *realm, const char *name,
    struct turn_record *rec, char why[JSON_ERR_MAX])
{
	if (a->status == 404)
		return LOOKUP_NOBODY;
	if (a->status == 200)
		return read_user(a, realm, name, rec, why) == 0 ? LOOKUP_FOUND
								: LOOKUP_FAILED;
	snprintf(why, JSON_ERR_MAX, "%s",
	    a->status == 0 ? a->why : "neither 200 nor 404");
	return LOOKUP_FAILED;
}

static void
say_failed(struct hook *h, int status, const char *why)
{
	uint64_t held;

	if (log_limit_pass(&h->failures, clock_ms(), &held))
		log_warn("auth_hook_failed", KV_I("status", status),
		    KV_S("why", why), KV_U("held_back", held));
}

/* On the fetching thread, which alone answers: so the names stay. */
static void
hook_answered(void *arg, uint64_t ticket, const struct fetch_answer *a)
{
	struct hook *h = arg;
	char why[JSON_ERR_MAX] = "";
	const char *realm, *name;
	struct turn_record rec;
	enum lookup_result result;
	uint64_t workers, user;
	bool asked;

	pthread_mutex_lock(&h->lock);
	asked = lookup_asked(h->lookup, ticket, &realm, &name);
	pthread_mutex_unlock(&h->lock);
	if (!asked)
		return;
	result = judge(a, realm, name, &rec, why);
	pthread_mutex_lock(&h->lock);
	workers =
	    lookup_answer(h->lookup, ticket, result, &rec, clock_ms(), &user);
	tell(h, workers, user);
	if (result == LOOKUP_FAILED)
		say_failed(h, a->status, why);
	pthread_mutex_unlock(&h->lock);
	crypto_wipe(&rec, sizeof(rec));
}

/* A name that is no UTF-8 has no JSON, and nobody has it. -EINVAL, -EBUSY,
 * -ENOMEM */
static int
post(struct hook *h, uint64_t ticket, const struct lookup_who *who,
    const char *listener)
{
	char mem[6 * (TURN_NAME_MAX + 128) + 512], client[ADDR_STRLEN];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct json_out j;

	json_out_init(&j, &b);
	json_out_object(&j, NULL);
	json_out_str(&j, "realm", who->realm);
	json_out_str(&j, "username", who->name);
	json_out_str(&j, "client", addr_format(who->client, client));
	json_out_str(&j, "listener", listener);
	if (json_out_end(&j) != 0)
		return -EINVAL;
	return fetch_post(h->fetch, ticket, b.data, b.len);
}

int
hook_find(struct hook *h, const struct lookup_who *who, const char *listener,
    struct turn_record *rec, uint64_t *user)
{
	uint64_t now_ms = clock_ms(), waiting;
	struct lookup_ask ask;
	int rc, posted = 0;

	pthread_mutex_lock(&h->lock);
	rc = lookup_find(h->lookup, who, now_ms, rec, &ask);
	if (rc == -EINPROGRESS && ask.ticket != 0)
		posted = post(h, ask.ticket, who, listener);
	if (posted != 0) {
		rc = posted == -EINVAL ? -ENOENT : -EBUSY;
		lookup_answer(h->lookup, ask.ticket,
		    rc == -ENOENT ? LOOKUP_NOBODY : LOOKUP_FAILED, NULL, now_ms,
		    &waiting);
	}
	pthread_mutex_unlock(&h->lock);
	*user = ask.user;
	return rc;
}

void
hook_stats(struct hook *h, struct lookup_stats *out)
{
	pthread_mutex_lock(&h->lock);
	*out = *lookup_stats(h->lookup);
	pthread_mutex_unlock(&h->lock);
}

void
hook_attach(struct hook *h, int index, struct loop *loop, void *worker)
{
	pthread_mutex_lock(&h->lock);
	h->workers[index] = (struct attached){ loop, worker };
	pthread_mutex_unlock(&h->lock);
}

void
hook_detach(struct hook *h, int index)
{
	pthread_mutex_lock(&h->lock);
	h->workers[index] = (struct attached){ NULL, NULL };
	pthread_mutex_unlock(&h->lock);
}

static struct lookup *
hook_lookup(const struct turnd_conf *c)
{
	struct lookup_conf conf = {
		.entries = (size_t)c->hook_entries,
		.asking = ASKING,
		.found_ms = (uint64_t)c->hook_cache_ms,
		.nobody_ms = (uint64_t)c->hook_negative_ms,
		.failed_ms = FAILED_MS,
		.stale_ms = STALE_MS,
		.rate = limit_rate(RATE_PER_S, RATE_BURST),
	};

	crypto_random(&conf.hash_key, sizeof(conf.hash_key));
	return lookup_new(&conf);
}

struct hook *
hook_new(const struct turnd_conf *c, hook_fn *fn)
{
	struct hook *h = calloc(1, sizeof(*h));
	const struct fetch_conf conf = {
		.url = c->hook_url,
		.token = c->hook_token,
		.ca = c->hook_ca,
		.timeout_ms = (uint32_t)c->hook_timeout_ms,
		.under_way = UNDER_WAY,
		.waiting = ASKING,
		.answer_max = ANSWER_MAX,
		.fn = hook_answered,
		.arg = h,
	};

	if (h == NULL)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	h->fn = fn;
	h->failures.burst = LINES_A_SEC;
	h->lookup = hook_lookup(c);
	if (h->lookup != NULL)
		h->fetch = fetch_new(&conf);
	if (h->fetch == NULL) {
		hook_free(h);
		return NULL;
	}
	return h;
}

void
hook_free(struct hook *h)
{
	if (h == NULL)
		return;
	fetch_free(h->fetch);
	lookup_free(h->lookup);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
