/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/net/sock.h"
#include "lib/stun/message.h"
#include "tools/floe-probe/link.h"

#define CONNECT_US INT64_C(5000000)

uint64_t
link_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
trouble_say(struct trouble *t, enum problem p, const char *detail)
{
	*t = (struct trouble){ .problem = p };
	snprintf(t->detail, sizeof(t->detail), "%s", detail);
}

static bool
is_stream(const struct link *l)
{
	return l->transport == TRANSPORT_TCP || l->transport == TRANSPORT_TLS;
}

static bool
is_sealed(const struct link *l)
{
	return l->transport == TRANSPORT_TLS || l->transport == TRANSPORT_DTLS;
}

/* 0 or -ETIMEDOUT, and that also when something is there after the time. */
static int
wait_for(int fd, short events, uint64_t until_us)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now;
	int n;

	do {
		now = link_now_us();
		if (now >= until_us)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)((until_us - now + 999) / 1000));
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : -ETIMEDOUT;
}

static int
connect_to(struct link *l, const struct addr *to, uint64_t until_us)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss), size;
	int err = 0, on = 1;

	l->fd = socket(ss.ss_family,
	    (is_stream(l) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK |
		SOCK_CLOEXEC,
	    0);
	if (l->fd < 0)
		return -errno;
	if (is_stream(l))
		(void)setsockopt(
		    l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(l->fd, (struct sockaddr *)&ss, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	size = sizeof(err);
	if (wait_for(l->fd, POLLOUT, until_us) != 0)
		return -ETIMEDOUT;
	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &size) != 0)
		return -errno;
	return -err;
}

/* The handshake of DTLS repeats itself while it waits. */
static int
wait_tls(struct link *l, uint64_t until_us)
{
	short events = tls_wants(l->tls) == TLS_WANTS_SEND ? POLLOUT : POLLIN;
	uint64_t retry_ms, now = link_now_us();
	int rc;

	retry_ms = is_stream(l) ? UINT64_MAX : tls_retry_ms(l->tls);
	if (retry_ms >= (until_us - now) / 1000 || now >= until_us)
		return wait_for(l->fd, events, until_us);
	rc = wait_for(l->fd, events, now + retry_ms * 1000);
	return rc == 0 ? 0 : tls_retry(l->tls);
}

static enum problem
problem_of_trust(enum tls_trust trust)
{
	switch (trust) {
	case TLS_EXPIRED:
		return PROBLEM_CERT_EXPIRED;
	case TLS_NOT_YET:
		return PROBLEM_CERT_NOT_YET;
	case TLS_WRONG_NAME:
		return PROBLEM_CERT_NAME;
	case TLS_SELF_SIGNED:
		return PROBLEM_CERT_SELF_SIGNED;
	case TLS_UNKNOWN_AUTHORITY:
		return PROBLEM_CERT_AUTHORITY;
	case TLS_UNTRUSTED:
		return PROBLEM_CERT_BAD;
	case TLS_TRUSTED:
		break;
	}
	return PROBLEM_TLS;
}

static int
shake_hands(struct link *l, const struct link_to *to, uint64_t until_us,
    struct trouble *t)
{
	int rc;

	l->tls = tls_open_client_fd(to->tls, l->fd, to->host, !is_stream(l));
	if (l->tls == NULL)
		return -ENOMEM;
	do
		rc = tls_handshake(l->tls);
	while (rc == -EAGAIN && (rc = wait_tls(l, until_us)) == 0);
	/* When told not to mind, it is said all the same. */
	if (tls_trust(l->tls) != TLS_TRUSTED)
		trouble_say(t, problem_of_trust(tls_trust(l->tls)),
		    tls_trust_words(l->tls));
	else if (rc == -EPROTO)
		trouble_say(t, PROBLEM_TLS, tls_error(l->tls));
	else if (rc != 0)
		link_trouble(l, rc, t);
	return rc;
}

int
link_open(struct link *l, const struct link_to *to, struct trouble *t)
{
	uint64_t until_us = link_now_us() + CONNECT_US;
	int rc;

	*l = (struct link){ .transport = to->transport, .server = to->server };
	trouble_say(t, PROBLEM_NONE, "");
	rc = connect_to(l, &to->server, until_us);
	if (rc == 0)
		rc = sock_local(l->fd, &l->local);
	if (rc == -ETIMEDOUT)
		trouble_say(t, PROBLEM_NO_CONNECTION, "");
	else if (rc != 0)
		link_trouble(l, rc, t);
	if (rc == 0 && is_sealed(l))
		rc = shake_hands(l, to, until_us, t);
	return rc;
}

void
link_close(struct link *l)
{
	if (l->tls != NULL)
		(void)tls_close(l->tls);
	tls_free(l->tls);
	l->tls = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static ssize_t
write_some(struct link *l, const void *data, size_t len)
{
	ssize_t n;

	if (l->tls != NULL)
		return tls_write(l->tls, data, len);
	do
		n = send(l->fd, data, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int
link_send(struct link *l, const void *data, size_t len)
{
	uint64_t until_us = link_now_us() + CONNECT_US;
	const uint8_t *p = data;
	ssize_t n;
	int rc = 0;

	while (len > 0 && rc == 0) {
		n = write_some(l, p, len);
		if (n == -EAGAIN)
			rc = l->tls != NULL
			    ? wait_tls(l, until_us)
			    : wait_for(l->fd, POLLOUT, until_us);
		else if (n < 0)
			rc = (int)n;
		else {
			p += n;
			len -= (size_t)n;
		}
	}
	return rc;
}

/* 0: the end of a stream. */
static ssize_t
read_some(struct link *l, void *data, size_t room)
{
	ssize_t n;

	if (l->tls != NULL)
		return tls_read(l->tls, data, room);
	do
		n = recv(l->fd, data, room, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The first message of a stream; 0: not all of it is there. */
static ssize_t
take_message(struct link *l, uint8_t *out)
{
	int n = stun_stream_next(l->in, l->len);

	if (n < 0 || (size_t)n > sizeof(l->in))
		return -EBADMSG;
	if (n == 0 || (size_t)n > l->len)
		return 0;
	memcpy(out, l->in, (size_t)n);
	l->len -= (size_t)n;
	memmove(l->in, l->in + n, l->len);
	return n;
}

static ssize_t
recv_once(struct link *l, uint8_t *out)
{
	ssize_t n;

	if (!is_stream(l))
		return read_some(l, out, LINK_MESSAGE_MAX);
	n = take_message(l, out);
	if (n != 0)
		return n;
	n = read_some(l, l->in + l->len, sizeof(l->in) - l->len);
	if (n <= 0)
		return n == 0 ? -ECONNRESET : n;
	l->len += (size_t)n;
	n = take_message(l, out);
	return n == 0 ? -EAGAIN : n;
}

/* 0 when there may be more to read. */
static int
wait_to_read(struct link *l, uint64_t until_us)
{
	return l->tls != NULL ? wait_tls(l, until_us)
			      : wait_for(l->fd, POLLIN, until_us);
}

ssize_t
link_recv(struct link *l, uint8_t *out, uint64_t until_us)
{
	ssize_t n;
	int rc;

	for (;;) {
		n = recv_once(l, out);
		if (n != -EAGAIN)
			return n;
		rc = wait_to_read(l, until_us);
		if (rc != 0)
			return rc;
	}
}

ssize_t
link_read(struct link *l, void *data, size_t room, uint64_t until_us)
{
	ssize_t n;
	int rc;

	for (;;) {
		n = read_some(l, data, room);
		if (n != -EAGAIN)
			return n;
		rc = wait_to_read(l, until_us);
		if (rc != 0)
			return rc;
	}
}

void
link_trouble(const struct link *l, int err, struct trouble *t)
{
	switch (-err) {
	case ETIMEDOUT:
		trouble_say(
		    t, is_stream(l) ? PROBLEM_SILENT : PROBLEM_NO_ANSWER, "");
		return;
	case ECONNREFUSED:
		trouble_say(t, PROBLEM_PORT_CLOSED, "");
		return;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
		trouble_say(t, PROBLEM_NO_ROUTE, strerror(-err));
		return;
	case ECONNRESET:
	case EPIPE:
		trouble_say(t, PROBLEM_HUNG_UP, strerror(-err));
		return;
	case EBADMSG:
		trouble_say(t, PROBLEM_NOT_STUN, "");
		return;
	default:
		trouble_say(t, PROBLEM_LOCAL, strerror(-err));
		return;
	}
}
