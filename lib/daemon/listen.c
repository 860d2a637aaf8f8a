/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/daemon/listen.h"
#include "lib/log/log.h"
#include "lib/net/sock.h"

#define BACKLOG 1024

/* A burst of datagrams of many clients waits in here while a worker is busy;
 * the kernel cuts it to net.core.rmem_max. */
#define UDP_BUFFER (4 << 20)

bool
listener_is(const struct listener *l, const char *scheme)
{
	return strcmp(l->scheme, scheme) == 0;
}

static void
set_buffers(const struct listener *l, int workers)
{
	int i, size = UDP_BUFFER;

	/* Less room costs packets under load, nothing else. */
	for (i = 0; i < workers; i++) {
		(void)setsockopt(
		    l->fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		(void)setsockopt(
		    l->fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
}

static int
listener_open(struct listeners *ls, const struct conf_listen *uri)
{
	struct listener *l = &ls->items[ls->n];
	int rc;

	l->scheme = uri->scheme;
	if (listener_is(l, "udp"))
		rc = sock_udp_group(&uri->addr, l->fds, ls->workers, &l->addr);
	else
		rc = sock_tcp_group(
		    &uri->addr, l->fds, ls->workers, BACKLOG, &l->addr);
	if (rc != 0)
		return rc;
	ls->n++;
	if (listener_is(l, "udp"))
		set_buffers(l, ls->workers);
	log_info("listening", KV_S("scheme", l->scheme),
	    KV_ADDR("address", &l->addr), KV_I("workers", ls->workers));
	return 0;
}

int
listeners_init(struct listeners *ls, size_t max, int workers)
{
	*ls = (struct listeners){ .workers = workers };
	ls->items = calloc(max, sizeof(*ls->items));
	return ls->items != NULL || max == 0 ? 0 : -ENOMEM;
}

int
listeners_add(struct listeners *ls, const struct conf_listen *uri,
    const struct listen_row *row, char err[DAEMON_ERR_MAX])
{
	char text[ADDR_STRLEN];
	int rc = listener_open(ls, uri);

	if (rc == 0)
		return 0;
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
	int rc = listeners_init(ls, uris->n, workers);

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
		for (k = 0; k < ls->workers; k++)
			close(ls->items[i].fds[k]);
	}
	free(ls->items);
	*ls = (struct listeners){ .items = NULL };
}

/* The first of the scheme; uris->n: none. */
static size_t
uri_find(const struct conf_list *uris, const char *scheme)
{
	const struct conf_listen *uri = uris->items;
	size_t i;

	for (i = 0; i < uris->n; i++) {
		if (strcmp(uri[i].scheme, scheme) == 0)
			break;
	}
	return i;
}

int
listeners_check_tls(const struct conf *conf, const char *section,
    const struct conf_list *uris, const char *scheme, char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(conf);
	size_t i = uri_find(uris, scheme);

	if (i == uris->n || (c->tls_cert != NULL && c->tls_key != NULL))
		return 0;
	return conf_wrong(conf, section, "listen", i, err,
	    "%s needs tls-cert and tls-key in [floe]", scheme);
}

int
listeners_open_tls(const struct conf *conf, const struct conf_list *uris,
    const char *scheme, const char *const *alpn, struct tls_ctx **out,
    char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(conf);
	const struct tls_conf cfg = { c->tls_cert, c->tls_key, alpn };
	char what[TLS_ERR_MAX];
	int rc;

	*out = NULL;
	if (uri_find(uris, scheme) == uris->n)
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
