/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same random traffic through three forwarders: one that makes two calls a
 * datagram, lib/dgram by epoll, lib/dgram by io_uring. Every destination gets
 * the same datagrams in the same order, flow by flow.
 *
 * A forwarder is what turnd is at heart: clients come to one listener with a
 * header in front that names the flow; it goes off, the rest to the flow's peer
 * from the flow's own socket; what the peer says gets a header and goes back.
 * FLOE_SEED=N runs one seed.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/dgram/dgram.h"
#include "lib/net/sock.h"
#include "tests/unit/test.h"

#define FLOWS  50
#define HEADER 4 /* flow and length, two bytes each */
#define ROUNDS 25
/* Of a round, so that no socket's buffer is ever full. */
#define PACKETS   100
#define BYTES     60000
#define PAYLOAD   2048 /* with a header that is longer than any may be */
#define TRAIL_MAX (ROUNDS * PACKETS)

enum way { PLAIN, BY_EPOLL, BY_RING };
static const char *const way_names[] = { "plain", "epoll", "io_uring" };
enum side { TO_PEER, TO_CLIENT };

/* What a destination has got of a flow. */
struct trail {
	int n;
	uint64_t packets[TRAIL_MAX]; /* length and a hash of the content */
};

struct end {
	int fd;
	struct addr at;
	int due; /* what the forwarder has sent there and we have not read */
};

struct relay {
	struct world *w;
	struct end end;
	uint16_t flow;
	struct dgram *in;
};

struct world {
	enum way way;
	uint64_t seed, random;
	int nflows, nclients;
	struct relay listener, relays[FLOWS];
	struct end peers[FLOWS], clients[FLOWS];
	struct trail trails[2][FLOWS];
	int sent, came; /* to and by the forwarder */
	struct batch_tx *out;
	struct loop *loop;
	struct dgrams *dgrams;
};

/* xorshift64* */
static uint32_t
pick(struct world *w, uint32_t below)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (uint32_t)((w->random * 0x2545f4914f6cdd1d) >> 32) % below;
}

#define trouble(w, ...)                                                  \
	do {                                                             \
		print_message("FLOE_SEED=%llu, %s:\n",                   \
		    (unsigned long long)(w)->seed, way_names[(w)->way]); \
		fail_msg(__VA_ARGS__);                                   \
	} while (0)

static struct end
open_end(void)
{
	struct addr here = addr_v4(127, 0, 0, 1, 0);
	struct end e = { .fd = sock_udp(&here) };
	int room = 400000;

	assert_true(e.fd >= 0);
	assert_int_equal(sock_local(e.fd, &e.at), 0);
	(void)setsockopt(e.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return e;
}

static void
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static int
get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* What becomes of a datagram. */
struct verdict {
	int fd; /* -1: it is dropped */
	struct end *to;
	size_t strip;
	uint8_t head[HEADER];
	size_t head_len;
};

static struct verdict
judge(struct relay *r, const struct batch_in *in)
{
	struct world *w = r->w;
	struct verdict v = { .fd = -1 };
	int flow;

	w->came++;
	if (in->truncated)
		return v;
	if (r != &w->listener) {
		v.fd = w->listener.end.fd;
		v.to = &w->clients[r->flow % w->nclients];
		v.head_len = HEADER;
		put16(v.head, r->flow);
		put16(v.head + 2, in->len);
		v.to->due++;
		return v;
	}
	flow = in->len < HEADER ? -1 : get16(in->data);
	if (flow < 0 || flow >= w->nflows ||
	    get16(in->data + 2) != (int)in->len - HEADER)
		return v;
	v.fd = w->relays[flow].end.fd;
	v.to = &w->peers[flow];
	v.strip = HEADER;
	v.to->due++;
	return v;
}

static void
plain_one(struct relay *r)
{
	uint8_t buf[HEADER + BATCH_BYTES + 1];
	struct batch_in in = { .data = buf + HEADER };
	ssize_t n = recv(r->end.fd, in.data, BATCH_BYTES + 1, MSG_DONTWAIT);
	struct sockaddr_storage ss;
	struct verdict v;
	socklen_t len;
	uint8_t *from;

	if (n < 0)
		return;
	in.len = (size_t)n;
	in.truncated = n > BATCH_BYTES;
	v = judge(r, &in);
	if (v.fd < 0)
		return;
	from = in.data + v.strip - v.head_len;
	memcpy(from, v.head, v.head_len);
	len = addr_to_sockaddr(&v.to->at, &ss);
	n = (ssize_t)(in.len - v.strip + v.head_len);
	if (sendto(v.fd, from, (size_t)n, 0, (struct sockaddr *)&ss, len) != n)
		trouble(r->w, "a plain send has failed");
}

static void
plain_run(struct world *w)
{
	struct pollfd p[FLOWS + 1];
	int i;

	for (i = 0; i <= w->nflows; i++)
		p[i] =
		    (struct pollfd){ .fd = i < w->nflows ? w->relays[i].end.fd
							 : w->listener.end.fd,
			    .events = POLLIN };
	while (w->came < w->sent) {
		if (poll(p, (nfds_t)w->nflows + 1, 10000) <= 0)
			trouble(w, "nothing comes");
		for (i = 0; i <= w->nflows; i++) {
			if (p[i].revents != 0)
				plain_one(i < w->nflows ? &w->relays[i]
							: &w->listener);
		}
	}
}

/* Half of the flows have their header in front of where they lie, the others
 * have it queued with them. */
static void
on_input(void *arg, struct batch_in *in, int n)
{
	struct relay *r = arg;
	struct verdict v;
	uint8_t *from;
	size_t len;

	for (; n-- > 0; in++) {
		v = judge(r, in);
		if (v.fd < 0)
			continue;
		from = in->data + v.strip;
		len = in->len - v.strip;
		if (r->flow % 2 == 0 && v.head_len > 0) {
			from -= v.head_len;
			len += v.head_len;
			memcpy(from, v.head, v.head_len);
			v.head_len = 0;
		}
		batch_tx_add(dgrams_tx(r->w->dgrams), v.fd, &v.to->at, v.head,
		    v.head_len, from, len);
	}
}

static void
on_lost(void *arg, int fd, uint32_t n)
{
	trouble((struct world *)arg, "%u lost for want of room", n);
}

static void
on_failed(void *arg, int fd, int err)
{
	trouble((struct world *)arg, "a socket has failed: %d", err);
}

static void
on_sent(void *arg, int fd, const struct addr *dst, size_t len, int err)
{
	if (err != 0)
		trouble((struct world *)arg, "a send was refused: %d", err);
}

static void
flush(void *arg)
{
	dgrams_flush(((struct world *)arg)->dgrams);
}

static void
turn_end(void *arg)
{
	struct world *w = arg;

	dgrams_flush(w->dgrams);
	if (w->came >= w->sent)
		loop_stop(w->loop);
}

static void
forward(struct world *w)
{
	alarm(60);
	if (w->way == PLAIN)
		plain_run(w);
	else if (w->came < w->sent)
		assert_int_equal(loop_run(w->loop), 0);
	alarm(0);
}

/* What queued packets point at, until they are flushed. */
static uint8_t arena[PACKETS][HEADER + PAYLOAD];

static size_t
random_size(struct world *w)
{
	switch (pick(w, 6)) {
	case 0:
		return pick(w, 4);
	case 1:
		return PAYLOAD - pick(w, 8);
	case 2:
		return 160;
	default:
		return pick(w, 1300);
	}
}

/* Now and then a header that fits nothing. */
static void
say(struct world *w, enum side side, int flow, size_t len)
{
	uint8_t *p = arena[w->sent % PACKETS];
	size_t i, head = side == TO_PEER ? HEADER : 0;
	uint32_t x = pick(w, 1u << 31);

	for (i = 0; i < len; i++)
		p[head + i] = (uint8_t)(x + i * (x >> 8 | 1));
	w->sent++;
	if (side == TO_CLIENT) {
		batch_tx_add(w->out, w->peers[flow].fd, &w->relays[flow].end.at,
		    NULL, 0, p, len);
		return;
	}
	put16(p, pick(w, 30) == 0 ? FLOWS + 3 : (size_t)flow);
	put16(p + 2, len);
	if (pick(w, 40) == 0)
		len = head = pick(w, HEADER);
	else
		len += head;
	batch_tx_add(w->out, w->clients[flow % w->nclients].fd,
	    &w->listener.end.at, NULL, 0, p, len);
}

/* A burst is of one flow: of one size with another at its end, or of any. */
static void
say_burst(struct world *w, int *packets, int *bytes)
{
	enum side side = pick(w, 2) ? TO_PEER : TO_CLIENT;
	int flow = (int)pick(w, (uint32_t)w->nflows);
	int n = pick(w, 3) == 0 ? 1 : 1 + (int)pick(w, 20);
	bool same = pick(w, 3) > 0;
	size_t size = random_size(w), len;
	int i;

	for (i = 0; i < n && *packets < PACKETS && *bytes < BYTES; i++) {
		len = same && i < n - 1 ? size : random_size(w);
		if (same && len > size)
			len = size;
		say(w, side, flow, len);
		*packets += 1;
		*bytes += (int)len;
	}
	if (pick(w, 4) == 0)
		batch_tx_flush(w->out);
}

static void
note(struct world *w, enum side side, int flow, const uint8_t *data, size_t len)
{
	struct trail *t = &w->trails[side][flow];
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ data[i]) * 16777619u;
	t->packets[t->n++] = (uint64_t)len << 32 | hash;
}

/* What has come to one destination, all of it. */
static void
hear(struct world *w, struct end *e, enum side side, int flow)
{
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	uint8_t buf[HEADER + BATCH_BYTES + 1];
	struct sockaddr_storage ss;
	struct addr src;
	socklen_t slen;
	ssize_t n;

	for (; e->due > 0; e->due--) {
		if (poll(&p, 1, 10000) != 1)
			trouble(w, "%d packets have not come", e->due);
		slen = sizeof(ss);
		n = recvfrom(
		    e->fd, buf, sizeof(buf), 0, (struct sockaddr *)&ss, &slen);
		assert_int_equal(addr_from_sockaddr(&ss, &src), 0);
		if (side == TO_CLIENT)
			flow = n < HEADER ? FLOWS : get16(buf);
		if (n < 0 || flow >= w->nflows ||
		    !addr_equal(&src,
			side == TO_CLIENT ? &w->listener.end.at
					  : &w->relays[flow].end.at))
			trouble(w, "a packet that nobody sent");
		note(w, side, flow, buf, (size_t)n);
	}
	if (recv(e->fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		trouble(w, "one packet too many");
}

static void
one_round(struct world *w)
{
	int packets = 0, bytes = 0, i, bursts = 1 + (int)pick(w, 12);

	while (bursts-- > 0)
		say_burst(w, &packets, &bytes);
	batch_tx_flush(w->out);
	forward(w);
	for (i = 0; i < w->nflows; i++)
		hear(w, &w->peers[i], TO_PEER, i);
	for (i = 0; i < w->nclients; i++)
		hear(w, &w->clients[i], TO_CLIENT, 0);
}

static void
open_relay(struct world *w, struct relay *r, int flow)
{
	static const struct dgram_ops ops = { .input = on_input };

	*r = (struct relay){ .w = w, .end = open_end() };
	r->flow = (uint16_t)flow;
	if (w->way == PLAIN)
		return;
	r->in = dgram_open(w->dgrams, r->end.fd, &ops, r);
	assert_non_null(r->in);
}

static void
open_forwarder(struct world *w)
{
	int i;

	if (w->way != PLAIN) {
		w->loop = w->way == BY_RING ? loop_new_ring() : loop_new();
		assert_non_null(w->loop);
		w->dgrams = dgrams_new(&(struct dgrams_conf){
		    w->loop, w, flush, on_sent, on_lost, on_failed });
		assert_non_null(w->dgrams);
		loop_on_turn_end(w->loop, turn_end, w);
	}
	open_relay(w, &w->listener, 0);
	for (i = 0; i < w->nflows; i++)
		open_relay(w, &w->relays[i], i);
}

static void
close_relay(struct relay *r)
{
	dgram_close(r->in);
	close(r->end.fd);
}

static void
close_world(struct world *w)
{
	int i;

	close_relay(&w->listener);
	for (i = 0; i < w->nflows; i++) {
		close_relay(&w->relays[i]);
		close(w->peers[i].fd);
	}
	for (i = 0; i < w->nclients; i++)
		close(w->clients[i].fd);
	dgrams_free(w->dgrams);
	loop_free(w->loop);
	batch_tx_free(w->out);
}

/* All that is random comes of the seed. */
static struct world *
live(uint64_t seed, enum way way)
{
	struct world *w = calloc(1, sizeof(*w));
	int i;

	assert_non_null(w);
	w->way = way;
	w->seed = seed;
	w->random = seed * 0x9e3779b97f4a7c15 + 1;
	w->nflows = pick(w, 4) == 0 ? 1 : 1 + (int)pick(w, FLOWS);
	w->nclients = 1 + (int)pick(w, (uint32_t)w->nflows);
	w->out = batch_tx_new(NULL, NULL);
	open_forwarder(w);
	for (i = 0; i < w->nflows; i++)
		w->peers[i] = open_end();
	for (i = 0; i < w->nclients; i++)
		w->clients[i] = open_end();
	for (i = 0; i < ROUNDS; i++)
		one_round(w);
	close_world(w);
	return w;
}

static void
compare(const struct world *w, const struct world *plain)
{
	const struct trail *a, *b;
	int side, flow, i;

	for (side = 0; side < 2; side++) {
		for (flow = 0; flow < plain->nflows; flow++) {
			a = &w->trails[side][flow];
			b = &plain->trails[side][flow];
			for (i = 0; i < a->n && i < b->n; i++) {
				if (a->packets[i] != b->packets[i])
					trouble(w,
					    "packet %d of flow %d differs", i,
					    flow);
			}
			if (a->n != b->n)
				trouble(w, "flow %d: %d packets, plain %d",
				    flow, a->n, b->n);
		}
	}
}

static bool
has_ring(void)
{
	struct loop *l = loop_new_ring();
	bool has = l != NULL;

	loop_free(l);
	return has;
}

static void
same_by_all_ways(void **state)
{
	const char *asked = getenv("FLOE_SEED");
	uint64_t seed = asked == NULL ? 1 : strtoull(asked, NULL, 10), last;
	enum way way, ways = has_ring() ? BY_RING : BY_EPOLL;
	struct world *plain, *w;
	int packets = 0;

	for (last = asked == NULL ? 16 : seed; seed <= last; seed++) {
		plain = live(seed, PLAIN);
		packets += plain->came;
		for (way = BY_EPOLL; way <= ways; way++) {
			w = live(seed, way);
			compare(w, plain);
			free(w);
		}
		free(plain);
	}
	print_message("%d packets%s\n", packets,
	    ways == BY_RING ? "" : ", no io_uring here");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_by_all_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
