/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/tls/dtls.h"
#include "lib/tls/tls.h"
#include "tests/unit/lib/tls/cert.h"
#include "tests/unit/test.h"

#define QUEUE_MAX 65536

static char folder[] = "/tmp/floe-tlsc-XXXXXX";
static char cert[64], key[64], other[64], other_key[64];

/* Bytes on their way; of a datagram each is told by its length. */
struct queue {
	uint8_t bytes[QUEUE_MAX];
	size_t len;
};

struct end {
	struct queue *in, *out;
};

static ssize_t
take(void *arg, void *data, size_t room)
{
	struct queue *q = ((struct end *)arg)->in;
	size_t n = q->len < room ? q->len : room;

	if (n == 0)
		return -EAGAIN;
	memcpy(data, q->bytes, n);
	memmove(q->bytes, q->bytes + n, q->len - n);
	q->len -= n;
	return (ssize_t)n;
}

static ssize_t
give(void *arg, const void *data, size_t len)
{
	struct queue *q = ((struct end *)arg)->out;

	assert_true(q->len + len <= QUEUE_MAX);
	memcpy(q->bytes + q->len, data, len);
	q->len += len;
	return (ssize_t)len;
}

static const struct tls_io queues = { take, give };

static struct queue up, down;
static struct end at_client = { &down, &up }, at_server = { &up, &down };
static struct tls_ctx *client_ctx, *server_ctx;
static struct tls *client, *server;

static void
begin(const char *ca, bool insecure, const char *host)
{
	static const char *const protocols[] = { "floe", NULL };
	const struct tls_conf conf = { cert, key, protocols };
	const struct tls_client_conf trust = { ca, insecure, protocols };
	char err[TLS_ERR_MAX];

	up.len = down.len = 0;
	assert_int_equal(tls_ctx_new(&conf, &server_ctx, err), 0);
	assert_int_equal(tls_client_ctx_new(&trust, &client_ctx, err), 0);
	server = tls_open(server_ctx, &queues, &at_server);
	client = tls_open_client(client_ctx, &queues, &at_client, host, false);
	assert_non_null(server);
	assert_non_null(client);
}

static void
finish(void)
{
	tls_free(client);
	tls_free(server);
	tls_ctx_free(client_ctx);
	tls_ctx_free(server_ctx);
}

/* What the client ends with. */
static int
shake(void)
{
	int i, rc = -EAGAIN;

	for (i = 0; i < 100 && rc == -EAGAIN; i++) {
		rc = tls_handshake(client);
		if (tls_handshake(server) == -EPROTO && rc == -EAGAIN)
			rc = tls_handshake(client);
	}
	return rc;
}

static void
trusts(void **state)
{
	char text[8];

	begin(cert, false, "floe.test");
	assert_int_equal(shake(), 0);
	assert_int_equal(tls_trust(client), TLS_TRUSTED);
	assert_string_equal(tls_trust_words(client), "");
	assert_true(tls_alpn_is(client, "floe"));
	assert_int_equal(tls_write(client, "ping", 4), 4);
	assert_int_equal(tls_read(server, text, sizeof(text)), 4);
	assert_int_equal(tls_write(server, "pong", 4), 4);
	assert_int_equal(tls_read(client, text, sizeof(text)), 4);
	assert_memory_equal(text, "pong", 4);
	assert_int_equal(tls_close(client), 0);
	assert_int_equal(tls_read(server, text, sizeof(text)), 0);
	finish();
}

static void
refuses(const char *ca, const char *host, enum tls_trust why, const char *part)
{
	begin(ca, false, host);
	assert_int_equal(shake(), -EPROTO);
	assert_int_equal(tls_trust(client), why);
	assert_non_null(strstr(tls_trust_words(client), part));
	assert_false(tls_established(client));
	finish();
	/* Told not to mind, it goes on, and says the same. */
	begin(ca, true, host);
	assert_int_equal(shake(), 0);
	assert_int_equal(tls_trust(client), why);
	finish();
}

static void
refuses_another_name(void **state)
{
	refuses(cert, "other.test", TLS_WRONG_NAME, "floe.test");
	refuses(cert, "192.0.2.1", TLS_WRONG_NAME, "floe.test");
	refuses(cert, "floe.test.evil", TLS_WRONG_NAME, "floe.test");
}

static void
refuses_self_signed(void **state)
{
	refuses(other, "floe.test", TLS_SELF_SIGNED, "self-signed");
}

static void
needs_its_authorities(void **state)
{
	struct tls_client_conf trust = { "/nowhere", false, NULL };
	char err[TLS_ERR_MAX];

	assert_int_equal(tls_client_ctx_new(&trust, &client_ctx, err), -EINVAL);
	assert_non_null(strstr(err, "/nowhere"));
	trust.ca = key;
	assert_int_equal(tls_client_ctx_new(&trust, &client_ctx, err), -EINVAL);
}

static struct queue sent;

static void
note_sent(void *arg, const void *data, size_t len)
{
	sent.len = 0;
	(void)give(&(struct end){ .out = &sent }, data, len);
}

/* Only its hello, with a cookie after the server's question, and again when
 * nothing came for a second. */
static void
says_hello_over_datagrams(void **state)
{
	const struct dtls_from from = {
		.id = "client",
		.id_len = 6,
		.now_ms = 1000,
		.send = note_sent,
	};
	struct dtls_client_hello seen;
	struct dtls_hello *h;
	struct dtls *d = NULL;

	begin(cert, false, "floe.test");
	tls_free(client);
	client =
	    tls_open_client(client_ctx, &queues, &at_client, "floe.test", true);
	h = dtls_hello_new(server_ctx);
	assert_int_equal(tls_handshake(client), -EAGAIN);
	assert_int_equal(tls_wants(client), TLS_WANTS_RECV);
	assert_true(tls_retry_ms(client) <= 1000);
	assert_int_equal(tls_retry(client), 0);
	assert_true(dtls_is_client_hello(up.bytes, up.len, &seen));
	assert_false(seen.cookie);
	assert_int_equal(dtls_hello_input(h, &from, up.bytes, up.len, &d), 0);
	up.len = 0;
	(void)give(&at_server, sent.bytes, sent.len);
	assert_int_equal(tls_handshake(client), -EAGAIN);
	assert_true(dtls_is_client_hello(up.bytes, up.len, &seen));
	assert_true(seen.cookie);
	assert_int_equal(dtls_hello_input(h, &from, up.bytes, up.len, &d), 1);
	dtls_free(d);
	dtls_hello_free(h);
	finish();
}

static int
group_setup(void **state)
{
	assert_int_equal(crypto_init(), 0);
	assert_non_null(mkdtemp(folder));
	snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	snprintf(key, sizeof(key), "%s/key.pem", folder);
	snprintf(other, sizeof(other), "%s/other.pem", folder);
	snprintf(other_key, sizeof(other_key), "%s/other.key", folder);
	cert_make(cert, key, 1, NULL);
	cert_make(other, other_key, 2, NULL);
	return 0;
}

static int
group_teardown(void **state)
{
	unlink(cert);
	unlink(key);
	unlink(other);
	unlink(other_key);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trusts),
		cmocka_unit_test(refuses_another_name),
		cmocka_unit_test(refuses_self_signed),
		cmocka_unit_test(needs_its_authorities),
		cmocka_unit_test(says_hello_over_datagrams),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
