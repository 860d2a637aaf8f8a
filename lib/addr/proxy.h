/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * proxy: the header in front of a connection by which a load balancer tells
 * whose it is: the PROXY protocol of HAProxy, version 1 (text) and 2
 * (binary). Whether the sender may be believed is the caller's question.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_ADDR_PROXY_H
#define FLOE_LIB_ADDR_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/addr/addr.h"

/* The longest header that is taken; it may carry certificates and more, all of
 * which is passed over. */
#define PROXY_HEADER_MAX (16 + 4096)

struct proxy_header {
	/* False: LOCAL, UNKNOWN or no TCP over IP; the connection's own
	 * addresses hold. */
	bool told;
	struct addr client, server;
};

/*
 * > 0: bytes of the header, and *out is set; 0: more bytes are needed to know;
 * -EBADMSG: there is no header, or a broken or too long one.
 */
int proxy_decode(const void *, size_t len, struct proxy_header *);

#endif
