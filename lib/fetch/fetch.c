/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include <curl/curl.h>

#include "lib/base/buf.h"
#include "lib/fetch/fetch.h"

#define POLL_MS 1000 /* posts wake the poll; nothing else waits for it */

STAILQ_HEAD(jobs, job);

struct job {
	STAILQ_ENTRY(job) next;
	LIST_ENTRY(job) link; /* while it is under way */
	uint64_t id;
	CURL *easy;
	struct buf answer;
	char *url;                  /* NULL: of the conf, likewise headers */
	struct curl_slist *headers; /* owned */
	bool gets;
	size_t len;
	char body[];
};

struct fetch {
	struct fetch_conf conf;
	char *url, *token, *ca;
	struct curl_slist *headers;
	CURLM *multi;
	pthread_t thread;
	atomic_bool stop, woken;
	LIST_HEAD(, job) running; /* the thread's, likewise the next two */
	uint32_t nrunning;
	uint64_t tick_at;
	pthread_mutex_t lock; /* of what follows */
	struct jobs posted;
	uint32_t nposted;
};

static void
headers_free(struct curl_slist *headers)
{
	struct curl_slist *h;

	/* One of them may be a token. */
	for (h = headers; h != NULL; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

static void
job_free(struct fetch *f, struct job *j)
{
	if (j->easy != NULL) {
		curl_multi_remove_handle(f->multi, j->easy);
		curl_easy_cleanup(j->easy);
	}
	buf_fini(&j->answer);
	headers_free(j->headers);
	free(j->url);
	/* It may have told a password. */
	explicit_bzero(j->body, j->len);
	free(j);
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct job *j = arg;

	buf_put(&j->answer, data, size * n);
	return j->answer.err == 0 ? size * n : 0;
}

/* Whom we ask is the operator's choice, and nobody sends us on. */
static bool
job_options(const struct fetch *f, struct job *j)
{
	CURL *e = j->easy;
	CURLcode rc = CURLE_OK;

	rc |=
	    curl_easy_setopt(e, CURLOPT_URL, j->url != NULL ? j->url : f->url);
	rc |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	rc |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	rc |= curl_easy_setopt(e, CURLOPT_PROXY, "");
	rc |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	rc |= curl_easy_setopt(
	    e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	rc |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)f->conf.timeout_ms);
	rc |= curl_easy_setopt(e, CURLOPT_HTTPHEADER,
	    j->headers != NULL ? j->headers : f->headers);
	if (!j->gets) {
		rc |= curl_easy_setopt(e, CURLOPT_POST, 1L);
		rc |= curl_easy_setopt(e, CURLOPT_POSTFIELDS, (char *)j->body);
		rc |= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)j->len);
	}
	rc |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	rc |= curl_easy_setopt(e, CURLOPT_WRITEDATA, j);
	rc |= curl_easy_setopt(e, CURLOPT_PRIVATE, j);
	if (f->ca != NULL)
		rc |= curl_easy_setopt(e, CURLOPT_CAINFO, f->ca);
	return rc == CURLE_OK;
}

static void
job_end(struct fetch *f, struct job *j, const char *why)
{
	struct fetch_answer a = { .why = why };
	long status = 0;

	if (why == NULL) {
		curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
		a.status = (int)status;
		a.body = j->answer.data;
		a.len = j->answer.len;
	}
	f->conf.fn(f->conf.arg, j->id, &a);
	job_free(f, j);
}

static void
job_start(struct fetch *f, struct job *j)
{
	j->easy = curl_easy_init();
	if (j->easy == NULL || !job_options(f, j) ||
	    curl_multi_add_handle(f->multi, j->easy) != CURLM_OK) {
		job_end(f, j, "out of memory");
		return;
	}
	LIST_INSERT_HEAD(&f->running, j, link);
	f->nrunning++;
}

/* The next that waits, or NULL. */
static struct job *
job_take(struct fetch *f)
{
	struct job *j;

	pthread_mutex_lock(&f->lock);
	j = STAILQ_FIRST(&f->posted);
	if (j != NULL) {
		STAILQ_REMOVE_HEAD(&f->posted, next);
		f->nposted--;
	}
	pthread_mutex_unlock(&f->lock);
	return j;
}

/* True when something ended, so that another one may begin. */
static bool
fetch_ended(struct fetch *f)
{
	bool any = false;
	struct CURLMsg *m;
	struct job *j;
	char *private;
	int left;

	while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		j = (struct job *)(void *)private;
		LIST_REMOVE(j, link);
		f->nrunning--;
		job_end(f, j,
		    m->data.result == CURLE_OK
			? NULL
			: curl_easy_strerror(m->data.result));
		any = true;
	}
	return any;
}

static uint64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* How long the poll may take. */
static int
fetch_tick(struct fetch *f)
{
	uint64_t now;

	if (f->conf.tick == NULL)
		return POLL_MS;
	now = clock_ms();
	if (atomic_exchange(&f->woken, false) || now >= f->tick_at) {
		f->conf.tick(f->conf.arg, f);
		f->tick_at = now + f->conf.tick_ms;
	}
	return f->tick_at - now < POLL_MS ? (int)(f->tick_at - now) : POLL_MS;
}

static void *
fetch_run(void *arg)
{
	struct fetch *f = arg;
	struct job *j;
	int n, wait_ms;

	while (!f->stop) {
		wait_ms = fetch_tick(f);
		while (f->nrunning < f->conf.under_way &&
		    (j = job_take(f)) != NULL)
			job_start(f, j);
		curl_multi_perform(f->multi, &n);
		if (fetch_ended(f))
			continue;
		curl_multi_poll(f->multi, NULL, 0, wait_ms, NULL);
	}
	return NULL;
}

static char *
copy(const char *s)
{
	return s == NULL ? NULL : strdup(s);
}

static bool
add_header(struct curl_slist **headers, const char *line)
{
	struct curl_slist *next = curl_slist_append(*headers, line);

	if (next != NULL)
		*headers = next;
	return next != NULL;
}

/* token, field: NULL without. NULL: no memory. */
static struct curl_slist *
headers_new(const char *token, const char *field)
{
	static const char *const fixed[] = { "Content-Type: application/json",
		"Accept: application/json", "Expect:" };
	struct curl_slist *headers = NULL;
	char line[1100];
	bool ok = true;
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		ok = ok && add_header(&headers, fixed[i]);
	if (token != NULL) {
		ok = ok &&
		    snprintf(line, sizeof(line), "Authorization: Bearer %s",
			token) < (int)sizeof(line) &&
		    add_header(&headers, line);
		explicit_bzero(line, sizeof(line));
	}
	if (field != NULL)
		ok = ok && add_header(&headers, field);
	if (ok)
		return headers;
	headers_free(headers);
	return NULL;
}

static void
fetch_close(struct fetch *f)
{
	struct job *j;

	while ((j = LIST_FIRST(&f->running)) != NULL) {
		LIST_REMOVE(j, link);
		job_free(f, j);
	}
	while ((j = job_take(f)) != NULL)
		job_free(f, j);
	headers_free(f->headers);
	if (f->multi != NULL)
		curl_multi_cleanup(f->multi);
	pthread_mutex_destroy(&f->lock);
	if (f->token != NULL)
		explicit_bzero(f->token, strlen(f->token));
	free(f->url);
	free(f->token);
	free(f->ca);
	free(f);
	curl_global_cleanup();
}

struct fetch *
fetch_new(const struct fetch_conf *conf)
{
	struct fetch *f;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		curl_global_cleanup();
		return NULL;
	}
	f->conf = *conf;
	LIST_INIT(&f->running);
	STAILQ_INIT(&f->posted);
	pthread_mutex_init(&f->lock, NULL);
	f->url = copy(conf->url);
	f->token = copy(conf->token);
	f->ca = copy(conf->ca);
	f->multi = curl_multi_init();
	f->headers = headers_new(f->token, NULL);
	if ((conf->url != NULL && f->url == NULL) ||
	    (conf->token != NULL && f->token == NULL) ||
	    (conf->ca != NULL && f->ca == NULL) || f->multi == NULL ||
	    f->headers == NULL ||
	    pthread_create(&f->thread, NULL, fetch_run, f) != 0) {
		fetch_close(f);
		return NULL;
	}
	return f;
}

void
fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	f->stop = true;
	curl_multi_wakeup(f->multi);
	pthread_join(f->thread, NULL);
	fetch_close(f);
}

/* NULL: no memory. */
static struct job *
job_new(struct fetch *f, const struct fetch_request *r)
{
	struct job *j = calloc(1, sizeof(*j) + r->len);
	bool ok = true;

	if (j == NULL)
		return NULL;
	j->id = r->id;
	j->gets = r->body == NULL;
	j->len = r->len;
	if (r->len > 0)
		memcpy(j->body, r->body, r->len);
	buf_init(&j->answer, f->conf.answer_max);
	if (r->url != NULL) {
		j->url = strdup(r->url);
		ok = j->url != NULL;
	}
	if (r->token != NULL || r->field != NULL) {
		j->headers = headers_new(
		    r->token != NULL ? r->token : f->token, r->field);
		ok = ok && j->headers != NULL;
	}
	if (ok)
		return j;
	job_free(f, j);
	return NULL;
}

void
fetch_wake(struct fetch *f)
{
	if (!atomic_exchange(&f->woken, true))
		curl_multi_wakeup(f->multi);
}

int
fetch_send(struct fetch *f, const struct fetch_request *r)
{
	struct job *j = job_new(f, r);
	bool full;

	if (j == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&f->lock);
	full = f->nposted >= f->conf.waiting;
	if (!full) {
		STAILQ_INSERT_TAIL(&f->posted, j, next);
		f->nposted++;
	}
	pthread_mutex_unlock(&f->lock);
	if (full) {
		job_free(f, j);
		return -EBUSY;
	}
	curl_multi_wakeup(f->multi);
	return 0;
}

int
fetch_post(struct fetch *f, uint64_t id, const void *json, size_t len)
{
	const struct fetch_request r = { .id = id, .body = json, .len = len };

	return fetch_send(f, &r);
}
