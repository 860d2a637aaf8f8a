/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/lib/dgram/fixture.h"

static struct loop *(*make)(void) = loop_new;

/* Bytes that tell of which datagram and where in it they are. */
void
fill(uint8_t *data, int which, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = (uint8_t)(7 * (size_t)which + i + (i >> 8));
}

int
open_udp(struct addr at, struct addr *bound)
{
	int fd = sock_udp(&at);

	assert_true(fd >= 0);
	assert_int_equal(sock_local(fd, bound), 0);
	return fd;
}

/* An address for this process alone, so that no other gets a port that was just
 * given up. */
struct addr
here(void)
{
	unsigned int pid = (unsigned int)getpid();

	return addr_v4(127, (uint8_t)(64 + (pid >> 16) % 64),
	    (uint8_t)(pid >> 8), (uint8_t)pid, 0);
}

static void
on_input(void *arg, struct batch_in *in, int n)
{
	struct sock *s = arg;

	s->got += n;
	s->f->got += n;
	s->f->input(s, in, n);
}

static void
on_erred(void *arg)
{
	struct sock *s = arg;
	struct sock_error e;

	s->erred++;
	/* Those that come of a datagram's own trouble have nothing to tell. */
	while (sock_next_error(s->fd, &e) != 0)
		s->f->erred++;
}

static void
on_lost(void *arg, int fd, uint32_t n)
{
	struct fixture *f = arg;
	int i;

	for (i = 0; i < f->nsocks; i++) {
		if (f->socks[i].fd == fd)
			f->socks[i].lost += n;
	}
	f->lost += n;
}

static void
on_failed(void *arg, int fd, int err)
{
	((struct fixture *)arg)->failed++;
}

static const struct dgram_ops ops = { on_input, on_erred };

static void
on_sent(void *arg, int fd, const struct addr *dst, size_t len, int err)
{
	struct fixture *f = arg;

	if (f->nsent < (int)LEN(f->errs)) {
		f->errs[f->nsent] = err;
		f->lens[f->nsent] = len;
	}
	f->nsent++;
}

static void
out_of_room(void *arg)
{
	dgrams_flush(((struct fixture *)arg)->dgrams);
}

static void
turn_end(void *arg)
{
	struct fixture *f = arg;

	dgrams_flush(f->dgrams);
	if (f->done(f))
		loop_stop(f->loop);
}

bool
got_all(struct fixture *f)
{
	return f->got >= f->want;
}

static void
begin(void *arg)
{
	struct fixture *f = arg;

	if (f->first != NULL)
		f->first(f);
}

/* At least one turn, and until it is done. */
void
run(struct fixture *f, bool (*done)(struct fixture *))
{
	f->done = done;
	assert_int_equal(loop_post(f->loop, begin, f), 0);
	alarm(20);
	assert_int_equal(loop_run(f->loop), 0);
	alarm(0);
	f->first = NULL;
}

void
echo(struct sock *s, struct batch_in *in, int n)
{
	for (; n-- > 0; in++)
		batch_tx_add(
		    s->f->tx, s->fd, &in->src, NULL, 0, in->data, in->len);
}

struct sock *
add(struct fixture *f, struct addr at)
{
	struct sock *s = &f->socks[f->nsocks++];

	s->f = f;
	s->fd = open_udp(at, &s->at);
	s->d = dgram_open(f->dgrams, s->fd, &ops, s);
	assert_non_null(s->d);
	return s;
}

void
drop(struct sock *s)
{
	if (s->d == NULL)
		return;
	dgram_close(s->d);
	close(s->fd);
	s->d = NULL;
}

void
open_dgrams(struct fixture *f)
{
	const struct dgrams_conf conf = { NULL, f, out_of_room, on_sent,
		on_lost, on_failed };
	struct dgrams_conf c = conf;

	c.loop = f->loop = make();
	assert_non_null(f->loop);
	f->dgrams = dgrams_new(&c);
	assert_non_null(f->dgrams);
	f->tx = dgrams_tx(f->dgrams);
	loop_on_turn_end(f->loop, turn_end, f);
}

void
close_dgrams(struct fixture *f)
{
	dgrams_free(f->dgrams);
	loop_free(f->loop);
}

int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t i;

	open_dgrams(f);
	f->out = batch_tx_new(NULL, NULL);
	f->input = echo;
	for (i = 0; i < LEN(f->peers); i++)
		f->peers[i] = open_udp(here(), &f->peer_at[i]);
	*state = f;
	return 0;
}

int
teardown(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < (size_t)f->nsocks; i++)
		drop(&f->socks[i]);
	close_dgrams(f);
	batch_tx_free(f->out);
	for (i = 0; i < LEN(f->peers); i++)
		close(f->peers[i]);
	free(f);
	return 0;
}

/* One datagram by a call of its own. */
void
say(int fd, const struct addr *to, int which, size_t len)
{
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(to, &ss);
	uint8_t data[LONGEST];

	fill(data, which, len);
	assert_int_equal(
	    sendto(fd, data, len, 0, (struct sockaddr *)&ss, n), len);
}

/* The next one, which has to come. */
void
hear(int fd, int which, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t data[LONGEST + 1], expected[LONGEST];

	fill(expected, which, len);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(recv(fd, data, sizeof(data), 0), len);
	assert_memory_equal(data, expected, len);
}

void
hear_nothing(int fd)
{
	uint8_t data[LONGEST];

	assert_int_equal(recv(fd, data, sizeof(data), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

void
ignore(struct sock *s, struct batch_in *in, int n)
{
}

bool
at_once(struct fixture *f)
{
	return true;
}

int
sockets_allowed(void)
{
	struct rlimit lim;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &lim), 0);
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
	return lim.rlim_cur < SOCKS_MAX + 100 ? (int)lim.rlim_cur - 100
					      : SOCKS_MAX;
}

int
on_both_engines(const struct CMUnitTest *tests, size_t n)
{
	struct loop *l = loop_new_ring();
	int failed = _cmocka_run_group_tests("epoll", tests, n, NULL, NULL);

	if (l == NULL) {
		print_message("no io_uring here: %s\n", strerror(errno));
		return failed;
	}
	loop_free(l);
	make = loop_new_ring;
	return failed +
	    _cmocka_run_group_tests("io_uring", tests, n, NULL, NULL);
}
