/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "lib/daemon/run.h"
#include "lib/daemon/system.h"
#include "lib/log/log.h"

static void
say_stale(void *arg, const char *section, const char *key, int line)
{
	unsigned int *n = arg;

	++*n;
	log_warn("reload_needs_restart", KV_S("section", section),
	    KV_S("key", key), KV_I("line", line));
}

static int
take(struct daemon_run *run, const struct conf *fresh, char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(fresh);
	int e = 0;

	if (run->d->reload != NULL)
		e = run->d->reload(run->state, fresh, err);
	if (e == 0)
		log_set_level((enum log_level)c->log_level);
	return e;
}

void
run_reload(struct daemon_run *run)
{
	const char *file = conf_file(run->conf);
	char err[DAEMON_ERR_MAX];
	unsigned int stale = 0;
	struct conf *fresh;

	system_notify("RELOADING=1");
	fresh = run_load(run, file, err);
	if (fresh == NULL || take(run, fresh, err) != 0) {
		log_error("reload_refused", KV_S("why", err));
		conf_free(fresh);
	} else {
		conf_each_stale(run->conf, fresh, say_stale, &stale);
		conf_free(run->fresh);
		run->fresh = fresh;
		log_info("reloaded", KV_S("file", file), KV_U("stale", stale));
	}
	system_notify("READY=1");
}

int
daemon_reload(const struct daemon_run *run, char err[DAEMON_ERR_MAX])
{
	struct conf *fresh = run_load(run, conf_file(run->conf), err);

	if (fresh == NULL)
		return -EINVAL;
	conf_free(fresh);
	return kill(getpid(), SIGHUP) == 0 ? 0 : -errno;
}
