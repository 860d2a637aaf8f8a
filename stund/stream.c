/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/stun/message.h"
#include "stund/stund.h"

#define MESSAGE_MAX 2048 /* the longest message over UDP, too */
#define SEND_MAX    (32 << 10)

/* ChannelData has no meaning here, so it is as good as noise. */
static int
next_message(const void *data, size_t len)
{
	return stun_channel_looks_like(data, len) ? -EBADMSG
						  : stun_stream_next(data, len);
}

/* RFC 8489 section 6.2.2 */
static void
answer(void *arg, struct stream *s, uint8_t *data, size_t len)
{
	struct worker *w = arg;
	uint8_t mem[BINDING_PLAIN_MAX];
	struct buf buf = buf_fixed(mem, sizeof(mem));
	const struct binding_in in = {
		.data = data,
		.len = len,
		.client = &stream_id(s)->client,
	};
	struct binding_out out = { .buf = &buf };
	struct iovec part;

	worker_answer(w, OVER_TCP, &in, &out);
	part = (struct iovec){ buf.data, buf.len };
	if (buf.len > 0)
		stream_send(s, false, &part, 1);
	/* Only a whole message keeps a stream alive, not a byte now and then.
	 */
	stream_touch(s);
}

int
clients_open(struct worker *w)
{
	const struct stream_ops ops = {
		.arg = w,
		.next = next_message,
		.message = answer,
	};
	const struct streams_conf conf = {
		.loop = w->loop,
		.max = w->stund->streams_max,
		.listeners = w->stund->listeners.n,
		.message_max = MESSAGE_MAX,
		.send_max = SEND_MAX,
		.idle_ms = w->stund->idle_ms,
		.census = w->stund->census,
		.balancers = w->stund->balancers->items,
		.nbalancers = w->stund->balancers->n,
	};

	w->streams = streams_new(&conf, &ops, &w->stats.streams);
	return w->streams == NULL ? -ENOMEM : 0;
}
