/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json: any bytes as a frame of several JSON texts are read within the limits
 * or refused with a message; what was read is written and reads the same
 * again. Within the limits jansson takes just the same texts.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "lib/json/json.h"
#include "tests/fuzz/fuzz.h"

static const struct json_limits limits = { 4096, 256, 8 };
/* Escapes make a text longer, at most \u00xx for a byte. */
static const struct json_limits wide = { 6 * 4096, 256, 8 };

static void
write_text(const struct json *v, struct buf *b)
{
	struct json_out o;

	buf_init(b, wide.bytes);
	json_out_init(&o, b);
	json_out_value(&o, NULL, v);
	MUST(json_out_end(&o) == 0);
}

static void
check(const struct json *v)
{
	static const char *const names[] = { "id", "op", NULL };
	struct json *again;
	char err[JSON_ERR_MAX];
	struct buf one, two;
	struct json_in in;

	json_in_init(&in, v, "");
	json_in_int_opt(&in, "id", 1, INT64_MAX, 0);
	json_in_str_opt(&in, "op", 1, 64);
	json_in_only(&in, names);
	MUST((in.code == 0) == (in.err[0] == '\0'));
	MUST(memchr(in.err, '\0', sizeof(in.err)) != NULL);
	write_text(v, &one);
	MUST(json_parse(one.data, one.len, &wide, &again, err) == 0);
	write_text(again, &two);
	MUST(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	json_free(again);
	buf_fini(&one);
	buf_fini(&two);
}

/* Jansson takes what is there, or does not, like us; but for a NUL behind a
 * number, which it swallows, and a zero with an exponent beyond any double. */
static bool
second_opinion(const char *text, size_t len, const char *err)
{
	json_t *v = json_loadb(
	    text, len, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
	bool taken = v != NULL;

	json_decref(v);
	return taken == (*err == '\0') || memchr(text, '\0', len) != NULL ||
	    strncmp(err, "a number too large", 18) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data, *before;
	char err[JSON_ERR_MAX] = "";
	struct json *v;
	size_t had;
	int rc;

	for (;;) {
		before = text;
		had = len;
		rc = json_parse_next(&text, &len, &limits, &v, err);
		MUST((rc == 0) == (err[0] == '\0'));
		if (rc == -EBADMSG || (rc == 0 && v != NULL))
			MUST(second_opinion(before, had, err));
		if (rc != 0 || v == NULL)
			break;
		check(v);
		json_free(v);
	}
	return 0;
}
