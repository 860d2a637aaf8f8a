/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/net/sock.h"
#include "tools/floe-probe/core/exchange.h"
#include "tools/floe-probe/probe.h"

/* The address that this machine has towards another one. */
static int
local_towards(const struct addr *to, struct addr *out)
{
	const struct addr any = { .family = to->family };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss);
	int rc, fd = sock_udp(&any);

	if (fd < 0)
		return fd;
	rc = connect(fd, (struct sockaddr *)&ss, len) == 0 ? 0 : -errno;
	if (rc == 0)
		rc = sock_local(fd, out);
	close(fd);
	return rc;
}

/* The answer to the request that made txid, whoever sends it, until then. */
static int
await(int fd, const uint8_t txid[STUN_TXID_LEN], uint64_t until_us,
    struct nat_answer *a)
{
	uint8_t data[LINK_MESSAGE_MAX];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct client nobody = { .user = NULL };
	struct sockaddr_storage ss;
	struct client_reply reply;
	struct stun_msg msg;
	socklen_t len;
	uint64_t now;
	ssize_t n;

	while ((now = link_now_us()) < until_us) {
		(void)poll(&p, 1, (int)((until_us - now + 999) / 1000));
		len = sizeof(ss);
		n = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT,
		    (struct sockaddr *)&ss, &len);
		if (n <= 0 || stun_decode(data, (size_t)n, &msg) != 0 ||
		    stun_malformed(&msg) != NULL ||
		    memcmp(stun_txid(&msg), txid, STUN_TXID_LEN) != 0 ||
		    addr_from_sockaddr(&ss, &a->from) != 0)
			continue;
		a->came = msg.class == STUN_SUCCESS;
		a->refused = msg.class == STUN_ERROR;
		(void)client_answer(&nobody, &msg, &reply);
		a->mapped = reply.mapped;
		a->other = reply.other;
		return 0;
	}
	return -ETIMEDOUT;
}

/* 0, also when nobody answers, or -errno of this machine. */
static int
ask_one(int fd, const struct nat_ask *what, struct nat_answer *a)
{
	uint8_t mem[64], txid[STUN_TXID_LEN];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct exchange e = exchange_begin(false, link_now_us() / 1000);
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&what->to, &ss);
	enum exchange_do next;
	uint64_t wait_ms;
	struct stun_out o;

	crypto_random(txid, sizeof(txid));
	o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, txid);
	if (what->change != 0)
		stun_put_u32(&o, STUN_CHANGE_REQUEST, what->change);
	if (stun_end(&o) != 0)
		return -EIO;
	while ((next = exchange_next(&e, link_now_us() / 1000, &wait_ms)) !=
	    EXCHANGE_OVER) {
		/* A refused send is as good as a lost packet. */
		if (next == EXCHANGE_SEND)
			(void)sendto(
			    fd, b.data, b.len, 0, (struct sockaddr *)&ss, len);
		if (await(fd, txid, link_now_us() + wait_ms * 1000, a) == 0)
			return 0;
	}
	return 0;
}

static int
fresh_socket(int *fd, const struct addr *server)
{
	const struct addr any = { .family = server->family };

	if (*fd >= 0)
		close(*fd);
	*fd = sock_udp(&any);
	return *fd < 0 ? *fd : 0;
}

static void
run(struct nat *n)
{
	struct nat_answer a;
	struct nat_ask what;
	struct addr local;
	int fd = -1, rc;

	rc = local_towards(&n->server, &local);
	while (rc == 0 && nat_next(n, &what)) {
		a = (struct nat_answer){ .local = local };
		if (what.fresh)
			rc = fresh_socket(&fd, &n->server);
		if (rc == 0)
			rc = ask_one(fd, &what, &a);
		if (rc == 0 && sock_local(fd, &local) == 0)
			a.local.port = local.port;
		local = a.local;
		if (rc == 0)
			nat_answer(n, &a);
	}
	if (fd >= 0)
		close(fd);
}

/* The one that can tell most first, and the one that complements it best. */
void
discover(struct probe *p)
{
	const struct addr *second = NULL;
	size_t i, first = 0;

	if (p->nservers == 0)
		return;
	while (
	    first < p->nservers && p->servers[first].other.family == ADDR_NONE)
		first++;
	if (first == p->nservers)
		first = 0;
	for (i = 0; i < p->nservers; i++) {
		if (p->servers[i].at.family != p->servers[first].at.family ||
		    addr_equal(&p->servers[i].at, &p->servers[first].at))
			continue;
		if (second == NULL ||
		    !addr_equal_ip(&p->servers[i].at, &p->servers[first].at))
			second = &p->servers[i].at;
	}
	p->report.nat_asked = true;
	p->report.nat = nat_begin(&p->servers[first].at, second);
	run(&p->report.nat);
}
