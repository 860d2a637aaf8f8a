/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * transport: the bytes that OpenSSL reads and writes, over the two functions of
 * a session's caller. Calls are what costs, so none is made in vain, and one
 * takes many records.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>

#include "lib/tls/internal.h"

#define RECORD_COST 512 /* of a record besides its bytes, at most */

/* A call that can only say -EAGAIN is not made: after a short one the transport
 * is empty. The next one is, or its end would never be seen. */
static ssize_t
transport_recv(struct tls *t, void *data, size_t room)
{
	ssize_t n = -EAGAIN;

	if (!t->dry)
		n = t->io->recv(t->arg, data, room);
	t->dry = t->ahead && n > 0 && (size_t)n < room;
	return n;
}

static int
bio_read(BIO *b, char *data, size_t room, size_t *moved)
{
	struct tls *t = BIO_get_data(b);
	ssize_t n = transport_recv(t, data, room);

	BIO_clear_retry_flags(b);
	if (n == -EAGAIN)
		BIO_set_retry_read(b);
	else if (n < 0)
		t->io_err = (int)n;
	else if (n == 0)
		t->eof = true;
	if (n <= 0)
		return 0;
	*moved = (size_t)n;
	return 1;
}

/* What was gathered and not taken goes first. 0 or -errno. */
static int
send_unsent(struct tls *t)
{
	ssize_t n;

	if (t->unsent == NULL)
		return 0;
	n = t->io->send(
	    t->arg, t->unsent + t->unsent_off, t->unsent_len - t->unsent_off);
	if (n < 0)
		return (int)n;
	t->unsent_off += (size_t)n;
	if (t->unsent_off < t->unsent_len)
		return -EAGAIN;
	free(t->unsent);
	t->unsent = NULL;
	return 0;
}

static ssize_t
gather(struct tls_room *r, const void *data, size_t len)
{
	if (len > r->size - r->len)
		len = r->size - r->len;
	memcpy(r->data + r->len, data, len);
	r->len += len;
	return len > 0 ? (ssize_t)len : -EAGAIN;
}

static ssize_t
transport_send(struct tls *t, const void *data, size_t len)
{
	int err;

	if (t->room != NULL)
		return gather(t->room, data, len);
	err = send_unsent(t);
	return err != 0 ? err : t->io->send(t->arg, data, len);
}

static int
bio_write(BIO *b, const char *data, size_t len, size_t *moved)
{
	struct tls *t = BIO_get_data(b);
	ssize_t n = transport_send(t, data, len);

	BIO_clear_retry_flags(b);
	if (n == -EAGAIN)
		BIO_set_retry_write(b);
	else if (n < 0)
		t->io_err = (int)n;
	if (n <= 0)
		return 0;
	*moved = (size_t)n;
	return 1;
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	const struct tls *t = BIO_get_data(b);

	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1; /* nothing is held back */
	case BIO_CTRL_EOF:
		return t->eof;
	default:
		return 0;
	}
}

BIO_METHOD *
tls_bio_make(const char *name, int (*read)(BIO *, char *, size_t, size_t *),
    int (*write)(BIO *, const char *, size_t, size_t *),
    long (*ctrl)(BIO *, int, long, void *))
{
	BIO_METHOD *m =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, name);

	if (m != NULL && BIO_meth_set_read_ex(m, read) == 1 &&
	    BIO_meth_set_write_ex(m, write) == 1 &&
	    BIO_meth_set_ctrl(m, ctrl) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

BIO_METHOD *
tls_bio_method(void)
{
	return tls_bio_make(
	    "caller's transport", bio_read, bio_write, bio_ctrl);
}

/* One of the parts, as far as there is room for its records. Bytes taken. */
static size_t
write_part(struct tls *t, const uint8_t *data, size_t len, ssize_t *moved)
{
	size_t done, piece;

	for (done = 0; done < len; done += (size_t)*moved) {
		piece = len - done;
		if (piece > SSL3_RT_MAX_PLAIN_LENGTH)
			piece = SSL3_RT_MAX_PLAIN_LENGTH;
		if (t->room->size - t->room->len < piece + RECORD_COST)
			break;
		*moved = tls_write(t, data + done, piece);
		if (*moved <= 0)
			break;
	}
	return done;
}

/* Gathers records of the parts. Bytes taken, or -errno when there are none. */
static ssize_t
write_parts(struct tls *t, const struct iovec *parts, int n)
{
	size_t done = 0, taken;
	ssize_t moved = 0;
	int i;

	/* One buffer does for all records. */
	SSL_clear_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS);
	for (i = 0; i < n; i++) {
		if (i == n - 1)
			SSL_set_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS);
		taken =
		    write_part(t, parts[i].iov_base, parts[i].iov_len, &moved);
		done += taken;
		if (taken < parts[i].iov_len)
			break;
	}
	SSL_set_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS);
	if (done > 0 || n == 0)
		return (ssize_t)done;
	return moved < 0 ? moved : -ECONNRESET;
}

/* 0 or -errno; what is not taken is kept. */
static int
send_gathered(struct tls *t, const struct tls_room *r)
{
	ssize_t n = 0;

	if (r->len > 0)
		n = t->io->send(t->arg, r->data, r->len);
	if (n == -EAGAIN)
		n = 0;
	if (n < 0)
		return (int)n;
	if ((size_t)n == r->len)
		return 0;
	t->unsent_len = r->len - (size_t)n;
	t->unsent = malloc(t->unsent_len);
	if (t->unsent == NULL)
		return -ENOMEM;
	memcpy(t->unsent, r->data + n, t->unsent_len);
	t->unsent_off = 0;
	return 0;
}

ssize_t
tls_write_parts(
    struct tls *t, const struct iovec *parts, int n, struct tls_room *room)
{
	ssize_t taken;
	int err = send_unsent(t);

	assert(room->size >= TLS_RECORD_MAX);
	if (err == -EAGAIN)
		t->wants = TLS_WANTS_SEND;
	if (err != 0)
		return err;
	room->len = 0;
	t->room = room;
	taken = write_parts(t, parts, n);
	t->room = NULL;
	err = send_gathered(t, room);
	return err != 0 ? err : taken;
}

bool
tls_unsent(const struct tls *t)
{
	return t->unsent != NULL;
}
