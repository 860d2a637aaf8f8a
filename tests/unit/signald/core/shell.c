/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/signald/core/world.h"

void
event_free(struct event *e)
{
	free(e->text);
	free(e->to);
	sig_mail_free(e->mail);
	sig_append_free(e->append);
	free(e);
}

struct event *
event_at(struct world *w, enum event_kind kind, uint32_t shard, uint64_t at)
{
	struct event *e = calloc(1, sizeof(*e)), *before;

	e->kind = kind;
	e->shard = shard;
	e->at = at;
	TAILQ_FOREACH_REVERSE(before, &w->events, events, next)
	{
		if (before->at <= at)
			break;
	}
	if (before == NULL)
		TAILQ_INSERT_HEAD(&w->events, e, next);
	else
		TAILQ_INSERT_AFTER(&w->events, before, e, next);
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

static void
effect_send(struct world *w, struct sig_effect *effect)
{
	struct link *l = world_link(w, (int)effect->link);
	static const char presence[] = "{\"push\":\"presence\"";
	struct heard *h;

	tap_heard(w->tap, (int)effect->link, effect->text, effect->len);
	if (l->code != 0 || l->vanished || l->gone)
		return;
	if (w->no_presence && effect->len > sizeof(presence) &&
	    memcmp(effect->text, presence, sizeof(presence) - 1) == 0)
		return;
	h = calloc(1, sizeof(*h));
	h->text = strndup(effect->text, effect->len);
	STAILQ_INSERT_TAIL(&l->heard, h, next);
	l->unheard++;
}

static void
effect_post(struct world *w, uint32_t from, struct sig_effect *effect)
{
	struct event *e;

	if (w->lose_inbox && effect->mail->kind == SIG_MAIL_INBOX)
		return;
	e = event_at(w, MAIL, effect->shard,
	    event_later(w, w->opts.mail_ms, &w->mail_at[from][effect->shard]));
	e->mail = effect->mail;
	effect->mail = NULL;
}

static void
effect_log(struct world *w, uint32_t shard, struct sig_effect *effect)
{
	struct event *e;
	uint64_t at;

	if (effect->kind == SIG_APPEND) {
		at = event_later(w, w->opts.log_ms, &w->commit_at[shard]);
		e = event_at(w, COMMIT, shard, at);
		e->append = effect->append;
		effect->append = NULL;
	} else {
		at = w->now + world_random(w, w->opts.log_ms + 1);
		e = event_at(w, ROWS, shard, at);
		e->read = effect->read;
	}
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

void
shell_run(struct world *w, uint32_t shard)
{
	struct sig_effect effect;
	struct link *l;

	while (sig_core_effect(w->cores[shard], &effect)) {
		switch (effect.kind) {
		case SIG_SEND:
			effect_send(w, &effect);
			break;
		case SIG_CLOSE:
			l = world_link(w, (int)effect.link);
			if (l->code == 0)
				l->code = effect.code;
			event_at(w, CLOSED, shard, w->now)->link =
			    (int)effect.link;
			break;
		case SIG_MOVE:
			effect_move(w, &effect);
			break;
		case SIG_POST:
			effect_post(w, shard, &effect);
			break;
		case SIG_APPEND:
		case SIG_READ:
			effect_log(w, shard, &effect);
			break;
		}
		sig_effect_fini(&effect);
	}
}

static void
run_commit(struct world *w, struct event *e)
{
	struct event *done;
	uint64_t at;

	at = event_later(w, w->opts.log_ms, &w->result_at[e->shard]);
	done = event_at(w, APPENDED, e->shard, at);
	done->ticket = e->ticket;
	if (w->append_errs > 0) {
		w->append_errs--;
		done->result.err = w->append_err;
		return;
	}
	disk_append(w->disk, e->append, &done->result);
	if (done->result.nto > 0) {
		done->to = calloc(done->result.nto, sizeof(*done->to));
		memcpy(done->to, done->result.to,
		    done->result.nto * sizeof(*done->to));
		done->result.to = done->to;
	}
	if (done->result.text == NULL)
		return;
	done->text = strndup(done->result.text, done->result.text_len);
	done->result.text = done->text;
}

/* Who asked for rows. */
struct rows_for {
	struct sig_core *core;
	uint64_t ticket;
	struct sig_time time;
};

static void
rows_come(void *arg, const struct sig_rows *rows)
{
	const struct rows_for *to = arg;

	sig_core_read(to->core, to->ticket, rows, to->time);
}

static void
run_rows(struct world *w, const struct event *e)
{
	struct sig_rows failed = { .err = w->read_err };
	struct rows_for to = { w->cores[e->shard], e->ticket, world_time(w) };

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

static void
run_event(struct world *w, struct event *e)
{
	struct sig_core *core = w->cores[e->shard];
	struct sig_time t = world_time(w);

	switch (e->kind) {
	case MAIL:
		sig_core_mail(core, e->mail, t);
		e->mail = NULL;
		break;
	case COMMIT:
		run_commit(w, e);
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
		sig_core_link_adopt(
		    core, (uint64_t)e->link, e->text, e->len, t);
		break;
	case CLOSED:
		sig_core_link_closed(core, (uint64_t)e->link, t);
		break;
	}
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

	for (i = 0; i < w->opts.cfg.shards; i++) {
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

	for (i = 0; i < w->opts.cfg.shards; i++) {
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
