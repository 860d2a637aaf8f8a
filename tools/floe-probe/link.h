/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * link: a connection to a server over one transport. Sends and gives whole
 * messages, and waits for them, but not longer than told.
 * Owns: its socket and TLS session.  Thread: one.
 */
#ifndef FLOE_TOOLS_PROBE_LINK_H
#define FLOE_TOOLS_PROBE_LINK_H

#include <sys/types.h>

#include "lib/tls/tls.h"
#include "tools/floe-probe/core/report.h"

#define LINK_MESSAGE_MAX 4096

/* What went wrong, for a check. */
struct trouble {
	enum problem problem;
	int code;
	char detail[REPORT_DETAIL_MAX];
};
void trouble_say(struct trouble *, enum problem, const char *detail);

struct link {
	enum transport transport;
	struct addr server, local;
	int fd;
	struct tls *tls;
	size_t len; /* of what a stream has brought and nobody has taken */
	uint8_t in[LINK_MESSAGE_MAX];
};

struct link_to {
	enum transport transport;
	struct addr server;
	const char *host; /* whom the certificate has to name */
	struct tls_ctx *tls;
};

uint64_t link_now_us(void); /* monotonic */

/* 0, or -errno with the trouble; link_close is due in either case. */
int link_open(struct link *, const struct link_to *, struct trouble *);
void link_close(struct link *);
/* 0 or -errno. */
int link_send(struct link *, const void *, size_t);
/* One message, at most LINK_MESSAGE_MAX bytes: its length; -ETIMEDOUT;
 * -EBADMSG when a stream has something else; or -errno. */
ssize_t link_recv(struct link *, uint8_t *out, uint64_t until_us);
/* Bytes of a stream, at least one; 0: it has ended; -ETIMEDOUT; -errno. */
ssize_t link_read(struct link *, void *, size_t room, uint64_t until_us);
/* The problem that a failed send or receive is. */
void link_trouble(const struct link *, int err, struct trouble *);

#endif
