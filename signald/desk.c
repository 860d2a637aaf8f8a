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

/* What a turn has for a core of another worker. */
struct bag {
	struct desk *to;
	struct sig_mails mails;
};

static struct sig_mail *
bag_take(struct bag *bag)
{
	struct sig_mail *mail = STAILQ_FIRST(&bag->mails);

	if (mail != NULL)
		STAILQ_REMOVE_HEAD(&bag->mails, next);
	return mail;
}

static void
bag_arrives(void *arg)
{
	struct bag *bag = arg;
	struct desk *desk = bag->to;
	struct sig_mail *mail;

	while ((mail = bag_take(bag)) != NULL) {
		if (desk->core == NULL)
			sig_mail_free(mail);
		else
			sig_core_mail(desk->core, mail, desk_time(desk));
	}
	free(bag);
}

/* The one that goes there when the turn ends; NULL without memory. */
static struct bag *
bag_for(struct desk *desk, uint32_t shard)
{
	struct bag *bag = desk->bags[shard];

	if (bag != NULL)
		return bag;
	bag = malloc(sizeof(*bag));
	if (bag == NULL)
		return NULL;
	bag->to = &desk->app->desks[shard];
	STAILQ_INIT(&bag->mails);
	desk->bags[shard] = bag;
	return bag;
}

static void
do_post(struct desk *desk, struct sig_effect *e)
{
	struct bag *bag = bag_for(desk, e->shard);

	if (bag == NULL) {
		desk->worker->stats.mail_lost++;
		return;
	}
	STAILQ_INSERT_TAIL(&bag->mails, e->mail, next);
	e->mail = NULL;
}

void
desk_flush(struct desk *desk)
{
	struct sig_mail *mail;
	struct bag *bag;
	uint32_t i;

	for (i = 0; i < desk->config.shards; i++) {
		bag = desk->bags[i];
		desk->bags[i] = NULL;
		if (bag == NULL ||
		    loop_post(bag->to->worker->loop, bag_arrives, bag) == 0)
			continue;
		while ((mail = bag_take(bag)) != NULL) {
			desk->worker->stats.mail_lost++;
			sig_mail_free(mail);
		}
		free(bag);
	}
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
	desk->bags = calloc(desk->config.shards, sizeof(struct bag *));
	return desk->core != NULL && desk->port != NULL &&
		desk->reader != NULL && desk->bags != NULL
	    ? 0
	    : -ENOMEM;
}

void
desk_close(struct desk *desk)
{
	struct sig_core *core = desk->core;

	if (desk->bags != NULL)
		desk_flush(desk);
	free(desk->bags);
	desk->bags = NULL;
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
	desk_flush(desk);
}

void
desk_start(struct desk *desk)
{
	sig_core_start(desk->core, desk_time(desk));
	desk_pump(desk);
}
