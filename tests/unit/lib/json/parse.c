/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "lib/json/json.h"
#include "tests/unit/test.h"

static const struct json_limits limits = {
	.bytes = 256, .values = 16, .depth = 4
};

static int
parse(const char *text, size_t len)
{
	char err[JSON_ERR_MAX] = "", *copy = malloc(len + 1);
	struct json *v = NULL;
	int rc;

	/* On the heap, exactly: a read past the end is seen. */
	memcpy(copy, text, len);
	copy = realloc(copy, len > 0 ? len : 1);
	rc = json_parse(copy, len, &limits, &v, err);
	free(copy);
	assert_int_equal(rc == 0, v != NULL);
	assert_int_equal(rc == 0, err[0] == '\0');
	json_free(v);
	return rc;
}

static void
takes(void **state)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		" \t\r\n{\"a\":[1,-2.5,true,false,null,\"x\"]}\n",
		"[[[[]]]]",
		"{\"a\":\"[[[[[[[[\",\"b\":\"\\\"{{{{{{\"}",
		"[\"\\ud83d\\ude00 \xf0\x9f\x98\x80\"]",
		"[9223372036854775807,-9223372036854775808]",
		"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]",
	};
	size_t i;

	for (i = 0; i < LEN(rows); i++)
		assert_int_equal(parse(rows[i], strlen(rows[i])), 0);
}

static void
refuses(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"null",
		"1",
		"\"x\"",
		"NaN",
		"{",
		"[",
		"]",
		"{]",
		"[1,]",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{a:1}",
		"{'a':1}",
		"[NaN]",
		"[Infinity]",
		"[01]",
		"[+1]",
		"[1e999]",
		"[9223372036854775808]",
		"{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1,\"b\":1}}",
		"[\"\\ud83d\"]",
		"[\"\\ude00\"]",
		"[\"\\u0000\"]",
		"{\"\\u0000\":1}",
		"[\"\x01\"]",
		"[\"more than sixteen bytes before it \x1f and behind it\"]",
		"[\"\xff\"]",
		"[\"\xc0\xaf\"]",
		"[\"\xed\xa0\x80\"]",
		"[\"\xf4\x90\x80\x80\"]",
		"[\"\\x\"]",
		"[\"\\",
		"[\"x",
		"{} {}",
		"{}x",
		"[1] // no",
	};
	size_t i;

	for (i = 0; i < LEN(rows); i++)
		assert_int_equal(parse(rows[i], strlen(rows[i])), -EBADMSG);
	assert_int_equal(parse("[\"a\0b\"]", 7), -EBADMSG);
	assert_int_equal(parse("[1]\0", 4), -EBADMSG);
}

static void
keeps_its_limits(void **state)
{
	static const char *const rows[] = {
		"[[[[[]]]]]",
		"[{\"a\":[{\"b\":{}}]}]",
		"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
		"[{},{},{},{},{},{},{},{},{}]",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		"[,,,,,,,,,,,,,,,,,,,,,,,,,,,",
	};
	char big[300];
	size_t i;

	for (i = 0; i < LEN(rows); i++)
		assert_int_equal(parse(rows[i], strlen(rows[i])), -EMSGSIZE);
	memset(big, ' ', sizeof(big));
	big[0] = '[';
	big[255] = ']';
	assert_int_equal(parse(big, 256), 0);
	big[255] = ' ';
	big[256] = ']';
	assert_int_equal(parse(big, 257), -EMSGSIZE);
}

static void
says_what_is_wrong(void **state)
{
	static const char *const rows[][2] = {
		{ "{\"a\":1,\"a\":2}", "repeated member" },
		{ "[\"\xff\"]", "not UTF-8" },
		{ "[\"\\u0000\"]", "NUL" },
		{ "[\"", "too early" },
		{ "[x]", "not JSON at byte 2" },
		{ "7", "not a JSON object" },
		{ "{}{}", "more after" },
		{ " ", "no JSON" },
		{ "[[[[[", "more than 4 levels" },
		{ "{\"a\":{},\"b\":1,\"a\":2}", "repeated member at byte 16" },
		{ "[1,1e999]", "number too large at byte" },
		{ "[1,-9223372036854775809]", "number too large at byte 4" },
		{ "[1,\"\xed\xa0\x80\"]", "not UTF-8 at byte 5" },
	};
	char err[JSON_ERR_MAX];
	struct json *v;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_not_equal(json_parse(rows[i][0], strlen(rows[i][0]),
					 &limits, &v, err),
		    0);
		assert_non_null(strstr(err, rows[i][1]));
	}
}

/* Few and many members are looked through in different ways. */
static void
finds_the_repeated_among_many(void **state)
{
	static const struct json_limits many = { 4096, 200, 2 };
	char text[4096], err[JSON_ERR_MAX];
	struct json_in in;
	struct json *v;
	int n, i, rc;
	size_t at;

	for (n = 2; n < 60; n++) {
		at = (size_t)sprintf(text, "{");
		for (i = 0; i < n; i++)
			at += (size_t)sprintf(text + at, "%s\"m%d\":[%d]",
			    i > 0 ? "," : "", i, i);
		strcpy(text + at, "}");
		assert_int_equal(
		    json_parse(text, strlen(text), &many, &v, err), 0);
		json_in_init(&in, v, "");
		sprintf(err, "m%d", n - 1);
		assert_int_equal(
		    json_number(json_item(json_in_array(&in, err, 1, 1), 0)),
		    n - 1);
		json_free(v);
		sprintf(text + at, ",\"m%d\":0}", n / 2);
		rc = json_parse(text, strlen(text), &many, &v, err);
		assert_int_equal(rc, -EBADMSG);
		assert_non_null(strstr(err, "repeated member"));
	}
}

static void
walks_several(void **state)
{
	const char *text = " {\"a\":\n1}\n[2]{}\n ";
	size_t n, len = strlen(text);
	char err[JSON_ERR_MAX];
	struct json *v;

	for (n = 0;; n++) {
		assert_int_equal(
		    json_parse_next(&text, &len, &limits, &v, err), 0);
		if (v == NULL)
			break;
		json_free(v);
	}
	assert_int_equal(n, 3);
	assert_int_equal(len, 0);

	text = "{} {";
	len = strlen(text);
	assert_int_equal(json_parse_next(&text, &len, &limits, &v, err), 0);
	json_free(v);
	assert_int_equal(
	    json_parse_next(&text, &len, &limits, &v, err), -EBADMSG);
	/* An error moves nothing. */
	assert_string_equal(text, " {");
	assert_int_equal(len, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(keeps_its_limits),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(finds_the_repeated_among_many),
		cmocka_unit_test(walks_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
