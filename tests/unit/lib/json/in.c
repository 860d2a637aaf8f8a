/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/json/json.h"
#include "tests/unit/test.h"

static const struct json_limits limits = {
	.bytes = 4096, .values = 100, .depth = 8
};

static struct json *
value(const char *text)
{
	char err[JSON_ERR_MAX];
	struct json *v;

	assert_int_equal(json_parse(text, strlen(text), &limits, &v, err), 0);
	return v;
}

static void
reads_every_type(void **state)
{
	struct json *v = value("{\"s\":\"\xc3\xa4z\",\"i\":-7,\"t\":true,"
			       "\"f\":false,\"o\":{\"x\":1},"
			       "\"a\":[\"p\",null,3],\"n\":null}");
	static const char *const all[] = { "s", "i", "t", "f", "o", "a", "n",
		"unused", NULL };
	const struct json *a;
	struct json_in in, inner;

	json_in_init(&in, v, "");
	assert_string_equal(json_in_str(&in, "s", 3, 3), "\xc3\xa4z");
	assert_string_equal(json_in_str_opt(&in, "s", 1, 9), "\xc3\xa4z");
	assert_int_equal(json_in_int(&in, "i", -7, -7), -7);
	assert_int_equal(json_in_int_opt(&in, "i", -9, 0, 5), -7);
	assert_true(json_in_bool(&in, "t"));
	assert_false(json_in_bool_opt(&in, "f", true));
	json_in_init(&inner, json_in_object(&in, "o"), "o");
	assert_int_equal(json_in_int(&inner, "x", 0, 1), 1);
	a = json_in_array(&in, "a", 3, 3);
	assert_int_equal(json_items(a), 3);
	assert_string_equal(json_text(json_item(a, 0)), "p");
	assert_true(json_nil(json_item(a, 1)));
	assert_null(json_text(json_item(a, 2)));
	assert_null(json_item(a, 3));
	assert_true(json_nil(json_in_any(&in, "n")));
	assert_true(json_in_has(&in, "n"));
	json_in_only(&in, all);
	assert_int_equal(in.code, 0);
	assert_string_equal(in.err, "");
	json_free(v);
}

static void
absent_members(void **state)
{
	struct json *v = value("{}");
	struct json_in in;

	json_in_init(&in, v, "");
	assert_null(json_in_str_opt(&in, "s", 1, 9));
	assert_int_equal(json_in_int_opt(&in, "i", 1, 9, 5), 5);
	assert_true(json_in_bool_opt(&in, "b", true));
	assert_null(json_in_object_opt(&in, "o"));
	assert_null(json_in_array_opt(&in, "a", 0, 9));
	assert_null(json_in_any(&in, "x"));
	assert_false(json_in_has(&in, "x"));
	assert_int_equal(in.code, 0);
	assert_null(json_in_str(&in, "to", 1, 9));
	assert_int_equal(in.code, -EINVAL);
	assert_string_equal(in.err, "to: is missing");
	json_free(v);
}

/* One mistake a row; what it does on a fresh reader of the same object. */
static void
names_the_field(void **state)
{
	struct json *v =
	    value("{\"s\":\"four\",\"i\":7,\"r\":1.5,\"a\":[1,2],\"n\":null}");
	static const char *const few[] = { "s", "i", "r", "a", NULL };
	struct json_in in;

#define ROW(call, want_code, want)                         \
	do {                                               \
		json_in_init(&in, v, "body");              \
		(void)(call);                              \
		assert_int_equal(in.code, want_code);      \
		assert_string_equal(in.err, "body." want); \
	} while (0)

	ROW(json_in_str(&in, "i", 0, 9), -EINVAL, "i: must be a string");
	ROW(json_in_str_opt(&in, "n", 0, 9), -EINVAL, "n: must be a string");
	ROW(json_in_str(&in, "s", 5, 9), -EINVAL, "s: must have 5 to 9 bytes");
	ROW(json_in_str(&in, "s", 1, 3), -EMSGSIZE,
	    "s: must have 1 to 3 bytes");
	ROW(json_in_int(&in, "s", 0, 9), -EINVAL, "s: must be an integer");
	ROW(json_in_int(&in, "r", 0, 9), -EINVAL, "r: must be an integer");
	ROW(json_in_int(&in, "i", 8, 9), -EINVAL, "i: must be 8 to 9");
	ROW(json_in_bool(&in, "i"), -EINVAL, "i: must be true or false");
	ROW(json_in_object(&in, "a"), -EINVAL, "a: must be an object");
	ROW(json_in_array(&in, "s", 0, 1), -EINVAL, "s: must be an array");
	ROW(json_in_array(&in, "a", 0, 1), -EMSGSIZE,
	    "a: must have 0 to 1 items");
	ROW(json_in_array(&in, "a", 3, 4), -EINVAL,
	    "a: must have 3 to 4 items");
	ROW((json_in_only(&in, few), 0), -EINVAL, "n: unknown field");
#undef ROW
	json_free(v);
}

static void
first_error_stays(void **state)
{
	struct json *v = value("{\"a\":1,\"b\":2}");
	struct json_in in;

	json_in_init(&in, v, "");
	assert_null(json_in_str(&in, "a", 0, 9));
	assert_int_equal(json_in_int(&in, "b", 0, 9), 0);
	assert_null(json_in_object(&in, "c"));
	assert_string_equal(in.err, "a: must be a string");
	json_free(v);
}

static void
not_an_object(void **state)
{
	struct json *v = value("[1]");
	struct json_in in;

	json_in_init(&in, v, "");
	assert_string_equal(in.err, "must be an object");
	assert_int_equal(in.code, -EINVAL);
	assert_null(json_in_str(&in, "a", 0, 9));
	json_in_init(&in, json_item(v, 0), "body");
	assert_string_equal(in.err, "body: must be an object");
	json_in_init(&in, NULL, "body");
	assert_int_equal(in.code, -EINVAL);
	json_free(v);
}

/* A long unknown name is cut, and never through a character. */
static void
long_names_are_cut(void **state)
{
	static const char *const none[] = { NULL };
	static const char head[] = "{\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	char text[400], *p = text;
	struct json_in in;
	struct json *v;
	int i;

	p = stpcpy(p, head);
	for (i = 0; i < 100; i++)
		p = stpcpy(p, "\xc3\xa4");
	stpcpy(p, "\":1}");
	v = value(text);
	json_in_init(&in, v, "");
	json_in_only(&in, none);
	assert_string_equal(in.err,
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: unknown field");
	json_free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_type),
		cmocka_unit_test(absent_members),
		cmocka_unit_test(names_the_field),
		cmocka_unit_test(first_error_stays),
		cmocka_unit_test(not_an_object),
		cmocka_unit_test(long_names_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
