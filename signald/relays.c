/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "lib/fetch/fetch.h"
#include "lib/json/json.h"
#include "lib/log/log.h"
#include "signald/conf.h"
#include "signald/relays.h"

#define URL_MAX    512
#define TOKEN_MAX  256
#define FILE_MAX   384
#define ANSWER_MAX 4096
#define TIMEOUT_MS 2000
#define FAILURES   2 /* in a row, and a relay is taken for silent */

/* The words of a row. */
struct row {
	struct sig_relay relay;
	char url[URL_MAX], token_file[FILE_MAX];
};

struct watched {
	char url[URL_MAX], token[TOKEN_MAX];
	bool asked;
	unsigned int failures;
};

struct attached {
	struct loop *loop; /* NULL: not attached */
	void *worker;
};

struct relays {
	relays_fn *fn;
	const char *all[SIG_TURN_URIS_MAX + 1]; /* as configured */
	size_t n;
	struct watched watched[SIG_RELAYS_MAX]; /* the asking thread's */
	struct fetch *fetch;
	pthread_mutex_t lock; /* of what follows */
	struct sig_relay relays[SIG_RELAYS_MAX];
	const char *now[SIG_TURN_URIS_MAX + 1];
	struct attached workers[DAEMON_WORKERS_MAX];
};

/* On its way to a worker. */
struct news {
	struct relays *relays;
	int index;
	const char *uris[SIG_TURN_URIS_MAX + 1];
};

/* The next word of *text, cut at its end; NULL: none is left, or no room. */
static const char *
word(const char **text, char *out, size_t size)
{
	const char *s = *text + strspn(*text, " \t");
	size_t len = strcspn(s, " \t");

	*text = s + len;
	if (len == 0 || len >= size)
		return NULL;
	memcpy(out, s, len);
	out[len] = '\0';
	return out;
}

/* NULL, or what is wrong. */
static const char *
read_row(const char *text, struct row *row)
{
	char host[SIG_HOST_MAX + 8], preference[8], *end;
	unsigned long n = 0;

	memset(row, 0, sizeof(*row));
	if (word(&text, host, sizeof(host)) == NULL ||
	    sig_relay_host(host, row->relay.host, &row->relay.port) != 0)
		return "no HOST[:PORT]";
	if (word(&text, row->url, sizeof(row->url)) == NULL ||
	    (strncmp(row->url, "http://", 7) != 0 &&
		strncmp(row->url, "https://", 8) != 0))
		return "no http:// or https:// URL of its admin API";
	if (word(&text, row->token_file, sizeof(row->token_file)) == NULL)
		return "no file with the token of its admin API";
	if (word(&text, preference, sizeof(preference)) != NULL) {
		n = strtoul(preference, &end, 10);
		if (*end != '\0' || preference[0] < '0' ||
		    preference[0] > '9' || n > 999)
			return "the preference must be 0 to 999";
	}
	row->relay.preference = (uint16_t)n;
	return text[strspn(text, " \t")] == '\0' ? NULL : "too many words";
}

int
relays_check(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct signald_conf *c = conf_data(conf);
	const char *const *rows = c->relays.items;
	const char *const *uris = c->turn_uris.items;
	const char *wrong;
	struct row row;
	size_t i, k;

	if (c->turn_uris.n > SIG_TURN_URIS_MAX)
		return conf_wrong(conf, "signald", "turn-uri",
		    SIG_TURN_URIS_MAX, err, "at most %d", SIG_TURN_URIS_MAX);
	if (c->relays.n > SIG_RELAYS_MAX)
		return conf_wrong(conf, "signald", "relay", SIG_RELAYS_MAX, err,
		    "at most %d", SIG_RELAYS_MAX);
	for (i = 0; i < c->relays.n; i++) {
		wrong = read_row(rows[i], &row);
		if (wrong != NULL)
			return conf_wrong(conf, "signald", "relay", i, err,
			    "%s; allowed: HOST[:PORT] URL TOKEN-FILE "
			    "[PREFERENCE]",
			    wrong);
		for (k = 0; k < c->turn_uris.n; k++)
			if (sig_relay_has(&row.relay, uris[k]))
				break;
		if (k == c->turn_uris.n)
			return conf_wrong(conf, "signald", "relay", i, err,
			    "no turn-uri is of %s", row.relay.host);
	}
	return 0;
}

/* A worker that has detached itself is not told; its loop's mail is read once
 * more when the loop is freed. */
static void
news_arrived(void *arg)
{
	struct news *n = arg;
	void *worker;

	pthread_mutex_lock(&n->relays->lock);
	worker = n->relays->workers[n->index].worker;
	pthread_mutex_unlock(&n->relays->lock);
	if (worker != NULL)
		n->relays->fn(worker, n->uris);
	free(n);
}

/* Under the lock. Who cannot be told now is told with the next change. */
static void
tell(struct relays *r)
{
	struct news *n;
	int i;

	for (i = 0; i < DAEMON_WORKERS_MAX; i++) {
		if (r->workers[i].loop == NULL)
			continue;
		n = malloc(sizeof(*n));
		if (n == NULL)
			continue;
		n->relays = r;
		n->index = i;
		memcpy(n->uris, r->now, sizeof(n->uris));
		if (loop_post(r->workers[i].loop, news_arrived, n) != 0)
			free(n);
	}
}

/* 0, or -EINVAL with the reason in err. Members that we do not know are
 * somebody else's matter. */
static int
read_report(const struct fetch_answer *a, struct sig_relay *relay,
    char err[JSON_ERR_MAX])
{
	static const struct json_limits limits = { ANSWER_MAX, 64, 4 };
	const char *status;
	struct json_in in;
	struct json *body;

	if (a->status != 200) {
		snprintf(err, JSON_ERR_MAX, "%s",
		    a->status == 0 ? a->why : "the answer is not 200");
		return -EINVAL;
	}
	if (json_parse(a->body, a->len, &limits, &body, err) != 0)
		return -EINVAL;
	json_in_init(&in, body, "");
	status = json_in_str(&in, "status", 1, 32);
	relay->allocations =
	    (uint64_t)json_in_int(&in, "allocations", 0, INT64_MAX);
	relay->room = (uint64_t)json_in_int_opt(&in, "room", 0, INT64_MAX, 0);
	relay->draining = in.code == 0 && strcmp(status, "serving") != 0;
	relay->silent = false;
	memcpy(err, in.err, JSON_ERR_MAX);
	json_free(body);
	return in.code;
}

static const char *
state_of(const struct sig_relay *relay)
{
	if (relay->silent)
		return "silent";
	return relay->draining ? "draining" : "serving";
}

/* On the fetching thread, which alone changes what was reported. */
static void
answered(void *arg, uint64_t i, const struct fetch_answer *a)
{
	struct relays *r = arg;
	struct watched *w = &r->watched[i];
	struct sig_relay relay = r->relays[i];
	const char *uris[SIG_TURN_URIS_MAX + 1] = { NULL };
	char why[JSON_ERR_MAX] = "";

	w->asked = false;
	if (read_report(a, &relay, why) == 0) {
		w->failures = 0;
	} else {
		relay = r->relays[i];
		relay.silent = ++w->failures >= FAILURES || relay.silent;
	}
	if (relay.silent && !r->relays[i].silent)
		log_warn("relay", KV_S("host", relay.host),
		    KV_S("state", state_of(&relay)), KV_S("why", why));
	else if (strcmp(state_of(&relay), state_of(&r->relays[i])) != 0)
		log_info("relay", KV_S("host", relay.host),
		    KV_S("state", state_of(&relay)));
	pthread_mutex_lock(&r->lock);
	r->relays[i] = relay;
	sig_relay_order(r->relays, r->n, r->all, uris);
	if (memcmp(uris, r->now, sizeof(uris)) != 0) {
		memcpy(r->now, uris, sizeof(uris));
		tell(r);
	}
	pthread_mutex_unlock(&r->lock);
}

/* Asks whoever has answered. */
static void
ask(void *arg, struct fetch *f)
{
	struct relays *r = arg;
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct fetch_request request = { .id = i,
			.url = r->watched[i].url,
			.token = r->watched[i].token };

		if (!r->watched[i].asked)
			r->watched[i].asked = fetch_send(f, &request) == 0;
	}
}

static int
take_row(struct relays *r, const char *text, char err[DAEMON_ERR_MAX])
{
	struct watched *w = &r->watched[r->n];
	struct row row;
	int len;

	if (read_row(text, &row) != NULL)
		return -EINVAL;
	len = (int)strlen(row.url);
	if (row.url[len - 1] == '/')
		len--;
	if (snprintf(w->url, sizeof(w->url), "%.*s/v1/status", len, row.url) >=
	    (int)sizeof(w->url)) {
		snprintf(err, DAEMON_ERR_MAX, "relay: the URL is too long");
		return -EINVAL;
	}
	r->relays[r->n++] = row.relay;
	return daemon_secret(row.token_file, w->token, sizeof(w->token), err);
}

static struct fetch *
start(struct relays *r, const struct signald_conf *c)
{
	const struct fetch_conf conf = {
		.ca = c->relay_ca,
		.timeout_ms = TIMEOUT_MS,
		.under_way = SIG_RELAYS_MAX,
		.waiting = SIG_RELAYS_MAX,
		.answer_max = ANSWER_MAX,
		.fn = answered,
		.arg = r,
		.tick = ask,
		.tick_ms = (uint32_t)c->relay_poll_ms,
	};

	return fetch_new(&conf);
}

int
relays_new(const struct signald_conf *c, relays_fn *fn, struct relays **out,
    char err[DAEMON_ERR_MAX])
{
	const char *const *rows = c->relays.items;
	struct relays *r;
	size_t i;
	int rc = 0;

	*out = NULL;
	if (c->relays.n == 0)
		return 0;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	r->fn = fn;
	for (i = 0; i < c->turn_uris.n; i++)
		r->all[i] = ((const char *const *)c->turn_uris.items)[i];
	for (i = 0; rc == 0 && i < c->relays.n; i++)
		rc = take_row(r, rows[i], err);
	sig_relay_order(r->relays, r->n, r->all, r->now);
	if (rc == 0)
		r->fetch = start(r, c);
	if (rc == 0 && r->fetch == NULL) {
		snprintf(err, DAEMON_ERR_MAX, "cannot watch the relays");
		rc = -ENOMEM;
	}
	if (rc == 0)
		*out = r;
	else
		relays_free(r);
	return rc;
}

void
relays_free(struct relays *r)
{
	if (r == NULL)
		return;
	fetch_free(r->fetch);
	pthread_mutex_destroy(&r->lock);
	crypto_wipe(r->watched, sizeof(r->watched));
	free(r);
}

void
relays_attach(struct relays *r, int index, struct loop *loop, void *worker,
    const char *uris[SIG_TURN_URIS_MAX + 1])
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->workers[index] = (struct attached){ loop, worker };
	memcpy(uris, r->now, sizeof(r->now));
	pthread_mutex_unlock(&r->lock);
}

void
relays_detach(struct relays *r, int index)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->workers[index] = (struct attached){ NULL, NULL };
	pthread_mutex_unlock(&r->lock);
}

/* clang-format off: a table */
static const struct metric
    up = { "signald_relay_up", "gauge",
	    "Whether a watched relay answers and takes new clients." },
    allocations = { "signald_relay_allocations", "gauge",
	    "Allocations that a watched relay has reported." };
/* clang-format on */

static void
put_relay(struct buf *b, const struct metric *m, const struct sig_relay *relay,
    uint64_t value)
{
	char mem[SIG_HOST_MAX + 32];
	struct buf labels = buf_fixed(mem, sizeof(mem));

	buf_printf(&labels, "relay=\"%s", relay->host);
	if (relay->port != 0)
		buf_printf(&labels, ":%u", relay->port);
	buf_puts(&labels, "\"");
	buf_u8(&labels, 0);
	if (labels.err == 0)
		metric_u64(b, m, mem, value);
}

void
relays_metrics(struct relays *r, struct buf *b)
{
	size_t i;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	metric_begin(b, &up);
	for (i = 0; i < r->n; i++)
		put_relay(b, &up, &r->relays[i],
		    !r->relays[i].silent && !r->relays[i].draining);
	metric_begin(b, &allocations);
	for (i = 0; i < r->n; i++)
		put_relay(
		    b, &allocations, &r->relays[i], r->relays[i].allocations);
	pthread_mutex_unlock(&r->lock);
}
