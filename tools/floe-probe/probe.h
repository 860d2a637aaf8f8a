/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe: what the files of floe-probe share.
 * Owns: struct probe its TLS contexts.  Thread: one.
 */
#ifndef FLOE_TOOLS_PROBE_PROBE_H
#define FLOE_TOOLS_PROBE_PROBE_H

#include "tools/floe-probe/core/client.h"
#include "tools/floe-probe/core/report.h"
#include "tools/floe-probe/link.h"

#define UDP_SERVERS_MAX 32

struct probe {
	const char *user, *password; /* NULL: none */
	const char *ca;
	bool insecure, json;
	struct tls_ctx *tls, *web_tls; /* they offer other protocols */
	struct report report;
	/* Those that have answered over UDP, for the NAT. */
	size_t nservers;
	struct {
		struct addr at, other; /* other: ADDR_NONE, not offered */
	} servers[UDP_SERVERS_MAX];
};

/* An address of a URI, over one transport. */
struct target {
	const struct uri *uri;
	enum transport transport;
	struct addr server;
};

/* resolve.c: an address a family; the count, 0 with the trouble. */
#define ADDRESSES_MAX 2
size_t
resolve(const struct uri *, struct addr out[ADDRESSES_MAX], struct trouble *);

/* ask.c: asks until an answer comes, with credentials when they are wanted.
 * 0; -ECONNABORTED when the server refused, or -errno, with the trouble.
 * rtt_us is of the last try. */
int ask(struct link *, struct client *, const struct client_ask *,
    struct client_reply *, uint64_t *rtt_us, struct trouble *);
/* The answer to one request, and nothing else. As above, but for the trouble.
 * *msg borrows answer. */
int ask_raw(struct link *, const struct buf *request, bool once,
    uint8_t answer[LINK_MESSAGE_MAX], struct stun_msg *msg, uint64_t *rtt_us);

/* target.c: all checks of one. */
void target_check(struct probe *, const struct target *, bool only_address);
/* A check with its trouble, told at once. RESULT_OK becomes a failure when
 * there is one. */
void target_tell(struct probe *, struct check *, const struct trouble *);
struct check target_begin(const struct target *, enum step);
int target_open(
    struct probe *, const struct target *, struct link *, struct trouble *);

/* relay.c: allocations, and a packet through them; the link is open. */
void relay_check(struct probe *, const struct target *, struct link *);

/* web.c: a signaling server; the link is open. */
void web_check(struct probe *, const struct target *, struct link *);

/* discover.c: how the NAT is, by the servers that answered. */
void discover(struct probe *);

/* print.c */
void print_uri(const struct probe *, const struct uri *);
void print_check(const struct probe *, const struct check *);
void print_end(const struct probe *); /* or all of it, as JSON */

#endif
