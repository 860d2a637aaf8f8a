/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/conf/value.h"
#include "tests/unit/test.h"

static const char *const schemes[] = { "udp", "tcp", NULL };
static const char *const levels[] = { "low", "high", NULL };
static const char *const auto_word[] = { "auto", NULL };

/* Room for a value of any type. */
union value {
	const char *s;
	bool b;
	int64_t i;
	struct addr addr;
	struct conf_addr_pair pair;
	struct conf_listen listen;
	struct prefix prefix;
	struct conf_range range;
	struct conf_user user;
};

static struct conf_option
option(enum conf_type type)
{
	struct conf_option o = { .section = "s", .key = "k", .type = type };

	if (type == CONF_LISTEN)
		o.names = schemes;
	else if (type == CONF_ENUM)
		o.names = levels;
	o.min = type == CONF_INT ? 1 : 10;
	o.max = type == CONF_INT ? 500 : INT64_C(1000000000);
	return o;
}

/* What the text reads as, printed again; NULL: refused. */
static const char *
round_trip(const struct conf_option *o, const char *text)
{
	static char out[256];
	struct buf b = buf_fixed(out, sizeof(out) - 1);
	struct arena *a = arena_new();
	union value v;
	int rc;

	memset(&v, 0xee, sizeof(v));
	rc = conf_value_parse(o, text, a, &v);
	if (rc == 0)
		conf_value_print(o, &v, &b);
	else
		assert_int_equal(rc, -EINVAL);
	arena_free(a);
	assert_int_equal(b.err, 0);
	out[b.len] = '\0';
	return rc == 0 ? out : NULL;
}

static void
reads_and_prints(void **state)
{
	static const struct {
		enum conf_type type;
		const char *text, *printed; /* NULL: the same */
	} rows[] = {
		{ CONF_STRING, "two words", NULL },
		{ CONF_PATH, "/etc/floe/cert.pem", NULL },
		{ CONF_SECRET, "s3cret", "(set)" },
		{ CONF_BOOL, "yes", NULL },
		{ CONF_BOOL, "no", NULL },
		{ CONF_BOOL, "TRUE", "yes" },
		{ CONF_BOOL, "off", "no" },
		{ CONF_INT, "1", NULL },
		{ CONF_INT, "500", NULL },
		{ CONF_RATE, "10/s", NULL },
		{ CONF_RATE, "500", "500/s" },
		{ CONF_BYTES, "10", NULL },
		{ CONF_BYTES, "64k", NULL },
		{ CONF_BYTES, "1024", "1k" },
		{ CONF_BYTES, "3M", "3m" },
		{ CONF_BYTES, "1537", NULL },
		{ CONF_DURATION, "10ms", NULL },
		{ CONF_DURATION, "1500ms", NULL },
		{ CONF_DURATION, "120s", "2m" },
		{ CONF_DURATION, "7d", NULL },
		{ CONF_ENUM, "High", "high" },
		{ CONF_ADDR, "192.0.2.1", NULL },
		{ CONF_ADDR, "2001:db8::1", NULL },
		{ CONF_ADDRPORT, "192.0.2.1:3479", NULL },
		{ CONF_ADDRPORT, "[2001:db8::1]:3479", NULL },
		{ CONF_ADDRPAIR, "192.0.2.1", NULL },
		{ CONF_ADDRPAIR, "192.0.2.1/10.0.0.1", NULL },
		{ CONF_ADDRPAIR, "2001:db8::1/fd00::1", NULL },
		{ CONF_LISTEN, "udp://0.0.0.0:3478", NULL },
		{ CONF_LISTEN, "TCP://[::1]:1", "tcp://[::1]:1" },
		{ CONF_PREFIX, "10.0.0.0/8", NULL },
		{ CONF_PREFIX, "192.0.2.1", "192.0.2.1/32" },
		{ CONF_RANGE, "49152-65535", NULL },
		{ CONF_RANGE, "1-1", NULL },
		{ CONF_USER, "alice:wonder:land", "alice:(set)" },
	};
	struct conf_option o;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		o = option(rows[i].type);
		assert_string_equal(round_trip(&o, rows[i].text),
		    rows[i].printed != NULL ? rows[i].printed : rows[i].text);
	}
}

static void
refuses(void **state)
{
	static const struct {
		enum conf_type type;
		const char *text;
	} rows[] = {
		{ CONF_STRING, "" },
		{ CONF_BOOL, "" },
		{ CONF_BOOL, "1" },
		{ CONF_BOOL, "yess" },
		{ CONF_INT, "" },
		{ CONF_INT, "0" },
		{ CONF_INT, "501" },
		{ CONF_INT, "5x" },
		{ CONF_INT, "0x10" },
		{ CONF_INT, "1 2" },
		{ CONF_INT, "-1" },
		{ CONF_INT, "99999999999999999999" },
		{ CONF_RATE, "9/s" },
		{ CONF_RATE, "10/m" },
		{ CONF_RATE, "10 /s" },
		{ CONF_BYTES, "9" },
		{ CONF_BYTES, "-10" },
		{ CONF_BYTES, "10kb" },
		{ CONF_BYTES, "9223372036854775807g" },
		{ CONF_DURATION, "10" },
		{ CONF_DURATION, "9ms" },
		{ CONF_DURATION, "1y" },
		{ CONF_DURATION, "9223372036854775807d" },
		{ CONF_ENUM, "" },
		{ CONF_ENUM, "medium" },
		{ CONF_ENUM, "lo" },
		{ CONF_ADDR, "192.0.2.1:80" },
		{ CONF_ADDR, "localhost" },
		{ CONF_ADDRPORT, "192.0.2.1" },
		{ CONF_ADDRPORT, "192.0.2.1:0" },
		{ CONF_ADDRPORT, "192.0.2.1:65536" },
		{ CONF_ADDRPAIR, "" },
		{ CONF_ADDRPAIR, "/10.0.0.1" },
		{ CONF_ADDRPAIR, "192.0.2.1/" },
		{ CONF_ADDRPAIR, "192.0.2.1/10.0.0.1/10.0.0.2" },
		{ CONF_ADDRPAIR, "192.0.2.1:1/10.0.0.1" },
		{ CONF_ADDRPAIR, "192.0.2.1/10.0.0.1:1" },
		{ CONF_LISTEN, "192.0.2.1:80" },
		{ CONF_LISTEN, "udp:192.0.2.1:80" },
		{ CONF_LISTEN, "sctp://192.0.2.1:80" },
		{ CONF_LISTEN, "udp://192.0.2.1" },
		{ CONF_LISTEN, "udp://192.0.2.1:80/" },
		{ CONF_LISTEN, "://192.0.2.1:80" },
		{ CONF_PREFIX, "10.0.0.1/8" },
		{ CONF_PREFIX, "10.0.0.0/33" },
		{ CONF_PREFIX, "/8" },
		{ CONF_RANGE, "9-banana" },
		{ CONF_RANGE, "2-1" },
		{ CONF_RANGE, "0-1" },
		{ CONF_RANGE, "1-65536" },
		{ CONF_RANGE, "1" },
		{ CONF_RANGE, "1-2-3" },
		{ CONF_USER, "alice" },
		{ CONF_USER, ":x" },
		{ CONF_USER, "alice:" },
	};
	struct conf_option o;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		o = option(rows[i].type);
		assert_null(round_trip(&o, rows[i].text));
	}
}

static void
word_for_zero(void **state)
{
	struct conf_option o = option(CONF_INT);

	o.min = 1;
	assert_null(round_trip(&o, "auto"));
	o.names = auto_word;
	assert_string_equal(round_trip(&o, "auto"), "auto");
	assert_string_equal(round_trip(&o, "7"), "7");
	assert_null(round_trip(&o, "0"));
}

static void
says_what_is_allowed(void **state)
{
	static const struct {
		enum conf_type type;
		const char *text;
	} rows[] = {
		{ CONF_STRING, "any text but none" },
		{ CONF_BOOL, "yes or no" },
		{ CONF_INT, "a number, 1 to 500" },
		{ CONF_RATE, "a rate such as 100/s, 10/s to 1000000000/s" },
		{ CONF_ENUM, "one of low, high" },
		{ CONF_LISTEN, "udp|tcp://ADDRESS:PORT, IPv6 as [::1]:PORT" },
		{ CONF_RANGE, "LOW-HIGH, ports of 1 to 65535" },
		{ CONF_USER, "NAME:PASSWORD" },
	};
	struct conf_option o;
	char out[256];
	struct buf b;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		o = option(rows[i].type);
		b = buf_fixed(out, sizeof(out));
		conf_value_allowed(&o, &b);
		assert_int_equal(b.len, strlen(rows[i].text));
		assert_memory_equal(out, rows[i].text, b.len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints),
		cmocka_unit_test(refuses),
		cmocka_unit_test(word_for_zero),
		cmocka_unit_test(says_what_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
