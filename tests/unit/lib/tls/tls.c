/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "lib/tls/tls.h"
#include "tests/unit/lib/tls/cert.h"
#include "tests/unit/test.h"

#define BIG 100000

/* Files of the whole run, in a folder of its own. */
static char folder[] = "/tmp/floe-tls-XXXXXX";
static char cert[64], key[64], cert2[64], key2[64], junk[64], locked[64],
    absent[64];
static const char *const protocols[] = { "floe", "http/1.1", NULL };

/* A client of OpenSSL's own and our server, with two queues in between. */
struct pair {
	SSL_CTX *client_ctx;
	SSL *client;
	BIO *to_server, *to_client; /* the far ends */
	struct tls *server;
	size_t step;  /* the transport moves at most this many bytes a call */
	bool hiccup;  /* and every second call nothing */
	bool gone;    /* the client vanished */
	int send_err; /* what the transport says to sends */
	unsigned int calls;
	unsigned int recvs, sends;
	size_t credit; /* bytes that the transport takes until it is full */
};

static bool
hiccups(struct pair *p)
{
	return p->hiccup && p->calls++ % 2 == 0;
}

static ssize_t
from_client(void *arg, void *data, size_t room)
{
	struct pair *p = arg;
	int n;

	p->recvs++;
	if (hiccups(p))
		return -EAGAIN;
	n = BIO_read(
	    p->to_server, data, (int)(room < p->step ? room : p->step));
	if (n > 0)
		return n;
	return p->gone ? 0 : -EAGAIN;
}

static ssize_t
to_client(void *arg, const void *data, size_t len)
{
	struct pair *p = arg;

	p->sends++;
	if (p->send_err != 0)
		return p->send_err;
	if (hiccups(p) || p->credit == 0)
		return -EAGAIN;
	if (len > p->step)
		len = p->step;
	if (len > p->credit)
		len = p->credit;
	p->credit -= len;
	return BIO_write(p->to_client, data, (int)len);
}

static const struct tls_io queues = { from_client, to_client };

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
pair_open(struct pair *p, struct tls_ctx *c, int version)
{
	*p = (struct pair){ .step = SIZE_MAX, .credit = SIZE_MAX };
	p->client_ctx = SSL_CTX_new(TLS_client_method());
	/* An old version is not even offered at the default level. */
	SSL_CTX_set_security_level(p->client_ctx, 0);
	SSL_CTX_set_min_proto_version(p->client_ctx, version);
	SSL_CTX_set_max_proto_version(p->client_ctx, version);
	p->client = SSL_new(p->client_ctx);
	p->to_server = BIO_new(BIO_s_mem());
	p->to_client = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(p->to_client, -1);
	BIO_up_ref(p->to_server);
	BIO_up_ref(p->to_client);
	SSL_set_bio(p->client, p->to_client, p->to_server);
	SSL_set_connect_state(p->client);
	p->server = tls_open(c, &queues, p);
	assert_non_null(p->server);
}

static void
pair_close(struct pair *p)
{
	tls_free(p->server);
	SSL_free(p->client);
	BIO_free(p->to_server);
	BIO_free(p->to_client);
	SSL_CTX_free(p->client_ctx);
}

/* Turn by turn until both are through; what the server ended with. */
static int
shake(struct pair *p)
{
	int i, rc = -EAGAIN;

	for (i = 0; i < 20000 && rc == -EAGAIN; i++) {
		SSL_do_handshake(p->client);
		rc = tls_handshake(p->server);
		if (rc == -EAGAIN)
			assert_int_not_equal(tls_wants(p->server), 0);
	}
	SSL_do_handshake(p->client);
	return rc;
}

static void
echo(struct pair *p)
{
	char text[16];
	size_t n;

	assert_int_equal(SSL_write_ex(p->client, "ping", 4, &n), 1);
	assert_int_equal(tls_read(p->server, text, sizeof(text)), 4);
	assert_memory_equal(text, "ping", 4);
	assert_int_equal(tls_read(p->server, text, sizeof(text)), -EAGAIN);
	assert_int_equal(tls_wants(p->server), TLS_WANTS_RECV);
	assert_int_equal(tls_write(p->server, "pong!", 5), 5);
	assert_int_equal(SSL_read_ex(p->client, text, sizeof(text), &n), 1);
	assert_int_equal(n, 5);
	assert_memory_equal(text, "pong!", 5);
}

static void
talks(void **state)
{
	struct tls_ctx *c = context();
	struct pair p;
	int version;

	for (version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		pair_open(&p, c, version);
		assert_false(tls_established(p.server));
		assert_int_equal(shake(&p), 0);
		assert_true(tls_established(p.server));
		assert_string_equal(tls_version(p.server),
		    version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
		assert_false(tls_alpn_is(p.server, "floe"));
		echo(&p);
		pair_close(&p);
	}
	tls_ctx_free(c);
}

static void
refuses_old_versions(void **state)
{
	struct tls_ctx *c = context();
	struct pair p;

	pair_open(&p, c, TLS1_1_VERSION);
	assert_int_equal(shake(&p), -EPROTO);
	assert_string_not_equal(tls_error(p.server), "");
	pair_close(&p);
	tls_ctx_free(c);
}

static void
refuses_what_is_not_tls(void **state)
{
	struct tls_ctx *c = context();
	struct pair p;

	pair_open(&p, c, TLS1_3_VERSION);
	BIO_write(p.to_server, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_int_equal(tls_handshake(p.server), -EPROTO);
	pair_close(&p);
	tls_ctx_free(c);
}

static void
alpn(void **state)
{
	struct tls_ctx *c = context();
	struct pair p;

	/* Ours is the preference that counts. */
	pair_open(&p, c, TLS1_3_VERSION);
	SSL_set_alpn_protos(p.client,
	    (const unsigned char *)"\x08http/1.1\x04"
				   "floe",
	    14);
	assert_int_equal(shake(&p), 0);
	assert_true(tls_alpn_is(p.server, "floe"));
	assert_false(tls_alpn_is(p.server, "flo"));
	assert_false(tls_alpn_is(p.server, "http/1.1"));
	pair_close(&p);

	pair_open(&p, c, TLS1_3_VERSION);
	SSL_set_alpn_protos(p.client, (const unsigned char *)"\x02h2", 3);
	assert_int_equal(shake(&p), -EPROTO);
	pair_close(&p);
	tls_ctx_free(c);
}

/* Everything one byte at a time, every second call refused. */
static void
slow_transport(void **state)
{
	struct tls_ctx *c = context();
	char *big = malloc(BIG), *back = malloc(BIG);
	size_t sent = 0, got = 0, n;
	struct pair p;
	ssize_t rc;

	for (n = 0; n < BIG; n++)
		big[n] = (char)(n * 7);
	pair_open(&p, c, TLS1_3_VERSION);
	p.step = 1;
	p.hiccup = true;
	assert_int_equal(shake(&p), 0);
	p.step = 1000;
	while (sent < BIG) {
		rc = tls_write(p.server, big + sent, BIG - sent);
		assert_true(rc > 0 || rc == -EAGAIN);
		if (rc == -EAGAIN)
			assert_int_equal(tls_wants(p.server), TLS_WANTS_SEND);
		sent += rc > 0 ? (size_t)rc : 0;
	}
	while (
	    got < BIG && SSL_read_ex(p.client, back + got, BIG - got, &n) == 1)
		got += n;
	assert_int_equal(got, BIG);
	assert_memory_equal(big, back, BIG);
	pair_close(&p);
	tls_ctx_free(c);
	free(big);
	free(back);
}

static void
pending(void **state)
{
	struct tls_ctx *c = context();
	struct pair p;
	char byte;
	size_t n;

	pair_open(&p, c, TLS1_3_VERSION);
	assert_int_equal(shake(&p), 0);
	assert_int_equal(SSL_write_ex(p.client, "ab", 2, &n), 1);
	assert_int_equal(tls_read(p.server, &byte, 1), 1);
	assert_true(tls_pending(p.server));
	assert_int_equal(tls_read(p.server, &byte, 1), 1);
	assert_int_equal(byte, 'b');
	assert_false(tls_pending(p.server));
	pair_close(&p);
	tls_ctx_free(c);
}

/* What is left of the room shows that it is nobody's between two calls. */
static ssize_t
write_parts(struct pair *p, const struct iovec *parts, int n)
{
	static uint8_t bytes[2 * TLS_RECORD_MAX];
	struct tls_room room = { bytes, sizeof(bytes), 0 };
	ssize_t rc = tls_write_parts(p->server, parts, n, &room);

	memset(bytes, 'x', sizeof(bytes));
	return rc;
}

/* The next record that the client has, "" when there is none. */
static const char *
next_record(struct pair *p)
{
	static char text[100];
	size_t n = 0;

	if (SSL_read_ex(p->client, text, sizeof(text) - 1, &n) != 1)
		n = 0;
	text[n] = '\0';
	return text;
}

static void
parts_leave_together(void **state)
{
	const struct iovec parts[] = { { "one", 3 }, { "and", 3 },
		{ "another", 7 } };
	struct tls_ctx *c = context();
	struct pair p;

	pair_open(&p, c, TLS1_3_VERSION);
	assert_int_equal(shake(&p), 0);
	p.sends = 0;
	assert_int_equal(write_parts(&p, parts, 3), 13);
	assert_int_equal(p.sends, 1);
	assert_false(tls_unsent(p.server));
	assert_string_equal(next_record(&p), "one");
	assert_string_equal(next_record(&p), "and");
	assert_string_equal(next_record(&p), "another");
	p.send_err = -EPIPE;
	assert_int_equal(write_parts(&p, parts, 3), -EPIPE);
	pair_close(&p);
	tls_ctx_free(c);
}

/* There is room for so many records, and for no part of one. */
static void
parts_beyond_the_room(void **state)
{
	struct tls_ctx *c = context();
	char *big = calloc(1, BIG);
	struct iovec part = { big, BIG };
	struct pair p;
	size_t n, got = 0;
	ssize_t rc;

	pair_open(&p, c, TLS1_3_VERSION);
	assert_int_equal(shake(&p), 0);
	while (part.iov_len > 0) {
		rc = write_parts(&p, &part, 1);
		assert_in_range(rc, 1, 2 * TLS_RECORD_MAX);
		part.iov_len -= (size_t)rc;
	}
	while (SSL_read_ex(p.client, big, BIG, &n) == 1)
		got += n;
	assert_int_equal(got, BIG);
	pair_close(&p);
	tls_ctx_free(c);
	free(big);
}

static void
what_is_not_taken_waits(void **state)
{
	const struct iovec parts[] = { { "one", 3 }, { "two", 3 } };
	struct tls_ctx *c = context();
	struct pair p;

	pair_open(&p, c, TLS1_3_VERSION);
	assert_int_equal(shake(&p), 0);
	p.credit = 30;
	assert_int_equal(write_parts(&p, parts, 2), 6);
	assert_true(tls_unsent(p.server));
	assert_string_equal(next_record(&p), "one");
	assert_string_equal(next_record(&p), "");
	p.credit = 1;
	assert_int_equal(write_parts(&p, parts, 2), -EAGAIN);
	assert_int_equal(tls_wants(p.server), TLS_WANTS_SEND);
	assert_string_equal(next_record(&p), "");
	p.credit = SIZE_MAX;
	assert_int_equal(write_parts(&p, NULL, 0), 0);
	assert_false(tls_unsent(p.server));
	assert_string_equal(next_record(&p), "two");
	/* Nor does anything else overtake it. */
	p.credit = 1;
	assert_int_equal(write_parts(&p, parts, 1), 3);
	assert_int_equal(tls_close(p.server), -EAGAIN);
	p.credit = SIZE_MAX;
	assert_int_equal(tls_close(p.server), 0);
	assert_string_equal(next_record(&p), "one");
	assert_string_equal(next_record(&p), "");
	assert_true(SSL_get_shutdown(p.client) & SSL_RECEIVED_SHUTDOWN);
	pair_close(&p);
	tls_ctx_free(c);
}

/* The transport is not asked for what it cannot have. */
static void
reads_ahead(void **state)
{
	struct tls_ctx *c = context();
	struct pair p;
	char text[8];
	size_t n;

	pair_open(&p, c, TLS1_3_VERSION);
	tls_read_ahead(p.server, true);
	assert_int_equal(shake(&p), 0);
	assert_int_equal(tls_read(p.server, text, sizeof(text)), -EAGAIN);
	assert_int_equal(SSL_write_ex(p.client, "ab", 2, &n), 1);
	assert_int_equal(SSL_write_ex(p.client, "cd", 2, &n), 1);
	p.recvs = 0;
	assert_int_equal(tls_read(p.server, text, sizeof(text)), 2);
	assert_false(tls_drained(p.server));
	assert_int_equal(tls_read(p.server, text, sizeof(text)), 2);
	assert_int_equal(tls_read(p.server, text, sizeof(text)), -EAGAIN);
	assert_int_equal(p.recvs, 1);
	/* After that it is asked again, and after this, too. */
	assert_int_equal(SSL_write_ex(p.client, "ef", 2, &n), 1);
	assert_int_equal(tls_read(p.server, text, sizeof(text)), 2);
	assert_true(tls_drained(p.server));
	assert_int_equal(SSL_write_ex(p.client, "gh", 2, &n), 1);
	assert_int_equal(tls_read(p.server, text, sizeof(text)), 2);
	assert_int_equal(p.recvs, 3);
	pair_close(&p);
	tls_ctx_free(c);
}

static void
ends(void **state)
{
	struct tls_ctx *c = context();
	struct pair p;
	char text[16];
	size_t n;

	/* The peer says good-bye. */
	pair_open(&p, c, TLS1_3_VERSION);
	assert_int_equal(shake(&p), 0);
	SSL_shutdown(p.client);
	assert_int_equal(tls_read(p.server, text, sizeof(text)), 0);
	pair_close(&p);

	/* We do. */
	pair_open(&p, c, TLS1_3_VERSION);
	assert_int_equal(shake(&p), 0);
	assert_int_equal(tls_close(p.server), 0);
	assert_int_equal(SSL_read_ex(p.client, text, sizeof(text), &n), 0);
	assert_true(SSL_get_shutdown(p.client) & SSL_RECEIVED_SHUTDOWN);
	pair_close(&p);

	/* The stream is cut: that may be an attacker's doing. */
	pair_open(&p, c, TLS1_3_VERSION);
	assert_int_equal(shake(&p), 0);
	p.gone = true;
	assert_int_equal(tls_read(p.server, text, sizeof(text)), -ECONNRESET);
	pair_close(&p);

	/* Before there was a connection. */
	pair_open(&p, c, TLS1_3_VERSION);
	p.gone = true;
	assert_int_equal(tls_handshake(p.server), -ECONNRESET);
	assert_int_equal(tls_close(p.server), 0);
	pair_close(&p);

	pair_open(&p, c, TLS1_3_VERSION);
	assert_int_equal(shake(&p), 0);
	p.send_err = -EPIPE;
	assert_int_equal(tls_write(p.server, "x", 1), -EPIPE);
	pair_close(&p);
	tls_ctx_free(c);
}

static long
serial_seen(struct pair *p)
{
	return ASN1_INTEGER_get(
	    X509_get0_serialNumber(SSL_get0_peer_certificate(p->client)));
}

static void
reloads(void **state)
{
	struct tls_ctx *c = context();
	char err[TLS_ERR_MAX], text[8];
	struct pair before, after;
	SSL_SESSION *ticket;
	size_t n;

	pair_open(&before, c, TLS1_3_VERSION);
	assert_int_equal(shake(&before), 0);
	assert_int_equal(serial_seen(&before), 1);
	echo(&before);
	/* The ticket came with the first answer. */
	ticket = SSL_get1_session(before.client);

	assert_int_equal(tls_ctx_reload(c, cert2, key, err), -EINVAL);
	assert_int_equal(tls_ctx_reload(c, absent, key, err), -ENOENT);
	assert_int_equal(tls_ctx_reload(c, cert2, key2, err), 0);

	pair_open(&after, c, TLS1_3_VERSION);
	assert_int_equal(shake(&after), 0);
	assert_int_equal(serial_seen(&after), 2);
	pair_close(&after);

	pair_open(&after, c, TLS1_3_VERSION);
	SSL_set_session(after.client, ticket);
	assert_int_equal(shake(&after), 0);
	assert_true(SSL_session_reused(after.client));
	echo(&after);
	pair_close(&after);

	/* The old session lives on. */
	assert_int_equal(SSL_write_ex(before.client, "x", 1, &n), 1);
	assert_int_equal(tls_read(before.server, text, sizeof(text)), 1);
	SSL_SESSION_free(ticket);
	pair_close(&before);
	tls_ctx_free(c);
}

static void
says_what_is_wrong(void **state)
{
	const struct {
		struct tls_conf conf;
		int rc;
		const char *path, *what;
	} rows[] = {
		{ { absent, key, NULL }, -ENOENT, absent, "No such file" },
		{ { cert, absent, NULL }, -ENOENT, absent, "No such file" },
		{ { junk, key, NULL }, -EINVAL, junk, "certificate" },
		{ { cert, junk, NULL }, -EINVAL, junk, "key" },
		{ { cert, key2, NULL }, -EINVAL, key2, "mismatch" },
		{ { cert, locked, NULL }, -EINVAL, locked, "key" },
		{ { folder, key, NULL }, -EINVAL, folder, "certificate" },
	};
	char err[TLS_ERR_MAX];
	struct tls_ctx *c;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(
		    tls_ctx_new(&rows[i].conf, &c, err), rows[i].rc);
		assert_ptr_equal(strstr(err, rows[i].path), err);
		assert_non_null(strstr(err, rows[i].what));
	}
}

static void
knows_its_end(void **state)
{
	struct tls_ctx *c = context();
	int64_t left = tls_ctx_not_after(c) - (int64_t)time(NULL);

	assert_in_range(left, 23 * 3600, 24 * 3600);
	tls_ctx_free(c);
}

static void
over_a_socket(void **state)
{
	struct tls_ctx *c = context();
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(ctx);
	struct tls *server;
	int rc, fds[2];
	char text[8];
	size_t n;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	SSL_set_fd(client, fds[0]);
	SSL_set_connect_state(client);
	server = tls_open_fd(c, fds[1]);
	do {
		SSL_do_handshake(client);
		rc = tls_handshake(server);
	} while (rc == -EAGAIN);
	assert_int_equal(rc, 0);
	SSL_do_handshake(client);
	assert_int_equal(SSL_write_ex(client, "hello", 5, &n), 1);
	assert_int_equal(tls_read(server, text, sizeof(text)), 5);
	assert_int_equal(tls_read(server, text, sizeof(text)), -EAGAIN);
	/* No SIGPIPE when the peer is gone. */
	SSL_free(client);
	close(fds[0]);
	assert_int_equal(tls_write(server, "x", 1), -EPIPE);
	tls_free(server);
	assert_int_equal(close(fds[1]), 0);
	SSL_CTX_free(ctx);
	tls_ctx_free(c);
}

static int
make_files(void **state)
{
	FILE *f;

	assert_non_null(mkdtemp(folder));
	snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	snprintf(key, sizeof(key), "%s/key.pem", folder);
	snprintf(cert2, sizeof(cert2), "%s/cert2.pem", folder);
	snprintf(key2, sizeof(key2), "%s/key2.pem", folder);
	snprintf(junk, sizeof(junk), "%s/junk.pem", folder);
	snprintf(locked, sizeof(locked), "%s/locked.pem", folder);
	snprintf(absent, sizeof(absent), "%s/absent.pem", folder);
	cert_make(cert2, locked, 3, "a passphrase");
	cert_make(cert2, key2, 2, NULL);
	cert_make(cert, key, 1, NULL);
	f = fopen(junk, "w");
	assert_non_null(f);
	fputs("-----BEGIN NONSENSE-----\n", f);
	fclose(f);
	return 0;
}

static int
remove_files(void **state)
{
	unlink(cert);
	unlink(key);
	unlink(cert2);
	unlink(key2);
	unlink(junk);
	unlink(locked);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks),
		cmocka_unit_test(refuses_old_versions),
		cmocka_unit_test(refuses_what_is_not_tls),
		cmocka_unit_test(alpn),
		cmocka_unit_test(slow_transport),
		cmocka_unit_test(pending),
		cmocka_unit_test(parts_leave_together),
		cmocka_unit_test(parts_beyond_the_room),
		cmocka_unit_test(what_is_not_taken_waits),
		cmocka_unit_test(reads_ahead),
		cmocka_unit_test(ends),
		cmocka_unit_test(reloads),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(knows_its_end),
		cmocka_unit_test(over_a_socket),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
