/* SPDX-License-Identifier: BSD-3-Clause */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/net/sock.h"
#include "tools/floe-probe/probe.h"

/* The resolver's order of preference, one a family. */
static size_t
pick(const struct addrinfo *list, uint16_t port, struct addr out[ADDRESSES_MAX])
{
	struct sockaddr_storage ss;
	size_t n = 0;

	for (; list != NULL && n < ADDRESSES_MAX; list = list->ai_next) {
		memset(&ss, 0, sizeof(ss));
		memcpy(&ss, list->ai_addr, list->ai_addrlen);
		if (addr_from_sockaddr(&ss, &out[n]) != 0 ||
		    (n > 0 && out[0].family == out[n].family))
			continue;
		out[n++].port = port;
	}
	return n;
}

size_t
resolve(const struct uri *u, struct addr out[ADDRESSES_MAX], struct trouble *t)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list;
	size_t n;
	int rc;

	if (addr_parse(u->host, &out[0]) == 0) {
		out[0].port = u->port;
		return 1;
	}
	rc = getaddrinfo(u->host, NULL, &hints, &list);
	if (rc != 0) {
		trouble_say(t, PROBLEM_NO_NAME, gai_strerror(rc));
		return 0;
	}
	n = pick(list, u->port, out);
	freeaddrinfo(list);
	if (n == 0)
		trouble_say(t, PROBLEM_NO_NAME, "no address");
	return n;
}
