/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * local: which of this machine's addresses a datagram came to, and which one
 * its answer shall come from. A socket bound to 0.0.0.0 or [::] needs it: left
 * alone, the kernel answers from the address that the route prefers, and a
 * client that asked another one drops the answer.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_NET_LOCAL_H
#define FLOE_LIB_NET_LOCAL_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/addr/addr.h"

/* Bytes of control message for one address. */
#define LOCAL_SPACE CMSG_SPACE(sizeof(struct in6_pktinfo))

/* Has the kernel tell it, for a socket that is to be bound to this address.
 * 0 or -errno; nothing to do for any but the unspecified address. */
int local_ask(int fd, const struct addr *);
/* Of a received datagram, port 0; ADDR_NONE when it was not told,
 * or is a group's and no source for an answer. */
struct addr local_read(struct msghdr *);
/* Makes it the source: the first control message, for which msg_control has
 * LOCAL_SPACE. Returns the bytes it took, 0 for ADDR_NONE. */
size_t local_write(struct msghdr *, const struct addr *);

#endif
