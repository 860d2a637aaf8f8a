/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "turnd/pair.h"

#define KEPT (60 << 10) /* as pair.c keeps at most, each way */

struct fixture {
	struct loop *loop;
	struct loop_timer *end;
	struct pair *pair;
	int client, peer; /* the far ends */
	bool mute;        /* the bandwidth is used up */
	int asked, over, turns;
	size_t moved[TURN_DIRECTIONS];
};

static bool
may(void *arg, enum turn_direction d, size_t bytes)
{
	struct fixture *f = arg;

	f->asked++;
	assert_true(bytes <= KEPT);
	return !f->mute;
}

static void
moved(void *arg, enum turn_direction d, size_t bytes)
{
	((struct fixture *)arg)->moved[d] += bytes;
}

static void
over(void *arg)
{
	struct fixture *f = arg;

	f->over++;
	pair_free(f->pair);
	f->pair = NULL;
	loop_stop(f->loop);
}

static void
end_run(void *arg)
{
	loop_stop(((struct fixture *)arg)->loop);
}

static void
turn_end(void *arg)
{
	((struct fixture *)arg)->turns++;
}

static void
run(struct fixture *f, uint64_t ms)
{
	loop_timer_set(f->end, ms);
	assert_int_equal(0, loop_run(f->loop));
}

static uint8_t *
bytes(const char *text)
{
	return (uint8_t *)strdup(text);
}

static void
start(struct fixture *f, const char *unread, const char *unsent, bool ended)
{
	const struct pair_ops ops = { f, may, moved, over };
	struct stream_parts parts = { .ended = ended };
	int a[2], b[2], type = SOCK_STREAM | SOCK_NONBLOCK;

	assert_int_equal(0, socketpair(AF_UNIX, type, 0, a));
	assert_int_equal(0, socketpair(AF_UNIX, type, 0, b));
	f->client = a[0];
	f->peer = b[0];
	parts.fd = a[1];
	if (unread != NULL) {
		parts.unread = bytes(unread);
		parts.unread_len = strlen(unread);
	}
	if (unsent != NULL) {
		parts.unsent = bytes(unsent);
		parts.unsent_len = strlen(unsent);
	}
	f->pair = pair_new(f->loop, &parts, b[1], &ops);
	assert_non_null(f->pair);
	assert_int_equal(-1, parts.fd);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = loop_new();
	f->end = loop_timer_new(f->loop, end_run, f);
	loop_on_turn_end(f->loop, turn_end, f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	pair_free(f->pair);
	close(f->client);
	close(f->peer);
	loop_timer_free(f->end);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void
hears(int fd, const char *text)
{
	char got[64];
	size_t len = strlen(text);

	assert_int_equal(len, recv(fd, got, sizeof(got), 0));
	assert_memory_equal(text, got, len);
}

static void
says(int fd, const char *text)
{
	assert_int_equal(strlen(text), send(fd, text, strlen(text), 0));
}

static void
test_both_ways(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, NULL, false);
	says(f->client, "hello");
	says(f->peer, "you");
	run(f, 5);
	hears(f->peer, "hello");
	hears(f->client, "you");
	assert_int_equal(5, f->moved[TURN_UP]);
	assert_int_equal(3, f->moved[TURN_DOWN]);
}

/* What was there before comes first; of it the answer was not data. */
static void
test_leftovers(void **state)
{
	struct fixture *f = *state;

	start(f, "early ", "answer ", false);
	says(f->client, "late");
	says(f->peer, "data");
	run(f, 5);
	hears(f->peer, "early late");
	hears(f->client, "answer data");
	assert_int_equal(10, f->moved[TURN_UP]);
	assert_int_equal(4, f->moved[TURN_DOWN]);
}

static void
test_ends_one_after_the_other(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, NULL, false);
	says(f->client, "bye");
	shutdown(f->client, SHUT_WR);
	run(f, 5);
	hears(f->peer, "bye");
	assert_int_equal(0, recv(f->peer, &(char){ 0 }, 1, 0));
	assert_int_equal(0, f->over);
	says(f->peer, "still here");
	run(f, 5);
	hears(f->client, "still here");
	shutdown(f->peer, SHUT_WR);
	run(f, 5000);
	assert_int_equal(1, f->over);
	assert_int_equal(0, recv(f->client, &(char){ 0 }, 1, 0));
}

/* A client that had said all when it was joined. */
static void
test_ended_before(void **state)
{
	struct fixture *f = *state;

	start(f, "all", NULL, true);
	run(f, 5);
	hears(f->peer, "all");
	assert_int_equal(0, recv(f->peer, &(char){ 0 }, 1, 0));
	says(f->peer, "fine");
	shutdown(f->peer, SHUT_WR);
	run(f, 5000);
	hears(f->client, "fine");
	assert_int_equal(1, f->over);
}

/* As much as goes in, of a pattern that shows a hole or a repetition. */
static size_t
stuff(struct fixture *f, int fd)
{
	uint32_t block[256], n = 0;
	size_t total = 0, done = 0;
	int stalled = 0;
	ssize_t sent;

	while (stalled < 3) {
		if (done == 0)
			for (n = 0; n < 256; n++)
				block[n] = (uint32_t)(total / 4 + n);
		sent = send(fd, (char *)block + done, sizeof(block) - done, 0);
		if (sent < 0) {
			stalled++;
			run(f, 5);
			continue;
		}
		stalled = 0;
		done = (done + (size_t)sent) % sizeof(block);
		total += (size_t)sent;
	}
	return total;
}

static size_t
empty(struct fixture *f, int fd)
{
	static uint8_t got[1 << 22];
	size_t total = 0, i;
	int stalled = 0;
	uint32_t word;
	ssize_t n;

	while (stalled < 3) {
		n = recv(fd, got + total, sizeof(got) - total, 0);
		if (n > 0) {
			total += (size_t)n;
			stalled = 0;
		} else {
			stalled++;
			run(f, 5);
		}
	}
	for (i = 0; i + 4 <= total; i += 4) {
		memcpy(&word, got + i, 4);
		assert_int_equal(word, i / 4);
	}
	return total;
}

static void
slow(struct fixture *f, int from, int to, enum turn_direction d)
{
	size_t total, waiting = 0;
	socklen_t len = sizeof(int);
	int room;

	/* What the kernel has for the two sockets. */
	assert_int_equal(
	    0, getsockopt(from, SOL_SOCKET, SO_SNDBUF, &room, &len));
	total = stuff(f, from);
	waiting = f->moved[d];
	assert_true(waiting > KEPT);
	assert_in_range(total, 1, 2 * (size_t)room + KEPT);
	/* Who waits does not look again and again. */
	f->turns = 0;
	run(f, 20);
	assert_in_range(f->turns, 1, 20);
	/* Whoever reads at last, reads all. */
	assert_int_equal(total, empty(f, to));
	assert_int_equal(total, f->moved[d]);
}

static void
test_slow_peer(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, NULL, false);
	slow(f, f->client, f->peer, TURN_UP);
	/* The other way was never hindered. */
	says(f->peer, "x");
	run(f, 5);
	hears(f->client, "x");
}

static void
test_slow_client(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, NULL, false);
	slow(f, f->peer, f->client, TURN_DOWN);
}

/* The end of what one says comes behind all of it, however late. */
static void
test_end_behind_what_waits(void **state)
{
	struct fixture *f = *state;
	size_t total;

	start(f, NULL, NULL, false);
	total = stuff(f, f->client);
	shutdown(f->client, SHUT_WR);
	run(f, 5);
	assert_int_equal(total, empty(f, f->peer));
	assert_int_equal(0, recv(f->peer, &(char){ 0 }, 1, 0));
	assert_int_equal(0, f->over);
}

static void
test_bandwidth(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, NULL, false);
	f->mute = true;
	says(f->client, "later");
	run(f, 50);
	/* It was asked a few times, not all the time. */
	assert_in_range(f->asked, 2, 40);
	assert_int_equal(-1, recv(f->peer, &(char){ 0 }, 1, 0));
	f->mute = false;
	run(f, 50);
	hears(f->peer, "later");
}

/* The peer is gone for good: what it said before still arrives. */
static void
test_peer_is_gone(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, NULL, false);
	says(f->peer, "last words");
	close(f->peer);
	f->peer = -1;
	says(f->client, "to nobody");
	run(f, 5000);
	assert_int_equal(1, f->over);
	hears(f->client, "last words");
	assert_int_equal(0, recv(f->client, &(char){ 0 }, 1, 0));
}

static void
test_client_is_gone(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, NULL, false);
	says(f->client, "last words");
	close(f->client);
	f->client = -1;
	run(f, 5);
	hears(f->peer, "last words");
	assert_int_equal(0, f->over);
	says(f->peer, "to nobody");
	run(f, 5000);
	assert_int_equal(1, f->over);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_both_ways),
		CASE(test_leftovers),
		CASE(test_ends_one_after_the_other),
		CASE(test_ended_before),
		CASE(test_slow_peer),
		CASE(test_slow_client),
		CASE(test_end_behind_what_waits),
		CASE(test_bandwidth),
		CASE(test_peer_is_gone),
		CASE(test_client_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
