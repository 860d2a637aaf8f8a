/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forward: what the forwarder of that name and its clients say to each other:
 * the first datagram of a flow names its peer, and the answer the port that
 * the peer will see. From then on a client's datagrams have FORWARD_HEAD bytes
 * in front, which the peer does not see, as those of a channel have.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_BENCH_LOAD_FORWARD_H
#define FLOE_BENCH_LOAD_FORWARD_H

#include <stdint.h>

#define FORWARD_HEAD  4
#define FORWARD_MAGIC 0x66647277u

struct forward_hello {
	uint32_t magic;
	uint8_t ip[4]; /* of the peer */
	uint16_t port; /* host order: both are on this machine */
	uint16_t zero;
};

#endif
