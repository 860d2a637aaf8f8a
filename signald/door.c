/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "signald/door.h"
#include "signald/front.h"
#include "signald/worker.h"

#define ACCEPTS_A_TURN 64
#define REST_MS        100 /* when descriptors or memory are used up */

static void
welcome(struct door *door, int fd)
{
	struct worker *w = door->worker;
	struct conn *c;
	int on = 1;

	/* A frame is an answer that somebody waits for. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c = conn_new(
	    w, fd, listener_is(door->listener, "https") ? w->d->tls : NULL);
	if (c == NULL) {
		w->stats.refused++;
		return;
	}
	w->stats.accepted++;
	front_start(c);
}

static void
on_knock(void *arg, int fd, int what)
{
	struct door *door = arg;
	struct worker *w = door->worker;
	uint64_t held;
	int i, new;

	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		new = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (new >= 0) {
			welcome(door, new);
			continue;
		}
		/* What the network did to one connection is not our end. */
		if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO)
			continue;
		if (errno != EAGAIN) {
			if (log_limit_pass(
				&w->warnings, loop_now_ms(w->loop), &held))
				log_warn("accept_failed", KV_ERR(errno),
				    KV_U("held", held));
			/* It would knock without a pause. */
			doors_watch(w, false);
			wheel_set(&w->wheel, &w->doors_shut,
			    loop_now_ms(w->loop) + REST_MS);
		}
		return;
	}
}

int
doors_open(struct worker *w)
{
	struct signald *d = w->d;
	size_t i;

	w->doors = calloc(d->listeners.n, sizeof(*w->doors));
	if (w->doors == NULL)
		return -ENOMEM;
	for (i = 0; i < d->listeners.n; i++) {
		struct door *door = &w->doors[i];

		door->worker = w;
		door->listener = &d->listeners.items[i];
		door->fd = d->listeners.items[i].fds[w->index];
		door->io = loop_io_new(w->loop, door->fd, 0, on_knock, door);
		if (door->io == NULL)
			return -ENOMEM;
	}
	return 0;
}

void
doors_watch(struct worker *w, bool open)
{
	size_t i;

	if (open && w->stopping)
		return;
	for (i = 0; i < w->d->listeners.n; i++)
		if (loop_io_set(w->doors[i].io, open ? LOOP_READ : 0) != 0)
			log_error("listener_stuck", KV_I("worker", w->index));
}

void
doors_close(struct worker *w)
{
	size_t i;

	if (w->doors == NULL)
		return;
	wheel_clear(&w->wheel, &w->doors_shut);
	for (i = 0; i < w->d->listeners.n; i++)
		loop_io_free(w->doors[i].io);
	free(w->doors);
	w->doors = NULL;
}
