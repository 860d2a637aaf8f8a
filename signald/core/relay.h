/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relay: which TURN servers clients are told, and in what order, from what
 * those that are watched have reported. A URI that belongs to none of them
 * counts as an idle relay of preference 0.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_RELAY_H
#define FLOE_SIGNALD_CORE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIG_RELAYS_MAX    16
#define SIG_TURN_URIS_MAX 64
#define SIG_HOST_MAX      255

struct sig_relay {
	char host[SIG_HOST_MAX + 1]; /* as in the URIs, without brackets */
	uint16_t port;               /* 0: all of the host */
	uint16_t preference;         /* smaller goes first */
	/* What it reported last; all false and 0 before it did. */
	bool silent; /* it did not */
	bool draining;
	uint64_t allocations, room; /* room 0: did not say */
};

/* turn:HOST[:PORT][?...] or turns:..., IPv6 in brackets. 0 or -EINVAL. */
int sig_relay_uri(const char *uri, char host[SIG_HOST_MAX + 1], uint16_t *port);
/* HOST[:PORT]; port 0 without one. 0 or -EINVAL. */
int
sig_relay_host(const char *text, char host[SIG_HOST_MAX + 1], uint16_t *port);
bool sig_relay_has(const struct sig_relay *, const char *uri);

/*
 * The URIs (NULL ends, at most SIG_TURN_URIS_MAX) as they are told now: by
 * preference, then by load; those of one relay stay together and in their
 * order, a full one goes last, one that drains or is silent goes out. When all
 * are out, all are told.
 */
void sig_relay_order(const struct sig_relay *, size_t n,
    const char *const *uris, const char *out[SIG_TURN_URIS_MAX + 1]);

#endif
