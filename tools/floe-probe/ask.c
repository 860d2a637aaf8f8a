/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "tools/floe-probe/core/exchange.h"
#include "tools/floe-probe/probe.h"

#define REQUEST_MAX 4096
#define ROUNDS_MAX  5 /* of challenges */

/* Waits for the answer until then; what is not it is dropped. */
static int
await(struct link *l, const struct buf *request, uint64_t until_us,
    uint8_t answer[LINK_MESSAGE_MAX], struct stun_msg *msg)
{
	ssize_t n;

	for (;;) {
		n = link_recv(l, answer, until_us);
		if (n < 0)
			return (int)n;
		/* Whoever floods us with something else gets no more time. */
		if (link_now_us() >= until_us)
			return -ETIMEDOUT;
		if (stun_decode(answer, (size_t)n, msg) == 0 &&
		    stun_malformed(msg) == NULL &&
		    (msg->class == STUN_SUCCESS || msg->class == STUN_ERROR) &&
		    memcmp(answer + 8, request->data + 8, STUN_TXID_LEN) == 0)
			return 0;
	}
}

int
ask_raw(struct link *l, const struct buf *request, bool reliable,
    uint8_t answer[LINK_MESSAGE_MAX], struct stun_msg *msg, uint64_t *rtt_us)
{
	struct exchange e = exchange_begin(reliable, link_now_us() / 1000);
	uint64_t wait_ms, sent_us = 0;
	int rc;

	for (;;) {
		switch (exchange_next(&e, link_now_us() / 1000, &wait_ms)) {
		case EXCHANGE_OVER:
			return -ETIMEDOUT;
		case EXCHANGE_SEND:
			sent_us = link_now_us();
			rc = link_send(l, request->data, request->len);
			if (rc != 0)
				return rc;
			break;
		case EXCHANGE_WAIT:
			break;
		}
		rc = await(
		    l, request, link_now_us() + wait_ms * 1000, answer, msg);
		if (rc == 0)
			*rtt_us = link_now_us() - sent_us;
		if (rc != -ETIMEDOUT)
			return rc;
	}
}

static void
refused(const struct client *c, uint16_t method, const struct client_reply *r,
    struct trouble *t)
{
	char text[ADDR_STRLEN];

	if (r->code == 300 && r->other.family != ADDR_NONE)
		trouble_say(t, PROBLEM_MOVED, addr_format(&r->other, text));
	else
		trouble_say(t,
		    problem_of_code(
			r->code, method, c->user != NULL && c->challenged),
		    r->reason);
	t->code = r->code;
}

int
ask(struct link *l, struct client *c, const struct client_ask *what,
    struct client_reply *reply, uint64_t *rtt_us, struct trouble *t)
{
	uint8_t mem[REQUEST_MAX], answer[LINK_MESSAGE_MAX];
	uint8_t txid[STUN_TXID_LEN];
	struct buf request = buf_fixed(mem, sizeof(mem));
	bool reliable =
	    l->transport == TRANSPORT_TCP || l->transport == TRANSPORT_TLS;
	struct stun_msg msg;
	int rc, round;

	for (round = 0; round < ROUNDS_MAX; round++) {
		buf_reset(&request);
		crypto_random(txid, sizeof(txid));
		rc = client_request(c, what, txid, &request);
		if (rc == 0)
			rc = ask_raw(
			    l, &request, reliable, answer, &msg, rtt_us);
		if (rc != 0) {
			link_trouble(l, rc, t);
			return rc;
		}
		switch (client_answer(c, &msg, reply)) {
		case CLIENT_DONE:
			trouble_say(t, PROBLEM_NONE, "");
			return 0;
		case CLIENT_AGAIN:
			break;
		case CLIENT_REFUSED:
			refused(c, what->method, reply, t);
			return -ECONNABORTED;
		case CLIENT_FORGED:
			trouble_say(t, PROBLEM_FORGED, "");
			return -ECONNABORTED;
		}
	}
	trouble_say(t, PROBLEM_STALE, "");
	t->code = reply->code;
	return -ECONNABORTED;
}
