/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/base/cursor.h"
#include "tests/unit/test.h"

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17 };

static void
reads_big_endian(void **state)
{
	struct cursor c = cursor_init(bytes, sizeof(bytes));

	assert_int_equal(cursor_u8(&c), 0x01);
	assert_int_equal(cursor_u16(&c), 0x0203);
	assert_int_equal(cursor_u32(&c), 0x04050607);
	assert_int_equal(cursor_u64(&c), 0x08090a0b0c0d0e0f);
	assert_int_equal(cursor_left(&c), 2);
	assert_ptr_equal(cursor_bytes(&c, 2), bytes + 15);
	assert_int_equal(cursor_left(&c), 0);
	assert_non_null(cursor_bytes(&c, 0));
	assert_int_equal(c.err, 0);
}

/* A short read gives zero, moves nothing and is not forgotten. */
static void
short_reads_stick(void **state)
{
	size_t len;
	int width;

	for (width = 1; width <= 8; width *= 2) {
		for (len = 0; len < (size_t)width; len++) {
			struct cursor c = cursor_init(bytes, len);
			uint64_t got = width == 1 ? cursor_u8(&c)
			    : width == 2          ? cursor_u16(&c)
			    : width == 4          ? cursor_u32(&c)
						  : cursor_u64(&c);

			assert_int_equal(got, 0);
			assert_int_equal(c.err, -EBADMSG);
			assert_int_equal(c.pos, 0);
			assert_int_equal(cursor_left(&c), 0);
			assert_null(cursor_bytes(&c, 0));
		}
	}
}

static void
huge_counts_do_not_wrap(void **state)
{
	struct cursor c = cursor_init(bytes, sizeof(bytes));

	cursor_u8(&c);
	assert_null(cursor_bytes(&c, SIZE_MAX));
	assert_int_equal(c.err, -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_big_endian),
		cmocka_unit_test(short_reads_stick),
		cmocka_unit_test(huge_counts_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
