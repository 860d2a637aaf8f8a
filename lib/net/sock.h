/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sock: opening sockets, non-blocking and close-on-exec, and converting
 * addresses. Owns: nothing; descriptors are the caller's.  Thread: any.
 */
#ifndef FLOE_LIB_NET_SOCK_H
#define FLOE_LIB_NET_SOCK_H

#include <stdbool.h>
#include <sys/socket.h>

#include "lib/addr/addr.h"

/*
 * count sockets on one address, sharing it by SO_REUSEPORT among the workers
 * of this process only: the first is bound without SO_REUSEPORT, so an
 * address that any other socket holds - another instance of ours too - is
 * -EADDRINUSE instead of a silent share. Port 0 picks one; *bound (may be
 * NULL) tells it. All or nothing: on error no descriptor is left open.
 * TCP sockets come back listening. IPv6 sockets take IPv6 only. UDP over IPv4
 * may be fragmented on its way.
 */
int
sock_udp_group(const struct addr *, int *fds, int count, struct addr *bound);
int sock_tcp_group(
    const struct addr *, int *fds, int count, int backlog, struct addr *bound);
/* One UDP socket on exactly this address and port. fd or -errno. */
int sock_udp(const struct addr *);
/*
 * A TCP socket that begins to connect from exactly this address and port, which
 * a listening socket of ours (sock_tcp_group) and others connected from there
 * share. It is writable when that has come to its end: sock_connected tells
 * which, 0 or -errno. fd or -errno.
 */
int sock_tcp_connect(const struct addr *from, const struct addr *to);
int sock_connected(int fd);

/*
 * From now on, or no more: UDP datagrams leave in one piece and with DF set,
 * whatever is known of the path; -EMSGSIZE when the device takes none so long.
 * Only IPv6 has a control message for it, so it is a matter of the socket.
 */
int sock_whole(int fd, const struct addr *dst, bool on);

/* An ICMP error about a datagram that the socket sent to dst. */
struct sock_error {
	struct addr dst;
	uint8_t type, code; /* of ICMP or ICMPv6, as dst's family is */
	uint32_t mtu; /* of the next link, when it was too long for that */
};

/*
 * Has the kernel keep them for the UDP socket of that family. It is then
 * readable until all are read; and a send or receive may fail with the errno
 * of one, whomever it was about, and has to be tried again (lib/net/batch does
 * both). 0 or -errno.
 */
int sock_keep_errors(int fd, enum addr_family);
/* 1: one is in; 0: there is no more; -EAGAIN: that was one of another kind. */
int sock_next_error(int fd, struct sock_error *);

/* Bytes of the buffers of a socket. */
struct sock_buffers {
	int receive, send;
};

/* Asks for so many of each. What the kernel gives, at most net.core.rmem_max
 * and wmem_max, tells given, which may be NULL. */
void sock_set_buffers(int fd, int bytes, struct sock_buffers *given);

/* Of either end: 0 or -errno. */
int sock_local(int fd, struct addr *);
int sock_peer(int fd, struct addr *);
socklen_t addr_to_sockaddr(const struct addr *, struct sockaddr_storage *);
/* -EAFNOSUPPORT when it is neither IPv4 nor IPv6. */
int addr_from_sockaddr(const struct sockaddr_storage *, struct addr *);

#endif
