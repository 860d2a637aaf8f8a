/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "signald/appconf.h"

#define BLANKS " \t"

/* NULL, or what is wrong with NAME FILE. */
static const char *
read_line(const char *text, char name[SIG_APP_MAX + 1], const char **file)
{
	size_t len = strcspn(text, BLANKS);

	if (len == 0 || len > SIG_APP_MAX ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return "its name is not 1 to 32 bytes of a-z 0-9 -";
	memcpy(name, text, len);
	name[len] = '\0';
	*file = text + len + strspn(text + len, BLANKS);
	return **file == '\0' ? "no file" : NULL;
}

static int
add_app(struct appconf *a, const struct conf *main, size_t i,
    char err[DAEMON_ERR_MAX])
{
	const struct signald_conf *c = conf_data(main);
	struct appconf_app *app = &a->apps[a->n];
	char name[SIG_APP_MAX + 1];
	const char *file, *wrong;

	wrong = read_line(((const char *const *)c->apps.items)[i], name, &file);
	if (wrong != NULL)
		return conf_wrong(main, "signald", "app", i, err,
		    "%s; allowed: NAME FILE", wrong);
	if (appconf_find(a, name) != NULL)
		return conf_wrong(main, "signald", "app", i, err,
		    "%s is there already%s", name,
		    i == 0 ? ": it is this file's own app" : "");
	if (a->n == APPCONF_MAX)
		return conf_wrong(main, "signald", "app", i, err,
		    "too many; %d are allowed", APPCONF_MAX - 1);
	if (access(file, R_OK) != 0)
		return conf_wrong(main, "signald", "app", i, err,
		    "cannot read %.200s: %s", file, strerror(errno));
	app->own = conf_load_part(
	    file, signald_options, sizeof(struct signald_conf), err);
	if (app->own == NULL)
		return -EINVAL;
	app->conf = app->own;
	memcpy(app->name, name, sizeof(name));
	a->n++;
	return 0;
}

/* Hosts of the app with this index. */
static int
add_hosts(struct appconf *a, int owner, char err[DAEMON_ERR_MAX])
{
	const struct conf *conf = a->apps[owner].conf;
	const struct signald_conf *c = conf_data(conf);
	const char *const *names = c->hosts.items;
	size_t i;
	int rc;

	if (owner > 0 && c->hosts.n == 0)
		return conf_wrong(conf, "signald", "host", 0, err,
		    "is needed; without one no request is for this app");
	for (i = 0; i < c->hosts.n; i++) {
		if (!hosts_ok(names[i]))
			return conf_wrong(conf, "signald", "host", i, err,
			    "not a host; allowed: a name or an address, of "
			    "IPv6 in brackets, without a port");
		rc = hosts_put(&a->hosts, names[i], owner);
		if (rc == -EEXIST)
			return conf_wrong(conf, "signald", "host", i, err,
			    "%.100s is there already, in app %s", names[i],
			    a->apps[hosts_find(
					&a->hosts, names[i], strlen(names[i]))]
				.name);
		if (rc != 0)
			return conf_wrong(conf, "signald", "host", i, err, "%s",
			    rc == -ENOSPC ? "too many hosts" : "out of memory");
	}
	return 0;
}

int
appconf_load(
    struct appconf *a, const struct conf *main, char err[DAEMON_ERR_MAX])
{
	const struct signald_conf *c = conf_data(main);
	int rc = 0, owner;
	size_t i;

	*a = (struct appconf){ .n = 1, .apps[0] = { "main", main, NULL } };
	for (i = 0; rc == 0 && i < c->apps.n; i++)
		rc = add_app(a, main, i, err);
	for (owner = 0; rc == 0 && owner < a->n; owner++)
		rc = add_hosts(a, owner, err);
	if (rc != 0)
		appconf_free(a);
	return rc;
}

void
appconf_free(struct appconf *a)
{
	int i;

	hosts_fini(&a->hosts);
	for (i = 0; i < a->n; i++)
		conf_free(a->apps[i].own);
	a->n = 0;
}

const struct conf *
appconf_find(const struct appconf *a, const char *name)
{
	int i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->apps[i].name, name) == 0)
			return a->apps[i].conf;
	return NULL;
}

void
appconf_dump(const struct appconf *a, FILE *f)
{
	int i;

	for (i = 0; i < a->n; i++) {
		if (i > 0)
			fprintf(f, "\n; app %s: %s\n", a->apps[i].name,
			    conf_file(a->apps[i].conf));
		conf_dump(a->apps[i].conf, f);
	}
}
