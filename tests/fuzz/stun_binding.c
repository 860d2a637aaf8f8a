/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stun_binding: any message to stund, alone and with a second address. An
 * answer is STUN, of the same id, goes to the IP address that asked, and is
 * at most 1.6 times as long as what it answers, or by three addresses longer
 * where RFC 5780 wants them; a request that got one gets none for it in turn.
 */
#include <string.h>

#include "lib/stun/message.h"
#include "stund/core/binding.h"
#include "tests/fuzz/fuzz.h"

static void
check(const struct binding_in *in)
{
	uint8_t answer[BINDING_ANSWER_MAX], other[BINDING_PLAIN_MAX];
	size_t plain = in->behaviour != NULL ? sizeof(answer) : sizeof(other);
	struct buf buf = buf_fixed(answer, plain);
	struct buf none = buf_fixed(other, sizeof(other));
	struct binding_out out = { .buf = &buf };
	enum binding_result result = binding_input(in, &out);
	struct binding_in again = { .data = answer, .client = in->client };
	struct stun_msg m;

	MUST(binding_result_name(result) != NULL);
	if (!binding_is_answer(result)) {
		MUST(buf.len == 0);
		return;
	}
	MUST(buf.len * 5 <= in->len * 8 + (in->behaviour != NULL ? 180 : 0));
	MUST(out.corner < BEHAVIOUR_CORNERS);
	MUST(addr_equal_ip(&out.to, in->client) && out.to.port != 0);
	MUST(stun_decode(answer, buf.len, &m) == 0);
	MUST(memcmp(answer + 4, (const uint8_t *)in->data + 4, 16) == 0);
	MUST(m.method == STUN_BINDING);
	MUST(
	    m.class == (result == BINDING_SUCCESS ? STUN_SUCCESS : STUN_ERROR));
	again.len = buf.len;
	out.buf = &none;
	result = binding_input(&again, &out);
	MUST(result == BINDING_NOT_REQUEST);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct addr client = addr_v4(192, 0, 2, 1, 5000);
	const struct addr first = addr_v4(198, 51, 100, 1, 3478);
	const struct addr second = addr_v4(203, 0, 113, 1, 3479);
	const struct behaviour both = behaviour_of(&first, &second);
	struct binding_in in = { .data = data, .len = len, .client = &client };

	check(&in);
	in.behaviour = &both;
	for (; in.corner < BEHAVIOUR_CORNERS; in.corner++)
		check(&in);
	return 0;
}
