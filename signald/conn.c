/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/net/sock.h"
#include "signald/account.h"
#include "signald/export.h"
#include "signald/front.h"
#include "signald/link.h"
#include "signald/rest.h"
#include "signald/shelf.h"
#include "signald/worker.h"

#define READS_A_TURN  4 /* then the others' turn */
#define IOV_MAX_USED  64
#define RECORD_MAX    16384 /* bytes in a record: RFC 8446 section 5.1 */
#define END_MS        3000  /* for the peer to take the rest and end too */
#define PIECE         (64 * 1024) /* of a file */
#define PIECES_A_TURN 4           /* then the others' turn */
#define SEND_MS       30000       /* an answer may stand still so long */

/* The chunk whose bytes are memory of its own, or somebody's for ever. */
struct chunk *
chunk_new(size_t len)
{
	struct chunk *k = malloc(sizeof(*k) + len);

	if (k == NULL)
		return NULL;
	k->data = k->own;
	k->len = len;
	k->sent = 0;
	k->droppable = false;
	return k;
}

static uint64_t
hash_id(uint64_t id)
{
	return id * UINT64_C(0x9e3779b97f4a7c15); /* ids are ours: no key */
}

static bool
has_id(const void *obj, const void *key)
{
	return ((const struct conn *)obj)->id == *(const uint64_t *)key;
}

struct conn *
worker_conn(const struct worker *w, uint64_t id)
{
	return htab_find(&w->by_id, hash_id(id), has_id, &id);
}

static void conn_on_io(void *arg, int fd, int what);

int
conn_join(struct conn *c, struct worker *w)
{
	c->worker = w;
	c->id = (uint64_t)w->index << 48 | w->next_id++;
	c->what = LOOP_READ;
	c->io = loop_io_new(w->loop, c->fd, c->what, conn_on_io, c);
	if (c->io == NULL || htab_put(&w->by_id, hash_id(c->id), c) != 0) {
		loop_io_free(c->io);
		conn_free(c);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&w->all, c, all);
	w->stats.connections++;
	return 0;
}

void
conn_leave(struct conn *c)
{
	struct worker *w = c->worker;

	wheel_clear(&w->wheel, &c->timer);
	loop_io_free(c->io);
	c->io = NULL;
	htab_del(&w->by_id, hash_id(c->id), c);
	TAILQ_REMOVE(&w->all, c, all);
	if (c->is_dirty)
		TAILQ_REMOVE(&w->dirty, c, dirty);
	c->is_dirty = false;
	w->stats.connections--;
}

struct addr
conn_host(const struct conn *c)
{
	struct addr host = c->peer;

	host.port = 0;
	if (host.family == ADDR_V6)
		memset(host.ip + 8, 0, 8);
	return host;
}

static bool
has_share(struct conn *c)
{
	struct share *s = c->worker->d->addresses;
	struct addr host = conn_host(c);

	c->counted = s != NULL && share_take(s, &host, sizeof(host));
	return s == NULL || c->counted;
}

struct conn *
conn_new(struct worker *w, int fd, struct tls_ctx *tls)
{
	struct signald *d = w->d;
	struct conn *c = NULL;

	if (d->connections < d->conf->max_connections)
		c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return NULL;
	}
	d->connections++;
	c->worker = w;
	c->desk = worker_desk(w, 0);
	c->fd = fd;
	c->move_to = -1;
	c->file.fd = -1;
	TAILQ_INIT(&c->out);
	buf_init(&c->in, FRONT_IN_MAX);
	if (sock_peer(fd, &c->peer) != 0)
		c->peer.family = ADDR_NONE;
	if (!has_share(c)) {
		conn_free(c);
		return NULL;
	}
	if (tls != NULL) {
		c->tls = tls_open_fd(tls, fd);
		if (c->tls == NULL) {
			conn_free(c);
			return NULL;
		}
	}
	return conn_join(c, w) == 0 ? c : NULL;
}

static void
chunk_done(struct conn *c, struct chunk *k)
{
	TAILQ_REMOVE(&c->out, k, next);
	c->out_bytes -= k->len - k->sent;
	c->tried = false;
	free(k);
}

void
conn_free(struct conn *c)
{
	struct addr host;
	struct chunk *k;

	while ((k = TAILQ_FIRST(&c->out)) != NULL)
		chunk_done(c, k);
	ws_fini(&c->ws);
	buf_fini(&c->in);
	account_job_free(c->job);
	rest_job_free(c->rest);
	shelf_drop(c->upload);
	export_free(c->export);
	if (c->file.fd >= 0)
		close(c->file.fd);
	free(c->hello);
	tls_free(c->tls);
	if (c->fd >= 0)
		close(c->fd);
	if (c->counted) {
		host = conn_host(c);
		share_give(c->worker->d->addresses, &host, sizeof(host));
	}
	if (c->linked)
		c->desk->app->links--;
	c->worker->d->connections--;
	free(c);
}

void
conn_kill(struct conn *c)
{
	struct worker *w = c->worker;
	bool link = c->state == CONN_LINK;

	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_DEAD;
	conn_leave(c);
	TAILQ_INSERT_TAIL(&w->dead, c, all);
	/* The peer hears of it now, not when the turn ends. */
	shutdown(c->fd, SHUT_RDWR);
	if (link && c->out_bytes > 0)
		sig_core_link_behind(c->desk->core, c->id);
	if (link)
		sig_core_link_closed(c->desk->core, c->id, worker_time(w));
}

void
conn_deadline(struct conn *c, uint64_t after_ms)
{
	struct worker *w = c->worker;

	if (after_ms == 0)
		wheel_clear(&w->wheel, &c->timer);
	else
		wheel_set(
		    &w->wheel, &c->timer, loop_now_ms(w->loop) + after_ms);
}

void
conn_on_timer(struct wheel_timer *t)
{
	conn_kill((struct conn *)((char *)t - offsetof(struct conn, timer)));
}

/* What is droppable goes, oldest first, until there is room for len; but for
 * the first chunk, of which bytes may be out. */
static void
make_room(struct conn *c, size_t len, size_t limit)
{
	struct chunk *k = TAILQ_FIRST(&c->out), *next;

	if (k == NULL)
		return;
	for (k = TAILQ_NEXT(k, next); k != NULL && c->out_bytes + len > limit;
	     k = next) {
		next = TAILQ_NEXT(k, next);
		if (!k->droppable)
			continue;
		TAILQ_REMOVE(&c->out, k, next);
		c->out_bytes -= k->len;
		c->worker->stats.dropped++;
		free(k);
	}
}

static void
mark_dirty(struct conn *c)
{
	if (c->is_dirty)
		return;
	c->is_dirty = true;
	TAILQ_INSERT_TAIL(&c->worker->dirty, c, dirty);
}

void
conn_drop_output(struct conn *c)
{
	struct chunk *first = TAILQ_FIRST(&c->out), *k;

	if (first == NULL)
		return;
	if (first->sent == 0 && !c->tried) {
		chunk_done(c, first);
		first = NULL;
	}
	while ((k = first == NULL ? TAILQ_FIRST(&c->out)
				  : TAILQ_NEXT(first, next)) != NULL) {
		TAILQ_REMOVE(&c->out, k, next);
		c->out_bytes -= k->len;
		free(k);
	}
}

static ssize_t
write_plain(struct conn *c)
{
	struct iovec iov[IOV_MAX_USED];
	struct chunk *k;
	ssize_t n;
	int i = 0;

	TAILQ_FOREACH (k, &c->out, next) {
		if (i == IOV_MAX_USED)
			break;
		iov[i].iov_base = (void *)(k->data + k->sent);
		iov[i++].iov_len = k->len - k->sent;
	}
	do
		n = writev(c->fd, iov, i);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The first chunks become one, as far as a record goes: each would be a
 * record, and a system call, by itself. */
static void
merge_chunks(struct conn *c)
{
	struct chunk *k, *whole;
	size_t len = 0, n = 0;

	TAILQ_FOREACH (k, &c->out, next) {
		if (k->len > RECORD_MAX - len)
			break;
		len += k->len;
		n++;
	}
	whole = n < 2 ? NULL : chunk_new(len);
	if (whole == NULL)
		return;
	for (len = 0; n > 0; n--) {
		k = TAILQ_FIRST(&c->out);
		memcpy(whole->own + len, k->data, k->len);
		len += k->len;
		TAILQ_REMOVE(&c->out, k, next);
		free(k);
	}
	TAILQ_INSERT_HEAD(&c->out, whole, next);
}

static ssize_t
write_some(struct conn *c)
{
	struct chunk *k;

	if (c->tls == NULL)
		return write_plain(c);
	if (!c->tried)
		merge_chunks(c);
	c->tried = true;
	k = TAILQ_FIRST(&c->out);
	return tls_write(c->tls, k->data + k->sent, k->len - k->sent);
}

static void
took(struct conn *c, size_t n)
{
	struct chunk *k;
	size_t part;

	while (n > 0) {
		k = TAILQ_FIRST(&c->out);
		part = k->len - k->sent < n ? k->len - k->sent : n;
		k->sent += part;
		c->out_bytes -= part;
		n -= part;
		if (k->sent == k->len)
			chunk_done(c, k);
	}
}

/* All is sent: say that no more will come. */
static void
finish(struct conn *c)
{
	if (c->shut)
		return;
	c->shut = true;
	if (c->tls != NULL)
		(void)tls_close(c->tls); /* a courtesy, tried once */
	shutdown(c->fd, SHUT_WR);
}

bool
conn_sends(const struct conn *c)
{
	return !TAILQ_EMPTY(&c->out) || c->file.left > 0 || c->export != NULL;
}

void
conn_send_file(struct conn *c, int fd, uint64_t at, uint64_t len)
{
	c->file = (struct conn_file){ fd, at, len };
	mark_dirty(c);
}

void
conn_send_export(struct conn *c, struct export *e)
{
	c->export = e;
	mark_dirty(c);
}

/* The next lines as the only chunk; at the end, none. */
static bool
load_export(struct conn *c)
{
	struct chunk *k = NULL;
	struct buf b;
	int rc;

	rc = export_piece(c->export, c->desk->reader, &b);
	if (rc == 0 && b.len == 0) {
		export_free(c->export);
		c->export = NULL;
		return true;
	}
	if (rc == 0)
		k = chunk_new(b.len);
	if (k != NULL) {
		memcpy(k->own, b.data, b.len);
		TAILQ_INSERT_TAIL(&c->out, k, next);
		c->out_bytes += k->len;
	}
	buf_fini(&b);
	return k != NULL;
}

/* The next bytes of the file as the only chunk. */
static bool
load_piece(struct conn *c)
{
	struct conn_file *f = &c->file;
	struct chunk *k;
	ssize_t n;

	if (c->export != NULL)
		return load_export(c);
	k = chunk_new(f->left < PIECE ? f->left : PIECE);
	if (k == NULL)
		return false;
	do
		n = pread(f->fd, k->own, k->len, (off_t)f->at);
	while (n < 0 && errno == EINTR);
	if (n <= 0) { /* the answer cannot become what its head said */
		free(k);
		return false;
	}
	k->len = (size_t)n;
	TAILQ_INSERT_TAIL(&c->out, k, next);
	c->out_bytes += k->len;
	f->at += k->len;
	f->left -= k->len;
	if (f->left == 0) {
		close(f->fd);
		f->fd = -1;
	}
	return true;
}

/* False: the connection is dead. */
static bool
send_out(struct conn *c)
{
	int pieces = PIECES_A_TURN;
	bool moved = false;
	ssize_t n = 0;

	while (conn_sends(c)) {
		if (TAILQ_EMPTY(&c->out) && pieces-- == 0)
			break;
		if (TAILQ_EMPTY(&c->out) && !load_piece(c)) {
			conn_kill(c);
			return false;
		}
		if (TAILQ_EMPTY(&c->out))
			break; /* the export is over */
		n = write_some(c);
		if (n == -EAGAIN)
			break;
		if (n < 0) {
			conn_kill(c);
			return false;
		}
		took(c, (size_t)n);
		moved = true;
	}
	if (moved && conn_sends(c) &&
	    (c->state == CONN_HTTP || c->state == CONN_ENDING))
		conn_deadline(c, SEND_MS);
	return true;
}

bool
conn_send(struct conn *c, struct chunk *k)
{
	size_t limit = (size_t)c->worker->d->conf->send_queue;

	if (c->state == CONN_ECHO)
		limit = LINK_ECHO_MAX * 2;
	if (k->data != k->own) /* costs no memory */
		limit = SIZE_MAX;
	/* A queue that grew within this turn is no sign of a slow reader. */
	if (c->out_bytes + k->len > limit && c->state != CONN_DEAD)
		(void)send_out(c);
	if (c->out_bytes + k->len > limit)
		make_room(c, k->len, limit);
	if (c->state == CONN_DEAD || c->out_bytes + k->len > limit) {
		free(k);
		return false;
	}
	TAILQ_INSERT_TAIL(&c->out, k, next);
	c->out_bytes += k->len;
	mark_dirty(c);
	return true;
}

bool
conn_send_static(struct conn *c, const void *data, size_t len)
{
	struct chunk *k = chunk_new(0);

	if (k == NULL)
		return false;
	k->data = data;
	k->len = len;
	return conn_send(c, k);
}

void
conn_flush(struct conn *c)
{
	struct worker *w = c->worker;

	if (c->is_dirty)
		TAILQ_REMOVE(&w->dirty, c, dirty);
	c->is_dirty = false;
	if (c->state == CONN_DEAD || !send_out(c))
		return;
	if (!conn_sends(c) && c->state == CONN_ENDING)
		finish(c);
	conn_watch(c);
}

void
conn_watch(struct conn *c)
{
	bool pending = conn_sends(c);
	/* What is dirty is tried when the turn ends, and mostly goes out. */
	bool stuck = pending && !c->is_dirty;
	int what = 0;

	if (c->state == CONN_DEAD)
		return;
	/* One answer at a time; a request with another thread stops reading
	 * too. What the peer sends after our end is thrown away. */
	if (c->state == CONN_LINK || c->state == CONN_ENDING ||
	    (c->state == CONN_ECHO && c->out_bytes <= LINK_ECHO_MAX) ||
	    (c->state == CONN_HTTP && !pending && !c->more))
		what |= LOOP_READ;
	if (c->more) /* which it can at once, when the others had theirs */
		what |= LOOP_WRITE;
	if (stuck &&
	    (c->tls == NULL || !c->tried ||
		tls_wants(c->tls) == TLS_WANTS_SEND))
		what |= LOOP_WRITE;
	if (c->tls_wait == TLS_WANTS_SEND && (what & LOOP_READ) != 0)
		what |= LOOP_WRITE;
	if (stuck && c->tls != NULL && (what & LOOP_WRITE) == 0)
		what |= LOOP_READ; /* writing waits for the peer's bytes */
	if (what == c->what)
		return;
	c->what = what;
	if (loop_io_set(c->io, what) != 0)
		conn_kill(c);
}

void
conn_end(struct conn *c)
{
	if (c->state == CONN_DEAD || c->state == CONN_ENDING)
		return;
	c->state = CONN_ENDING;
	buf_fini(&c->in);
	conn_deadline(c, END_MS);
	mark_dirty(c);
}

/* Here and below, false: the connection was handed to another worker, and is
 * not to be touched any more. */
static bool
input(struct conn *c, const uint8_t *data, size_t len)
{
	switch (c->state) {
	case CONN_HTTP:
	case CONN_WAITING:
		return front_input(c, data, len);
	case CONN_LINK:
	case CONN_ECHO:
		return link_input(c, data, len);
	default:
		return true;
	}
}

static size_t
read_max(const struct conn *c)
{
	/* The end of a body may have the next request behind it. */
	if (c->state == CONN_HTTP &&
	    !(c->streams && c->body_left > WORKER_SCRATCH))
		return FRONT_READ;
	return WORKER_SCRATCH;
}

static ssize_t
read_some(struct conn *c, size_t max)
{
	struct worker *w = c->worker;
	ssize_t n;

	c->tls_wait = 0;
	if (c->tls != NULL) {
		n = tls_read(c->tls, w->scratch, max);
		if (n == -EAGAIN)
			c->tls_wait = (uint8_t)tls_wants(c->tls);
		return n;
	}
	do
		n = read(c->fd, w->scratch, max);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The peer has ended, or the connection broke. */
static void
read_ended(struct conn *c, ssize_t why)
{
	/* A client may end its side and still want the answer. */
	if (why == 0 && c->state == CONN_HTTP && conn_sends(c))
		conn_end(c);
	else
		conn_kill(c);
}

static bool
may_read(const struct conn *c)
{
	return (c->what & LOOP_READ) != 0 && c->state != CONN_DEAD;
}

static bool
read_in(struct conn *c)
{
	size_t max;
	ssize_t n;
	int i;

	for (i = 0; i < READS_A_TURN || (c->tls != NULL && tls_pending(c->tls));
	     i++) {
		max = read_max(c);
		n = read_some(c, max);
		if (n == -EAGAIN)
			return true;
		if (n <= 0) {
			read_ended(c, n);
			return true;
		}
		if (!input(c, c->worker->scratch, (size_t)n))
			return false;
		conn_watch(c);
		if (!may_read(c))
			return true;
		if (c->tls == NULL && (size_t)n < max)
			return true;
	}
	return true;
}

static void
conn_on_io(void *arg, int fd, int what)
{
	struct conn *c = arg;
	bool run = c->more;

	/* TLS may need either direction for either purpose. */
	if (conn_sends(c) && ((what & LOOP_WRITE) != 0 || c->tls != NULL)) {
		conn_flush(c);
		run = true;
	}
	if (run && c->state == CONN_HTTP && !conn_sends(c) && !front_run(c))
		return;
	if (may_read(c) &&
	    ((what & LOOP_READ) != 0 || c->tls_wait == TLS_WANTS_SEND ||
		(c->tls != NULL && tls_pending(c->tls))) &&
	    !read_in(c))
		return;
	conn_watch(c);
}
