/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * datagram: what one receive of the kernel holds: a datagram, or several that
 * UDP_GRO merged. For lib/net/batch and those that receive in other ways than
 * it does.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_NET_DATAGRAM_H
#define FLOE_LIB_NET_DATAGRAM_H

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "lib/net/batch.h"
#include "lib/net/local.h"

/* Older headers lack what every kernel since 4.18 has. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP IPPROTO_UDP
#endif

/* The longest merge in bytes and datagrams (UDP_MAX_SEGMENTS). */
#define MERGE_BYTES 65535
#define MERGE_MAX   128
/* What taking a merge apart puts between its datagrams. */
#define MERGE_GAP (BATCH_TAILROOM + BATCH_HEADROOM)
/* What follows the first byte of a receive until all of it is apart. */
#define MERGE_SPACE (MERGE_BYTES + MERGE_MAX * MERGE_GAP)
/* Bytes of control messages: where it came to, its segments, drops before. */
#define DATAGRAM_CONTROL \
	(LOCAL_SPACE + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t)))

/*
 * The datagrams of a receive of len bytes at data, which MERGE_SPACE follows
 * and BATCH_HEADROOM precedes, as its message tells; the count, 1 to MERGE_MAX.
 * They move apart, the last one first, so that each has its room.
 */
int
datagram_take(struct msghdr *, uint8_t *data, size_t len, struct batch_in *in);
/* Is it an error that ICMP left on the socket? Reading clears it (ip(7)). */
bool datagram_pending(int err);

#endif
