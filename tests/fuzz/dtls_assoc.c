/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dtls_assoc: what a worker makes of datagrams that look like DTLS, sent by
 * strangers and in the name of a client that has a session; and of what that
 * client itself sends, garbled on its way. The input is steps: one byte what,
 * two how long, the bytes.
 *
 * Nobody without a good cookie has an association or is sent more than he has
 * sent; what comes out of one is what the client has put in.
 */
#include <string.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/crypto/crypto.h"
#include "lib/dtls/assoc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/lib/tls/cert.h"
#include "tests/unit/lib/tls/dclient.h"

#define STEPS_MAX 64
#define SESSIONS  3
#define IDLE_MS   30000
#define TEXT      "what the client says"

enum step { STRANGER, IN_ITS_NAME, GARBLE, SAY, SEND, WAIT, AGAIN, STEPS };

struct world {
	struct assocs *assocs;
	struct assoc_stats stats;
	struct dclient client;
	struct assoc_id id; /* the client's */
	bool begun, through;
	uint64_t now_ms;
	size_t out; /* bytes sent to anybody */
};

static struct tls_ctx *tls;

static void
send_datagram(
    void *arg, const struct assoc_id *id, const void *data, size_t len)
{
	struct world *w = arg;
	struct dgrams *q = &w->client.to_client;

	w->out += len;
	MUST(len > 0 && len <= DTLS_RECORD_MAX);
	if (w->begun && memcmp(id, &w->id, sizeof(*id)) == 0 && q->n < DGRAMS)
		dgrams_put(q, data, len);
}

static void
flush(void *arg)
{
}

static void
message(void *arg, struct assoc *a, uint8_t *data, size_t len)
{
	const struct world *w = arg;

	MUST(memcmp(assoc_id(a), &w->id, sizeof(w->id)) == 0);
	MUST(len == sizeof(TEXT) && memcmp(data, TEXT, len) == 0);
}

static struct assoc_id
id_of(uint16_t port)
{
	return (struct assoc_id){ .listener = 1,
		.client = addr_v4(192, 0, 2, 1, port) };
}

static void
deliver(
    struct world *w, const struct assoc_id *id, const void *data, size_t len)
{
	size_t before = w->out;
	bool known = assocs_find(w->assocs, id) != NULL;

	if (!dtls_looks_like(data, len))
		return;
	assocs_input(w->assocs, id, data, len, w->now_ms);
	assocs_flushed(w->assocs);
	if (!known && assocs_find(w->assocs, id) == NULL)
		MUST(w->out - before <= len);
	MUST(assoc_stats_open(&w->stats) <= SESSIONS);
}

/* All that the client has sent; the first one garbled. */
static void
deliver_client(struct world *w, const uint8_t *bits, size_t len)
{
	uint8_t data[DGRAM_ROOM] = { 0 };
	size_t i, n;

	while ((n = dgrams_get(&w->client.to_server, data, sizeof(data))) > 0) {
		if (n > DTLS_DATAGRAM_MAX)
			continue;
		for (i = 0; i < len && i < n; i++)
			data[i] ^= bits[i];
		if (len > n) /* longer than it was */
			n += len - n > 64 ? 64 : len - n;
		deliver(w, &w->id, data, n);
		len = 0;
	}
}

static void
begin(struct world *w)
{
	if (w->begun)
		return;
	w->begun = true;
	dclient_open(&w->client, DTLS1_2_VERSION);
}

static void
step(struct world *w, enum step what, const uint8_t *data, size_t len)
{
	struct assoc_id id;
	struct assoc *a;
	char back[DTLS_SEND_MAX];

	switch (what) {
	case STRANGER:
		id = id_of(len > 0 ? data[0] : 0);
		deliver(w, &id, data, len);
		break;
	case IN_ITS_NAME:
		deliver(w, &w->id, data, len);
		break;
	case GARBLE:
		begin(w);
		w->through = dclient_shake(&w->client);
		deliver_client(w, data, len);
		break;
	case SAY:
		if (w->begun && w->through)
			dclient_send(&w->client, TEXT, sizeof(TEXT));
		if (w->begun)
			deliver_client(w, data, len);
		break;
	case SEND:
		a = assocs_find(w->assocs, &w->id);
		if (a != NULL)
			(void)assoc_send(a, data, len > 8 ? 8 : len, data, len);
		while (w->begun && w->through &&
		    dclient_recv(&w->client, back, sizeof(back)) > 0)
			;
		break;
	case WAIT:
		w->now_ms += len > 0 ? 1000 * (uint64_t)data[0] : 1;
		assocs_expire(w->assocs, w->now_ms);
		break;
	default:
		if (len > 0 && w->through) { /* with a word */
			SSL_shutdown(w->client.ssl);
			deliver_client(w, data, len - 1);
		}
		if (w->begun)
			dclient_close(&w->client);
		w->begun = w->through = false;
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct assoc_ops ops = { .arg = w,
		.send = send_datagram,
		.flush = flush,
		.message = message };
	const struct assocs_conf conf = {
		.tls = tls, .max = SESSIONS, .idle_ms = IDLE_MS
	};
	struct cursor c = cursor_init(data, len);
	uint8_t what, *part;
	size_t n;
	int i;

	MUST(w != NULL);
	w->now_ms = 1000000;
	w->id = id_of(1000);
	w->assocs = assocs_new(&conf, &ops, &w->stats, w->now_ms);
	MUST(w->assocs != NULL);
	for (i = 0; i < STEPS_MAX && cursor_left(&c) > 0; i++) {
		what = cursor_u8(&c);
		n = cursor_u16(&c) % (DTLS_DATAGRAM_MAX + 1);
		if (n > cursor_left(&c))
			n = cursor_left(&c);
		/* Alone in its memory, so that reading past it is noticed. */
		part = malloc(n > 0 ? n : 1);
		MUST(part != NULL);
		if (n > 0)
			memcpy(part, cursor_bytes(&c, n), n);
		step(w, what % STEPS, part, n);
		free(part);
	}
	assocs_free(w->assocs);
	MUST(assoc_stats_open(&w->stats) == 0);
	if (w->begun)
		dclient_close(&w->client);
	free(w);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char folder[] = "/tmp/floe-fuzz-XXXXXX", cert[64], key[64];
	const struct tls_conf conf = { cert, key, NULL };
	char err[TLS_ERR_MAX];

	MUST(crypto_init() == 0);
	MUST(mkdtemp(folder) != NULL);
	snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	snprintf(key, sizeof(key), "%s/key.pem", folder);
	cert_make(cert, key, 1, NULL);
	MUST(tls_ctx_new(&conf, &tls, err) == 0);
	unlink(cert);
	unlink(key);
	rmdir(folder);
	return 0;
}
