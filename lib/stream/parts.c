/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/counter.h"
#include "lib/stream/internal.h"

void
stream_parts_fini(struct stream_parts *p)
{
	tls_free(p->tls);
	if (p->fd >= 0)
		close(p->fd);
	free(p->unread);
	free(p->unsent);
	*p = (struct stream_parts){ .fd = -1 };
}

void
stream_detach(struct stream *s, bool again)
{
	s->leaving = true;
	s->again = again;
}

/* All that waits to be sent, as one piece. 0 or -ENOMEM. */
static int
take_unsent(struct stream *s, struct stream_parts *p)
{
	struct iovec part;
	uint8_t *more;

	while (frames_next(&s->out, &part, 1) > 0) {
		more = realloc(p->unsent, p->unsent_len + part.iov_len);
		if (more == NULL)
			return -ENOMEM;
		memcpy(more + p->unsent_len, part.iov_base, part.iov_len);
		p->unsent = more;
		p->unsent_len += part.iov_len;
		frames_sent(&s->out, part.iov_len);
	}
	return 0;
}

void
stream_take_apart(struct stream *s)
{
	struct streams *ss = s->all;
	struct stream_parts p = {
		.id = s->id,
		.fd = s->fd,
		.tls = s->tls,
		.ended = s->ended,
		.unread = s->rest,
		.unread_len = s->rest_len,
	};

	/* Before somebody else watches the descriptor, or closes it. */
	loop_io_free(s->io);
	s->io = NULL;
	if (s->tls != NULL)
		tls_read_ahead(s->tls, false);
	s->tls = NULL;
	s->rest = NULL;
	stream_leave(s);
	/* Whoever adopts it counts it anew. */
	if (s->counted)
		census_leave(ss->conf.census, &s->id.client);
	s->counted = false;
	if (take_unsent(s, &p) == 0) {
		counter_add(&ss->stats->ended[STREAM_DETACHED], 1);
		ss->ops.detached(ss->ops.arg, s, &p);
	} else {
		counter_add(&ss->stats->ended[STREAM_FAILED], 1);
		stream_parts_fini(&p);
		if (ss->ops.closed != NULL)
			ss->ops.closed(ss->ops.arg, s);
	}
	stream_free(s);
}

/* 0 or -errno, and nothing has been taken from the parts. */
static int
adopt_into(struct stream *s, const struct stream_parts *p)
{
	const struct stream_ops *ops = &s->all->ops;
	const struct iovec unsent = { p->unsent, p->unsent_len };
	int err;

	frames_init(&s->out, s->all->conf.send_max);
	if (p->unsent_len > 0 && frames_put(&s->out, false, &unsent, 1) < 0)
		return -ENOMEM;
	s->id = p->id;
	s->watched = LOOP_READ | LOOP_WRITE;
	s->io =
	    loop_io_new(s->all->conf.loop, p->fd, s->watched, stream_ready, s);
	if (s->io == NULL)
		return -ENOMEM;
	err = stream_count(s);
	if (err != 0)
		return err;
	return ops->opened != NULL ? ops->opened(ops->arg, s) : 0;
}

int
streams_adopt(struct streams *ss, struct stream_parts *p)
{
	struct stream *s = pool_get(ss->pool);
	int err;

	if (s == NULL)
		return -ENOBUFS;
	s->all = ss;
	err = adopt_into(s, p);
	if (err != 0) {
		stream_free(s);
		return err;
	}
	s->fd = p->fd;
	s->tls = p->tls;
	if (s->tls != NULL)
		tls_read_ahead(s->tls, true);
	s->ended = p->ended;
	s->rest = p->unread;
	s->rest_len = p->unread_len;
	/* Whether there is a whole message, in there or in a record that TLS
	 * has read already, shows in the next turn. */
	s->held = true;
	free(p->unsent);
	*p = (struct stream_parts){ .fd = -1 };
	counter_add(&ss->stats->adopted, 1);
	stream_enter(s);
	return 0;
}
