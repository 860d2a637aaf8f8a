/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "signald/account.h"
#include "signald/desk.h"
#include "signald/link.h"
#include "signald/worker.h"

struct sig_time
desk_time(const struct desk *desk)
{
	return worker_time(desk->worker);
}

/* Mail on its way to another worker. */
struct letter {
	struct desk *to;
	struct sig_mail *mail;
};

static void
letter_arrives(void *arg)
{
	struct letter *l = arg;

	if (l->to->core == NULL)
		sig_mail_free(l->mail);
	else
		sig_core_mail(l->to->core, l->mail, desk_time(l->to));
	free(l);
}

static void
do_post(struct desk *desk, struct sig_effect *e)
{
	struct letter *l;

	if (e->shard == desk->config.shard) {
		sig_core_mail(desk->core, e->mail, desk_time(desk));
		e->mail = NULL;
		return;
	}
	l = malloc(sizeof(*l));
	if (l == NULL)
		goto lost;
	l->to = &desk->app->desks[e->shard];
	l->mail = e->mail;
	if (loop_post(l->to->worker->loop, letter_arrives, l) == 0) {
		e->mail = NULL;
		return;
	}
lost:
	free(l);
	desk->worker->stats.mail_lost++;
}

static void
do_append(struct desk *desk, struct sig_effect *e)
{
	struct sig_appended failed = { .err = 0 };
	struct sig_append *append = e->append;

	e->append = NULL;
	failed.err = msglog_append(desk->port, e->ticket, false, append);
	if (failed.err != 0)
		sig_core_appended(
		    desk->core, e->ticket, &failed, desk_time(desk));
}

struct reading {
	struct desk *desk;
	uint64_t ticket;
};

static void
rows_read(void *arg, const struct sig_rows *rows)
{
	struct reading *r = arg;

	sig_core_read(r->desk->core, r->ticket, rows, desk_time(r->desk));
}

static void
do_read(struct desk *desk, struct sig_effect *e)
{
	struct reading r = { desk, e->ticket };

	msglog_read(desk->reader, e->read, rows_read, &r);
}

static void
do_tell(struct desk *desk, struct sig_effect *e)
{
	webhook_post(desk->app->webhook, e->text, e->len);
}

void
desk_pump(struct desk *desk)
{
	static void (*const by_kind[])(struct desk *, struct sig_effect *) = {
		[SIG_SEND] = link_send,
		[SIG_CLOSE] = link_close,
		[SIG_MOVE] = link_move,
		[SIG_POST] = do_post,
		[SIG_APPEND] = do_append,
		[SIG_READ] = do_read,
		[SIG_TELL] = do_tell,
	};
	struct sig_effect e;

	while (sig_core_effect(desk->core, &e)) {
		by_kind[e.kind](desk, &e);
		sig_effect_fini(&e);
	}
}

static void
appended(void *arg, bool own, uint64_t ticket, const struct sig_appended *done)
{
	struct desk *desk = arg;
	struct conn *c;

	if (!own) {
		sig_core_appended(desk->core, ticket, done, desk_time(desk));
		desk_pump(desk);
		return;
	}
	c = worker_conn(desk->worker, ticket);
	if (c != NULL)
		account_appended(c, done);
}

static void
results_arrive(void *arg)
{
	struct desk *desk = arg;

	if (desk->core != NULL)
		msglog_port_drain(desk->port, appended, desk);
}

/* On the writer's thread. */
static int
results_wait(void *arg)
{
	struct desk *desk = arg;

	return loop_post(desk->worker->loop, results_arrive, desk);
}

int
desk_open(struct desk *desk, struct app *app, struct worker *w)
{
	desk->app = app;
	desk->worker = w;
	desk->config = app->setup.core;
	desk->config.shard = (uint32_t)w->index;
	desk->config.turn_uris = w->turn_uris;
	desk->core = sig_core_new(&desk->config);
	desk->port = msglog_port_new(app->log, results_wait, desk);
	desk->reader = msglog_reader_new(app->log);
	return desk->core != NULL && desk->port != NULL && desk->reader != NULL
	    ? 0
	    : -ENOMEM;
}

void
desk_close(struct desk *desk)
{
	struct sig_core *core = desk->core;

	desk->core = NULL;
	sig_core_free(core);
	if (desk->port != NULL)
		msglog_port_mute(desk->port);
	msglog_reader_free(desk->reader);
	desk->reader = NULL;
}

void
desk_load(struct desk *desk)
{
	sig_core_load(desk->core, desk_time(desk));
	desk_pump(desk);
}

void
desk_start(struct desk *desk)
{
	sig_core_start(desk->core, desk_time(desk));
	desk_pump(desk);
}
