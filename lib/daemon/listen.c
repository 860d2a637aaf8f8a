/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/daemon/listen.h"
#include "lib/log/log.h"
#include "lib/net/sock.h"

#define BACKLOG 1024
/* So often, so long apart, an address that is in use is tried. */
#define BUSY_TRIES    25
#define BUSY_PAUSE_MS 20L

/* A burst of datagrams of many clients waits in here while a worker is busy;
 * the kernel cuts it to net.core.rmem_max. */
#define UDP_BUFFER (4 << 20)

bool
listener_is(const struct listener *l, const char *scheme)
{
	return strcmp(l->scheme, scheme) == 0;
}

static void
set_buffers(const struct listeners *ls, const struct listener *l)
{
	int i, size = ls->udp_buffer != 0 ? ls->udp_buffer : UDP_BUFFER;

	/* Less room costs packets under load, nothing else. */
	for (i = 0; i < ls->workers; i++)
		sock_set_buffers(l->fds[i], size, NULL);
}

bool
listener_is_datagram(const struct listener *l)
{
	return listener_is(l, "udp") || listener_is(l, "dtls");
}

static bool
is_secure(const char *scheme)
{
	return strcmp(scheme, "tls") == 0 || strcmp(scheme, "dtls") == 0 ||
	    strcmp(scheme, "https") == 0;
}

static int
group_open(struct listener *l, const struct addr *at, int workers)
{
	return listener_is_datagram(l)
	    ? sock_udp_group(at, l->fds, workers, &l->addr)
	    : sock_tcp_group(at, l->fds, workers, BACKLOG, &l->addr);
}

/* The sockets of a process that was killed are closed a moment after it is gone
 * when its io_uring had them; so an address in use may be free then. */
static int
group_open_soon(struct listener *l, const struct addr *at, int workers)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_MS * 1000000 };
	int rc = group_open(l, at, workers), tries;

	for (tries = 0; rc == -EADDRINUSE && tries < BUSY_TRIES; tries++) {
		nanosleep(&pause, NULL);
		rc = group_open(l, at, workers);
	}
	return rc;
}

static int
listener_open(
    struct listeners *ls, const char *scheme, const struct addr *at, size_t row)
{
	struct listener *l = &ls->items[ls->n];
	int rc;

	*l = (struct listener){ .scheme = scheme, .row = row };
	l->secure = is_secure(scheme) ? (uint16_t)ls->n : LISTENER_NONE;
	rc = group_open_soon(l, at, ls->workers);
	if (rc != 0)
		return rc;
	ls->n++;
	if (listener_is_datagram(l))
		set_buffers(ls, l);
	return 0;
}

/* Another one on the sockets of the last, for what comes encrypted. */
static void
listener_share(struct listeners *ls, const char *scheme)
{
	struct listener *l = &ls->items[ls->n];

	*l = l[-1];
	l->scheme = scheme;
	l->shares = true;
	l->secure = l[-1].secure = (uint16_t)ls->n++;
}

static int
listener_open_auto(struct listeners *ls, const struct addr *at, size_t row)
{
	int rc = listener_open(ls, "udp", at, row);

	if (rc != 0)
		return rc;
	listener_share(ls, "dtls");
	rc = listener_open(ls, "tcp", at, row);
	if (rc == 0)
		listener_share(ls, "tls");
	return rc;
}

int
listeners_init(struct listeners *ls, size_t max, int workers)
{
	*ls = (struct listeners){
		.workers = workers,
		.udp_buffer = ls->udp_buffer,
	};
	ls->items = calloc(max, sizeof(*ls->items));
	return ls->items != NULL || max == 0 ? 0 : -ENOMEM;
}

int
listeners_add(struct listeners *ls, const struct conf_listen *uri,
    const struct listen_row *row, char err[DAEMON_ERR_MAX])
{
	char text[ADDR_STRLEN];
	int rc;

	if (strcmp(uri->scheme, "auto") == 0)
		rc = listener_open_auto(ls, &uri->addr, row->n);
	else
		rc = listener_open(ls, uri->scheme, &uri->addr, row->n);
	if (rc == 0) {
		log_info("listening", KV_S("scheme", uri->scheme),
		    KV_ADDR("address", &ls->items[ls->n - 1].addr),
		    KV_I("workers", ls->workers));
		return 0;
	}
	conf_wrong(row->conf, row->section, row->key, row->n, err,
	    "cannot listen on %s: %s%s", addr_format(&uri->addr, text),
	    strerror(-rc),
	    rc == -EADDRINUSE ? " (by another server, or an instance "
				"of this one)"
			      : "");
	return rc;
}

int
listeners_open(struct listeners *ls, const struct conf *conf,
    const char *section, const struct conf_list *uris, int workers,
    char err[DAEMON_ERR_MAX])
{
	const struct conf_listen *uri = uris->items;
	struct listen_row row = { conf, section, "listen", 0 };
	int rc = listeners_init(ls, uris->n * LISTENER_AUTO, workers);

	for (; rc == 0 && row.n < uris->n; row.n++)
		rc = listeners_add(ls, &uri[row.n], &row, err);
	return rc;
}

void
listeners_close(struct listeners *ls)
{
	size_t i;
	int k;

	for (i = 0; i < ls->n; i++) {
		for (k = 0; k < ls->workers && !ls->items[i].shares; k++)
			close(ls->items[i].fds[k]);
	}
	free(ls->items);
	*ls = (struct listeners){ .items = NULL };
}

const struct listener *
listeners_of(const struct listeners *ls, size_t row)
{
	size_t i;

	for (i = 0; i < ls->n; i++) {
		if (ls->items[i].row == row)
			return &ls->items[i];
	}
	return NULL;
}

/* The first that needs a certificate; uris->n: none. */
static size_t
uri_find_secure(const struct conf_list *uris)
{
	const struct conf_listen *uri = uris->items;
	size_t i;

	for (i = 0; i < uris->n; i++) {
		if (is_secure(uri[i].scheme) ||
		    strcmp(uri[i].scheme, "auto") == 0)
			break;
	}
	return i;
}

int
listeners_check_tls(const struct conf *conf, const char *section,
    const struct conf_list *uris, char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(conf);
	const struct conf_listen *uri = uris->items;
	size_t i = uri_find_secure(uris);

	if (i == uris->n || (c->tls_cert != NULL && c->tls_key != NULL))
		return 0;
	return conf_wrong(conf, section, "listen", i, err,
	    "%s needs tls-cert and tls-key in [floe]", uri[i].scheme);
}

int
listeners_open_tls(const struct conf *conf, const struct conf_list *uris,
    const char *const *alpn, struct tls_ctx **out, char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(conf);
	const struct tls_conf cfg = { c->tls_cert, c->tls_key, alpn };
	char what[TLS_ERR_MAX];
	int rc;

	*out = NULL;
	if (uri_find_secure(uris) == uris->n)
		return 0;
	rc = tls_ctx_new(&cfg, out, what);
	if (rc != 0)
		conf_wrong(conf, "floe", "tls-cert", 0, err, "%s", what);
	return rc;
}

int
listeners_reload_tls(
    struct tls_ctx *tls, const struct conf *fresh, char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(fresh);
	char what[TLS_ERR_MAX] = "is not set any more";
	int rc;

	if (tls == NULL)
		return 0;
	rc = c->tls_cert != NULL && c->tls_key != NULL
	    ? tls_ctx_reload(tls, c->tls_cert, c->tls_key, what)
	    : -EINVAL;
	if (rc != 0)
		conf_wrong(fresh, "floe", "tls-cert", 0, err, "%s", what);
	else
		log_info("certificate_loaded", KV_S("file", c->tls_cert),
		    KV_I("not_after", tls_ctx_not_after(tls)));
	return rc;
}
