/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/net/local.h"

int
local_ask(int fd, const struct addr *a)
{
	const struct addr any = { .family = a->family };
	int level, option, on = 1;

	if (!addr_equal_ip(a, &any))
		return 0;
	level = a->family == ADDR_V6 ? IPPROTO_IPV6 : IPPROTO_IP;
	option = a->family == ADDR_V6 ? IPV6_RECVPKTINFO : IP_PKTINFO;
	return setsockopt(fd, level, option, &on, sizeof(on)) == 0 ? 0 : -errno;
}

struct addr
local_read(struct msghdr *m)
{
	struct addr a = { .family = ADDR_NONE };
	struct in6_pktinfo v6;
	struct in_pktinfo v4;
	struct cmsghdr *c;

	/* An address of a group is nobody's source (RFC 4291 section 2.7):
	 * ipi_spec_dst is the interface's own then; IPv6 has no such field. */
	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			a.family = ADDR_V4;
			memcpy(a.ip, &v4.ipi_spec_dst, sizeof(v4.ipi_spec_dst));
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			if (IN6_IS_ADDR_MULTICAST(&v6.ipi6_addr))
				continue;
			a.family = ADDR_V6;
			memcpy(a.ip, &v6.ipi6_addr, sizeof(v6.ipi6_addr));
		}
	}
	return a;
}

static size_t
put(struct cmsghdr *c, int level, int type, const void *data, size_t len)
{
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	return CMSG_SPACE(len);
}

size_t
local_write(struct msghdr *m, const struct addr *a)
{
	struct in6_pktinfo v6 = { .ipi6_ifindex = 0 };
	struct in_pktinfo v4 = { .ipi_ifindex = 0 };
	struct cmsghdr *c = m->msg_control;

	switch (a->family) {
	case ADDR_V4:
		memcpy(&v4.ipi_spec_dst, a->ip, sizeof(v4.ipi_spec_dst));
		return put(c, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	case ADDR_V6:
		memcpy(&v6.ipi6_addr, a->ip, sizeof(v6.ipi6_addr));
		return put(c, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
	default:
		return 0;
	}
}
