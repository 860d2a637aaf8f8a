/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * app: what signald serves one community with: its users, conversations,
 * files, limits and keys, which nobody else's tokens open (ADR 28).
 * Owns: everything in it but file; desks are in an array here, one a worker.
 * Thread: opened and closed on main; desks are their workers'.
 */
#ifndef FLOE_SIGNALD_APP_H
#define FLOE_SIGNALD_APP_H

#include <stdatomic.h>

#include "lib/http/http.h"
#include "signald/conf.h"
#include "signald/desk.h"
#include "signald/keys.h"
#include "signald/log/msglog.h"
#include "signald/rate.h"
#include "signald/shelf.h"
#include "signald/webhook.h"

struct signald;
struct worker;

struct app {
	const char *name;
	const struct conf *file;
	const struct signald_conf *conf; /* what it says */
	struct signald_setup setup;
	struct msglog *log;
	struct shelf *shelf;
	struct keys *keys;       /* NULL without outside tokens; main's */
	struct webhook *webhook; /* NULL: nobody is told of events */
	struct rate *user_rate, *rest_rate;
	struct desk *desks;
	atomic_int_fast64_t links; /* of all workers */
};

/* The app with this index. 0, or -errno with err; app_close is fine after
 * either. */
int app_open(
    struct app *, const struct signald *, int index, char err[DAEMON_ERR_MAX]);
/* After the workers, of which there were so many. */
void app_close(struct app *, int workers);
struct desk *app_desk(const struct app *, const struct worker *);
/* Whom an operator's request is about (?app=NAME, else the main one). NULL:
 * there is none such, and the reply says so. */
struct app *app_asked(
    const struct signald *, const struct http_request *, struct http_reply *);

#endif
