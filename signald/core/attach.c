/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "signald/core/attach.h"

#define NUMBER_MAX ((INT64_C(1) << 53) - 1)
#define PIXELS_MAX 1000000

static const char *const fields[] = { "file", "name", "size", "type", "width",
	"height", "duration_ms", "text", NULL };

static void
put_number(
    struct json_out *o, struct json_in *in, const char *name, int64_t max)
{
	if (json_in_has(in, name))
		json_out_int(o, name, json_in_int(in, name, 0, max));
}

static void
put_members(struct json_out *o, struct json_in *in, uint32_t text_bytes,
    struct sig_file *file)
{
	const char *hash =
	    json_in_str(in, "file", SIG_FILE_HASH_LEN, SIG_FILE_HASH_LEN);
	const char *name = json_in_str(in, "name", 1, SIG_FILE_NAME_MAX);
	const char *text = json_in_str_opt(in, "text", 1, text_bytes);

	/* Anybody may say them, and nobody is believed. */
	(void)json_in_int_opt(in, "size", 0, NUMBER_MAX, 0);
	(void)json_in_str_opt(in, "type", 0, SIG_FILE_NAME_MAX);
	if (hash != NULL && !sig_file_hash_ok(hash, strlen(hash)))
		json_in_fail(in, "file", "not the name of a file");
	if (name != NULL && !sig_file_name_ok(name))
		json_in_fail(in, "name", "cannot be shown");
	if (hash == NULL || name == NULL)
		return;
	snprintf(file->hash, sizeof(file->hash), "%s", hash);
	snprintf(file->name, sizeof(file->name), "%s", name);
	json_out_str(o, "file", hash);
	json_out_str(o, "name", name);
	put_number(o, in, "width", PIXELS_MAX);
	put_number(o, in, "height", PIXELS_MAX);
	put_number(o, in, "duration_ms", NUMBER_MAX);
	if (text != NULL)
		json_out_str(o, "text", text);
}

void
sig_attach_read(struct json_in *in, uint32_t text_bytes, struct buf *b,
    struct sig_file *file)
{
	const struct json *body = json_in_object(in, "body");
	struct json_in members;
	struct json_out o;

	memset(file, 0, sizeof(*file));
	if (in->code != 0)
		return;
	json_in_init(&members, body, "body");
	json_out_init(&o, b);
	json_out_object(&o, NULL);
	put_members(&o, &members, text_bytes, file);
	json_in_only(&members, fields);
	json_out_end(&o);
	if (members.code != 0) {
		in->code = members.code;
		memcpy(in->err, members.err, sizeof(in->err));
	}
}

void
sig_attach_stamp(struct buf *b, const char *body, size_t len, uint64_t size,
    const char *type)
{
	/* Types are of our own list and need no escapes. */
	buf_put(b, body, len - 1);
	buf_printf(b, ",\"size\":%" PRIu64 ",\"type\":\"%s\"}", size, type);
}
