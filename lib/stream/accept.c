/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/counter.h"
#include "lib/net/sock.h"
#include "lib/stream/internal.h"

#define ACCEPT_ROUNDS 64
#define REST_MS       1000 /* after running out of descriptors */

static void
accept_watch(struct streams *ss, int what)
{
	size_t i;

	for (i = 0; i < ss->ndoors; i++)
		loop_io_set(ss->doors[i].io, what);
}

void
accept_resume(void *streams)
{
	accept_watch(streams, LOOP_READ);
}

void
accept_close(struct streams *ss)
{
	size_t i;

	for (i = 0; i < ss->ndoors; i++)
		loop_io_free(ss->doors[i].io);
	free(ss->doors);
}

static void
accept_failed(struct streams *ss, int err)
{
	uint64_t held;

	switch (err) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
		return;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		/* The connection stays in the queue, and would wake us up
		 * for nothing again and again. */
		accept_watch(ss, 0);
		loop_timer_set(ss->rest, REST_MS);
		break;
	default:
		break;
	}
	if (log_limit_pass(&ss->trouble, loop_now_ms(ss->conf.loop), &held))
		log_warn("accept_failed", KV_ERR(err), KV_U("held_back", held));
}

/* Who is connected to what; false: that is not to be told. */
static bool
door_identify(const struct stream_door *d, int fd,
    const struct sockaddr_storage *from, struct stream_id *id)
{
	memset(id, 0, sizeof(*id));
	id->listener = d->kind.plain;
	if (addr_from_sockaddr(from, &id->client) != 0)
		return false;
	if (d->any && sock_local(fd, &id->local) != 0)
		return false;
	id->local.port = 0;
	return true;
}

static void
door_ready(void *arg, int listener, int what)
{
	struct stream_door *d = arg;
	struct streams *ss = d->all;
	struct sockaddr_storage from;
	struct stream_id id;
	enum stream_end end;
	socklen_t len;
	int fd, rounds, err;

	for (rounds = 0; rounds < ACCEPT_ROUNDS; rounds++) {
		len = sizeof(from);
		fd = accept4(listener, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			accept_failed(ss, errno);
			return;
		}
		counter_add(&ss->stats->accepted, 1);
		err = door_identify(d, fd, &from, &id) ? stream_open(d, fd, &id)
						       : -ENOTCONN;
		if (err != 0) {
			end = stream_refused(ss, &id.client, err);
			counter_add(&ss->stats->ended[end], 1);
			close(fd);
		}
	}
}

int
streams_listen(struct streams *ss, int fd, const struct addr *bound,
    const struct stream_kind *kind)
{
	static const uint8_t zero[sizeof(bound->ip)];
	struct stream_door *d = &ss->doors[ss->ndoors];

	*d = (struct stream_door){
		.all = ss,
		.kind = *kind,
		.any = memcmp(bound->ip, zero, sizeof(zero)) == 0,
	};
	d->io = loop_io_new(ss->conf.loop, fd, LOOP_READ, door_ready, d);
	if (d->io == NULL)
		return -ENOMEM;
	ss->ndoors++;
	return 0;
}
