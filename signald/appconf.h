/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * appconf: the apps of a configuration: the main file itself is the first,
 * "main", and each of its app lines names another one with a file of its own,
 * which may set what is an app's and inherits nothing.
 * Owns: the other apps' snapshots; the main one is the caller's.
 * Thread: main; read by any once loaded.
 */
#ifndef FLOE_SIGNALD_APPCONF_H
#define FLOE_SIGNALD_APPCONF_H

#include "signald/conf.h"
#include "signald/hosts.h"

#define APPCONF_MAX 64 /* apps, the main one with them */

struct appconf_app {
	char name[SIG_APP_MAX + 1];
	const struct conf *conf;
	struct conf *own; /* the same, but for the main one */
};

struct appconf {
	struct appconf_app apps[APPCONF_MAX];
	int n;
	struct hosts hosts; /* owned by the index of their app */
};

/* 0, or -errno with err, and then it is as after appconf_free. */
int appconf_load(
    struct appconf *, const struct conf *main, char err[DAEMON_ERR_MAX]);
void appconf_free(struct appconf *);
/* The app's, or NULL. */
const struct conf *appconf_find(const struct appconf *, const char *name);
/* All of them, one after the other, as conf_dump does. */
void appconf_dump(const struct appconf *, FILE *);

#endif
