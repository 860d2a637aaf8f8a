/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe_client: any message as a server's answer to floe-probe, before and
 * after a challenge. Its verdict is one of four, its texts are fit for a
 * terminal, and who does not know the password never says yes. The bytes as
 * data of a peer and as the head of an HTTP answer, too.
 */
#include <errno.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "tests/fuzz/fuzz.h"
#include "tools/floe-probe/core/client.h"
#include "tools/floe-probe/core/web.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return crypto_init();
}

static enum client_verdict
check_answer(struct client *c, const struct stun_msg *m)
{
	struct client_reply r;
	enum client_verdict v = client_answer(c, m, &r);
	const char *p;

	MUST(memchr(r.reason, '\0', sizeof(r.reason)) != NULL);
	MUST(memchr(c->realm, '\0', sizeof(c->realm)) != NULL);
	MUST(memchr(c->nonce, '\0', sizeof(c->nonce)) != NULL);
	for (p = r.reason; *p != '\0'; p++)
		MUST(*p >= ' ' && *p <= '~');
	MUST(r.code >= 0 && r.code <= 799);
	MUST(v != CLIENT_AGAIN || c->challenged);
	return v;
}

static void
check_data(const uint8_t *data, size_t len)
{
	const uint8_t *inside;
	struct addr peer;
	uint16_t channel;
	size_t inside_len;

	if (client_data(data, len, &peer, &channel, &inside, &inside_len) == 0)
		MUST(inside >= data && inside + inside_len <= data + len);
}

static void
check_web(const uint8_t *data, size_t len)
{
	static const char key[WEB_KEY_LEN] = "dGhlIHNhbXBsZSBub25jZQ==";
	int status = web_status(data, len);

	MUST(status == 0 || status == -EBADMSG ||
	    (status >= 100 && status <= 599));
	(void)web_accepts(data, len, key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct client c = { .user = "alice", .password = "wonderland" };
	const struct client_ask ask = { .method = STUN_ALLOCATE };
	uint8_t mem[4096];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct stun_msg m;
	int i;

	check_data(data, len);
	check_web(data, len);
	/* ask() has seen to that. */
	if (stun_decode(data, len, &m) != 0 || stun_malformed(&m) != NULL ||
	    (m.class != STUN_SUCCESS && m.class != STUN_ERROR))
		return 0;
	for (i = 0; i < 6 && check_answer(&c, &m) == CLIENT_AGAIN; i++) {
		buf_reset(&b);
		MUST(client_request(&c, &ask, data + 8, &b) == 0);
	}
	MUST(i < 6);
	/* After a challenge of ours it would have to be signed. */
	c.challenged = true;
	if (m.class == STUN_SUCCESS && m.method != STUN_BINDING)
		MUST(check_answer(&c, &m) == CLIENT_FORGED);
	return 0;
}
