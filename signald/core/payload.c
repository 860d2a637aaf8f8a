/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "signald/core/payload.h"

void
sig_payload_sdp(struct json_out *o, struct json_in *in, uint32_t max)
{
	const char *sdp = json_in_str(in, "sdp", 1, max);

	if (sdp != NULL)
		json_out_str(o, "sdp", sdp);
}

/* Entries are objects, or null for the end. */
void
sig_payload_candidates(struct json_out *o, struct json_in *in, uint32_t max)
{
	const struct json *list = json_in_array(in, "candidates", 1, max);
	struct json_in item;
	size_t i;

	for (i = 0; i < json_items(list); i++) {
		if (json_nil(json_item(list, i)))
			continue;
		json_in_init(&item, json_item(list, i), "candidates");
		if (item.code == 0)
			continue;
		in->code = item.code;
		memcpy(in->err, item.err, sizeof(in->err));
		return;
	}
	json_out_value(o, "candidates", list);
}

void
sig_payload_media(struct json_out *o, struct json_in *in)
{
	json_out_bool(o, "audio", json_in_bool(in, "audio"));
	json_out_bool(o, "video", json_in_bool(in, "video"));
	json_out_bool(o, "screen", json_in_bool_opt(in, "screen", false));
	json_out_bool(o, "hold", json_in_bool_opt(in, "hold", false));
}
