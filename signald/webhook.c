/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/crypto/crypto.h"
#include "lib/fetch/fetch.h"
#include "lib/log/log.h"
#include "signald/conf.h"
#include "signald/outbox.h"
#include "signald/webhook.h"

#define BATCH       100
#define BATCH_BYTES (256 * 1024)
#define BODY_MAX    (8 * 1024 * 1024)
#define RETRY_MIN   1000
#define RETRY_MAX   (5 * 60 * 1000)
#define TICK_MS     500         /* and at once when something happens */
#define ANSWER_MAX  (64 * 1024) /* which nobody reads */
#define SECRET_MAX  256

struct webhook {
	struct fetch *fetch;
	const char *node, *app;
	char secret[SECRET_MAX];
	struct log_limit failures; /* the sending thread's */
	pthread_mutex_t lock;      /* of what follows */
	struct outbox *outbox;
};

static uint64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int
webhook_check(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct signald_conf *c = conf_data(conf);

	if (c->webhook_url == NULL)
		return 0;
	if (strncmp(c->webhook_url, "http://", 7) != 0 &&
	    strncmp(c->webhook_url, "https://", 8) != 0)
		return conf_wrong(conf, "signald", "webhook", 0, err,
		    "not a URL; allowed: http://HOST[:PORT]/PATH, https://...");
	if (c->webhook_secret_file == NULL)
		return conf_wrong(conf, "signald", "webhook", 0, err,
		    "events are signed; set webhook-secret-file");
	return 0;
}

uint32_t
webhook_events(const struct signald_conf *c)
{
	const int64_t *wanted = c->webhook_events.items;
	uint32_t bits = 0;
	size_t i;

	if (c->webhook_url == NULL)
		return 0;
	for (i = 0; i < c->webhook_events.n; i++)
		bits |= UINT32_C(1) << wanted[i];
	return bits != 0 ? bits : (UINT32_C(1) << SIG_EVENTS) - 1;
}

/* t=SECONDS,v1=HEX: HMAC-SHA256 over "SECONDS.BODY". */
static int
sign(const struct webhook *h, const struct buf *body, char *field, size_t size)
{
	char hex[2 * CRYPTO_SHA256_LEN + 1], text[24];
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct crypto_span spans[2] = { { text, 0 },
		{ body->data, body->len } };
	uint64_t now_s = loop_wall_ms() / 1000;

	spans[0].len =
	    (size_t)snprintf(text, sizeof(text), "%" PRIu64 ".", now_s);
	if (crypto_hmac(CRYPTO_SHA256, h->secret, strlen(h->secret), spans, 2,
		mac) != 0)
		return -ENOMEM;
	crypto_hex(mac, sizeof(mac), hex);
	snprintf(
	    field, size, "Floe-Signature: t=%" PRIu64 ",v1=%s", now_s, hex);
	return 0;
}

static void
ended(struct webhook *h, enum outbox_result result)
{
	uint32_t random;

	crypto_random(&random, sizeof(random));
	pthread_mutex_lock(&h->lock);
	outbox_ended(h->outbox, result, clock_ms(), random);
	pthread_mutex_unlock(&h->lock);
}

/* On the sending thread, whenever there may be something to send. */
static void
send_next(void *arg, struct fetch *f)
{
	struct webhook *h = arg;
	struct fetch_request request = { 0 };
	struct json_out o;
	char field[128];
	struct buf body;
	bool any;

	buf_init(&body, BODY_MAX);
	json_out_init(&o, &body);
	json_out_object(&o, NULL);
	json_out_str(&o, "node", h->node);
	json_out_str(&o, "app", h->app);
	json_out_array(&o, "events");
	pthread_mutex_lock(&h->lock);
	any = outbox_take(h->outbox, clock_ms(), &body);
	pthread_mutex_unlock(&h->lock);
	json_out_end(&o);
	if (any) {
		request.field = field;
		request.body = body.data;
		request.len = body.len;
		if (body.err != 0 ||
		    sign(h, &body, field, sizeof(field)) != 0 ||
		    fetch_send(f, &request) != 0)
			ended(h, OUTBOX_FAILED);
	}
	buf_fini(&body);
}

/* 2xx takes them. Some answers say that the body is what is wrong: repeating
 * it would hold up all that follows. */
static enum outbox_result
judge(int status)
{
	if (status >= 200 && status < 300)
		return OUTBOX_TAKEN;
	return status == 400 || status == 413 || status == 422 ? OUTBOX_REFUSED
							       : OUTBOX_FAILED;
}

static void
answered(void *arg, uint64_t id, const struct fetch_answer *a)
{
	struct webhook *h = arg;
	enum outbox_result result = judge(a->status);
	uint64_t held;

	if (result != OUTBOX_TAKEN &&
	    log_limit_pass(&h->failures, clock_ms(), &held))
		log_warn("webhook_failed", KV_I("status", a->status),
		    KV_S("why", a->status == 0 ? a->why : "not 2xx"),
		    KV_U("held_back", held));
	ended(h, result);
	fetch_wake(h->fetch);
}

void
webhook_post(struct webhook *h, const char *text, size_t len)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	outbox_put(h->outbox, text, len, clock_ms());
	pthread_mutex_unlock(&h->lock);
	fetch_wake(h->fetch);
}

void
webhook_user(struct webhook *h, const struct sig_config *cfg,
    enum sig_event_kind kind, const char *user)
{
	struct json_out o;
	struct buf b;

	if (h == NULL || !sig_event_begin(cfg, kind, loop_wall_ms(), &o, &b))
		return;
	json_out_str(&o, "user", user);
	if (json_out_end(&o) == 0)
		webhook_post(h, (const char *)b.data, b.len);
	buf_fini(&b);
}

static struct outbox *
open_outbox(const struct signald_conf *c)
{
	struct outbox_conf conf = {
		.bytes = (size_t)c->webhook_queue,
		.age_ms = (uint64_t)c->webhook_age_ms,
		.retry_min_ms = RETRY_MIN,
		.retry_max_ms = RETRY_MAX,
		.batch = BATCH,
		.batch_bytes = BATCH_BYTES,
	};
	uint8_t random[8];

	crypto_random(random, sizeof(random));
	crypto_hex(random, sizeof(random), conf.prefix);
	return outbox_new(&conf);
}

static struct fetch *
open_fetch(struct webhook *h, const struct signald_conf *c)
{
	const struct fetch_conf conf = {
		.url = c->webhook_url,
		.ca = c->webhook_ca,
		.timeout_ms = (uint32_t)c->webhook_timeout_ms,
		.under_way = 1,
		.waiting = 1,
		.answer_max = ANSWER_MAX,
		.fn = answered,
		.arg = h,
		.tick = send_next,
		.tick_ms = TICK_MS,
	};

	return fetch_new(&conf);
}

int
webhook_new(const struct signald_conf *c, const struct sig_config *core,
    struct webhook **out, char err[DAEMON_ERR_MAX])
{
	struct webhook *h;
	int rc;

	*out = NULL;
	if (c->webhook_url == NULL)
		return 0;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return -ENOMEM;
	pthread_mutex_init(&h->lock, NULL);
	h->node = core->node;
	h->app = core->app;
	h->failures.burst = 1;
	rc = daemon_secret(
	    c->webhook_secret_file, h->secret, sizeof(h->secret), err);
	if (rc == 0) {
		h->outbox = open_outbox(c);
		if (h->outbox != NULL)
			h->fetch = open_fetch(h, c);
		if (h->fetch == NULL) {
			snprintf(
			    err, DAEMON_ERR_MAX, "cannot start the webhook");
			rc = -ENOMEM;
		}
	}
	if (rc == 0)
		*out = h;
	else
		webhook_free(h);
	return rc;
}

void
webhook_free(struct webhook *h)
{
	if (h == NULL)
		return;
	fetch_free(h->fetch);
	outbox_free(h->outbox);
	pthread_mutex_destroy(&h->lock);
	crypto_wipe(h->secret, sizeof(h->secret));
	free(h);
}

bool
webhook_stats(struct webhook *h, struct outbox_stats *out)
{
	if (h == NULL)
		return false;
	pthread_mutex_lock(&h->lock);
	*out = *outbox_stats(h->outbox);
	pthread_mutex_unlock(&h->lock);
	return true;
}
