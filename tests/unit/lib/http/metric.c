/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/http/http.h"
#include "tests/unit/test.h"

static void
writes_prometheus_text(void **state)
{
	static const struct metric drops = { "turnd_drops_total", "counter",
		"Packets dropped, by reason" };
	static const struct metric load = { "turnd_load", "gauge", "Load" };
	char text[1000];
	struct buf b = buf_fixed(text, sizeof(text));

	metric_begin(&b, &drops);
	metric_u64(&b, &drops, "reason=\"quota\"", 0);
	metric_u64(
	    &b, &drops, "reason=\"no-permission\",worker=\"1\"", UINT64_MAX);
	metric_begin(&b, &load);
	metric_double(&b, &load, "", 0.25);
	buf_u8(&b, '\0');
	assert_int_equal(b.err, 0);
	assert_string_equal(text,
	    "# HELP turnd_drops_total Packets dropped, by reason\n"
	    "# TYPE turnd_drops_total counter\n"
	    "turnd_drops_total{reason=\"quota\"} 0\n"
	    "turnd_drops_total{reason=\"no-permission\",worker=\"1\"} "
	    "18446744073709551615\n"
	    "# HELP turnd_load Load\n"
	    "# TYPE turnd_load gauge\n"
	    "turnd_load 0.25\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_prometheus_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
