/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/counter.h"
#include "lib/base/htab.h"
#include "lib/base/pool.h"
#include "lib/base/wheel.h"
#include "lib/dtls/assoc.h"

#define SLOTS 64 /* messages, and datagrams, between two flushes */

static_assert(
    sizeof(struct assoc_id) == sizeof(uint16_t) + 2 * sizeof(struct addr),
    "an id is hashed as bytes: no holes");

struct assoc {
	struct assoc_id id;
	struct assocs *all;
	struct dtls *dtls;
	uint64_t hello; /* tells the ClientHello that it began with */
	struct wheel_timer idle, retry;
	LIST_ENTRY(assoc) entry;
};

struct assocs {
	struct assocs_conf conf;
	struct assoc_ops ops;
	struct assoc_stats *stats;
	struct dtls_hello *hello;
	struct pool *pool;
	struct htab table;
	LIST_HEAD(, assoc) open;
	struct wheel idle, retry;
	/* Plaintext may be borrowed by what waits to be sent, records are. */
	bool clean; /* no message has been given out since the last flush */
	int nmessages, nrecords;
	uint8_t messages[SLOTS][DTLS_DATAGRAM_MAX];
	uint8_t records[SLOTS][DTLS_RECORD_MAX];
};

/* For whom OpenSSL writes. */
struct target {
	struct assocs *all;
	const struct assoc_id *id;
};

const char *
assoc_end_name(enum assoc_end end)
{
	static const char *const names[ASSOC_ENDS] = {
		[ASSOC_BY_CLIENT] = "client",
		[ASSOC_IDLE] = "idle",
		[ASSOC_HANDSHAKE] = "handshake",
		[ASSOC_DTLS] = "dtls",
		[ASSOC_REPLACED] = "replaced",
		[ASSOC_REFUSED] = "refused",
		[ASSOC_CROWDED] = "per-address",
	};

	return names[end];
}

uint64_t
assoc_stats_open(const struct assoc_stats *s)
{
	uint64_t open = s->opened;
	int i;

	/* Read after opened: one may have begun and ended. */
	for (i = 0; i < ASSOC_ENDS; i++)
		open -= s->ended[i] < open ? s->ended[i] : open;
	return open;
}

const struct assoc_id *
assoc_id(const struct assoc *a)
{
	return &a->id;
}

static uint64_t
id_hash(const struct assocs *as, const struct assoc_id *id)
{
	return hash_bytes(&as->conf.hash_key, id, sizeof(*id));
}

static bool
id_eq(const void *assoc, const void *id)
{
	const struct assoc *a = assoc;

	return memcmp(&a->id, id, sizeof(a->id)) == 0;
}

struct assoc *
assocs_find(const struct assocs *as, const struct assoc_id *id)
{
	return htab_find(&as->table, id_hash(as, id), id_eq, id);
}

void
assocs_flushed(struct assocs *as)
{
	as->clean = true;
	as->nrecords = 0;
}

static void
emit(struct assocs *as, const struct assoc_id *id, const void *data, size_t len)
{
	uint8_t *record;

	if (len > DTLS_RECORD_MAX)
		return;
	if (as->nrecords == SLOTS) {
		as->ops.flush(as->ops.arg);
		assocs_flushed(as);
	}
	record = as->records[as->nrecords++];
	memcpy(record, data, len);
	as->ops.send(as->ops.arg, id, record, len);
}

static void
send_to_stranger(void *arg, const void *data, size_t len)
{
	const struct target *t = arg;

	emit(t->all, t->id, data, len);
}

static void
send_to_client(void *arg, const void *data, size_t len)
{
	const struct assoc *a = arg;

	emit(a->all, &a->id, data, len);
}

/* Room for a message. A flush in the middle of one does not free it: its
 * data may be queued after that. */
static uint8_t *
message_room(struct assocs *as)
{
	if (as->nmessages == SLOTS && !as->clean) {
		as->ops.flush(as->ops.arg);
		assocs_flushed(as);
	}
	if (as->clean)
		as->nmessages = 0;
	return as->messages[as->nmessages];
}

void
assoc_touch(struct assoc *a, uint64_t now_ms)
{
	struct assocs *as = a->all;

	wheel_set(&as->idle, &a->idle, now_ms + as->conf.idle_ms);
}

static void
assoc_free(struct assoc *a)
{
	dtls_free(a->dtls);
	pool_put(a->all->pool, a);
}

static void
assoc_close(struct assoc *a, enum assoc_end end)
{
	struct assocs *as = a->all;

	if (as->ops.closed != NULL)
		as->ops.closed(as->ops.arg, a);
	counter_add(&as->stats->ended[end], 1);
	/* Who began anew would take it for the end of the new one. */
	if (end == ASSOC_BY_CLIENT || end == ASSOC_IDLE)
		dtls_close(a->dtls);
	wheel_clear(&as->idle, &a->idle);
	wheel_clear(&as->retry, &a->retry);
	htab_del(&as->table, id_hash(as, &a->id), a);
	LIST_REMOVE(a, entry);
	assoc_free(a);
}

/* 0, or -errno: it is refused. */
static int
assoc_welcome(struct assoc *a)
{
	struct assocs *as = a->all;
	int err = htab_put(&as->table, id_hash(as, &a->id), a);

	if (err == 0 && as->ops.opened != NULL) {
		err = as->ops.opened(as->ops.arg, a);
		if (err != 0)
			htab_del(&as->table, id_hash(as, &a->id), a);
	}
	return err;
}

/* NULL: the client is refused. */
static struct assoc *
assoc_new(struct assocs *as, const struct assoc_id *id, uint64_t hello)
{
	struct assoc *a = pool_get(as->pool);
	int err = -ENOBUFS;

	counter_add(&as->stats->opened, 1);
	if (a != NULL) {
		a->id = *id;
		a->all = as;
		a->hello = hello;
		err = assoc_welcome(a);
	}
	if (err == 0) {
		LIST_INSERT_HEAD(&as->open, a, entry);
		return a;
	}
	pool_put(as->pool, a);
	counter_add(
	    &as->stats->ended[err == -EUSERS ? ASSOC_CROWDED : ASSOC_REFUSED],
	    1);
	return NULL;
}

static void
set_retry(struct assoc *a, uint64_t now_ms)
{
	uint64_t after = dtls_retry_ms(a->dtls);

	if (after == UINT64_MAX)
		wheel_clear(&a->all->retry, &a->retry);
	else
		wheel_set(&a->all->retry, &a->retry, now_ms + after);
}

/* All that a datagram brought; how many messages were in it, *end tells why
 * there are no more. */
static int
assoc_messages(struct assoc *a, ssize_t *end)
{
	struct assocs *as = a->all;
	uint8_t *room;
	int n = 0;

	for (;;) {
		room = message_room(as);
		*end = dtls_read(a->dtls, room, DTLS_DATAGRAM_MAX);
		if (*end <= 0)
			return n;
		n++;
		counter_add(&as->stats->received_bytes, (uint64_t)*end);
		as->nmessages++;
		as->ops.message(as->ops.arg, a, room, (size_t)*end);
		as->clean = false;
	}
}

static void
assoc_read(struct assoc *a, uint64_t now_ms)
{
	bool established = dtls_established(a->dtls);
	ssize_t end;
	int n = assoc_messages(a, &end);

	if (end != -EAGAIN) {
		assoc_close(a, end == 0 ? ASSOC_BY_CLIENT : ASSOC_DTLS);
		return;
	}
	if (!established && dtls_established(a->dtls))
		assoc_touch(a, now_ms);
	if (!established)
		set_retry(a, now_ms);
	/* A handshake that is left half done holds as little as can be. */
	if (n == 0)
		dtls_quiet(a->dtls);
}

/* A ClientHello of somebody who has no association, or begins anew. */
static void
hello_input(struct assocs *as, const struct assoc_id *id, const void *data,
    size_t len, uint64_t now_ms)
{
	struct target target = { as, id };
	const struct dtls_from from = { id, sizeof(*id), now_ms,
		send_to_stranger, &target };
	struct dtls_client_hello hello;
	struct dtls *d;
	struct assoc *a;

	if (as->ops.admit != NULL && !as->ops.admit(as->ops.arg, id))
		return;
	if (dtls_hello_input(as->hello, &from, data, len, &d) != 1) {
		counter_add(&as->stats->challenges, 1);
		return;
	}
	(void)dtls_is_client_hello(data, len, &hello);
	/* RFC 6347 section 4.2.8: the cookie shows that it is the client. */
	a = assocs_find(as, id);
	if (a != NULL)
		assoc_close(a, ASSOC_REPLACED);
	a = assoc_new(
	    as, id, hash_bytes(&as->conf.hash_key, hello.random, DTLS_RANDOM));
	if (a == NULL) {
		dtls_free(d);
		return;
	}
	a->dtls = d;
	dtls_send_to(d, send_to_client, a);
	assoc_touch(a, now_ms);
	assoc_read(a, now_ms);
}

/* Is this the beginning of another association than a? */
static bool
begins(const struct assocs *as, const struct assoc *a, const void *data,
    size_t len)
{
	struct dtls_client_hello hello;

	if (!dtls_is_client_hello(data, len, &hello))
		return false;
	/* The same again is for the handshake that it began, if that is not
	 * over: then it is late, or somebody's who has recorded it. */
	return a == NULL ||
	    hash_bytes(&as->conf.hash_key, hello.random, DTLS_RANDOM) !=
	    a->hello;
}

void
assocs_input(struct assocs *as, const struct assoc_id *id, const void *data,
    size_t len, uint64_t now_ms)
{
	struct assoc *a = assocs_find(as, id);

	if (begins(as, a, data, len)) {
		hello_input(as, id, data, len, now_ms);
	} else if (a != NULL) {
		dtls_input(a->dtls, data, len);
		assoc_read(a, now_ms);
	} else {
		counter_add(&as->stats->strays, 1);
	}
}

int
assoc_send(struct assoc *a, const void *head, size_t head_len, const void *data,
    size_t len)
{
	uint8_t whole[DTLS_SEND_MAX];
	int err;

	if (head_len + len > sizeof(whole))
		return -EMSGSIZE;
	if (head_len > 0) {
		memcpy(whole, head, head_len);
		memcpy(whole + head_len, data, len);
		data = whole;
		len += head_len;
	}
	err = dtls_write(a->dtls, data, len);
	if (err == 0)
		counter_add(&a->all->stats->sent_bytes, len);
	return err;
}

/* The association that a timer is in. */
#define OWNER(t, member) \
	((struct assoc *)(void *)((char *)(t)-offsetof(struct assoc, member)))

void
assocs_expire(struct assocs *as, uint64_t now_ms)
{
	struct wheel_timer *t;
	struct assoc *a;

	while ((t = wheel_pop(&as->retry, now_ms)) != NULL) {
		a = OWNER(t, retry);
		if (dtls_retry(a->dtls) != 0)
			assoc_close(a, ASSOC_HANDSHAKE);
		else
			set_retry(a, now_ms);
	}
	while ((t = wheel_pop(&as->idle, now_ms)) != NULL) {
		a = OWNER(t, idle);
		if (!dtls_established(a->dtls)) {
			assoc_close(a, ASSOC_HANDSHAKE);
		} else if (as->ops.idle != NULL &&
		    as->ops.idle(as->ops.arg, a)) {
			dtls_quiet(a->dtls);
			assoc_touch(a, now_ms);
		} else {
			assoc_close(a, ASSOC_IDLE);
		}
	}
}

uint64_t
assocs_next_ms(const struct assocs *as)
{
	uint64_t idle = wheel_next_ms(&as->idle);
	uint64_t retry = wheel_next_ms(&as->retry);

	return idle < retry ? idle : retry;
}

struct assocs *
assocs_new(const struct assocs_conf *conf, const struct assoc_ops *ops,
    struct assoc_stats *stats, uint64_t now_ms)
{
	struct assocs *as = calloc(1, sizeof(*as));

	if (as == NULL)
		return NULL;
	as->conf = *conf;
	as->ops = *ops;
	as->stats = stats;
	as->clean = true;
	LIST_INIT(&as->open);
	wheel_init(&as->idle, now_ms);
	wheel_init(&as->retry, now_ms);
	htab_init(&as->table, conf->max);
	as->pool = pool_new(sizeof(struct assoc), conf->max);
	as->hello = dtls_hello_new(conf->tls);
	if (as->pool == NULL || as->hello == NULL) {
		assocs_free(as);
		return NULL;
	}
	return as;
}

void
assocs_free(struct assocs *as)
{
	if (as == NULL)
		return;
	while (!LIST_EMPTY(&as->open))
		assoc_close(LIST_FIRST(&as->open), ASSOC_BY_CLIENT);
	as->ops.flush(as->ops.arg);
	dtls_hello_free(as->hello);
	htab_fini(&as->table);
	pool_free(as->pool);
	free(as);
}
