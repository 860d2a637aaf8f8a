/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "signald/core/payload.h"

static void
inner_error(struct json_in *in, const struct json_in *inner)
{
	in->code = inner->code;
	memcpy(in->err, inner->err, sizeof(in->err));
}

void
sig_payload_sdp(
    struct json_out *o, const char *name, struct json_in *in, uint32_t max)
{
	const char *sdp = json_in_str(in, "sdp", 1, max);

	if (sdp != NULL)
		json_out_str(o, name, sdp);
}

/* Entries are objects, or null for the end. */
void
sig_payload_candidates(
    struct json_out *o, const char *name, struct json_in *in, uint32_t max)
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
		inner_error(in, &item);
		return;
	}
	json_out_value(o, name, list);
}

void
sig_payload_media(struct json_out *o, struct json_in *in)
{
	json_out_bool(o, "audio", json_in_bool(in, "audio"));
	json_out_bool(o, "video", json_in_bool(in, "video"));
	json_out_bool(o, "screen", json_in_bool_opt(in, "screen", false));
	json_out_bool(o, "hold", json_in_bool_opt(in, "hold", false));
}

void
sig_payload_media_object(struct json_out *o, struct json_in *in)
{
	static const char *const fields[] = { "audio", "video", "screen",
		"hold", NULL };
	const struct json *media = json_in_object(in, "media");
	struct json_in members;

	if (in->code != 0)
		return;
	json_in_init(&members, media, "media");
	json_out_object(o, NULL);
	sig_payload_media(o, &members);
	json_in_only(&members, fields);
	if (members.code != 0)
		inner_error(in, &members);
}
