/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdalign.h>

#include "lib/base/arena.h"
#include "tests/unit/lib/base/random.h"
#include "tests/unit/test.h"

#define PIECES 500

/* Pieces of any size are aligned, zeroed and apart. */
static void
pieces_are_apart(void **state)
{
	static unsigned char *piece[PIECES];
	static size_t size[PIECES];
	struct arena *a = arena_new();
	uint64_t seed = 1;
	size_t i, k;

	for (i = 0; i < PIECES; i++) {
		size[i] = 1 + random_below(&seed, i % 50 == 0 ? 20000 : 200);
		piece[i] = arena_alloc(a, size[i]);
		assert_non_null(piece[i]);
		assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
		for (k = 0; k < size[i]; k++)
			assert_int_equal(piece[i][k], 0);
		memset(piece[i], (int)i, size[i]);
	}
	for (i = 0; i < PIECES; i++) {
		for (k = 0; k < size[i]; k++)
			assert_int_equal(piece[i][k], (unsigned char)i);
	}
	arena_free(a);
	arena_free(NULL);
}

static void
strings_end(void **state)
{
	struct arena *a = arena_new();

	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(a, "", 0), "");
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_apart),
		cmocka_unit_test(strings_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
