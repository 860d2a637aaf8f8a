/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/device.h"

/* As in web/sdk/link.js and backoff.js. */
#define OPEN_MS    10000
#define STABLE_MS  5000
#define REQUEST_MS 10000
#define KEPT_MS    60000
#define FIRST_MS   500
#define MOST_MS    20000
#define SPREAD_MS  2000
#define PING_MS    5000
#define KILL_MS    7000
#define RELOAD_MS  300

static device_fn connect_now;

struct device *
device_new(struct sim *sim, int user)
{
	struct device *d = calloc(1, sizeof(*d));

	d->sim = sim;
	d->user = user;
	d->index = (int)sim->ndevices;
	d->next_id = 1;
	snprintf(
	    d->name, sizeof(d->name), "%c%d", sim_users[user][0], d->index);
	STAILQ_INIT(&d->arrived);
	sim->devices[sim->ndevices++] = d;
	return d;
}

static void
request_drop(struct request *r)
{
	free(r->text);
	memset(r, 0, sizeof(*r));
}

/* What is in memory only. */
static void
page_drop(struct device *d)
{
	struct arrived *a;
	int i;

	for (i = 0; i < REQUESTS_MAX; i++)
		request_drop(&d->requests[i]);
	while ((a = STAILQ_FIRST(&d->arrived)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->arrived, next);
		free(a);
	}
	d->page++;
	d->links++;
	d->link = 0;
	d->state = IDLE;
	d->attempt = 0;
	d->nearly = 0;
}

void
device_free(struct device *d)
{
	if (d == NULL)
		return;
	page_drop(d);
	free(d);
}

/* A timer, and the page and link that it was set by. */
struct later {
	struct device *d;
	device_fn *fn;
	uint64_t page, links;
	bool of_link;
	int about;
};

static void
later_due(void *arg)
{
	const struct later *later = arg;
	struct device *d = later->d;

	if (!sim_failed(d->sim) && d->page == later->page &&
	    (!later->of_link || d->links == later->links))
		later->fn(d, later->about);
}

static void
timer(struct device *d, uint64_t ms, device_fn *fn, int about, bool of_link)
{
	struct later *later = calloc(1, sizeof(*later));

	*later = (struct later){ d, fn, d->page, d->links, of_link, about };
	world_timer(d->sim->w, ms, later_due, later);
}

void
device_later(struct device *d, uint64_t ms, device_fn *fn, int about)
{
	timer(d, ms, fn, about, false);
}

uint64_t
device_backoff(struct device *d, uint32_t *attempt)
{
	uint64_t top = FIRST_MS << (*attempt < 6 ? *attempt : 6);

	if (top > MOST_MS)
		top = MOST_MS;
	++*attempt;
	return top / 2 + sim_dice(d->sim, (uint32_t)top / 2);
}

static void
write_text(struct device *d, const char *text)
{
	sim_note(d->sim, "%s > %s", d->name, text);
	d->sent_at = world_now(d->sim->w);
	world_post(d->sim->w, d->link, text);
}

void
device_say(struct device *d, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (d->state != ONLINE)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_text(d, text);
}

/* To whoever asked; the slot is free before, for the next request. */
static void
settle(struct device *d, struct request *slot, const struct answer *answer)
{
	struct request r = *slot;

	memset(slot, 0, sizeof(*slot));
	if (r.kind >= ASK_INVITE)
		calls_answer(d, &r, answer);
	else if (r.kind == ASK_ROOM)
		rooms_answer(d, &r, answer);
	else
		chat_answer(d, &r, answer);
	free(r.text);
}

static void
fail_request(struct device *d, struct request *r, const char *code)
{
	const struct answer answer = { NULL, code, 0 };

	settle(d, r, &answer);
}

static struct request *
request_find(struct device *d, uint64_t id)
{
	int i;

	for (i = 0; i < REQUESTS_MAX; i++) {
		if (d->requests[i].kind != ASK_NOTHING &&
		    d->requests[i].id == id)
			return &d->requests[i];
	}
	return NULL;
}

static void
request_due(struct device *d, int id)
{
	struct request *r = request_find(d, (uint64_t)id);

	if (r != NULL)
		fail_request(d, r, "timeout");
}

static struct request *
request_new(struct device *d, enum request_kind kind, int about)
{
	struct request *r = d->requests;

	while (r->kind != ASK_NOTHING && r < d->requests + REQUESTS_MAX - 1)
		r++;
	if (r->kind != ASK_NOTHING)
		abort();
	r->kind = kind;
	r->about = about;
	r->id = d->next_id++;
	r->keep = kind >= ASK_INVITE;
	return r;
}

void
device_ask(
    struct device *d, enum request_kind kind, int about, const char *fmt, ...)
{
	struct request *r = request_new(d, kind, about);
	char text[1024];
	va_list ap;
	int n;

	n = snprintf(text, sizeof(text), "{'id':%d,", (int)r->id);
	va_start(ap, fmt);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	snprintf(text + n, sizeof(text) - (size_t)n, "}");
	if (d->state != ONLINE && !r->keep) {
		fail_request(d, r, "link_lost");
		return;
	}
	r->text = strdup(text);
	if (kind != ASK_HELLO)
		timer(d, r->keep ? KEPT_MS : REQUEST_MS, request_due,
		    (int)r->id, false);
	if (d->state == ONLINE)
		write_text(d, text);
}

bool
device_asking(const struct device *d)
{
	int i;

	for (i = 0; i < REQUESTS_MAX; i++) {
		if (d->requests[i].kind != ASK_NOTHING)
			return true;
	}
	return false;
}

/* The link is over for the page; it comes back by itself. */
static void
lost(struct device *d, int code, uint64_t retry_ms)
{
	uint64_t wait;
	int i;

	d->link = 0;
	d->links++;
	d->state = WAITING;
	for (i = 0; i < REQUESTS_MAX; i++) {
		if (d->requests[i].kind == ASK_HELLO)
			request_drop(&d->requests[i]);
		else if (d->requests[i].kind != ASK_NOTHING &&
		    !d->requests[i].keep)
			fail_request(d, &d->requests[i], "link_lost");
	}
	wait = code == 4003 ? sim_dice(d->sim, SPREAD_MS)
			    : device_backoff(d, &d->attempt);
	if (wait < retry_ms)
		wait = retry_ms;
	timer(d, wait, connect_now, 0, true);
}

/* The page gives its link up. */
static void
drop(struct device *d)
{
	world_hang_up(d->sim->w, d->link);
	lost(d, 1006, 0);
}

/* Nothing befell the link in the time that it takes to find out. */
static bool
was_well(const struct device *d)
{
	uint64_t now = world_now(d->sim->w);

	return now > KILL_MS &&
	    world_ill_until(d->sim->w, d->link) < now - KILL_MS;
}

/* Nothing has come for too long. Only what we did to the link excuses it. */
static void
gone_deaf(struct device *d, const char *what)
{
	struct sim *sim = d->sim;

	sim_note(sim, "%s hears nothing: %s", d->name, what);
	if (was_well(d))
		sim_complain(
		    sim, "%s: %s on a link that nothing befell", d->name, what);
	drop(d);
}

static void
open_due(struct device *d, int about)
{
	if (d->state == CONNECTING)
		gone_deaf(d, "no answer to hello");
}

static void
stable_due(struct device *d, int about)
{
	d->attempt = 0;
}

static void
connect_now(struct device *d, int about)
{
	struct sim *sim = d->sim;

	d->state = CONNECTING;
	d->links++;
	d->link = world_open(sim->w);
	if (d->link == 0) {
		lost(d, 1006, 0);
		return;
	}
	sim_note(sim, "%s opens link %d", d->name, d->link);
	world_own(sim->w, d->link, d->index + 1);
	world_slow(sim->w, d->link, sim_dice(sim, sim->climate.slow_ms + 1));
	timer(d, OPEN_MS, open_due, 0, true);
}

void
device_open(struct device *d)
{
	if (d->retired || d->open)
		return;
	d->open = true;
	sim_note(d->sim, "%s: its page opens", d->name);
	d->inbox = d->kept;
	chat_page(d);
	calls_page(d);
	connect_now(d, 0);
}

void
device_close(struct device *d)
{
	if (!d->open)
		return;
	sim_note(d->sim, "%s: its page closes", d->name);
	calls_hang_up(d);
	if (d->link != 0)
		world_hang_up(d->sim->w, d->link);
	page_drop(d);
	d->open = false;
}

static void
load(struct device *d, int about)
{
	device_open(d);
}

void
device_reload(struct device *d)
{
	if (!d->open)
		return;
	sim_note(d->sim, "%s: its page is loaded again", d->name);
	if (d->link != 0)
		world_hang_up(d->sim->w, d->link);
	page_drop(d);
	d->open = false;
	timer(d, 1 + sim_dice(d->sim, RELOAD_MS), load, 0, false);
}

void
device_die(struct device *d)
{
	if (!d->open)
		return;
	sim_note(d->sim, "%s: its machine dies", d->name);
	if (d->link != 0)
		world_vanish(d->sim->w, d->link);
	page_drop(d);
	d->open = false;
}

void
device_retire(struct device *d)
{
	uint32_t i;

	device_close(d);
	d->retired = true;
	for (i = 0; i < d->nout; i++)
		d->sim->ledger.texts[d->user][d->out[i].mid].gone = true;
	d->nout = 0;
}

void
device_lose(struct device *d)
{
	if (d->link == 0)
		return;
	sim_note(d->sim, "%s: its link breaks", d->name);
	drop(d);
}

void
device_shut(struct device *d, int code)
{
	struct sim *sim = d->sim;

	sim_note(sim, "%s: closed with %d", d->name, code);
	if (code == 4502 || code == 4500 || code == 4501 || code == 4001)
		sim_complain(sim, "%s: closed with %d", d->name, code);
	if (code == 4000 && was_well(d))
		sim_complain(sim,
		    "%s: a link that nothing befell was closed as silent",
		    d->name);
	lost(d, code, 0);
}

static void
beat(struct device *d, int about)
{
	uint64_t now = world_now(d->sim->w), next;
	bool unheard = d->ping_at > 0 && d->heard_at < d->ping_at;

	if (unheard && now - d->ping_at >= KILL_MS) {
		gone_deaf(d, "no answer to a ping");
		return;
	}
	if (now - d->sent_at >= PING_MS) {
		if (!unheard)
			d->ping_at = now;
		device_say(d, "{'op':'ping'}");
	}
	next = d->sent_at + PING_MS;
	if (d->heard_at < d->ping_at && d->ping_at + KILL_MS < next)
		next = d->ping_at + KILL_MS;
	timer(d, next > now + 10 ? next - now : 10, beat, 0, true);
}

static void
copy(char *dst, size_t size, const char *src)
{
	snprintf(dst, size, "%s", src == NULL ? "" : src);
}

/* What waited over the gap goes out again, or ends with its session. */
static void
settle_kept(struct device *d, bool resumed)
{
	int i;

	for (i = 0; i < REQUESTS_MAX; i++) {
		if (d->requests[i].kind == ASK_NOTHING)
			continue;
		if (resumed)
			write_text(d, d->requests[i].text);
		else
			fail_request(d, &d->requests[i], "link_lost");
	}
}

static void
hello_ok(struct device *d, struct json_in *ok)
{
	bool resumed = json_in_bool(ok, "resumed");
	const struct json *calls;
	char epoch[64];

	copy(epoch, sizeof(epoch), json_in_str(ok, "epoch", 1, 63));
	if (!json_in_bool(ok, "recovered") ||
	    (d->epoch[0] != '\0' && strcmp(epoch, d->epoch) != 0))
		sim_complain(d->sim, "%s: not recovered", d->name);
	copy(d->epoch, sizeof(d->epoch), epoch);
	copy(d->session, sizeof(d->session), json_in_str(ok, "session", 1, 63));
	copy(d->secret, sizeof(d->secret), json_in_str(ok, "secret", 1, 63));
	if (ok->code != 0)
		sim_complain(d->sim, "%s: hello: %s", d->name, ok->err);
	d->state = ONLINE;
	d->sent_at = d->heard_at = world_now(d->sim->w);
	d->ping_at = 0;
	timer(d, STABLE_MS, stable_due, 0, true);
	timer(d, PING_MS, beat, 0, true);
	settle_kept(d, resumed);
	calls = json_in_array_opt(ok, "calls", 0, CALLS_MAX);
	if (!resumed)
		calls_session_lost(d);
	else if (calls != NULL)
		calls_restarted(d, calls);
	chat_start(d);
}

static void
say_hello(struct device *d)
{
	struct request *r = request_new(d, ASK_HELLO, 0);
	char text[512];
	int n;

	n = snprintf(text, sizeof(text),
	    "{'id':%d,'op':'hello','token':'$token.%s','device':'%s',"
	    "'sync':%d",
	    (int)r->id, sim_users[d->user], d->name, (int)d->kept);
	if (d->session[0] != '\0')
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    ",'session':'%s','secret':'%s','epoch':'%s'", d->session,
		    d->secret, d->epoch);
	snprintf(text + n, sizeof(text) - (size_t)n, "}");
	write_text(d, text);
}

/* Refusals that nobody here has earned. */
static bool
absurd(const char *code)
{
	static const char *const codes[] = { "bad_request", "unknown_op",
		"not_ready", "unauthorized", "internal", "too_large" };
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(code, codes[i]) == 0)
			return true;
	}
	return false;
}

static void
on_answer(struct device *d, struct json_in *in)
{
	const struct json *ok = json_in_object_opt(in, "ok");
	struct request *r =
	    request_find(d, (uint64_t)json_in_int(in, "id", 1, INT64_MAX));
	struct json_in members;
	struct answer answer = { NULL, NULL, 0 };

	if (r == NULL)
		return; /* timed out before */
	json_in_init(&members, ok != NULL ? ok : json_in_object(in, "err"), "");
	if (ok != NULL) {
		answer.ok = &members;
	} else {
		answer.code = json_in_str(&members, "code", 1, 32);
		answer.retry_ms = (uint64_t)json_in_int_opt(
		    &members, "retry_ms", 0, 1 << 30, 0);
		if (members.code != 0 || absurd(answer.code))
			sim_complain(d->sim, "%s: refused: %s", d->name,
			    members.code != 0 ? members.err : answer.code);
	}
	if (r->kind != ASK_HELLO) {
		settle(d, r, &answer);
		return;
	}
	request_drop(r);
	if (ok != NULL) {
		hello_ok(d, &members);
	} else {
		world_hang_up(d->sim->w, d->link);
		lost(d, 1006, answer.retry_ms);
	}
}

static void
on_object(struct device *d, struct json_in *in)
{
	const char *push = json_in_str_opt(in, "push", 1, 32);

	if (push == NULL)
		on_answer(d, in);
	else if (strcmp(push, "welcome") == 0)
		say_hello(d);
	else if (strcmp(push, "message") == 0)
		chat_push(d, in);
	else if (strcmp(push, "conversation.read") == 0)
		chat_heard_read(d, in);
	else if (strncmp(push, "call.", 5) == 0)
		calls_push(d, push, in);
}

void
device_heard(struct device *d)
{
	static const struct json_limits limits = { 1 << 20, 20000, 16 };
	const char *text = world_hear(d->sim->w, d->link);
	char err[JSON_ERR_MAX];
	struct json_in in;
	struct json *v;

	sim_note(d->sim, "%s < %s", d->name, text);
	d->heard_at = world_now(d->sim->w);
	if (json_parse(text, strlen(text), &limits, &v, err) != 0) {
		sim_complain(d->sim, "%s: %s: %s", d->name, err, text);
		return;
	}
	json_in_init(&in, v, "");
	on_object(d, &in);
	if (in.code != 0)
		sim_complain(d->sim, "%s: %s: %s", d->name, in.err, text);
	json_free(v);
}
