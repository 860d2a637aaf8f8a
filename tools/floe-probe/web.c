/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "tools/floe-probe/core/exchange.h"
#include "tools/floe-probe/core/web.h"
#include "tools/floe-probe/probe.h"

#define REQUEST_MAX 1024
#define HEAD_MAX    8192

#define OK        200
#define SWITCHING 101

/* The head of the answer in head, its status, or -errno. */
static int
exchange(
    struct link *l, const struct buf *request, char head[HEAD_MAX], size_t *len)
{
	uint64_t until_us = link_now_us() + EXCHANGE_STREAM_MS * 1000;
	int rc = link_send(l, request->data, request->len);
	ssize_t n;

	*len = 0;
	while (rc == 0) {
		if (*len == HEAD_MAX)
			return -EBADMSG;
		n = link_read(l, head + *len, HEAD_MAX - *len, until_us);
		if (n <= 0)
			return n == 0 ? -ECONNRESET : (int)n;
		*len += (size_t)n;
		rc = web_status(head, *len);
	}
	return rc;
}

static void
say(const struct link *l, int rc, const char *wanted, struct trouble *t)
{
	if (rc == -EBADMSG) {
		trouble_say(t, PROBLEM_NOT_HTTP, "");
	} else if (rc < 0) {
		link_trouble(l, rc, t);
	} else {
		trouble_say(t, PROBLEM_HTTP, wanted);
		t->code = rc;
	}
}

static void
check_health(struct probe *p, const struct target *t, struct link *l)
{
	char request[REQUEST_MAX], head[HEAD_MAX];
	struct check c = target_begin(t, STEP_HEALTH);
	struct buf b = buf_fixed(request, sizeof(request));
	uint64_t begun = link_now_us();
	struct trouble trouble;
	size_t len;
	int rc = web_health(t->uri, &b);

	if (rc == 0)
		rc = exchange(l, &b, head, &len);
	c.rtt_us = link_now_us() - begun;
	trouble_say(&trouble, PROBLEM_NONE, "");
	if (rc != OK)
		say(l, rc, "a request for healthz", &trouble);
	target_tell(p, &c, &trouble);
}

static void
check_websocket(struct probe *p, const struct target *t)
{
	char request[REQUEST_MAX], head[HEAD_MAX], key[WEB_KEY_LEN];
	struct check c = target_begin(t, STEP_WEBSOCKET);
	struct buf b = buf_fixed(request, sizeof(request));
	uint64_t begun = link_now_us();
	struct trouble trouble;
	uint8_t random[16];
	struct link l;
	size_t len;
	int rc;

	crypto_random(random, sizeof(random));
	crypto_base64(random, sizeof(random), key);
	if (target_open(p, t, &l, &trouble) == 0) {
		trouble_say(&trouble, PROBLEM_NONE, "");
		rc = web_upgrade(t->uri, key, &b);
		if (rc == 0)
			rc = exchange(&l, &b, head, &len);
		if (rc == SWITCHING && !web_accepts(head, len, key))
			trouble_say(&trouble, PROBLEM_NO_WEBSOCKET, "");
		else if (rc != SWITCHING)
			say(&l, rc, "the WebSocket handshake", &trouble);
	}
	c.rtt_us = link_now_us() - begun;
	target_tell(p, &c, &trouble);
	link_close(&l);
}

void
web_check(struct probe *p, const struct target *t, struct link *l)
{
	check_health(p, t, l);
	link_close(l);
	check_websocket(p, t);
}
