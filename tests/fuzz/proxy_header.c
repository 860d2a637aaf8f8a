/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * proxy_header: bytes of a connection from a balancer that come one by one.
 * What the decoder says once, it says for ever; it waits for no more than the
 * longest header, and what it tells is addresses of one family.
 */
#include <string.h>

#include "lib/addr/proxy.h"
#include "tests/fuzz/fuzz.h"

static void
must_be_whole(const struct proxy_header *h, int verdict)
{
	static const struct addr none = { .family = ADDR_NONE };
	char text[ADDR_STRLEN];
	struct addr again;

	MUST(verdict > 0 && verdict <= PROXY_HEADER_MAX);
	if (!h->told) {
		MUST(memcmp(&h->client, &none, sizeof(none)) == 0);
		return;
	}
	MUST(h->client.family == ADDR_V4 || h->client.family == ADDR_V6);
	MUST(h->server.family == ADDR_V4 || h->server.family == ADDR_V6);
	MUST(addr_parse(addr_format(&h->client, text), &again) == 0);
	MUST(memcmp(&h->client, &again, sizeof(again)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct proxy_header h, again;
	size_t n, step = len < 600 ? 1 : 97;
	int verdict = 0, now;

	for (n = 0; n <= len; n += step) {
		now = proxy_decode(data, n, verdict == 0 ? &h : &again);
		MUST(verdict == 0 || now == verdict);
		MUST(now <= 0 || (size_t)now <= n);
		MUST(now != 0 || n < PROXY_HEADER_MAX);
		if (verdict > 0)
			MUST(memcmp(&h, &again, sizeof(h)) == 0);
		verdict = now;
	}
	if (verdict > 0)
		must_be_whole(&h, verdict);
	return 0;
}
