/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/addr/prefix.h"
#include "lib/net/sock.h"
#include "lib/stream/stream.h"
#include "tests/unit/test.h"

#define IDLE_MS 150
#define LONG    100
#define LENT    (64 << 10) /* messages that a turn is looked at for */

/* Messages here: a byte that tells how long they are, itself included. */
static int
next_message(const void *data, size_t len)
{
	int n = len == 0 ? 0 : *(const uint8_t *)data;

	return len > 0 && n == 0 ? -EBADMSG : n;
}

/* A message that was handed on and is good still. */
struct lent {
	const uint8_t *data;
	uint32_t sum;
};

struct fixture {
	struct loop *loop;
	struct streams *streams;
	struct stream_stats stats;
	struct addr at;
	int listener, client;
	int opened, flushed, idle, closed, detached;
	struct stream_parts parts; /* of the last one detached */
	struct stream *stream;     /* the one that was held */
	int copies;                /* of each message, sent back */
	bool media, keep, many, known;
	struct prefix balancers;
	struct census *census;
	const char *told; /* whose the connection is to be, if not its own */
	char got[4096];   /* letters of the messages */
	struct loop_timer *end;
	struct lent lent[LENT];
	size_t nlent, nlent_most;
};

static uint32_t
sum_of(const uint8_t *data)
{
	uint32_t sum = 0;
	int i;

	for (i = 0; i < data[0]; i++)
		sum = sum * 31 + data[i];
	return sum;
}

static void
lend(struct fixture *f, const uint8_t *data)
{
	if (f->nlent < LENT)
		f->lent[f->nlent++] = (struct lent){ data, sum_of(data) };
}

/* The end of their time: until then they stay what they were. */
static void
take_back(struct fixture *f)
{
	size_t i;

	for (i = 0; i < f->nlent; i++)
		assert_int_equal(f->lent[i].sum, sum_of(f->lent[i].data));
	if (f->nlent > f->nlent_most)
		f->nlent_most = f->nlent;
	f->nlent = 0;
}

static int
opened(void *arg, struct stream *s)
{
	struct fixture *f = arg;
	struct addr mine;

	f->opened++;
	assert_int_equal(0, sock_local(f->client, &mine));
	if (f->many) /* any of the test's own */
		mine.port = stream_id(s)->client.port;
	if (f->told != NULL)
		assert_int_equal(0, addr_parse(f->told, &mine));
	assert_true(addr_equal(&mine, &stream_id(s)->client));
	assert_int_equal(7, stream_id(s)->listener);
	return 0;
}

static void
message(void *arg, struct stream *s, uint8_t *data, size_t len)
{
	struct fixture *f = arg;
	struct iovec part = { data, len };
	int i;

	lend(f, data);
	if (strlen(f->got) + 1 < sizeof(f->got))
		f->got[strlen(f->got)] = (char)data[1];
	for (i = 0; i < f->copies; i++)
		stream_send(s, f->media, &part, 1);
	stream_touch(s);
	if (data[1] == 'h' && f->stream == NULL) {
		f->stream = s;
		stream_hold(s);
	}
	if (data[1] == 'd')
		stream_detach(s, false);
	if (data[1] == 'e' && f->detached < 2)
		stream_detach(s, true);
}

static void
detached(void *arg, struct stream *s, struct stream_parts *p)
{
	struct fixture *f = arg;

	f->detached++;
	f->parts = *p;
	loop_stop(f->loop);
}

static void
flush(void *arg)
{
	struct fixture *f = arg;

	f->flushed++;
	take_back(f);
}

static bool
idle(void *arg, struct stream *s)
{
	struct fixture *f = arg;

	f->idle++;
	return f->keep && f->idle < 3;
}

static bool
known(void *arg, struct stream *s)
{
	return ((struct fixture *)arg)->known;
}

static void
closed(void *arg, struct stream *s)
{
	struct fixture *f = arg;

	f->closed++;
	loop_stop(f->loop);
}

static void
turn_end(void *arg)
{
	struct fixture *f = arg;

	take_back(f);
	streams_flush(f->streams);
}

static void
end_run(void *arg)
{
	loop_stop(((struct fixture *)arg)->loop);
}

static void
run(struct fixture *f, uint64_t ms)
{
	loop_timer_set(f->end, ms);
	assert_int_equal(0, loop_run(f->loop));
}

static int
dial(const struct fixture *f)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&f->at, &ss);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(0, connect(fd, (struct sockaddr *)&ss, len));
	return fd;
}

static int
setup_from(void **state, const char *balancers, int per_host)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct hash_key key = { 1, 2 };
	const struct stream_ops ops = { .arg = f,
		.next = next_message,
		.opened = opened,
		.message = message,
		.flush = flush,
		.idle = idle,
		.known = known,
		.closed = closed,
		.detached = detached };
	struct addr any = addr_v4(127, 0, 0, 1, 0);
	struct streams_conf conf = { .max = 1,
		.listeners = 1,
		.message_max = LONG,
		.send_max = 32 << 10,
		.idle_ms = IDLE_MS };

	if (balancers != NULL) {
		assert_int_equal(0, prefix_parse(balancers, &f->balancers));
		conf.balancers = &f->balancers;
		conf.nbalancers = 1;
	}
	if (per_host > 0) {
		conf.max = 10;
		conf.census = f->census =
		    census_new(10, (uint32_t)per_host, &key);
	}
	f->copies = 1;
	f->parts.fd = -1;
	f->loop = conf.loop = loop_new();
	f->streams = streams_new(&conf, &ops, &f->stats);
	f->end = loop_timer_new(f->loop, end_run, f);
	loop_on_turn_end(f->loop, turn_end, f);
	if (sock_tcp_group(&any, &f->listener, 1, 8, &f->at) != 0 ||
	    streams_listen(f->streams, f->listener, &f->at,
		&(struct stream_kind){ 7, 7, NULL }) != 0)
		return -1;
	f->client = dial(f);
	*state = f;
	return 0;
}

static int
setup(void **state)
{
	return setup_from(state, NULL, 0);
}

static int
setup_balanced(void **state)
{
	return setup_from(state, "127.0.0.0/8", 0);
}

static int
setup_capped(void **state)
{
	return setup_from(state, "127.0.0.9", 2);
}

static int
setup_several(void **state)
{
	return setup_from(state, "127.0.0.9", 4);
}

static int
setup_balanced_and_capped(void **state)
{
	return setup_from(state, "127.0.0.0/8", 1);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	streams_free(f->streams);
	stream_parts_fini(&f->parts);
	assert_int_equal(f->closed + f->detached, f->opened);
	assert_int_equal(0, stream_stats_open(&f->stats));
	census_free(f->census);
	loop_timer_free(f->end);
	loop_free(f->loop);
	close(f->listener);
	close(f->client);
	free(f);
	return 0;
}

static void
whole_messages(void **state)
{
	struct fixture *f = *state;
	char back[64];

	assert_int_equal(6, write(f->client, "\2a\3bb\3", 6));
	run(f, 10);
	assert_string_equal("ab", f->got);
	assert_int_equal(5, recv(f->client, back, sizeof(back), 0));
	assert_memory_equal("\2a\3bb", back, 5);
	assert_int_equal(2, write(f->client, "cc", 2));
	run(f, 10);
	assert_string_equal("abc", f->got);
}

/* The header comes a byte at a time, the message right behind it. */
static void
header_first(void **state)
{
	static const char text[] =
	    "PROXY TCP4 192.0.2.7 192.0.2.8 77 88\r\n\2a";
	struct fixture *f = *state;
	size_t i;

	f->told = "192.0.2.7:77";
	for (i = 0; i + 4 < sizeof(text); i++) {
		assert_int_equal(1, write(f->client, &text[i], 1));
		loop_timer_set(f->end, 0);
		assert_int_equal(0, loop_run(f->loop));
		assert_int_equal(0, f->opened);
	}
	assert_int_equal(2, write(f->client, &text[i], 2));
	run(f, 10);
	assert_int_equal(1, f->opened);
	assert_string_equal("", f->got);
	assert_int_equal(1, write(f->client, "a", 1));
	run(f, 10);
	assert_string_equal("a", f->got);
}

/* An unfinished header must not keep the loop busy. */
static void
part_of_a_header_waits(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(9, write(f->client, "PROXY TCP", 9));
	run(f, 5000);
	assert_int_equal(0, f->opened);
	assert_int_equal(1, f->stats.ended[STREAM_IDLE]);
}

static void
header_of_nobody(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(17, write(f->client, "PROXY UNKNOWN\r\n\2a", 17));
	run(f, 10);
	assert_string_equal("a", f->got);
}

static void
no_header(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(2, write(f->client, "\2a", 2));
	run(f, 30);
	assert_int_equal(0, f->opened);
	assert_string_equal("", f->got);
	assert_int_equal(1, f->stats.ended[STREAM_PROXY]);
}

static void
end_within_header(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(5, write(f->client, "PROXY", 5));
	shutdown(f->client, SHUT_WR);
	run(f, 30);
	assert_int_equal(1, f->stats.ended[STREAM_BY_CLIENT]);
}

/* Who is no balancer has no header, so this is noise. */
static void
header_of_a_stranger(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(15, write(f->client, "PROXY UNKNOWN\r\n", 15));
	run(f, 30);
	assert_int_equal(1, f->opened);
	assert_int_equal(0, f->stats.ended[STREAM_PROXY]);
}

static void
so_many_of_a_host(void **state)
{
	struct fixture *f = *state;
	int second = dial(f), third;
	char c;

	f->many = true;
	run(f, 10);
	third = dial(f);
	run(f, 10);
	assert_int_equal(0, recv(third, &c, 1, 0));
	assert_int_equal(1, f->stats.ended[STREAM_CROWDED]);
	close(second);
	run(f, 10);
	close(third);
	third = dial(f);
	run(f, 10);
	assert_int_equal(1, f->stats.ended[STREAM_CROWDED]);
	assert_int_equal(3, f->opened);
	close(third);
}

/* It is the hosts behind the balancer that are counted. */
static void
so_many_behind_a_balancer(void **state)
{
	static const char one[] = "PROXY TCP4 192.0.2.7 192.0.2.8 77 88\r\n";
	static const char two[] = "PROXY TCP4 192.0.2.9 192.0.2.8 77 88\r\n";
	struct fixture *f = *state;
	int second = dial(f), third = dial(f);

	f->told = "192.0.2.7:77";
	assert_true(write(f->client, one, sizeof(one) - 1) > 0);
	run(f, 10);
	assert_true(write(second, one, sizeof(one) - 1) > 0);
	run(f, 10);
	assert_int_equal(1, f->opened);
	assert_int_equal(1, f->stats.ended[STREAM_CROWDED]);
	f->told = "192.0.2.9:77";
	assert_true(write(third, two, sizeof(two) - 1) > 0);
	run(f, 10);
	assert_int_equal(2, f->opened);
	close(second);
	close(third);
}

static void
closed_by_client(void **state)
{
	struct fixture *f = *state;
	char back[8];

	assert_int_equal(2, write(f->client, "\2a", 2));
	shutdown(f->client, SHUT_WR);
	run(f, 5000);
	assert_int_equal(2, recv(f->client, back, sizeof(back), 0));
	assert_int_equal(1, f->stats.ended[STREAM_BY_CLIENT]);
}

/* What was understood before the noise has its effect, then it is over. */
static void
noise(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(3, write(f->client, "\2a\0", 3));
	run(f, 5000);
	assert_string_equal("a", f->got);
	assert_int_equal(1, f->stats.ended[STREAM_NOT_STUN]);
}

static void
too_long(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(1, write(f->client, "\377", 1));
	run(f, 5000);
	assert_int_equal(1, f->stats.ended[STREAM_TOO_LONG]);
}

static void
long_of_somebody_known(void **state)
{
	struct fixture *f = *state;
	char data[255];

	f->known = true;
	memset(data, 'x', sizeof(data));
	data[0] = (char)sizeof(data);
	assert_int_equal(100, write(f->client, data, 100));
	run(f, 10);
	assert_int_equal(155, write(f->client, data + 100, 155));
	run(f, 10);
	assert_string_equal("x", f->got);
	assert_int_equal(0, f->closed);
}

static void
idle_is_asked(void **state)
{
	struct fixture *f = *state;

	f->keep = true;
	run(f, 5000);
	assert_int_equal(3, f->idle);
	assert_int_equal(1, f->stats.ended[STREAM_IDLE]);
}

static void
noise_beside_others(void **state)
{
	struct fixture *f = *state;
	int other = dial(f);

	f->many = true;
	run(f, 10);
	assert_int_equal(3, write(f->client, "\2a\0", 3));
	assert_int_equal(3, write(other, "\3bb", 3));
	run(f, 5000);
	assert_int_equal(2, strlen(f->got));
	assert_int_equal(2, f->nlent_most);
	assert_int_equal(1, f->stats.ended[STREAM_NOT_STUN]);
	close(other);
}

/* As much as the socket takes at once, at most a MiB. */
static size_t
pour(int fd)
{
	static uint8_t data[1000 * LONG];
	size_t i, sent = 0;
	ssize_t n;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i % LONG == 0 ? LONG : (uint8_t)(i / LONG | 0x80);
	do {
		n = send(fd, data + sent % sizeof(data),
		    sizeof(data) - sent % sizeof(data), MSG_DONTWAIT);
		if (n > 0)
			sent += (size_t)n;
	} while (n > 0 && sent < 1 << 20);
	return sent;
}

/* What several reads of several clients brought is good at the same time, and
 * when there is no room for more, whoever wants it is told before it goes. */
static void
room_runs_out(void **state)
{
	struct fixture *f = *state;
	int more[3], i;
	size_t sent;

	f->many = true;
	f->copies = 0;
	for (i = 0; i < 3; i++)
		more[i] = dial(f);
	run(f, 10);
	sent = pour(f->client);
	for (i = 0; i < 3; i++)
		sent += pour(more[i]);
	run(f, 50);
	assert_int_equal(4, f->opened);
	assert_true(f->flushed > 0);
	assert_in_range(f->nlent_most, (64 << 10) / LONG, LENT - 1);
	assert_true(f->stats.received_bytes <= sent);
	for (i = 0; i < 3; i++)
		close(more[i]);
}

static void
one_too_many(void **state)
{
	struct fixture *f = *state;
	int second;
	char c;

	run(f, 10);
	second = dial(f);
	run(f, 10);
	assert_int_equal(0, recv(second, &c, 1, 0));
	close(second);
	assert_int_equal(1, f->stats.ended[STREAM_REFUSED]);
	assert_int_equal(1, stream_stats_open(&f->stats));
}

/* Every answer comes, in order, although far more than may wait is due. */
static void
answers_wait_for_the_client(void **state)
{
	struct fixture *f = *state;
	char data[LONG], back[LONG];
	int i, sent = 0, seen = 0, n;

	f->copies = 20;
	memset(data, 'x', sizeof(data));
	data[0] = LONG;
	for (i = 0; i < 1000 && f->closed == 0; i++) {
		if (send(f->client, data, LONG, MSG_DONTWAIT) != LONG)
			break;
		sent++;
		loop_timer_set(f->end, 0);
		assert_int_equal(0, loop_run(f->loop));
	}
	while (seen < 20 * sent) {
		n = (int)recv(f->client, back, LONG, MSG_DONTWAIT | MSG_PEEK);
		if (n < LONG) {
			loop_timer_set(f->end, 1);
			assert_int_equal(0, loop_run(f->loop));
			assert_int_equal(0, f->closed);
			continue;
		}
		assert_int_equal(LONG, recv(f->client, back, LONG, 0));
		assert_memory_equal(data, back, LONG);
		seen++;
	}
}

/* Media that nobody reads goes, and what arrives is still whole. */
static void
media_is_dropped(void **state)
{
	struct fixture *f = *state;
	char data[LONG], back[LONG];
	int i, seen = 0;

	f->media = true;
	f->copies = 200;
	memset(data, 'x', sizeof(data));
	data[0] = LONG;
	for (i = 0; i < 2000; i++) {
		assert_int_equal(LONG, send(f->client, data, LONG, 0));
		loop_timer_set(f->end, 0);
		assert_int_equal(0, loop_run(f->loop));
	}
	shutdown(f->client, SHUT_WR);
	run(f, 5);
	while (f->closed == 0 || seen == 0) {
		while (recv(f->client, back, LONG, MSG_DONTWAIT | MSG_PEEK) ==
		    LONG) {
			recv(f->client, back, LONG, 0);
			assert_memory_equal(data, back, LONG);
			seen++;
		}
		if (f->closed == 0)
			run(f, 1);
	}
	assert_true(seen > 0 && seen < 200 * 2000);
}

/* Nothing of what was read or waited to be sent is lost, whatever follows the
 * message that ends the stream. */
static void
taken_apart(void **state)
{
	struct fixture *f = *state;
	struct stream_parts *p = &f->parts;

	assert_int_equal(10, write(f->client, "\2a\2d\7rest!", 10));
	run(f, 5000);
	assert_int_equal(1, f->detached);
	assert_string_equal("ad", f->got);
	assert_int_equal(6, p->unread_len);
	assert_memory_equal("\7rest!", p->unread, 6);
	assert_int_equal(4, p->unsent_len);
	assert_memory_equal("\2a\2d", p->unsent, 4);
	assert_false(p->ended);
	assert_int_equal(1, f->stats.ended[STREAM_DETACHED]);
	assert_int_equal(0, stream_stats_open(&f->stats));
}

static void
adopted(void **state)
{
	struct fixture *f = *state;
	char back[64];

	assert_int_equal(6, write(f->client, "\2a\2e\2b", 6));
	run(f, 5000);
	assert_string_equal("ae", f->got);
	assert_int_equal(0, streams_adopt(f->streams, &f->parts));
	assert_int_equal(-1, f->parts.fd);
	/* That message again, for it was said to be unread. */
	run(f, 5000);
	assert_int_equal(2, f->detached);
	assert_string_equal("aee", f->got);
	assert_int_equal(0, streams_adopt(f->streams, &f->parts));
	run(f, 10);
	assert_string_equal("aeeeb", f->got);
	assert_int_equal(10, recv(f->client, back, sizeof(back), 0));
	assert_memory_equal("\2a\2e\2e\2e\2b", back, 10);
	assert_int_equal(1, stream_stats_open(&f->stats));
	assert_int_equal(2, f->stats.adopted);
	assert_int_equal(1, f->stats.accepted);
	/* It ends as any other. */
	shutdown(f->client, SHUT_WR);
	run(f, 5000);
	assert_int_equal(1, f->stats.ended[STREAM_BY_CLIENT]);
}

/* A message that is held comes again, and nothing before it. */
static void
held(void **state)
{
	struct fixture *f = *state;

	/* However slow this machine is. */
	f->keep = true;
	f->idle = -1000;
	assert_int_equal(6, write(f->client, "\2a\2h\2b", 6));
	run(f, 10);
	assert_string_equal("ah", f->got);
	assert_int_equal(2, write(f->client, "\2c", 2));
	run(f, 10);
	assert_string_equal("ah", f->got);
	stream_go_on(f->stream);
	run(f, 10);
	assert_string_equal("ahhbc", f->got);
	/* One that is gone meanwhile is closed all the same. */
	f->stream = NULL;
	assert_int_equal(2, write(f->client, "\2h", 2));
	run(f, 10);
	assert_non_null(f->stream);
	f->keep = false;
	run(f, 5000);
	assert_int_equal(1, f->stats.ended[STREAM_IDLE]);
}

/* The cap holds for those, too, and the parts stay whole. */
static void
adopted_too_many(void **state)
{
	struct fixture *f = *state;
	int first = f->client;

	assert_int_equal(2, write(first, "\2d", 2));
	run(f, 5000);
	f->client = dial(f);
	run(f, 10);
	assert_int_equal(2, f->opened);
	assert_int_equal(-ENOBUFS, streams_adopt(f->streams, &f->parts));
	assert_true(f->parts.fd >= 0);
	assert_int_equal(2, f->parts.unsent_len);
	close(first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    whole_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    header_first, setup_balanced, teardown),
		cmocka_unit_test_setup_teardown(
		    part_of_a_header_waits, setup_balanced, teardown),
		cmocka_unit_test_setup_teardown(
		    header_of_nobody, setup_balanced, teardown),
		cmocka_unit_test_setup_teardown(
		    no_header, setup_balanced, teardown),
		cmocka_unit_test_setup_teardown(
		    end_within_header, setup_balanced, teardown),
		cmocka_unit_test_setup_teardown(
		    header_of_a_stranger, setup_capped, teardown),
		cmocka_unit_test_setup_teardown(
		    so_many_of_a_host, setup_capped, teardown),
		cmocka_unit_test_setup_teardown(so_many_behind_a_balancer,
		    setup_balanced_and_capped, teardown),
		cmocka_unit_test_setup_teardown(
		    closed_by_client, setup, teardown),
		cmocka_unit_test_setup_teardown(noise, setup, teardown),
		cmocka_unit_test_setup_teardown(too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    long_of_somebody_known, setup, teardown),
		cmocka_unit_test_setup_teardown(idle_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    noise_beside_others, setup_several, teardown),
		cmocka_unit_test_setup_teardown(
		    room_runs_out, setup_several, teardown),
		cmocka_unit_test_setup_teardown(one_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    answers_wait_for_the_client, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    media_is_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(taken_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(adopted, setup, teardown),
		cmocka_unit_test_setup_teardown(held, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    adopted_too_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
