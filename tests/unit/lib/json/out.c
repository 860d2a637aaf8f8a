/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/json/json.h"
#include "tests/unit/test.h"

static void
is(struct buf *b, const char *want)
{
	assert_int_equal(b->len, strlen(want));
	assert_memory_equal(b->data, want, b->len);
	buf_fini(b);
}

static void
writes_every_type(void **state)
{
	static const struct json_limits limits = { 100, 10, 4 };
	char err[JSON_ERR_MAX];
	struct json_out o;
	struct json *v;
	struct buf b;

	assert_int_equal(
	    json_parse("{\"z\": [1, null]}", 16, &limits, &v, err), 0);
	buf_init(&b, 1000);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_str(&o, "s", "a\"b\\c\n\x01\xc3\xa4");
	json_out_mem(&o, "m", "xyz", 2);
	json_out_int(&o, "i", INT64_MIN);
	json_out_bool(&o, "t", true);
	json_out_null(&o, "n");
	json_out_array(&o, "a");
	json_out_close(&o);
	json_out_array(&o, "b");
	json_out_object(&o, NULL);
	json_out_close(&o);
	json_out_int(&o, NULL, 2);
	json_out_raw(&o, NULL, "[3]", 3);
	json_out_close(&o);
	json_out_value(&o, "v", v);
	assert_int_equal(json_out_end(&o), 0);
	json_free(v);
	is(&b,
	    "{\"s\":\"a\\\"b\\\\c\\n\\u0001\xc3\xa4\",\"m\":\"xy\","
	    "\"i\":-9223372036854775808,\"t\":true,\"n\":null,\"a\":[],"
	    "\"b\":[{},2,[3]],\"v\":{\"z\":[1,null]}}");
}

static void
end_closes(void **state)
{
	struct json_out o;
	struct buf b;

	buf_init(&b, 1000);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_array(&o, "a");
	json_out_object(&o, NULL);
	json_out_int(&o, "x", 1);
	assert_int_equal(json_out_end(&o), 0);
	is(&b, "{\"a\":[{\"x\":1}]}");
}

/* Every byte that text has comes back from a parser as it went in. */
static void
escapes_every_byte(void **state)
{
	static const struct json_limits limits = { 2000, 10, 4 };
	char text[200], err[JSON_ERR_MAX];
	struct json_out o;
	struct json *v;
	struct buf b;
	int i;

	for (i = 0; i < 127; i++)
		text[i] = (char)(i + 1);
	strcpy(text + 127, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	buf_init(&b, 2000);
	json_out_init(&o, &b);
	json_out_array(&o, NULL);
	json_out_str(&o, NULL, text);
	json_out_str(&o, NULL, "");
	assert_int_equal(json_out_end(&o), 0);
	assert_int_equal(json_parse(b.data, b.len, &limits, &v, err), 0);
	assert_string_equal(json_text(json_item(v, 0)), text);
	assert_string_equal(json_text(json_item(v, 1)), "");
	json_free(v);
	buf_fini(&b);

	buf_init(&b, 100);
	json_out_init(&o, &b);
	json_out_str(&o, NULL, "\b\f\n\r\t\v\"/\\\x1f\x7f");
	assert_int_equal(json_out_end(&o), 0);
	is(&b, "\"\\b\\f\\n\\r\\t\\u000B\\\"/\\\\\\u001F\x7f\"");
}

static void
copies_any_value(void **state)
{
	static const struct json_limits limits = { 200, 30, 8 };
	static const char text[] =
	    "{\"a\":[1,-2.5,\"x\\\"\",true,false,null,[],{}],"
	    "\"b\":{\"c\":[[\"\xc3\xa4\"]],\"\":1e100}}";
	char err[JSON_ERR_MAX];
	struct json_out o;
	struct json *v;
	struct buf b;

	assert_int_equal(
	    json_parse(text, sizeof(text) - 1, &limits, &v, err), 0);
	buf_init(&b, 1000);
	json_out_init(&o, &b);
	json_out_value(&o, NULL, v);
	assert_int_equal(json_out_end(&o), 0);
	json_free(v);
	is(&b, text);
}

/* A mistake of the caller, or a string nobody could read, is never written
 * as broken JSON without a word. */
static void
errors_stick(void **state)
{
	struct json_out o;
	struct buf b;
	int i, k;

	for (k = 0; k < 6; k++) {
		buf_init(&b, 1000);
		json_out_init(&o, &b);
		json_out_object(&o, NULL);
		if (k == 0)
			json_out_str(&o, "s", "\xff");
		else if (k == 1)
			json_out_mem(&o, "s", "a\0b", 3);
		else if (k == 2)
			json_out_int(&o, NULL, 1);
		else if (k == 3)
			json_out_value(&o, "v", NULL);
		for (i = 0; k == 4 && i < JSON_DEPTH_MAX; i++)
			json_out_object(&o, "deeper");
		json_out_close(&o);
		if (k == 5)
			json_out_close(&o);
		json_out_int(&o, NULL, 1);
		assert_int_equal(json_out_end(&o), -EINVAL);
		buf_fini(&b);
	}
}

static void
does_not_fit(void **state)
{
	char mem[8];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct json_out o;

	json_out_init(&o, &b);
	json_out_array(&o, NULL);
	json_out_str(&o, NULL, "0123456789");
	assert_int_equal(json_out_end(&o), -ENOSPC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_every_type),
		cmocka_unit_test(end_closes),
		cmocka_unit_test(escapes_every_byte),
		cmocka_unit_test(copies_any_value),
		cmocka_unit_test(errors_stick),
		cmocka_unit_test(does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
