/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/signald/core/world.h"

void
event_free(struct event *e)
{
	free(e->text);
	free(e->peer_text);
	free(e->to);
	sig_mail_free(e->mail);
	sig_append_free(e->append);
	free(e->arg);
	free(e);
}

struct event *
event_new(enum event_kind kind, uint32_t shard)
{
	struct event *e = calloc(1, sizeof(*e));

	e->kind = kind;
	e->shard = shard;
	return e;
}

void
event_put(struct world *w, struct event *e, uint64_t at)
{
	struct event *before;

	e->at = at;
	TAILQ_FOREACH_REVERSE (before, &w->events, events, next) {
		if (before->at <= at)
			break;
	}
	if (before == NULL)
		TAILQ_INSERT_HEAD(&w->events, e, next);
	else
		TAILQ_INSERT_AFTER(&w->events, before, e, next);
}

struct event *
event_at(struct world *w, enum event_kind kind, uint32_t shard, uint64_t at)
{
	struct event *e = event_new(kind, shard);

	event_put(w, e, at);
	return e;
}

uint64_t
event_later(struct world *w, uint32_t ms, uint64_t *last)
{
	uint64_t at = w->now + world_random(w, ms + 1);

	if (at < *last)
		at = *last;
	*last = at;
	return at;
}

uint64_t
link_later(struct world *w, struct link *l, uint64_t *last)
{
	if (*last < l->stall_until)
		*last = l->stall_until;
	return event_later(w, l->slow_ms, last);
}

void
link_hears(struct link *l, char *text)
{
	struct heard *h = calloc(1, sizeof(*h));

	h->text = text;
	STAILQ_INSERT_TAIL(&l->heard, h, next);
	l->unheard++;
}

void
link_close(struct world *w, int link, int code)
{
	struct link *l = world_link(w, link);
	struct event *e;

	l->code = code;
	weather_ends(w, l);
	if (w->ears == NULL || l->vanished || l->gone) {
		l->shut = true;
		return;
	}
	e = event_at(w, SHUT, l->shard, link_later(w, l, &l->heard_at));
	e->link = link;
	e->err = code;
}

/* Presence that nobody wants to hear of. */
static bool
unwanted(const struct world *w, const struct sig_effect *effect)
{
	static const char presence[] = "{\"push\":\"presence\"";

	return w->no_presence && effect->len > sizeof(presence) &&
	    memcmp(effect->text, presence, sizeof(presence) - 1) == 0;
}

/* It comes to the client's ears after its way. */
static void
send_far(struct world *w, struct link *l, const struct sig_effect *effect)
{
	uint64_t at = link_later(w, l, &l->heard_at);
	int link = (int)effect->link;
	struct event *e;

	if (!weather_takes(w, link, effect->len, effect->droppable, &at))
		return;
	l->heard_at = at;
	e = event_at(w, HEARD, l->shard, at);
	e->link = link;
	e->droppable = effect->droppable;
	e->len = effect->len;
	e->text = strndup(effect->text, effect->len);
}

static void
effect_send(struct world *w, struct sig_effect *effect)
{
	struct link *l = world_link(w, (int)effect->link);

	tap_heard(w->tap, (int)effect->link, effect->text, effect->len);
	if (l->code != 0 || l->vanished || l->gone || unwanted(w, effect))
		return;
	if (w->ears == NULL) {
		link_hears(l, strndup(effect->text, effect->len));
		return;
	}
	if (plant_send(w, effect))
		send_far(w, l, effect);
	send_far(w, l, effect);
}

static void
effect_close(struct world *w, uint32_t shard, const struct sig_effect *effect)
{
	struct link *l = world_link(w, (int)effect->link);

	event_at(w, CLOSED, shard, w->now)->link = (int)effect->link;
	if (l->code == 0)
		link_close(w, (int)effect->link, effect->code);
}

static void
count_mail(struct world *w, enum sig_mail_kind kind)
{
	w->mails[kind].all++;
	if (w->mails[kind].at != w->now)
		w->mails[kind].now = 0;
	w->mails[kind].at = w->now;
	if (++w->mails[kind].now > w->mails[kind].most)
		w->mails[kind].most = w->mails[kind].now;
}

static void
effect_post(struct world *w, uint32_t from, struct sig_effect *effect)
{
	struct event *e;

	count_mail(w, effect->mail->kind);
	if ((w->lose_inbox && effect->mail->kind == SIG_MAIL_INBOX) ||
	    plant_loses(w, effect->mail))
		return;
	e = event_at(w, MAIL, effect->shard,
	    event_later(w, w->opts.mail_ms, &w->mail_at[from][effect->shard]));
	e->mail = effect->mail;
	effect->mail = NULL;
}

static bool
lazy(const struct sig_append *a)
{
	return a->kind == SIG_APPEND_CURSOR || a->kind == SIG_APPEND_SEEN ||
	    a->kind == SIG_APPEND_READ ||
	    (a->kind == SIG_APPEND_KEEP && a->lazy);
}

/* The next commit takes all that waits; what is lazy waits for company. */
static void
commit_later(struct world *w, bool may_wait)
{
	if (w->commit != NULL && (may_wait || !w->commit_lazy))
		return;
	if (w->commit != NULL) {
		TAILQ_REMOVE(&w->events, w->commit, next);
		event_free(w->commit);
	}
	w->commit_lazy = may_wait;
	w->commit = event_at(w, COMMIT, 0,
	    w->now +
		(may_wait ? w->opts.lazy_ms
			  : world_random(w, w->opts.log_ms + 1)));
}

static void
effect_append(struct world *w, uint32_t shard, struct sig_effect *effect)
{
	struct event *e = event_new(APPENDED, shard);

	e->ticket = effect->ticket;
	e->append = effect->append;
	effect->append = NULL;
	plant_append(w, e->append);
	TAILQ_INSERT_TAIL(&w->waiting, e, next);
	if (w->plant == PLANT_EARLY_ACK)
		plant_early_ack(w);
	commit_later(w, w->opts.lazy_ms > 0 && lazy(e->append));
}

static void
effect_read(struct world *w, uint32_t shard, struct sig_effect *effect)
{
	struct event *e;

	e = event_at(
	    w, ROWS, shard, w->now + world_random(w, w->opts.log_ms + 1));
	e->read = *effect->read;
	e->ticket = effect->ticket;
}

static void
effect_move(struct world *w, struct sig_effect *effect)
{
	struct link *l = world_link(w, (int)effect->link);
	struct event *e;

	l->shard = effect->shard;
	l->moving = true;
	e = event_at(w, ADOPT, effect->shard,
	    event_later(w, w->opts.mail_ms, &l->frame_at));
	e->link = (int)effect->link;
	e->text = effect->text;
	e->len = effect->len;
	effect->text = NULL;
}

static void
effect_tell(struct world *w, struct sig_effect *effect)
{
	struct heard *h = calloc(1, sizeof(*h));

	h->text = strndup(effect->text, effect->len);
	STAILQ_INSERT_TAIL(&w->told, h, next);
}

void
shell_run(struct world *w, uint32_t shard)
{
	struct sig_effect effect;

	while (sig_core_effect(w->cores[shard], &effect)) {
		switch (effect.kind) {
		case SIG_SEND:
			effect_send(w, &effect);
			break;
		case SIG_CLOSE:
			effect_close(w, shard, &effect);
			break;
		case SIG_MOVE:
			effect_move(w, &effect);
			break;
		case SIG_POST:
			effect_post(w, shard, &effect);
			break;
		case SIG_APPEND:
			effect_append(w, shard, &effect);
			break;
		case SIG_READ:
			effect_read(w, shard, &effect);
			break;
		case SIG_TELL:
			effect_tell(w, &effect);
			break;
		}
		sig_effect_fini(&effect);
	}
}

/* The result of an append that waited, to its shard. */
void
shell_appended(
    struct world *w, struct event *e, const struct sig_appended *result)
{
	e->result = *result;
	if (result->text != NULL) {
		e->text = strndup(result->text, result->text_len);
		e->result.text = e->text;
	}
	if (result->peer_text != NULL) {
		e->peer_text =
		    strndup(result->peer_text, result->peer_text_len);
		e->result.peer_text = e->peer_text;
	}
	if (result->nto > 0) {
		e->to = calloc(result->nto, sizeof(*e->to));
		memcpy(e->to, result->to, result->nto * sizeof(*e->to));
		e->result.to = e->to;
	}
	event_put(
	    w, e, event_later(w, w->opts.log_ms, &w->result_at[e->shard]));
}

/* Those that are to fail get their result; the others are named. */
static size_t
commit_picks(
    struct world *w, const struct sig_append **appends, struct event **events)
{
	struct sig_appended failed = { .err = w->append_err };
	struct event *e;
	size_t n = 0;

	while ((e = TAILQ_FIRST(&w->waiting)) != NULL) {
		TAILQ_REMOVE(&w->waiting, e, next);
		if (w->append_errs > 0) {
			w->append_errs--;
			shell_appended(w, e, &failed);
			continue;
		}
		appends[n] = e->append;
		events[n++] = e;
	}
	return n;
}

static void
run_commit(struct world *w)
{
	const struct sig_append **appends;
	struct sig_appended *done;
	struct event **events, *e;
	size_t n = 0, i;

	w->commit = NULL;
	TAILQ_FOREACH (e, &w->waiting, next)
		n++;
	appends = calloc(n + 1, sizeof(*appends));
	events = calloc(n + 1, sizeof(*events));
	done = calloc(n + 1, sizeof(*done));
	n = commit_picks(w, appends, events);
	disk_commit(w->disk, appends, n, done, false);
	for (i = 0; i < n; i++) {
		if (events[i]->told)
			event_free(events[i]);
		else
			shell_appended(w, events[i], &done[i]);
	}
	free(appends);
	free(events);
	free(done);
}

/* Who asked for rows. */
struct rows_for {
	struct world *w;
	const struct event *e;
};

static void
rows_come(void *arg, const struct sig_rows *rows)
{
	const struct rows_for *to = arg;

	plant_rows(to->w, &to->e->read, rows);
	sig_core_read(
	    to->w->cores[to->e->shard], to->e->ticket, rows, world_time(to->w));
}

static void
run_rows(struct world *w, struct event *e)
{
	struct sig_rows failed = { .err = w->read_err };
	struct rows_for to = { w, e };

	plant_read(w, &e->read);
	if (w->read_errs == 0) {
		disk_read(w->disk, &e->read, rows_come, &to);
		return;
	}
	w->read_errs--;
	rows_come(&to, &failed);
}

static void
run_frame(struct world *w, struct event *e)
{
	struct link *l = world_link(w, e->link);
	struct event *again;

	if (w->down)
		return;
	if (l->moving) {
		again = event_at(w, FRAME, l->shard, l->frame_at);
		again->link = e->link;
		again->text = e->text;
		again->len = e->len;
		e->text = NULL;
		return;
	}
	tap_said(w->tap, e->link, e->text, e->len);
	sig_core_link_frame(w->cores[l->shard], (uint64_t)e->link, e->text,
	    e->len, world_time(w));
	shell_run(w, l->shard);
}

void
shell_closed(struct world *w, int link)
{
	struct link *l;

	if (w->plant == PLANT_LATE_CLOSE)
		link = plant_newer(w, link);
	l = world_link(w, link);
	if (l->behind)
		sig_core_link_behind(w->cores[l->shard], (uint64_t)link);
	sig_core_link_closed(w->cores[l->shard], (uint64_t)link, world_time(w));
	shell_run(w, l->shard);
}

static void
run_event(struct world *w, struct event *e)
{
	struct sig_core *core = w->cores[e->shard];
	struct sig_time t = world_time(w);

	switch (e->kind) {
	case MAIL:
		plant_mail(w, e->mail);
		sig_core_mail(core, e->mail, t);
		e->mail = NULL;
		break;
	case COMMIT:
		run_commit(w);
		break;
	case APPENDED:
		sig_core_appended(core, e->ticket, &e->result, t);
		break;
	case ROWS:
		run_rows(w, e);
		break;
	case FRAME:
		run_frame(w, e);
		break;
	case ADOPT:
		world_link(w, e->link)->moving = false;
		sig_core_link_adopt(core, (uint64_t)e->link,
		    world_link(w, e->link)->opened_ms, e->text, e->len, t);
		break;
	case CLOSED:
		shell_closed(w, e->link);
		break;
	default:
		weather_event(w, e);
	}
	if (w->cores[e->shard] != NULL)
		shell_run(w, e->shard);
}

/* The next event up to the time given; false when there is none. */
static bool
run_one(struct world *w, uint64_t until)
{
	struct event *e = TAILQ_FIRST(&w->events);

	if (e == NULL || e->at > until)
		return false;
	TAILQ_REMOVE(&w->events, e, next);
	if (e->at > w->now)
		w->now = e->at;
	run_event(w, e);
	event_free(e);
	return true;
}

static void
run_ticks(struct world *w)
{
	uint32_t i;

	for (i = 0; !w->down && i < w->opts.cfg.shards; i++) {
		if (sig_core_next_ms(w->cores[i]) > w->now)
			continue;
		sig_core_tick(w->cores[i], world_time(w));
		shell_run(w, i);
	}
}

static uint64_t
next_tick(const struct world *w)
{
	uint64_t next = UINT64_MAX, at;
	uint32_t i;

	for (i = 0; !w->down && i < w->opts.cfg.shards; i++) {
		at = sig_core_next_ms(w->cores[i]);
		if (at < next)
			next = at;
	}
	return next;
}

void
world_settle(struct world *w)
{
	while (run_one(w, UINT64_MAX))
		continue;
}

void
world_run(struct world *w, uint64_t ms)
{
	uint64_t until = w->now + ms, tick;
	const struct event *e;

	for (;;) {
		tick = next_tick(w);
		e = TAILQ_FIRST(&w->events);
		if (e != NULL && e->at <= until && e->at <= tick) {
			run_one(w, until);
			continue;
		}
		if (tick > until)
			break;
		if (tick > w->now)
			w->now = tick;
		run_ticks(w);
	}
	w->now = until;
}
