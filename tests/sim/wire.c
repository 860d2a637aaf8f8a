/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/device.h"

/* As in web/sdk/link.js. */
#define OPEN_MS   10000
#define STABLE_MS 5000
#define SPREAD_MS 2000
#define PING_MS   5000
#define KILL_MS   7000

static device_fn connect_now;

void
wire_text(struct device *d, const char *text)
{
	sim_note(d->sim, "%s > %s", d->name, text);
	d->sent_at = world_now(d->sim->w);
	world_post(d->sim->w, d->link, text);
}

void
wire_say(struct device *d, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (d->state != ONLINE)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	wire_text(d, text);
}

/* The link is over for the page; it comes back by itself. */
static void
lost(struct device *d, int code, uint64_t retry_ms)
{
	uint64_t wait;

	d->link = 0;
	d->links++;
	d->state = WAITING;
	request_link_lost(d);
	wait = code == 4003 ? sim_dice(d->sim, SPREAD_MS)
			    : device_backoff(d, &d->attempt);
	if (wait < retry_ms)
		wait = retry_ms;
	device_timer(d, wait, connect_now, 0, true);
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

/* Its client reads slowly. */
static void
narrow(struct device *d)
{
	uint32_t bps = 150u << sim_dice(d->sim, 5);
	uint32_t bytes = 300 + sim_dice(d->sim, 1500);

	sim_note(d->sim, "%s reads %u bytes a second, and %u wait", d->name,
	    bps, bytes);
	world_narrow(d->sim->w, d->link, bps, bytes);
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
	if (!sim->calm && sim_chance(sim, sim->climate.narrow))
		narrow(d);
	device_timer(d, OPEN_MS, open_due, 0, true);
}

void
wire_open(struct device *d)
{
	connect_now(d, 0);
}

void
wire_lose(struct device *d)
{
	if (d->link == 0)
		return;
	sim_note(d->sim, "%s: its link breaks", d->name);
	drop(d);
}

void
wire_shut(struct device *d, int code)
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
		wire_say(d, "{'op':'ping'}");
	}
	next = d->sent_at + PING_MS;
	if (d->heard_at < d->ping_at && d->ping_at + KILL_MS < next)
		next = d->ping_at + KILL_MS;
	device_timer(d, next > now + 10 ? next - now : 10, beat, 0, true);
}

static void
copy(char *dst, size_t size, const char *src)
{
	snprintf(dst, size, "%s", src == NULL ? "" : src);
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
	device_timer(d, STABLE_MS, stable_due, 0, true);
	device_timer(d, PING_MS, beat, 0, true);
	request_link_back(d, resumed);
	calls = json_in_array_opt(ok, "calls", 0, CALLS_MAX);
	if (!resumed)
		calls_session_lost(d);
	else if (calls != NULL)
		calls_restarted(d, calls);
	large_start(d, json_in_array_opt(ok, "large", 0, LEDGER_CONVS));
	chat_start(d);
	marks_start(d);
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
	wire_text(d, text);
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
		request_settle(d, r, &answer);
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
		marks_heard(d, in);
	else if (strncmp(push, "call.", 5) == 0)
		calls_push(d, push, in);
}

void
wire_heard(struct device *d)
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
