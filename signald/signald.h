/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signald: what all workers of the daemon share. Immutable while they run,
 * but for what looks after itself (apps, hasher, rates) and one counter.
 * Owns: everything in it; workers are in an array here, so that mail to one
 * that has ended still finds its place.
 * Thread: made and freed on main.
 */
#ifndef FLOE_SIGNALD_SIGNALD_H
#define FLOE_SIGNALD_SIGNALD_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/daemon/listen.h"
#include "lib/tls/tls.h"
#include "signald/app.h"
#include "signald/appconf.h"
#include "signald/backup.h"
#include "signald/conf.h"
#include "signald/files.h"
#include "signald/hasher.h"
#include "signald/rate.h"
#include "signald/relays.h"
#include "signald/share.h"

struct worker;

struct signald {
	struct daemon_run *run;
	const struct signald_conf *conf;
	struct appconf appconf;
	struct app *apps; /* as there; the first is the main one */
	int napps;
	int lock_fd; /* holds the state directory */
	struct files *files;
	struct hasher *hasher;
	struct tls_ctx *tls;   /* NULL without https */
	struct relays *relays; /* NULL: none is watched */
	struct backup *backup;
	atomic_uint_fast64_t
	    draining_since; /* seconds since 1970; 0: serving */
	struct rate *address_rate;
	struct share *addresses; /* their connections; NULL: not counted */
	struct listeners listeners;
	struct worker *workers;
	int nworkers;
	pthread_mutex_t ready_lock;
	int ready; /* workers whose loop can be posted to */
	atomic_int_fast64_t connections; /* of all workers */
};

/* state.c: the directory and its lock. 0, or -errno with err. */
int state_open(struct signald *, char err[DAEMON_ERR_MAX]);
/* The key of DIR that signs tokens; made when it is missing. Likewise. */
int state_key(const char *dir, uint8_t key[32], char err[DAEMON_ERR_MAX]);
#define STATE_PATH_MAX 384 /* fits into an error with what is wrong */
/* Where an app's state lies in DIR, made when it is missing; likewise. */
int state_app(char path[STATE_PATH_MAX], const char *dir, const char *app,
    char err[DAEMON_ERR_MAX]);
/* DIR/NAME; 0 or -ENAMETOOLONG with err. */
int state_path(char path[STATE_PATH_MAX], const char *dir, const char *name,
    char err[DAEMON_ERR_MAX]);

/* admin.c */
extern const struct http_route signald_routes[];
/* doc/openapi/signald-admin.yaml */
extern const uint8_t signald_openapi[];
extern const size_t signald_openapi_len;

#endif
