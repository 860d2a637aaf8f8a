/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "signald/core/change.h"
#include "tests/unit/test.h"

#define HEAD                                                                 \
	"{\"conv\":\"main:1:a:b\",\"seq\":1,\"id\":\"7\",\"ts\":5,\"from\":" \
	"\"alice\",\"device\":\"d\",\"mid\":\"m\",\"type\":\"text\","
#define SAYS(text) "\"body\":{\"text\":\"" text "\"}"
#define TEXT       HEAD SAYS("hi") "}"

static struct sig_append
append(enum sig_change change, const char *user, const char *body)
{
	struct sig_append a = { .change = change, .ts = 9, .target = 1 };

	snprintf(a.user, sizeof(a.user), "%s", user);
	a.body = (char *)(uintptr_t)body;
	a.body_len = strlen(body);
	return a;
}

static void
becomes(const char *text, const struct sig_append *a, const char *want)
{
	struct sig_changed changed;

	assert_int_equal(
	    sig_change_apply(text, strlen(text), a, 4, &changed), 0);
	assert_int_equal(changed.text.len, strlen(want));
	assert_memory_equal(changed.text.data, want, changed.text.len);
	sig_changed_fini(&changed);
}

static void
refused(const char *text, const struct sig_append *a, int err)
{
	struct sig_changed changed;

	assert_int_equal(
	    sig_change_apply(text, strlen(text), a, 4, &changed), err);
}

static void
test_edit(void **state)
{
	struct sig_append a = append(
	    SIG_CHANGE_EDIT, "alice", "{\"seq\":1,\"text\":\"ho \\\"\"}");

	becomes(
	    TEXT, &a, HEAD SAYS("ho \\\"") ",\"edited_ts\":9,\"edits\":[4]}");
	/* What others have made of it stays. */
	becomes(HEAD SAYS("hi") ",\"edited_ts\":6,\"edits\":[2],"
				"\"reactions\":[{\"emoji\":\"x\",\"users\":"
				"[\"bob\"]}]}",
	    &a,
	    HEAD SAYS("ho \\\"") ",\"edited_ts\":9,\"edits\":[2,4],"
				 "\"reactions\":[{\"emoji\":\"x\",\"users\":"
				 "[\"bob\"]}]}");
	a = append(SIG_CHANGE_EDIT, "bob", "{\"seq\":1,\"text\":\"ho\"}");
	refused(TEXT, &a, -EPERM);
}

static void
test_too_many_edits(void **state)
{
	struct sig_append a =
	    append(SIG_CHANGE_EDIT, "alice", "{\"seq\":1,\"text\":\"ho\"}");
	char text[1024];
	size_t n;
	int i;

	n = (size_t)snprintf(text, sizeof(text),
	    HEAD SAYS("hi") ",\"edited_ts\":6,\"edits\":[2");
	for (i = 1; i < SIG_EDITS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",%d", i);
	snprintf(text + n, sizeof(text) - n, "]}");
	refused(text, &a, -E2BIG);
}

static void
test_retract(void **state)
{
	static const char edited[] = HEAD SAYS("hi") ",\"edited_ts\":6,"
						     "\"edits\":[2,3]}";
	struct sig_append a =
	    append(SIG_CHANGE_RETRACT, "alice", "{\"seq\":1}");
	struct sig_changed changed;

	becomes(edited, &a, HEAD "\"body\":{},\"retracted_ts\":9}");
	assert_int_equal(
	    sig_change_apply(edited, strlen(edited), &a, 4, &changed), 0);
	assert_int_equal(changed.nblank, 2);
	assert_int_equal(changed.blank[0], 2);
	assert_int_equal(changed.blank[1], 3);
	sig_changed_fini(&changed);
	refused(HEAD "\"body\":{},\"retracted_ts\":8}", &a, -ESTALE);
	a = append(SIG_CHANGE_RETRACT, "bob", "{\"seq\":1}");
	refused(TEXT, &a, -EPERM);
}

#define BY(users) ",\"reactions\":[{\"emoji\":\"x\",\"users\":[" users "]}]}"

static void
test_react(void **state)
{
	struct sig_append on = append(SIG_CHANGE_REACTION, "bob",
			      "{\"seq\":1,\"emoji\":\"x\",\"on\":true}"),
			  off = append(SIG_CHANGE_REACTION, "bob",
			      "{\"seq\":1,\"emoji\":\"x\",\"on\":false}");

	becomes(TEXT, &on, HEAD SAYS("hi") BY("\"bob\""));
	becomes(HEAD SAYS("hi") BY("\"al\""), &on,
	    HEAD SAYS("hi") BY("\"al\",\"bob\""));
	becomes(HEAD SAYS("hi") BY("\"bob\",\"al\""), &off,
	    HEAD SAYS("hi") BY("\"al\""));
	becomes(HEAD SAYS("hi") BY("\"bob\""), &off,
	    HEAD SAYS("hi") ",\"reactions\":[]}");
	refused(HEAD SAYS("hi") BY("\"bob\""), &on, -EALREADY);
	refused(TEXT, &off, -EALREADY);
}

static void
test_too_many_emojis(void **state)
{
	struct sig_append a = append(SIG_CHANGE_REACTION, "bob",
	    "{\"seq\":1,\"emoji\":\"x\",\"on\":true}");
	char text[2048];
	size_t n;
	int i;

	n = (size_t)snprintf(
	    text, sizeof(text), HEAD SAYS("hi") ",\"reactions\":[");
	for (i = 0; i < SIG_EMOJIS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%s{\"emoji\":\"%d\",\"users\":[\"al\"]}", i > 0 ? "," : "",
		    i);
	snprintf(text + n, sizeof(text) - n, "]}");
	refused(text, &a, -E2BIG);
}

static void
test_no_message(void **state)
{
	static const char call[] =
	    "{\"from\":\"alice\",\"type\":\"call\",\"body\":{}}";
	struct sig_append a =
	    append(SIG_CHANGE_RETRACT, "alice", "{\"seq\":1}");

	refused(call, &a, -ENOENT);
	refused("{\"from\":\"alice\"}", &a, -EIO);
	refused("nonsense", &a, -EIO);
}

static void
test_blank(void **state)
{
	static const char entry[] =
	    "{\"conv\":\"c\",\"seq\":2,\"from\":\"alice\",\"type\":\"edit\","
	    "\"body\":{\"seq\":1,\"text\":\"secret\"}}";
	static const char want[] =
	    "{\"conv\":\"c\",\"seq\":2,\"from\":\"alice\",\"type\":\"edit\","
	    "\"body\":{\"seq\":1}}";
	struct buf b;

	buf_init(&b, 1024);
	assert_int_equal(sig_change_blank(entry, sizeof(entry) - 1, &b), 0);
	assert_int_equal(b.len, sizeof(want) - 1);
	assert_memory_equal(b.data, want, b.len);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edit),
		cmocka_unit_test(test_too_many_edits),
		cmocka_unit_test(test_retract),
		cmocka_unit_test(test_react),
		cmocka_unit_test(test_too_many_emojis),
		cmocka_unit_test(test_no_message),
		cmocka_unit_test(test_blank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
