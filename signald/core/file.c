/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <strings.h>

#include "lib/json/json.h"
#include "signald/core/file.h"

#define BLOCK 4096

bool
sig_file_hash_ok(const char *hash, size_t len)
{
	return len == SIG_FILE_HASH_LEN &&
	    strspn(hash, "0123456789abcdef") == len;
}

const char *
sig_file_type(const char *type)
{
	/* No SVG among the images, no XML or HTML: those are programs. */
	static const char *const safe[] = { "image/png", "image/jpeg",
		"image/gif", "image/webp", "image/avif", "image/bmp",
		"audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg",
		"audio/opus", "audio/wav", "audio/webm", "audio/flac",
		"video/mp4", "video/webm", "video/ogg", "video/quicktime",
		"application/pdf" };
	size_t i, len = type == NULL ? 0 : strcspn(type, "; \t");

	for (i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
		if (strlen(safe[i]) == len &&
		    strncasecmp(safe[i], type, len) == 0)
			return safe[i];
	return SIG_FILE_TYPE_ANY;
}

uint64_t
sig_file_cost(uint64_t size)
{
	return size == 0 ? BLOCK : (size + BLOCK - 1) / BLOCK * BLOCK;
}

bool
sig_file_name_ok(const char *name)
{
	const unsigned char *s = (const unsigned char *)name;
	uint8_t mem[6 * SIG_FILE_NAME_MAX + 8];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct json_out out;

	/* The writer knows what is UTF-8. */
	json_out_init(&out, &b);
	json_out_array(&out, NULL);
	json_out_str(&out, NULL, name);
	if (json_out_end(&out) != 0)
		return false;
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s == 0x7f || *s == '/' || *s == '\\' ||
		    (*s == 0xc2 && s[1] < 0xa0))
			return false;
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}
