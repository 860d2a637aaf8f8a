/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/dtls/assoc.h"
#include "tests/unit/lib/tls/cert.h"
#include "tests/unit/lib/tls/dclient.h"
#include "tests/unit/test.h"

#define CLIENTS 3
#define MAX     2 /* associations */
#define IDLE_MS 10000

static char folder[] = "/tmp/floe-assoc-XXXXXX";
static char cert[64], key[64];

/* What was given to send and is borrowed until the flush. */
struct queued {
	struct assoc_id id;
	const void *data;
	size_t len;
};

struct fixture {
	struct tls_ctx *tls;
	struct assocs *assocs;
	struct assoc_stats stats;
	struct dclient clients[CLIENTS];
	uint64_t now_ms;
	struct queued queue[64];
	size_t nqueued;
	struct {
		const uint8_t *data;
		size_t len;
	} messages[200]; /* borrowed until the flush */
	size_t nmessages;
	char got[1000]; /* the first letters of messages, at each flush */
	int opened, closed, flushes, idle;
	bool echo, keep, refuse, flush_within, shut;
};

static struct assoc_id
id_of(int client)
{
	return (struct assoc_id){ .listener = 3,
		.client = addr_v4(192, 0, 2, 1, (uint16_t)(1000 + client)) };
}

static void
flush(void *arg)
{
	struct fixture *f = arg;
	struct dgrams *to;
	size_t i;

	f->flushes++;
	for (i = 0; i < f->nmessages; i++) {
		assert_int_equal(f->messages[i].data[0],
		    f->messages[i].data[f->messages[i].len - 1]);
		strncat(f->got, (const char *)f->messages[i].data, 1);
	}
	f->nmessages = 0;
	for (i = 0; i < f->nqueued; i++) {
		to = &f->clients[f->queue[i].id.client.port - 1000].to_client;
		if (to->n == DGRAMS)
			to->n = 0; /* the network is like that */
		dgrams_put(to, f->queue[i].data, f->queue[i].len);
	}
	f->nqueued = 0;
}

static void
send_datagram(
    void *arg, const struct assoc_id *id, const void *data, size_t len)
{
	struct fixture *f = arg;

	assert_true(f->nqueued < LEN(f->queue));
	f->queue[f->nqueued++] = (struct queued){ *id, data, len };
}

static bool
admit(void *arg, const struct assoc_id *id)
{
	return !((struct fixture *)arg)->shut;
}

static int
opened(void *arg, struct assoc *a)
{
	struct fixture *f = arg;

	if (f->refuse)
		return -EUSERS;
	f->opened++;
	assert_ptr_equal(assocs_find(f->assocs, assoc_id(a)), a);
	return 0;
}

static void
message(void *arg, struct assoc *a, uint8_t *data, size_t len)
{
	struct fixture *f = arg;

	if (f->flush_within) {
		flush(f);
		assocs_flushed(f->assocs);
	}
	f->messages[f->nmessages].data = data;
	f->messages[f->nmessages++].len = len;
	if (f->echo)
		assert_int_equal(assoc_send(a, "<", 1, data, len), 0);
	assoc_touch(a, f->now_ms);
}

static bool
idle(void *arg, struct assoc *a)
{
	struct fixture *f = arg;

	f->idle++;
	return f->keep;
}

static void
closed(void *arg, struct assoc *a)
{
	((struct fixture *)arg)->closed++;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct tls_conf tls = { cert, key, NULL };
	const struct assoc_ops ops = { .arg = f,
		.send = send_datagram,
		.flush = flush,
		.admit = admit,
		.opened = opened,
		.message = message,
		.idle = idle,
		.closed = closed };
	struct assocs_conf conf = { .max = MAX, .idle_ms = IDLE_MS };
	char err[TLS_ERR_MAX];
	int i;

	f->now_ms = 1000000;
	if (tls_ctx_new(&tls, &f->tls, err) != 0)
		return -1;
	conf.tls = f->tls;
	f->assocs = assocs_new(&conf, &ops, &f->stats, f->now_ms);
	for (i = 0; i < CLIENTS; i++)
		dclient_open(&f->clients[i], DTLS1_2_VERSION);
	*state = f;
	return f->assocs != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int i;

	assocs_free(f->assocs);
	assert_int_equal(f->closed, f->opened);
	assert_int_equal(assoc_stats_open(&f->stats), 0);
	for (i = 0; i < CLIENTS; i++)
		dclient_close(&f->clients[i]);
	tls_ctx_free(f->tls);
	free(f);
	return 0;
}

/* All that the client has sent goes to the server, then what it answers. */
static void
deliver(struct fixture *f, int client)
{
	const struct assoc_id id = id_of(client);
	uint8_t data[DGRAM_ROOM];
	size_t len;

	while ((len = dgrams_get(
		    &f->clients[client].to_server, data, sizeof(data))) > 0)
		assocs_input(f->assocs, &id, data, len, f->now_ms);
	flush(f);
	assocs_flushed(f->assocs);
}

static bool
shake(struct fixture *f, int client)
{
	bool done = false;
	int i;

	for (i = 0; i < 10 && !done; i++) {
		done = dclient_shake(&f->clients[client]);
		deliver(f, client);
	}
	return done;
}

static void
messages(void **state)
{
	struct fixture *f = *state;
	char back[64];

	f->echo = true;
	assert_true(shake(f, 0));
	assert_true(shake(f, 1));
	assert_int_equal(f->opened, 2);
	assert_int_equal(f->stats.challenges, 2);
	assert_true(dclient_send(&f->clients[0], "aa", 2));
	assert_true(dclient_send(&f->clients[1], "bb", 2));
	deliver(f, 0);
	deliver(f, 1);
	assert_string_equal(f->got, "ab");
	assert_int_equal(dclient_recv(&f->clients[1], back, 64), 3);
	assert_memory_equal(back, "<bb", 3);
	assert_int_equal(dclient_recv(&f->clients[0], back, 64), 3);
	assert_memory_equal(back, "<aa", 3);
	assert_int_equal(f->stats.received_bytes, 4);
	assert_int_equal(f->stats.sent_bytes, 6);
}

/* More records in a turn, and in a datagram, than there is room for. */
static void
many_in_a_turn(void **state)
{
	struct fixture *f = *state;
	const struct assoc_id id = id_of(0);
	uint8_t all[DGRAM_ROOM];
	char text[2], back[64], want[151];
	size_t len = 0, i;

	f->echo = true;
	assert_true(shake(f, 0));
	for (i = 0; i < 150; i++) {
		want[i] = text[0] = text[1] = (char)('a' + i % 26);
		assert_true(dclient_send(&f->clients[0], text, 2));
		len += dgrams_get(
		    &f->clients[0].to_server, all + len, sizeof(all) - len);
		if (len < 1500 && i < 149)
			continue;
		/* Several records came in one datagram. */
		assocs_input(f->assocs, &id, all, len, f->now_ms);
		len = 0;
	}
	want[150] = '\0';
	deliver(f, 0);
	assert_string_equal(f->got, want);
	assert_true(f->flushes > 2);
	assert_true(dclient_recv(&f->clients[0], back, 64) > 0);
}

/* A flush in the middle of a message does not give its bytes away. */
static void
flush_within_message(void **state)
{
	struct fixture *f = *state;

	assert_true(shake(f, 0));
	f->flush_within = true;
	assert_true(dclient_send(&f->clients[0], "xx", 2));
	assert_true(dclient_send(&f->clients[0], "yy", 2));
	assert_true(dclient_send(&f->clients[0], "zz", 2));
	deliver(f, 0);
	assert_string_equal(f->got, "xyz");
}

static void
good_bye(void **state)
{
	struct fixture *f = *state;
	const struct assoc_id id = id_of(0);
	char back[64];

	assert_true(shake(f, 0));
	SSL_shutdown(f->clients[0].ssl);
	deliver(f, 0);
	assert_int_equal(f->closed, 1);
	assert_int_equal(f->stats.ended[ASSOC_BY_CLIENT], 1);
	assert_null(assocs_find(f->assocs, &id));
	/* It is answered with the same, RFC 5246 section 7.2.1. */
	assert_int_equal(dclient_recv(&f->clients[0], back, 64), 0);
	assert_true(
	    SSL_get_shutdown(f->clients[0].ssl) & SSL_RECEIVED_SHUTDOWN);
	assert_true(assocs_next_ms(f->assocs) == UINT64_MAX);
}

static void
idle_ones_end(void **state)
{
	struct fixture *f = *state;

	assert_true(shake(f, 0));
	f->keep = true;
	f->now_ms += IDLE_MS - 100;
	assocs_expire(f->assocs, f->now_ms);
	assert_int_equal(f->idle, 0);
	f->now_ms += 200;
	assocs_expire(f->assocs, f->now_ms);
	assert_int_equal(f->idle, 1);
	assert_int_equal(f->closed, 0);
	f->echo = true;
	assert_true(dclient_send(&f->clients[0], "aa", 2));
	deliver(f, 0);
	assert_string_equal(f->got, "a");
	f->keep = false;
	f->now_ms += IDLE_MS - 100;
	assocs_expire(f->assocs, f->now_ms);
	assert_int_equal(f->closed, 0);
	f->now_ms += 200;
	assocs_expire(f->assocs, f->now_ms);
	assert_int_equal(f->stats.ended[ASSOC_IDLE], 1);
}

static void
handshake_left(void **state)
{
	struct fixture *f = *state;

	dclient_shake(&f->clients[0]);
	deliver(f, 0);
	assert_int_equal(f->opened, 0);
	assert_true(assocs_next_ms(f->assocs) == UINT64_MAX);
	dclient_shake(&f->clients[0]);
	deliver(f, 0);
	assert_int_equal(f->opened, 1);
	assert_in_range(
	    assocs_next_ms(f->assocs), f->now_ms - 20, f->now_ms + 1020);
	f->now_ms += IDLE_MS + 100;
	assocs_expire(f->assocs, f->now_ms);
	assert_int_equal(f->stats.ended[ASSOC_HANDSHAKE], 1);
	assert_int_equal(f->idle, 0);
}

static void
lost_flight(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 2; i++) {
		dclient_shake(&f->clients[0]);
		deliver(f, 0);
	}
	f->clients[0].to_client.n = 0;
	/* Its timer goes by OpenSSL's clock. */
	for (i = 0; i < 200 && f->clients[0].to_client.n == 0; i++) {
		usleep(10000);
		f->now_ms += 10;
		assocs_expire(f->assocs, f->now_ms);
		flush(f);
		assocs_flushed(f->assocs);
	}
	assert_true(f->clients[0].to_client.n > 0);
	assert_true(shake(f, 0));
}

static void
as_many_as_allowed(void **state)
{
	struct fixture *f = *state;

	assert_true(shake(f, 0));
	f->refuse = true;
	shake(f, 1);
	assert_int_equal(f->stats.ended[ASSOC_CROWDED], 1);
	f->refuse = false;
	dclient_close(&f->clients[1]);
	dclient_open(&f->clients[1], DTLS1_2_VERSION);
	assert_true(shake(f, 1));
	shake(f, 2);
	assert_int_equal(f->stats.ended[ASSOC_REFUSED], 1);
	assert_int_equal(f->opened, 2);
	assert_int_equal(assoc_stats_open(&f->stats), 2);
	/* Those that are there are none the worse. */
	assert_true(dclient_send(&f->clients[0], "aa", 2));
	deliver(f, 0);
	assert_string_equal(f->got, "a");
}

/* RFC 6347 section 4.2.8: the client has lost its state. */
static void
begins_anew(void **state)
{
	struct fixture *f = *state;

	assert_true(shake(f, 0));
	dclient_close(&f->clients[0]);
	dclient_open(&f->clients[0], DTLS1_2_VERSION);
	dclient_shake(&f->clients[0]);
	deliver(f, 0);
	assert_int_equal(f->closed, 0); /* who knows who asked */
	assert_true(shake(f, 0));
	assert_int_equal(f->closed, 1);
	assert_int_equal(f->stats.ended[ASSOC_REPLACED], 1);
	assert_true(dclient_send(&f->clients[0], "aa", 2));
	deliver(f, 0);
	assert_string_equal(f->got, "a");
}

/* A hello that the network doubles, or somebody plays back, ends nothing. */
static void
hello_again(void **state)
{
	struct fixture *f = *state;
	const struct assoc_id id = id_of(0);
	uint8_t hello[DGRAM_ROOM];
	size_t len;

	dclient_shake(&f->clients[0]);
	deliver(f, 0);
	dclient_shake(&f->clients[0]);
	len = dgrams_get(&f->clients[0].to_server, hello, sizeof(hello));
	assocs_input(f->assocs, &id, hello, len, f->now_ms);
	assocs_input(f->assocs, &id, hello, len, f->now_ms);
	flush(f);
	assocs_flushed(f->assocs);
	assert_true(shake(f, 0));
	assocs_input(f->assocs, &id, hello, len, f->now_ms);
	assert_int_equal(f->opened, 1);
	assert_int_equal(f->closed, 0);
	assert_true(dclient_send(&f->clients[0], "aa", 2));
	deliver(f, 0);
	assert_string_equal(f->got, "a");
}

/* A limit on hellos is none on those who have a session. */
static void
hellos_not_admitted(void **state)
{
	struct fixture *f = *state;

	assert_true(shake(f, 0));
	f->shut = true;
	assert_false(shake(f, 1));
	assert_int_equal(f->clients[1].to_client.n, 0);
	assert_int_equal(f->stats.challenges, 1);
	assert_true(dclient_send(&f->clients[0], "aa", 2));
	deliver(f, 0);
	assert_string_equal(f->got, "a");
	f->shut = false;
	dclient_close(&f->clients[1]);
	dclient_open(&f->clients[1], DTLS1_2_VERSION);
	assert_true(shake(f, 1));
}

/* The record and the part of its handshake message from byte at on. */
static size_t
fragment(const uint8_t *whole, size_t at, size_t n, uint8_t seq, uint8_t *out)
{
	memcpy(out, whole, 25);
	out[10] = seq;
	out[11] = (uint8_t)((n + 12) >> 8);
	out[12] = (uint8_t)(n + 12);
	out[20] = (uint8_t)(at >> 8);
	out[21] = (uint8_t)at;
	out[23] = (uint8_t)(n >> 8);
	out[24] = (uint8_t)n;
	memcpy(out + 25, whole + 25 + at, n);
	return 25 + n;
}

/* A long hello comes in pieces; the cookie is in the first one. */
static void
hello_in_pieces(void **state)
{
	struct fixture *f = *state;
	const struct assoc_id id = id_of(0);
	uint8_t hello[DGRAM_ROOM], part[DGRAM_ROOM];
	size_t len, body;

	dclient_shake(&f->clients[0]);
	deliver(f, 0);
	dclient_shake(&f->clients[0]);
	len = dgrams_get(&f->clients[0].to_server, hello, sizeof(hello));
	body = len - 25;
	assert_int_equal(hello[10], 1); /* 0 was the one without a cookie */
	len = fragment(hello, 0, 100, 1, part);
	assocs_input(f->assocs, &id, part, len, f->now_ms);
	assert_int_equal(f->opened, 1);
	assert_int_equal(f->nqueued, 0);
	len = fragment(hello, 100, body - 100, 0, part);
	assocs_input(f->assocs, &id, part, len, f->now_ms);
	assert_true(f->nqueued > 0);
	assert_int_equal(f->stats.challenges, 1);
	flush(f);
	assocs_flushed(f->assocs);
	assert_true(shake(f, 0));
	assert_int_equal(f->opened, 1);
}

static void
strays(void **state)
{
	struct fixture *f = *state;
	const struct assoc_id id = id_of(1);
	uint8_t data[DGRAM_ROOM];
	size_t len;

	assert_true(shake(f, 0));
	assert_true(dclient_send(&f->clients[0], "aa", 2));
	len = dgrams_get(&f->clients[0].to_server, data, sizeof(data));
	assocs_input(f->assocs, &id, data, len, f->now_ms);
	assocs_input(f->assocs, &id, "\x16", 1, f->now_ms);
	assert_int_equal(f->stats.strays, 2);
	assert_int_equal(f->nqueued, 0);
	assert_int_equal(f->nmessages, 0);
	/* One byte of it is wrong. */
	data[len - 1] ^= 1;
	assocs_input(f->assocs, &(struct assoc_id){ .listener = 0 }, data, len,
	    f->now_ms);
	dgrams_put(&f->clients[0].to_server, data, len);
	deliver(f, 0);
	assert_string_equal(f->got, "");
	assert_int_equal(f->closed, 0);
}

static int
make_files(void **state)
{
	assert_int_equal(crypto_init(), 0);
	assert_non_null(mkdtemp(folder));
	snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	snprintf(key, sizeof(key), "%s/key.pem", folder);
	cert_make(cert, key, 1, NULL);
	return 0;
}

static int
remove_files(void **state)
{
	crypto_fini();
	unlink(cert);
	unlink(key);
	return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages),
		TEST(many_in_a_turn),
		TEST(flush_within_message),
		TEST(good_bye),
		TEST(idle_ones_end),
		TEST(handshake_left),
		TEST(lost_flight),
		TEST(as_many_as_allowed),
		TEST(begins_anew),
		TEST(hello_again),
		TEST(hellos_not_admitted),
		TEST(hello_in_pieces),
		TEST(strays),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
