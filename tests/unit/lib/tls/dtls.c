/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/tls/dtls.h"
#include "tests/unit/lib/tls/cert.h"
#include "tests/unit/lib/tls/dclient.h"
#include "tests/unit/test.h"

static char folder[] = "/tmp/floe-dtls-XXXXXX";
static char cert[64], key[64], cert2[64], key2[64];
static const char *const protocols[] = { "stun.turn", NULL };

struct pair {
	struct tls_ctx *ctx;
	struct dtls_hello *hello;
	struct dtls *server;
	struct dclient client;
	uint64_t now_ms;
	uint8_t in[DGRAM_ROOM];
	uint8_t id;
	size_t longest; /* datagram of the server */
	int rc;         /* what dtls_read said last */
};

static void
to_client(void *arg, const void *data, size_t len)
{
	struct pair *p = arg;

	if (len > p->longest)
		p->longest = len;
	dgrams_put(&p->client.to_client, data, len);
}

static struct tls_ctx *
context(void)
{
	const struct tls_conf conf = { cert, key, protocols };
	char err[TLS_ERR_MAX];
	struct tls_ctx *c;

	assert_int_equal(tls_ctx_new(&conf, &c, err), 0);
	return c;
}

static void
pair_open(struct pair *p, struct tls_ctx *ctx, int version)
{
	memset(p, 0, sizeof(*p));
	p->ctx = ctx;
	p->now_ms = 1000000;
	p->hello = dtls_hello_new(ctx);
	assert_non_null(p->hello);
	dclient_open(&p->client, version);
}

static void
pair_close(struct pair *p)
{
	dtls_free(p->server);
	dtls_hello_free(p->hello);
	dclient_close(&p->client);
}

static int
give_hello(struct pair *p, const void *data, size_t len)
{
	const struct dtls_from from = { &p->id, 1, p->now_ms, to_client, p };

	return dtls_hello_input(p->hello, &from, data, len, &p->server);
}

/* The next datagram of the client to the server; false: there is none. */
static bool
deliver(struct pair *p, void *text, size_t room)
{
	size_t len = dgrams_get(&p->client.to_server, p->in, sizeof(p->in));

	if (len == 0)
		return false;
	if (p->server == NULL) {
		if (give_hello(p, p->in, len) != 1)
			return true;
		dtls_send_to(p->server, to_client, p);
	} else {
		dtls_input(p->server, p->in, len);
	}
	p->rc = (int)dtls_read(p->server, text, room);
	return true;
}

static bool
shake(struct pair *p)
{
	char text[DTLS_DATAGRAM_MAX];
	bool done = false;
	int i;

	for (i = 0; i < 10 && !done; i++) {
		done = dclient_shake(&p->client);
		while (deliver(p, text, sizeof(text)))
			;
	}
	return done && p->server != NULL && dtls_established(p->server);
}

static void
talks(void **state)
{
	struct tls_ctx *c = context();
	char text[DTLS_DATAGRAM_MAX];
	struct pair p;

	pair_open(&p, c, DTLS1_2_VERSION);
	assert_true(shake(&p));
	assert_in_range(p.longest, 1, DTLS_MTU);
	assert_true(dclient_send(&p.client, "ping", 4));
	assert_true(deliver(&p, text, sizeof(text)));
	assert_int_equal(p.rc, 4);
	assert_memory_equal(text, "ping", 4);
	assert_int_equal(dtls_read(p.server, text, sizeof(text)), -EAGAIN);
	dtls_quiet(p.server);
	assert_int_equal(dtls_write(p.server, "pong!", 5), 0);
	assert_int_equal(dtls_write(p.server, "again", 5), 0);
	/* A message is a record and a datagram of its own. */
	assert_int_equal(p.client.to_client.n, 2);
	assert_int_equal(dclient_recv(&p.client, text, sizeof(text)), 5);
	assert_memory_equal(text, "pong!", 5);
	assert_int_equal(dclient_recv(&p.client, text, sizeof(text)), 5);
	pair_close(&p);
	tls_ctx_free(c);
}

static void
longest_messages(void **state)
{
	struct tls_ctx *c = context();
	char text[DTLS_SEND_MAX + 1], back[DTLS_SEND_MAX + 1];
	struct pair p;

	memset(text, 'x', sizeof(text));
	pair_open(&p, c, DTLS1_2_VERSION);
	assert_int_equal(give_hello(&p, "", 0), 0);
	assert_true(shake(&p));
	assert_int_equal(
	    dtls_write(p.server, text, DTLS_SEND_MAX + 1), -EMSGSIZE);
	assert_int_equal(dtls_write(p.server, text, DTLS_SEND_MAX), 0);
	assert_in_range(p.longest, DTLS_SEND_MAX, DTLS_RECORD_MAX);
	assert_int_equal(
	    dclient_recv(&p.client, back, sizeof(back)), DTLS_SEND_MAX);
	assert_memory_equal(text, back, DTLS_SEND_MAX);
	pair_close(&p);
	tls_ctx_free(c);
}

/* A hello without the cookie costs us less than it cost the client. */
static void
cookie_first(void **state)
{
	struct tls_ctx *c = context();
	uint8_t first[DGRAM_ROOM], second[DGRAM_ROOM];
	struct dtls_client_hello hello;
	size_t len, len2;
	struct pair p;

	pair_open(&p, c, DTLS1_2_VERSION);
	assert_false(dclient_shake(&p.client));
	len = dgrams_get(&p.client.to_server, first, sizeof(first));
	assert_true(dtls_is_client_hello(first, len, &hello));
	assert_false(hello.cookie);
	assert_int_equal(give_hello(&p, first, len), 0);
	assert_int_equal(p.client.to_client.n, 1);
	assert_in_range(p.longest, 1, 60);
	assert_true(p.longest < len);

	/* The answer to it holds for the same client, and not for long. */
	assert_false(dclient_shake(&p.client));
	len2 = dgrams_get(&p.client.to_server, second, sizeof(second));
	assert_true(dtls_is_client_hello(second, len2, &hello));
	assert_true(hello.cookie);
	p.id = 1;
	assert_int_equal(give_hello(&p, second, len2), 0);
	p.id = 0;
	p.now_ms += 60000;
	assert_int_equal(give_hello(&p, second, len2), 0);
	p.now_ms -= 60000 - 29000;
	assert_int_equal(give_hello(&p, second, len2), 1);
	assert_false(dtls_established(p.server));
	pair_close(&p);
	tls_ctx_free(c);
}

static void
forged_cookie(void **state)
{
	struct tls_ctx *c = context(), *other = context();
	struct dtls_hello *theirs = dtls_hello_new(other), *ours;
	struct pair p;
	size_t len;

	/* The cookie of another server's key. */
	pair_open(&p, c, DTLS1_2_VERSION);
	assert_false(dclient_shake(&p.client));
	len = dgrams_get(&p.client.to_server, p.in, sizeof(p.in));
	ours = p.hello;
	p.hello = theirs;
	assert_int_equal(give_hello(&p, p.in, len), 0);
	p.hello = ours;
	assert_false(dclient_shake(&p.client));
	len = dgrams_get(&p.client.to_server, p.in, sizeof(p.in));
	assert_int_equal(give_hello(&p, p.in, len), 0);
	assert_null(p.server);
	dtls_hello_free(theirs);
	pair_close(&p);
	tls_ctx_free(c);
	tls_ctx_free(other);
}

/* Noise is not answered, and the next hello is served. */
static void
noise(void **state)
{
	struct tls_ctx *c = context();
	uint8_t data[DGRAM_ROOM];
	struct pair p;
	size_t i, len;

	pair_open(&p, c, DTLS1_2_VERSION);
	assert_false(dclient_shake(&p.client));
	len = dgrams_get(&p.client.to_server, p.in, sizeof(p.in));
	for (i = 0; i < len; i++) {
		assert_int_equal(give_hello(&p, p.in, i), 0);
		assert_int_equal(p.client.to_client.n, 0);
	}
	for (i = 0; i < len; i++) {
		memcpy(data, p.in, len);
		data[i] ^= 0xff;
		assert_int_equal(give_hello(&p, data, len), 0);
		p.client.to_client.n = 0;
	}
	SSL_clear(p.client.ssl);
	assert_true(shake(&p));
	pair_close(&p);
	tls_ctx_free(c);
}

static void
refuses_old_versions(void **state)
{
	struct tls_ctx *c = context();
	struct pair p;

	pair_open(&p, c, DTLS1_VERSION);
	assert_false(shake(&p));
	assert_int_equal(p.rc, -EPROTO);
	assert_string_not_equal(dtls_error(p.server), "");
	pair_close(&p);
	tls_ctx_free(c);
}

static void
alpn(void **state)
{
	struct tls_ctx *c = context();
	struct pair p;

	pair_open(&p, c, DTLS1_2_VERSION);
	SSL_set_alpn_protos(
	    p.client.ssl, (const unsigned char *)"\x04stun\x09stun.turn", 15);
	assert_true(shake(&p));
	assert_true(dtls_alpn_is(p.server, "stun.turn"));
	assert_false(dtls_alpn_is(p.server, "stun"));
	pair_close(&p);

	pair_open(&p, c, DTLS1_2_VERSION);
	SSL_set_alpn_protos(p.client.ssl, (const unsigned char *)"\x02h2", 3);
	assert_false(shake(&p));
	assert_int_equal(p.rc, -EPROTO);
	pair_close(&p);
	tls_ctx_free(c);
}

static void
good_byes(void **state)
{
	struct tls_ctx *c = context();
	char text[DTLS_DATAGRAM_MAX];
	struct pair p;

	pair_open(&p, c, DTLS1_2_VERSION);
	assert_true(shake(&p));
	SSL_shutdown(p.client.ssl);
	assert_true(deliver(&p, text, sizeof(text)));
	assert_int_equal(p.rc, 0);
	pair_close(&p);

	pair_open(&p, c, DTLS1_2_VERSION);
	assert_true(shake(&p));
	dtls_close(p.server);
	assert_int_equal(dclient_recv(&p.client, text, sizeof(text)), 0);
	assert_true(SSL_get_shutdown(p.client.ssl) & SSL_RECEIVED_SHUTDOWN);
	pair_close(&p);
	tls_ctx_free(c);
}

/* The flight after the cookie gets lost: it comes again by itself. */
static void
lost_flight(void **state)
{
	struct tls_ctx *c = context();
	uint64_t left;
	struct pair p;
	char text[DTLS_DATAGRAM_MAX];

	pair_open(&p, c, DTLS1_2_VERSION);
	dclient_shake(&p.client);
	assert_true(deliver(&p, text, sizeof(text)));
	dclient_shake(&p.client);
	assert_true(deliver(&p, text, sizeof(text)));
	assert_non_null(p.server);
	assert_true(p.client.to_client.n > 0);
	p.client.to_client.n = 0;
	left = dtls_retry_ms(p.server);
	assert_in_range(left, 1, 1000);
	assert_int_equal(dtls_retry(p.server), 0);
	assert_int_equal(p.client.to_client.n, 0); /* not yet */
	while ((left = dtls_retry_ms(p.server)) > 0)
		usleep((useconds_t)left * 1000);
	assert_int_equal(dtls_retry(p.server), 0);
	assert_true(p.client.to_client.n > 0);
	assert_true(shake(&p));
	assert_true(dtls_retry_ms(p.server) == UINT64_MAX);
	pair_close(&p);
	tls_ctx_free(c);
}

static long
serial_seen(struct pair *p)
{
	return ASN1_INTEGER_get(
	    X509_get0_serialNumber(SSL_get0_peer_certificate(p->client.ssl)));
}

static void
reloads(void **state)
{
	struct tls_ctx *c = context();
	char err[TLS_ERR_MAX], text[DTLS_DATAGRAM_MAX];
	struct pair before, after;
	struct dtls_hello *own;

	pair_open(&before, c, DTLS1_2_VERSION);
	assert_true(shake(&before));
	assert_int_equal(serial_seen(&before), 1);
	/* It looked at a hello with the old certificate already. */
	assert_int_equal(give_hello(&before, "\x16", 1), 0);
	assert_int_equal(tls_ctx_reload(c, cert2, key2, err), 0);
	pair_open(&after, c, DTLS1_2_VERSION);
	own = after.hello;
	after.hello = before.hello;
	assert_true(shake(&after));
	after.hello = own;
	assert_int_equal(serial_seen(&after), 2);
	pair_close(&after);

	assert_true(dclient_send(&before.client, "x", 1));
	assert_true(deliver(&before, text, sizeof(text)));
	assert_int_equal(before.rc, 1);
	pair_close(&before);
	tls_ctx_free(c);
}

static int
make_files(void **state)
{
	assert_int_equal(crypto_init(), 0);
	assert_non_null(mkdtemp(folder));
	snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	snprintf(key, sizeof(key), "%s/key.pem", folder);
	snprintf(cert2, sizeof(cert2), "%s/cert2.pem", folder);
	snprintf(key2, sizeof(key2), "%s/key2.pem", folder);
	cert_make(cert, key, 1, NULL);
	cert_make(cert2, key2, 2, NULL);
	return 0;
}

static int
remove_files(void **state)
{
	crypto_fini();
	unlink(cert);
	unlink(key);
	unlink(cert2);
	unlink(key2);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks),
		cmocka_unit_test(longest_messages),
		cmocka_unit_test(cookie_first),
		cmocka_unit_test(forged_cookie),
		cmocka_unit_test(noise),
		cmocka_unit_test(refuses_old_versions),
		cmocka_unit_test(alpn),
		cmocka_unit_test(good_byes),
		cmocka_unit_test(lost_flight),
		cmocka_unit_test(reloads),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
