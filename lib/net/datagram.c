/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/net/datagram.h"
#include "lib/net/sock.h"

bool
datagram_pending(int err)
{
	switch (err) {
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case EMSGSIZE:
	case EPROTO:
	case ENOPROTOOPT:
	case ENONET:
	case EACCES:
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

/* What the control messages tell of a receive. */
struct told {
	size_t size;    /* of all datagrams of a merge but the last; 0: none */
	uint32_t drops; /* before it, of the socket in all */
};

static struct told
control_read(struct msghdr *m)
{
	struct told t = { 0, 0 };
	struct cmsghdr *c;
	int size;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&size, CMSG_DATA(c), sizeof(size));
			t.size = size > 0 ? (size_t)size : 0;
		} else if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&t.drops, CMSG_DATA(c), sizeof(t.drops));
		}
	}
	return t;
}

static void
set_len(struct batch_in *in, size_t len, bool truncated)
{
	in->truncated = truncated || len > BATCH_BYTES;
	in->len = len > BATCH_BYTES ? BATCH_BYTES : len;
}

/*
 * The datagrams of a merge of len bytes, of which in describes the first. The
 * others move apart, the last one first, so that each has its room.
 */
static int
take_apart(struct batch_in *in, size_t len, size_t size, bool cut)
{
	size_t n = (len + size - 1) / size, i, part;

	if (n > MERGE_MAX) {
		n = MERGE_MAX;
		len = n * size;
		cut = true;
	}
	for (i = n; i-- > 0;) {
		part = i == n - 1 ? len - i * size : size;
		if (i > 0) {
			in[i] = in[0];
			in[i].data = in[0].data + i * (size + MERGE_GAP);
			memmove(in[i].data, in[0].data + i * size, part);
		}
		/* What does not fit is missing at the end. */
		set_len(&in[i], part, cut && i == n - 1);
	}
	return (int)n;
}

int
datagram_take(struct msghdr *m, uint8_t *data, size_t len, struct batch_in *in)
{
	struct told t = control_read(m);
	bool cut = (m->msg_flags & MSG_TRUNC) != 0;

	in->data = data;
	if (addr_from_sockaddr(m->msg_name, &in->src) != 0)
		in->src = (struct addr){ .family = ADDR_NONE };
	in->local = local_read(m);
	in->drops = t.drops;
	set_len(in, len, cut);
	return t.size > 0 && len > t.size ? take_apart(in, len, t.size, cut)
					  : 1;
}
