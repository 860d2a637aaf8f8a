/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* which wants time.h */

#include "lib/net/local.h"
#include "lib/net/sock.h"

socklen_t
addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;

	if (a->family == ADDR_V6) {
		*v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = htons(a->port),
		};
		memcpy(&v6->sin6_addr, a->ip, 16);
		return sizeof(*v6);
	}
	*v4 = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(a->port),
	};
	memcpy(&v4->sin_addr, a->ip, 4);
	return sizeof(*v4);
}

int
addr_from_sockaddr(const struct sockaddr_storage *ss, struct addr *out)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)ss;

	switch (ss->ss_family) {
	case AF_INET:
		*out = (struct addr){
			.family = ADDR_V4,
			.port = ntohs(v4->sin_port),
		};
		memcpy(out->ip, &v4->sin_addr, 4);
		return 0;
	case AF_INET6:
		*out = (struct addr){
			.family = ADDR_V6,
			.port = ntohs(v6->sin6_port),
		};
		memcpy(out->ip, &v6->sin6_addr, 16);
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

typedef int name_fn(int, struct sockaddr *, socklen_t *);

static int
sock_name(int fd, name_fn *name, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (name(fd, (struct sockaddr *)&ss, &len) != 0)
		return -errno;
	return addr_from_sockaddr(&ss, out);
}

int
sock_local(int fd, struct addr *out)
{
	return sock_name(fd, getsockname, out);
}

int
sock_peer(int fd, struct addr *out)
{
	return sock_name(fd, getpeername, out);
}

static int
set_int(int fd, int level, int option, int v)
{
	return setsockopt(fd, level, option, &v, sizeof(v)) == 0 ? 0 : -errno;
}

static int
set_on(int fd, int level, int option)
{
	return set_int(fd, level, option, 1);
}

/* Like IP_PMTUDISC_DONT, but that hides ICMP's word of a datagram with DF that
 * was too long for its path. */
#define PMTU_OFF IP_PMTUDISC_OMIT

/* RFC 8656 section 14: DF is clear in what is relayed unless a client asks.
 * A path that swallows the ICMP would swallow every long datagram, too. */
static int
set_fragment(int fd, const struct addr *a)
{
	if (a->family == ADDR_V6)
		return 0; /* only the sender fragments, as it learns the path */
	return set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, PMTU_OFF);
}

int
sock_whole(int fd, const struct addr *dst, bool on)
{
	int err;

	if (dst->family != ADDR_V6)
		return set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER,
		    on ? IP_PMTUDISC_PROBE : PMTU_OFF);
	err = set_int(fd, IPPROTO_IPV6, IPV6_DONTFRAG, on);
	if (err != 0)
		return err;
	return set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
	    on ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_WANT);
}

/* The kernel tells what it reserves, twice what there is room for. */
static int
buffer_of(int fd, int option)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);

	if (getsockopt(fd, SOL_SOCKET, option, &bytes, &len) != 0)
		return 0;
	return bytes / 2;
}

void
sock_set_buffers(int fd, int bytes, struct sock_buffers *given)
{
	(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, bytes);
	(void)set_int(fd, SOL_SOCKET, SO_SNDBUF, bytes);
	if (given == NULL)
		return;
	given->receive = buffer_of(fd, SO_RCVBUF);
	given->send = buffer_of(fd, SO_SNDBUF);
}

int
sock_keep_errors(int fd, enum addr_family family)
{
	return family == ADDR_V6 ? set_on(fd, IPPROTO_IPV6, IPV6_RECVERR)
				 : set_on(fd, IPPROTO_IP, IP_RECVERR);
}

static bool
read_error(const struct sock_extended_err *ee, struct sock_error *out)
{
	if (ee->ee_origin != SO_EE_ORIGIN_ICMP &&
	    ee->ee_origin != SO_EE_ORIGIN_ICMP6)
		return false;
	out->type = ee->ee_type;
	out->code = ee->ee_code;
	out->mtu = ee->ee_errno == EMSGSIZE ? ee->ee_info : 0;
	return true;
}

int
sock_next_error(int fd, struct sock_error *out)
{
	struct sockaddr_storage dst = { .ss_family = AF_UNSPEC };
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct sock_extended_err) +
				  sizeof(struct sockaddr_in6)) +
		    CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	struct msghdr m = {
		.msg_name = &dst,
		.msg_namelen = sizeof(dst),
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct sock_extended_err ee;
	struct cmsghdr *c;

	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return 0;
	for (c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
		if (!(c->cmsg_level == IPPROTO_IP &&
			c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		if (read_error(&ee, out) &&
		    addr_from_sockaddr(&dst, &out->dst) == 0)
			return 1;
	}
	return -EAGAIN;
}

static int
sock_bind(int fd, const struct addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, &ss);

	return bind(fd, (struct sockaddr *)&ss, len) == 0 ? 0 : -errno;
}

static int
sock_open(const struct addr *a, int type)
{
	int fd, err;

	fd = socket(a->family == ADDR_V6 ? AF_INET6 : AF_INET,
	    type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* [::] and 0.0.0.0 are two addresses; each gets its own socket. */
	err = a->family == ADDR_V6 ? set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY) : 0;
	if (err == 0 && type == SOCK_DGRAM)
		err = set_fragment(fd, a);
	if (err == 0 && type == SOCK_DGRAM)
		err = local_ask(fd, a);
	if (err == 0 && type == SOCK_DGRAM)
		err = set_on(fd, SOL_SOCKET, SO_RXQ_OVFL);
	if (err != 0) {
		close(fd);
		return err;
	}
	return fd;
}

/*
 * The kernel compares SO_REUSEPORT of both sockets when the later one is
 * bound. Setting it on the first only after its bind therefore lets that bind
 * detect any holder, and still lets the rest of the group join.
 */
static int
member_bind(int fd, const struct addr *a, int backlog, bool first)
{
	int err = 0;

	/* A restart must not wait for the TIME_WAIT of old connections. */
	if (backlog > 0)
		err = set_on(fd, SOL_SOCKET, SO_REUSEADDR);
	if (err == 0 && !first)
		err = set_on(fd, SOL_SOCKET, SO_REUSEPORT);
	if (err == 0)
		err = sock_bind(fd, a);
	/* With SO_REUSEADDR it is listen that finds another listener. */
	if (err == 0 && backlog > 0 && listen(fd, backlog) != 0)
		err = -errno;
	if (err == 0 && first)
		err = set_on(fd, SOL_SOCKET, SO_REUSEPORT);
	return err;
}

static int
sock_group(const struct addr *a, int *fds, int count, int type, int backlog,
    struct addr *bound)
{
	struct addr at = *a;
	int i, err = 0;

	for (i = 0; i < count && err == 0; i++) {
		fds[i] = sock_open(a, type);
		if (fds[i] < 0) {
			err = fds[i];
			break;
		}
		err = member_bind(fds[i], &at, backlog, i == 0);
		if (err == 0 && i == 0)
			err = sock_local(fds[0], &at);
	}
	if (err != 0) {
		while (i-- > 0)
			close(fds[i]);
		return err;
	}
	if (bound != NULL)
		*bound = at;
	return 0;
}

int
sock_udp_group(const struct addr *a, int *fds, int count, struct addr *bound)
{
	return sock_group(a, fds, count, SOCK_DGRAM, 0, bound);
}

int
sock_tcp_group(
    const struct addr *a, int *fds, int count, int backlog, struct addr *bound)
{
	return sock_group(a, fds, count, SOCK_STREAM, backlog, bound);
}

int
sock_udp(const struct addr *a)
{
	int err, fd = sock_open(a, SOCK_DGRAM);

	if (fd < 0)
		return fd;
	err = sock_bind(fd, a);
	if (err != 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int
connect_from(int fd, const struct addr *from, const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int err = set_on(fd, SOL_SOCKET, SO_REUSEADDR);

	if (err == 0)
		err = set_on(fd, SOL_SOCKET, SO_REUSEPORT);
	if (err == 0)
		err = sock_bind(fd, from);
	if (err != 0)
		return err;
	len = addr_to_sockaddr(to, &ss);
	if (connect(fd, (struct sockaddr *)&ss, len) == 0 ||
	    errno == EINPROGRESS)
		return 0;
	return -errno;
}

int
sock_tcp_connect(const struct addr *from, const struct addr *to)
{
	int err, fd = sock_open(from, SOCK_STREAM);

	if (fd < 0)
		return fd;
	err = connect_from(fd, from, to);
	if (err != 0) {
		close(fd);
		return err;
	}
	return fd;
}

int
sock_connected(int fd)
{
	socklen_t len;
	int err = 0;

	len = sizeof(err);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		return -errno;
	return -err;
}
