/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stun_binding: any message to stund. An answer is STUN, of the same id, and
 * at most 1.6 times as long as what it answers; a request that got one gets
 * none for it in turn.
 */
#include <string.h>

#include "lib/stun/message.h"
#include "stund/core/binding.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct addr client = addr_v4(192, 0, 2, 1, 5000);
	uint8_t answer[BINDING_ANSWER_MAX], other[BINDING_ANSWER_MAX];
	struct buf out = buf_fixed(answer, sizeof(answer));
	struct buf none = buf_fixed(other, sizeof(other));
	enum binding_result result;
	struct stun_msg m;

	result = binding_input(data, len, &client, &out);
	MUST(binding_result_name(result) != NULL);
	if (!binding_is_answer(result)) {
		MUST(out.len == 0);
		return 0;
	}
	MUST(out.len * 5 <= len * 8);
	MUST(stun_decode(answer, out.len, &m) == 0);
	MUST(memcmp(answer + 4, data + 4, 16) == 0);
	MUST(m.method == STUN_BINDING);
	MUST(
	    m.class == (result == BINDING_SUCCESS ? STUN_SUCCESS : STUN_ERROR));
	result = binding_input(answer, out.len, &client, &none);
	MUST(result == BINDING_NOT_REQUEST);
	return 0;
}
