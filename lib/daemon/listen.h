/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * listen: the addresses that a daemon is reached at, each with a socket for
 * every worker (lib/net/sock.h says how they share it and with nobody else).
 * Owns: the sockets.  Thread: main; workers read it while they run.
 */
#ifndef FLOE_LIB_DAEMON_LISTEN_H
#define FLOE_LIB_DAEMON_LISTEN_H

#include <stdbool.h>

#include "lib/daemon/daemon.h"
#include "lib/tls/tls.h"

/*
 * What one scheme is spoken by. auto:// becomes four of them: udp and dtls on
 * one socket, tcp and tls on another; the first byte tells whose something is
 * (RFC 7983).
 */
struct listener {
	const char *scheme; /* udp, dtls, tcp, tls, http, https */
	struct addr addr;   /* as bound */
	size_t row;         /* of listen, from which it comes */
	/* Whose the TLS or DTLS is that comes to the sockets; itself for a
	 * secure scheme. Its place in items, or LISTENER_NONE. */
	uint16_t secure;
	bool shares; /* the sockets are those of the one before */
	int fds[DAEMON_WORKERS_MAX];
};
#define LISTENER_NONE UINT16_MAX
#define LISTENER_AUTO 4 /* that auto:// becomes */

struct listeners {
	struct listener *items;
	size_t n;
	int workers;
	int udp_buffer; /* bytes, set before it is opened; 0: as it sees fit */
};

/* Opens the addresses of [section] listen. 0, or -errno with err, which names
 * file, line and address; listeners_close is due in either case. */
int listeners_open(struct listeners *, const struct conf *, const char *section,
    const struct conf_list *uris, int workers, char err[DAEMON_ERR_MAX]);
void listeners_close(struct listeners *);
/* The same one by one, with room for max of them. 0 or -ENOMEM. */
int listeners_init(struct listeners *, size_t max, int workers);
/* What a listener is there for. */
struct listen_row {
	const struct conf *conf;
	const char *section, *key;
	size_t n; /* the n-th of its key */
};
int listeners_add(struct listeners *, const struct conf_listen *,
    const struct listen_row *, char err[DAEMON_ERR_MAX]);
bool listener_is(const struct listener *, const char *scheme);
bool listener_is_datagram(const struct listener *); /* udp, dtls */
/* The first that a row of listen became. */
const struct listener *listeners_of(const struct listeners *, size_t row);

/* For struct daemon's check: 0, or -EINVAL with err when one needs a
 * certificate (tls, dtls, https, auto) and tls-cert or tls-key is not there. */
int listeners_check_tls(const struct conf *, const char *section,
    const struct conf_list *uris, char err[DAEMON_ERR_MAX]);
/* *out for those that need one, NULL when none does. 0, or -errno with err. */
int listeners_open_tls(const struct conf *, const struct conf_list *uris,
    const char *const *alpn, struct tls_ctx **out, char err[DAEMON_ERR_MAX]);

/* For struct daemon's reload: reads the certificate again; living sessions
 * keep theirs. tls may be NULL. 0, or -errno with err and the old one stays. */
int listeners_reload_tls(
    struct tls_ctx *tls, const struct conf *fresh, char err[DAEMON_ERR_MAX]);

#endif
