/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "turnd/asked.h"
#include "turnd/turnd.h"

static void
turnd_close(void *state)
{
	struct turnd *d = state;

	listeners_close(&d->listeners);
	tls_ctx_free(d->tls);
	ports_free(d->ports);
	turn_quota_free(d->quota);
	turn_pipe_free(d->total);
	census_free(d->census);
	userdb_reader_free(d->admin_users);
	userdb_close(d->userdb);
	hook_free(d->hook);
	pthread_mutex_destroy(&d->quota_lock);
	turnd_setup_fini(&d->setup);
	free(d->parcels);
	free(d);
}

static int
open_userdb(struct turnd *d, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	const char *dir = c->daemon.common.state_dir;
	int rc;

	if (!c->user_store)
		return 0;
	rc = userdb_open(dir, &d->userdb);
	if (rc != 0) {
		snprintf(err, DAEMON_ERR_MAX,
		    "%s: [turnd] user-store: cannot open it in the state-dir "
		    "%s: %s",
		    conf_file(conf), dir, strerror(-rc));
		return rc;
	}
	d->admin_users = userdb_reader_new(d->userdb);
	return d->admin_users == NULL ? -ENOMEM : 0;
}

/* Relayed addresses of one family that there may be at a time. */
static size_t
room(const struct turnd *d, const struct turnd_conf *c)
{
	size_t ports = (size_t)(c->relay_ports.high - c->relay_ports.low) + 1;
	size_t n[TURN_FAMILIES] = { 0 }, i, most;

	for (i = 0; i < d->setup.nrelay_addrs; i++)
		n[turn_family(&d->setup.relay_addrs[i])]++;
	most = ports * (n[TURN_V4] > n[TURN_V6] ? n[TURN_V4] : n[TURN_V6]);
	return most < (size_t)c->max_allocations ? most
						 : (size_t)c->max_allocations;
}

/* Of each family, as quotas count: what all of the users may have there. */
static uint32_t
user_quota(const struct turnd *d, const struct turnd_conf *c)
{
	return c->user_quota != 0 ? (uint32_t)c->user_quota
				  : turn_quota_default(d->room);
}

static int
open_total(struct turnd *d, const struct turnd_conf *c)
{
	struct bucket_rate rate =
	    turnd_bandwidth(c, (uint64_t)c->total_bandwidth);

	if (rate.per_s == 0)
		return 0;
	d->total = turn_pipe_new(&rate, (unsigned int)d->workers);
	return d->total == NULL ? -ENOMEM : 0;
}

static int
open_shared(struct turnd *d, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	/* RFC 7443; turnd answers Binding requests as well. */
	static const char *const alpn[] = { "stun.turn", "stun.nat-discovery",
		NULL };
	const struct turnd_conf *c = conf_data(conf);
	int rc;

	rc = turnd_setup_init(&d->setup, conf, err);
	if (rc != 0)
		return rc;
	d->setup.core.limits.answers = limit_rate_share(
	    (uint64_t)c->rate_limit, (uint64_t)c->rate_burst, d->workers);
	snprintf(err, DAEMON_ERR_MAX, "out of memory");
	d->room = room(d, c);
	d->quota = turn_quota_new(user_quota(d, c), (uint32_t)c->realm_quota,
	    (size_t)c->max_allocations);
	d->ports = ports_new(d->setup.relay_addrs, d->setup.nrelay_addrs,
	    c->relay_ports.low, c->relay_ports.high, &d->setup.core.hash_key);
	d->census =
	    census_new((d->streams_max + d->assocs_max) * (size_t)d->workers,
		(uint32_t)c->per_address, &d->setup.core.hash_key);
	d->parcels = calloc((size_t)d->workers, sizeof(*d->parcels));
	if (d->quota == NULL || d->ports == NULL || d->census == NULL ||
	    d->parcels == NULL || open_total(d, c) != 0)
		return -ENOMEM;
	rc = open_userdb(d, conf, err);
	if (rc != 0)
		return rc;
	if (c->hook_url != NULL) {
		snprintf(err, DAEMON_ERR_MAX, "cannot start the auth-hook");
		d->hook = hook_new(c, asked_answered);
		if (d->hook == NULL)
			return -ENOMEM;
	}
	rc = listeners_open_tls(conf, &c->listen, alpn, &d->tls, err);
	if (rc != 0)
		return rc;
	d->listeners.udp_buffer = (int)c->udp_buffer;
	return listeners_open(
	    &d->listeners, conf, "turnd", &c->listen, d->workers, err);
}

static void
say_relay(const struct turnd *d, const struct addr *bound,
    const struct conf_range *ports)
{
	struct addr told = *bound;

	externals_tell(&d->setup.externals, &told);
	log_info("relay_address", KV_ADDR("address", bound),
	    KV_ADDR("told", &told), KV_U("low", ports->low),
	    KV_U("high", ports->high));
}

/* A socket of no use tells what the kernel gives the others. To get less than
 * our default is what every machine does that nobody has tuned. */
static struct sock_buffers
say_buffers(const struct conf *conf, const char *option, int64_t asked)
{
	bool wanted = conf_line(conf, "turnd", option, 0) > 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sock_buffers given;

	sock_set_buffers(fd, (int)asked, &given);
	if (fd >= 0)
		close(fd);
	log_write(wanted && (given.receive < asked || given.send < asked)
		? LOG_WARN
		: LOG_INFO,
	    "socket_buffers",
	    (const struct log_kv[]){ KV_S("option", option),
		KV_I("asked", asked), KV_I("receive", given.receive),
		KV_I("send", given.send),
		KV_S("limits", "net.core.rmem_max net.core.wmem_max"),
		KV_END });
	return given;
}

static int
turnd_open(struct daemon_run *run, void **state, char err[DAEMON_ERR_MAX])
{
	const struct conf *conf = daemon_conf(run);
	const struct turnd_conf *c = conf_data(conf);
	struct turnd *d = calloc(1, sizeof(*d));
	size_t i;
	int rc;

	if (d == NULL) {
		snprintf(err, DAEMON_ERR_MAX, "out of memory");
		return -ENOMEM;
	}
	d->run = run;
	d->workers = daemon_workers(run);
	d->streams_max =
	    (size_t)((c->tcp_connections + d->workers - 1) / d->workers);
	d->assocs_max =
	    (size_t)((c->dtls_sessions + d->workers - 1) / d->workers);
	d->balancers = &c->balancers;
	d->idle_ms = (uint64_t)c->tcp_idle_ms;
	d->send_max = (size_t)c->tcp_buffer;
	pthread_mutex_init(&d->quota_lock, NULL);
	rc = open_shared(d, conf, err);
	if (rc != 0) {
		turnd_close(d);
		return rc;
	}
	d->setup.core.connections =
	    (uint32_t)((c->tcp_relay_connections + d->workers - 1) /
		d->workers);
	d->listen_buffers = say_buffers(conf, "udp-buffer", c->udp_buffer);
	d->relay_buffer = (int)c->relay_buffer;
	d->relay_buffers = say_buffers(conf, "relay-buffer", c->relay_buffer);
	log_info("quota", KV_U("user", user_quota(d, c)),
	    KV_I("realm", c->realm_quota), KV_I("all", c->max_allocations));
	if (c->no_auth)
		log_warn("open_relay", KV_S("because", "no-auth = yes"));
	for (i = 0; i < d->setup.nrelay_addrs; i++)
		say_relay(d, &d->setup.relay_addrs[i], &c->relay_ports);
	*state = d;
	return 0;
}

static int
turnd_reload(void *state, const struct conf *fresh, char err[DAEMON_ERR_MAX])
{
	const struct turnd *d = state;

	return listeners_reload_tls(d->tls, fresh, err);
}

int
main(int argc, char **argv)
{
	static const struct daemon turnd = {
		.name = "turnd",
		.summary = "a TURN relay",
		.options = turnd_options,
		.conf_size = sizeof(struct turnd_conf),
		.best = DAEMON_URING,
		.check = turnd_check,
		.open = turnd_open,
		.reload = turnd_reload,
		.worker_new = worker_new,
		.worker_stop = worker_stop,
		.worker_free = worker_free,
		.close = turnd_close,
		.routes = turnd_routes,
	};

	return daemon_main(&turnd, argc, argv);
}
