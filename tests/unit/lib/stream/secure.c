/* SPDX-License-Identifier: BSD-3-Clause */
/* A door for both kinds, and what TLS makes of reading. */
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "lib/addr/prefix.h"
#include "lib/net/sock.h"
#include "lib/stream/stream.h"
#include "tests/unit/lib/tls/cert.h"
#include "tests/unit/test.h"

#define PLAIN   7
#define SECURE  8
#define RECORDS 200
#define HEADER  "PROXY TCP4 192.0.2.7 192.0.2.8 77 88\r\n"

static char folder[] = "/tmp/floe-secure-XXXXXX";
static char cert[64], key[64];

struct fixture {
	struct loop *loop;
	struct streams *streams;
	struct stream_stats stats;
	struct tls_ctx *tls;
	SSL_CTX *ctx;
	SSL *client;
	struct addr at;
	int listener, fd;
	struct loop_timer *end;
	struct prefix balancers;
	int opened, closed, kind;
	struct addr told;
	size_t got, got_before;
	int turns; /* in which messages came */
};

/* Messages here: a byte that tells how long they are, itself included. */
static int
next_message(const void *data, size_t len)
{
	return len == 0 ? 0 : *(const uint8_t *)data;
}

static int
opened(void *arg, struct stream *s)
{
	struct fixture *f = arg;

	f->opened++;
	f->kind = stream_id(s)->listener;
	f->told = stream_id(s)->client;
	return 0;
}

static void
message(void *arg, struct stream *s, uint8_t *data, size_t len)
{
	struct iovec part = { data, len };

	((struct fixture *)arg)->got++;
	stream_send(s, false, &part, 1);
}

static void
closed(void *arg, struct stream *s)
{
	((struct fixture *)arg)->closed++;
}

static void
turn_end(void *arg)
{
	struct fixture *f = arg;

	f->turns += f->got > f->got_before;
	f->got_before = f->got;
	streams_flush(f->streams);
}

static void
end_run(void *arg)
{
	loop_stop(((struct fixture *)arg)->loop);
}

static void
turn(struct fixture *f)
{
	loop_timer_set(f->end, 1);
	assert_int_equal(0, loop_run(f->loop));
}

static int
setup_with(void **state, const char *balancers, size_t send_max)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct stream_ops ops = { .arg = f,
		.next = next_message,
		.opened = opened,
		.message = message,
		.closed = closed };
	const struct tls_conf tls = { cert, key, NULL };
	struct addr any = addr_v4(127, 0, 0, 1, 0);
	struct streams_conf conf = { .max = 4,
		.listeners = 1,
		.message_max = 100,
		.send_max = send_max,
		.idle_ms = 60000,
		.balancers = &f->balancers,
		.nbalancers = 1 };
	char err[TLS_ERR_MAX];

	assert_int_equal(0, prefix_parse(balancers, &f->balancers));
	assert_int_equal(0, tls_ctx_new(&tls, &f->tls, err));
	f->loop = conf.loop = loop_new();
	f->streams = streams_new(&conf, &ops, &f->stats);
	f->end = loop_timer_new(f->loop, end_run, f);
	loop_on_turn_end(f->loop, turn_end, f);
	assert_int_equal(0, sock_tcp_group(&any, &f->listener, 1, 8, &f->at));
	assert_int_equal(0,
	    streams_listen(f->streams, f->listener, &f->at,
		&(struct stream_kind){ PLAIN, SECURE, f->tls }));
	f->ctx = SSL_CTX_new(TLS_client_method());
	f->client = SSL_new(f->ctx);
	*state = f;
	return 0;
}

static int
setup(void **state)
{
	return setup_with(state, "192.0.2.0/24", 1 << 20);
}

static int
setup_small(void **state)
{
	return setup_with(state, "192.0.2.0/24", 4096);
}

static int
setup_balanced(void **state)
{
	return setup_with(state, "127.0.0.0/8", 1 << 20);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	streams_free(f->streams);
	assert_int_equal(f->closed, f->opened);
	tls_ctx_free(f->tls);
	SSL_free(f->client);
	SSL_CTX_free(f->ctx);
	loop_timer_free(f->end);
	loop_free(f->loop);
	close(f->listener);
	close(f->fd);
	free(f);
	return 0;
}

static void
dial(struct fixture *f)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&f->at, &ss);

	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(0, connect(f->fd, (struct sockaddr *)&ss, len));
}

static void
shake(struct fixture *f)
{
	int i;

	assert_int_equal(
	    0, fcntl(f->fd, F_SETFL, fcntl(f->fd, F_GETFL) | O_NONBLOCK));
	SSL_set_fd(f->client, f->fd);
	SSL_set_connect_state(f->client);
	for (i = 0; i < 100 && SSL_do_handshake(f->client) != 1; i++)
		turn(f);
	assert_true(SSL_is_init_finished(f->client));
	turn(f);
}

/* All answers, which are records of their own. */
static size_t
answers(struct fixture *f)
{
	char back[100];
	size_t n, count = 0;
	int i;

	for (i = 0; i < 100; i++) {
		turn(f);
		while (SSL_read_ex(f->client, back, sizeof(back), &n) == 1) {
			assert_int_equal(n, back[0]);
			count++;
		}
	}
	return count;
}

static void
either_kind(void **state)
{
	struct fixture *f = *state;
	char back[4];
	int other;

	dial(f);
	turn(f);
	assert_int_equal(0, f->opened); /* nobody knows yet */
	assert_int_equal(2, write(f->fd, "\2a", 2));
	turn(f);
	assert_int_equal(1, f->opened);
	assert_int_equal(PLAIN, f->kind);
	assert_int_equal(2, recv(f->fd, back, sizeof(back), 0));
	other = f->fd;
	dial(f);
	shake(f);
	assert_int_equal(2, f->opened);
	assert_int_equal(SECURE, f->kind);
	close(other);
}

/* The header ends where TLS begins, however the bytes come. */
static void
header_before_tls(void **state)
{
	struct fixture *f = *state;
	size_t n;

	dial(f);
	assert_int_equal(
	    sizeof(HEADER) - 1, write(f->fd, HEADER, sizeof(HEADER) - 1));
	shake(f);
	assert_int_equal(SECURE, f->kind);
	assert_true(f->told.ip[0] == 192 && f->told.port == 77);
	assert_int_equal(1, SSL_write_ex(f->client, "\2a", 2, &n));
	assert_int_equal(1, answers(f));
}

/* Segments with data that have come to the client. */
static int
segments(const struct fixture *f)
{
	struct tcp_info told;
	socklen_t len = sizeof(told);

	assert_int_equal(
	    0, getsockopt(f->fd, IPPROTO_TCP, TCP_INFO, &told, &len));
	return (int)told.tcpi_data_segs_in;
}

static void
many_records(void **state)
{
	struct fixture *f = *state;
	size_t n;
	int i, before;

	dial(f);
	shake(f);
	before = f->turns;
	for (i = 0; i < RECORDS; i++)
		assert_int_equal(1, SSL_write_ex(f->client, "\3ab", 3, &n));
	assert_int_equal(RECORDS, answers(f));
	assert_int_equal(RECORDS, f->got);
	/* Not a turn for each of them. */
	assert_in_range(f->turns - before, 1, 20);
}

/* Answers are records, and leave in one call: in one segment. */
static void
answers_together(void **state)
{
	struct fixture *f = *state;
	int i, came, one = 1;
	size_t n;

	dial(f);
	setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	shake(f);
	/* The handshake's last words come with the first answer. */
	assert_int_equal(1, SSL_write_ex(f->client, "\2a", 2, &n));
	assert_int_equal(1, answers(f));
	came = segments(f);
	for (i = 0; i < 8; i++)
		assert_int_equal(1, SSL_write_ex(f->client, "\2a", 2, &n));
	assert_int_equal(8, answers(f));
	assert_int_equal(1, segments(f) - came);
}

/* Numbered requests, until the server takes no more and the socket neither; how
 * many went, of which the last may be in part. */
static uint32_t
ask_until_stuck(struct fixture *f, uint8_t request[100])
{
	uint32_t asked = 0;
	size_t n;
	int tries = 0;

	while (tries < 50) {
		memcpy(request + 1, &asked, sizeof(asked));
		if (SSL_write_ex(f->client, request, 100, &n) == 1) {
			asked++;
			tries = 0;
		} else {
			turn(f);
			tries++;
		}
	}
	return asked;
}

/* One that reads late has everything all the same, in order. */
static void
late_reader(void **state)
{
	struct fixture *f = *state;
	uint8_t request[100] = { 100 }, back[100];
	uint32_t asked, got = 0, number;
	int i, size = 4096;
	bool last = false;
	size_t n;

	dial(f);
	setsockopt(f->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(f->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	shake(f);
	asked = ask_until_stuck(f, request);
	assert_true(asked > f->got);
	for (i = 0; i < 2000 && got <= asked; i++) {
		while (SSL_read_ex(f->client, back, sizeof(back), &n) == 1) {
			assert_int_equal(100, n);
			memcpy(&number, back + 1, sizeof(number));
			assert_int_equal(got++, number);
		}
		/* The last one is in OpenSSL's hands. */
		if (!last)
			last = SSL_write_ex(f->client, request, 100, &n) == 1;
		turn(f);
	}
	assert_true(got > asked);
}

/* Messages in pieces of records, and records in pieces of messages. */
static void
seams(void **state)
{
	struct fixture *f = *state;
	char all[300];
	size_t n, i;

	dial(f);
	shake(f);
	memset(all, 3, sizeof(all));
	for (i = 0; i < sizeof(all); i += n) {
		n = 1 + i % 7;
		if (n > sizeof(all) - i)
			n = sizeof(all) - i;
		assert_int_equal(1, SSL_write_ex(f->client, all + i, n, &n));
		if (i % 3 == 0)
			turn(f);
	}
	assert_int_equal(100, answers(f));
}

/* What came before the end has its effect. */
static void
good_bye_behind(void **state)
{
	struct fixture *f = *state;
	size_t n;

	dial(f);
	shake(f);
	assert_int_equal(1, SSL_write_ex(f->client, "\2a", 2, &n));
	SSL_shutdown(f->client); /* and TCP stays open */
	assert_int_equal(1, answers(f));
	assert_int_equal(1, f->got);
	assert_int_equal(1, f->stats.ended[STREAM_BY_CLIENT]);
}

static void
noise_behind(void **state)
{
	struct fixture *f = *state;
	size_t n;

	dial(f);
	shake(f);
	assert_int_equal(1, SSL_write_ex(f->client, "\2a", 2, &n));
	assert_int_equal(11, write(f->fd, "no TLS, no.", 11));
	answers(f);
	assert_int_equal(1, f->got);
	assert_int_equal(1, f->stats.ended[STREAM_TLS]);
}

static int
make_files(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	snprintf(key, sizeof(key), "%s/key.pem", folder);
	cert_make(cert, key, 1, NULL);
	return 0;
}

static int
remove_files(void **state)
{
	unlink(cert);
	unlink(key);
	return rmdir(folder);
}

#define TEST(name, from) cmocka_unit_test_setup_teardown(name, from, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(either_kind, setup),
		TEST(header_before_tls, setup_balanced),
		TEST(many_records, setup),
		TEST(answers_together, setup),
		TEST(late_reader, setup_small),
		TEST(seams, setup),
		TEST(good_bye_behind, setup),
		TEST(noise_behind, setup),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
