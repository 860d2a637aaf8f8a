/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "signald/core/held.h"
#include "tests/unit/test.h"

static struct sig_held *
put(struct sig_helds *h, unsigned int n, size_t pad)
{
	static char text[SIG_HELD_BYTES + 1];
	size_t len;

	memset(text, 'x', sizeof(text));
	len = (size_t)snprintf(text, 16, "%u ", n);
	return sig_helds_put(h, text, len + pad, "");
}

static unsigned int
number(const struct sig_held *held)
{
	unsigned int n;

	assert_non_null(held);
	assert_int_equal(sscanf(held->text, "%u ", &n), 1);
	return n;
}

/* What comes out is what went in, over many blocks of every fill. */
static void
stay_in_order(void **state)
{
	struct sig_helds h = { 0 };
	struct sig_held_walk walk;
	unsigned int in = 0, out = 0, n, i;
	struct sig_held *held;

	for (i = 0; i < 20000; i++) {
		if (i % 7 != 3 && h.count < 200)
			assert_non_null(put(&h, in++, i * 37 % 900));
		if (i % 3 == 0 || h.count == 200) {
			assert_int_equal(number(sig_helds_first(&h)), out++);
			sig_helds_drop(&h);
		}
		assert_int_equal(h.count, in - out);
		if (i % 100 != 0)
			continue;
		sig_held_walk_init(&walk, &h);
		for (n = out; (held = sig_held_walk_next(&walk)) != NULL; n++)
			assert_int_equal(number(held), n);
		assert_int_equal(n, in);
	}
	sig_helds_fini(&h);
	assert_int_equal(h.count, 0);
	assert_int_equal(h.bytes, 0);
	assert_null(sig_helds_first(&h));
}

static void
what_was_sent_makes_room(void **state)
{
	struct sig_helds h = { 0 };
	unsigned int i;

	for (i = 0; i < SIG_HELD_MAX; i++)
		put(&h, i, 0)->sent = i < 3;
	for (i = 0; i < 3; i++)
		assert_non_null(put(&h, SIG_HELD_MAX + i, 0));
	assert_null(put(&h, 0, 0));
	assert_int_equal(h.count, SIG_HELD_MAX);
	assert_int_equal(number(sig_helds_first(&h)), 3);
	sig_helds_fini(&h);

	put(&h, 1, SIG_HELD_BYTES - 2);
	assert_int_equal(h.bytes, SIG_HELD_BYTES);
	assert_null(put(&h, 2, 0));
	sig_helds_first(&h)->sent = true;
	assert_non_null(put(&h, 2, 0));
	assert_int_equal(h.count, 1);
	sig_helds_fini(&h);
}

static void
invites_are_known(void **state)
{
	struct sig_helds h = { 0 };
	struct sig_held *held;

	sig_helds_put(&h, "a", 1, "");
	held = sig_helds_put(&h, "b", 1, "c-1@main:1:a:b");
	assert_int_equal(h.invites, 1);
	assert_true(sig_held_invites(held, "c-1@main:1:a:b"));
	assert_false(sig_held_invites(held, "c-1@main:1:a:c"));
	assert_false(sig_held_invites(held, "c-1@main:1:a"));
	assert_false(sig_held_invites(sig_helds_first(&h), ""));
	sig_helds_fini(&h);
	assert_int_equal(h.invites, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stay_in_order),
		cmocka_unit_test(what_was_sent_makes_room),
		cmocka_unit_test(invites_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
