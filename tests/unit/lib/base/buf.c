/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/buf.h"
#include "tests/unit/test.h"

static void
fixed_never_grows(void **state)
{
	uint8_t mem[8] = { 0 };
	struct buf b = buf_fixed(mem, 4);

	buf_u16(&b, 0x0102);
	buf_put(&b, "abc", 3);
	assert_int_equal(b.err, -ENOSPC);
	assert_int_equal(b.len, 2);
	/* The error stays, even for what would fit. */
	buf_u8(&b, 9);
	assert_int_equal(b.len, 2);
	assert_int_equal(mem[2], 0);
	buf_reset(&b);
	assert_int_equal(b.err, 0);
	buf_put(&b, "wxyz", 4);
	assert_int_equal(b.err, 0);
	assert_memory_equal(mem, "wxyz\0\0\0\0", 8);
	assert_null(buf_extend(&b, 1));
	buf_fini(&b);
}

static void
printf_fills_to_the_last_byte(void **state)
{
	uint8_t mem[8] = { 0 };
	struct buf b = buf_fixed(mem, 5);
	char wide[1000];

	buf_printf(&b, "%d-%s", 12, "ab");
	assert_int_equal(b.err, 0);
	assert_int_equal(b.len, 5);
	assert_memory_equal(mem, "12-ab\0\0\0", 8);
	buf_printf(&b, "%s", "");
	assert_int_equal(b.err, 0);
	buf_printf(&b, "x");
	assert_int_equal(b.err, -ENOSPC);
	assert_int_equal(b.len, 5);
	buf_init(&b, 600);
	memset(wide, 'w', sizeof(wide));
	buf_printf(&b, "%.600s", wide);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.len, 600);
	assert_memory_equal(b.data, wide, 600);
	buf_reset(&b);
	buf_printf(&b, "%.601s", wide);
	assert_int_equal(b.err, -ENOSPC);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void
dec_is_what_printf_says(void **state)
{
	static const int64_t rows[] = { 0, 9, 10, -1, 1234567890, INT64_MAX,
		INT64_MIN };
	char text[24];
	struct buf b;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		buf_init(&b, 20);
		buf_dec(&b, rows[i]);
		assert_int_equal(b.err, 0);
		assert_int_equal(
		    b.len, snprintf(text, sizeof(text), "%" PRId64, rows[i]));
		assert_memory_equal(b.data, text, b.len);
		buf_fini(&b);
	}
}

static void
heap_grows_to_its_cap(void **state)
{
	struct buf b;
	uint8_t *p;
	size_t i;

	buf_init(&b, 1000);
	assert_non_null(buf_extend(&b, 0));
	for (i = 0; i < 1000; i++)
		buf_u8(&b, (uint8_t)i);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.len, 1000);
	for (i = 0; i < 1000; i++)
		assert_int_equal(b.data[i], i & 0xff);
	buf_u8(&b, 0);
	assert_int_equal(b.err, -ENOSPC);
	buf_reset(&b);
	p = b.data;
	buf_puts(&b, "again");
	assert_ptr_equal(b.data, p);
	buf_fini(&b);
	buf_fini(&b);
	buf_init(&b, 10);
	assert_null(buf_extend(&b, SIZE_MAX));
	assert_int_equal(b.err, -ENOSPC);
	buf_fini(&b);
}

static void
numbers_are_big_endian(void **state)
{
	uint8_t mem[15];
	struct buf b = buf_fixed(mem, sizeof(mem));

	buf_u8(&b, 0x01);
	buf_u16(&b, 0x0203);
	buf_u32(&b, 0x04050607);
	buf_u64(&b, 0x08090a0b0c0d0e0f);
	assert_int_equal(b.err, 0);
	assert_memory_equal(mem,
	    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 15);
}

static void
consume_moves_the_rest_down(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	buf_consume(&b, 0);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 2);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "cdef", 4);
	buf_consume(&b, 4);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_never_grows),
		cmocka_unit_test(printf_fills_to_the_last_byte),
		cmocka_unit_test(dec_is_what_printf_says),
		cmocka_unit_test(heap_grows_to_its_cap),
		cmocka_unit_test(numbers_are_big_endian),
		cmocka_unit_test(consume_moves_the_rest_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
