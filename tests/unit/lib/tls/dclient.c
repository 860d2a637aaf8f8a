/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>

#include "tests/unit/lib/tls/dclient.h"

void
dgrams_put(struct dgrams *q, const void *data, size_t len)
{
	if (q->n == DGRAMS || len > DGRAM_ROOM)
		abort();
	memcpy(q->bytes[q->n], data, len);
	q->len[q->n++] = len;
}

size_t
dgrams_get(struct dgrams *q, void *data, size_t room)
{
	size_t len = q->len[0];

	if (q->n == 0)
		return 0;
	if (len > room)
		len = room;
	memcpy(data, q->bytes[0], len);
	q->n--;
	memmove(q->len, q->len + 1, q->n * sizeof(q->len[0]));
	memmove(q->bytes, q->bytes + 1, q->n * sizeof(q->bytes[0]));
	return len;
}

static int
queue_read(BIO *b, char *data, int room)
{
	struct dclient *c = BIO_get_data(b);
	size_t n = dgrams_get(&c->to_client, data, (size_t)room);

	BIO_clear_retry_flags(b);
	if (n > 0)
		return (int)n;
	BIO_set_retry_read(b);
	return -1;
}

static int
queue_write(BIO *b, const char *data, int len)
{
	struct dclient *c = BIO_get_data(b);

	dgrams_put(&c->to_server, data, (size_t)len);
	return len;
}

static long
queue_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH;
}

void
dclient_open(struct dclient *c, int version)
{
	BIO *b;

	memset(c, 0, sizeof(*c));
	c->ctx = SSL_CTX_new(DTLS_client_method());
	SSL_CTX_set_security_level(c->ctx, 0);
	SSL_CTX_set_min_proto_version(c->ctx, version);
	SSL_CTX_set_max_proto_version(c->ctx, version);
	SSL_CTX_set_options(c->ctx, SSL_OP_NO_QUERY_MTU);
	c->method =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "queues");
	BIO_meth_set_read(c->method, queue_read);
	BIO_meth_set_write(c->method, queue_write);
	BIO_meth_set_ctrl(c->method, queue_ctrl);
	b = BIO_new(c->method);
	BIO_set_data(b, c);
	BIO_set_init(b, 1);
	c->ssl = SSL_new(c->ctx);
	SSL_set_bio(c->ssl, b, b);
	SSL_set_mtu(c->ssl, 1200);
	SSL_set_connect_state(c->ssl);
}

void
dclient_close(struct dclient *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	BIO_meth_free(c->method);
}

bool
dclient_shake(struct dclient *c)
{
	return SSL_do_handshake(c->ssl) == 1;
}

bool
dclient_send(struct dclient *c, const void *data, size_t len)
{
	size_t n;

	return SSL_write_ex(c->ssl, data, len, &n) == 1 && n == len;
}

size_t
dclient_recv(struct dclient *c, void *data, size_t room)
{
	size_t n;

	return SSL_read_ex(c->ssl, data, room, &n) == 1 ? n : 0;
}
