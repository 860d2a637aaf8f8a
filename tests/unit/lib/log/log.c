/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "tests/unit/test.h"

/* Standard error is a datagram socket in a test: one write, one message. */
static int capture = -1, real_stderr = -1;

static int
setup(void **state)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) != 0)
		return -1;
	capture = fds[0];
	real_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	return close(fds[1]);
}

static int
teardown(void **state)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	return close(capture);
}

/* The line logged last, without its newline; NULL when there is none. */
static char *
line(void)
{
	static char text[8192];
	ssize_t n = recv(capture, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return NULL;
	assert_in_range(n, 1, 4096);
	assert_int_equal(text[n - 1], '\n');
	text[n - 1] = '\0';
	assert_int_equal(strlen(text), n - 1);
	assert_null(strchr(text, '\n'));
	return text;
}

/* What follows the time stamp. */
static char *
text_line(void)
{
	char *s = line();
	int n = 0;

	assert_non_null(s);
	sscanf(s, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ %n", &n);
	assert_int_equal(n, strlen("2024-01-01T00:00:00.000Z "));
	return s + n;
}

static json_t *
json_line(void)
{
	char *s = line();
	json_error_t err;
	json_t *j;

	assert_non_null(s);
	j = json_loads(s, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &err);
	if (j == NULL)
		fail_msg("%s in %s", err.text, s);
	return j;
}

static void
text_values(void **state)
{
	struct addr a = addr_v4(192, 0, 2, 1, 80),
		    v6 = { .family = ADDR_V6,
			    .port = 443,
			    .ip = { 0x20, 0x01, 0x0d, 0xb8 } };

	log_init("turnd", LOG_INFO, LOG_TEXT);
	log_info("start");
	assert_string_equal(text_line(), "turnd info start");
	log_error("all", KV_S("s", "plain"), KV_I("i", -5),
	    KV_U("u", UINT64_MAX), KV_ADDR("a", &a), KV_ADDR("b", &v6),
	    KV_MEM("m", "abcdef", 3));
	assert_string_equal(text_line(),
	    "turnd error all s=plain i=-5 u=18446744073709551615 "
	    "a=192.0.2.1:80 b=[2001:db8::]:443 m=abc");
	log_warn("nothing", KV_S("s", NULL), KV_ADDR("a", NULL),
	    KV_S("empty", ""), KV_MEM("zero", "x", 0));
	assert_string_equal(
	    text_line(), "turnd warn nothing s=- a=- empty=\"\" zero=\"\"");
	log_warn("failed", KV_ERR(-ENOENT));
	assert_string_equal(text_line(),
	    "turnd warn failed error=\"No such file or directory\"");
	log_warn("failed", KV_ERR(ENOENT));
	assert_string_equal(text_line(),
	    "turnd warn failed error=\"No such file or directory\"");
}

static void
text_cannot_be_forged(void **state)
{
	static const struct {
		const char *value, *quoted;
	} rows[] = {
		{ "a b", "\"a b\"" },
		{ "a=b", "\"a=b\"" },
		{ "x\nturnd info fake", "\"x\\x0aturnd info fake\"" },
		{ "\" ok=\"1", "\"\\\" ok=\\\"1\"" },
		{ "back\\slash", "\"back\\\\slash\"" },
		{ "\x1b[2J\x7f", "\"\\x1b[2J\\x7f\"" },
		{ "\xc2\x9b\xe2\x80\xae", "\"\\xc2\\x9b\\xe2\\x80\\xae\"" },
	};
	char want[256];
	size_t i;

	log_init("turnd", LOG_INFO, LOG_TEXT);
	for (i = 0; i < LEN(rows); i++) {
		log_info("e", KV_S("v", rows[i].value), KV_I("n", 1));
		snprintf(want, sizeof(want), "turnd info e v=%s n=1",
		    rows[i].quoted);
		assert_string_equal(text_line(), want);
	}
	log_info("e", KV_MEM("v", "a\0b", 3));
	assert_string_equal(text_line(), "turnd info e v=\"a\\x00b\"");
}

static void
json_values(void **state)
{
	struct addr a = addr_v4(192, 0, 2, 1, 80);
	json_t *j;

	log_init("signald", LOG_DEBUG, LOG_JSON);
	log_debug("login", KV_S("user", "zo\xc3\xab \"x\""), KV_I("i", -5),
	    KV_U("u", 7), KV_ADDR("a", &a), KV_S("none", NULL),
	    KV_MEM("bad", "\xff\xc0\x80 \xed\xa0\x80\0", 8), KV_ERR(-EPERM));
	j = json_line();
	assert_int_equal(json_object_size(j), 11);
	assert_int_equal(
	    strlen(json_string_value(json_object_get(j, "time"))), 24);
	assert_string_equal(
	    json_string_value(json_object_get(j, "program")), "signald");
	assert_string_equal(
	    json_string_value(json_object_get(j, "level")), "debug");
	assert_string_equal(
	    json_string_value(json_object_get(j, "event")), "login");
	assert_string_equal(
	    json_string_value(json_object_get(j, "user")), "zo\xc3\xab \"x\"");
	assert_int_equal(json_integer_value(json_object_get(j, "i")), -5);
	assert_int_equal(json_integer_value(json_object_get(j, "u")), 7);
	assert_string_equal(
	    json_string_value(json_object_get(j, "a")), "192.0.2.1:80");
	assert_true(json_is_null(json_object_get(j, "none")));
	/* Each byte that is not UTF-8 becomes U+FFFD. */
	assert_int_equal(
	    json_string_length(json_object_get(j, "bad")), 6 * 3 + 1 + 1);
	assert_string_equal(json_string_value(json_object_get(j, "error")),
	    "Operation not permitted");
	json_decref(j);
}

static void
random_bytes_stay_inside(void **state)
{
	unsigned char v[700];
	const char *s;
	json_t *j;
	size_t i, k, n;

	srandom(1);
	for (i = 0; i < 2000; i++) {
		n = (size_t)random() % sizeof(v);
		for (k = 0; k < n; k++)
			v[k] = (unsigned char)(random() >> 4);
		log_init("t", LOG_INFO, LOG_JSON);
		log_info("e", KV_MEM("v", v, n), KV_U("n", n));
		j = json_line();
		assert_int_equal(
		    json_integer_value(json_object_get(j, "n")), n);
		json_decref(j);
		log_init("t", LOG_INFO, LOG_TEXT);
		log_info("e", KV_MEM("v", v, n), KV_U("n", n));
		for (s = text_line(); *s != '\0'; s++)
			assert_in_range(*s, ' ', '~');
	}
}

static void
long_values_and_lines_are_cut(void **state)
{
	static char big[100000];
	char *s;
	json_t *j;
	int f;

	memset(big, '\001', sizeof(big) - 1);
	for (f = LOG_TEXT; f <= LOG_JSON; f++) {
		log_init("t", LOG_INFO, (enum log_format)f);
		log_info("e", KV_S("a", big), KV_S("last", "x"));
		s = line();
		assert_non_null(strstr(s, "...\""));
		assert_non_null(strstr(s, "last"));
		log_info("e", KV_S("a", big), KV_S("b", big), KV_S("c", big),
		    KV_S("d", big), KV_S("last", "x"));
		s = line();
		assert_null(strstr(s, "last"));
		if (f == LOG_TEXT) {
			assert_string_equal(
			    s + strlen(s) - strlen(" cut=true"), " cut=true");
			continue;
		}
		j = json_loads(s, 0, NULL);
		assert_true(json_is_true(json_object_get(j, "cut")));
		json_decref(j);
	}
}

static void
levels(void **state)
{
	log_init("t", LOG_WARN, LOG_TEXT);
	assert_true(log_enabled(LOG_ERROR));
	assert_true(log_enabled(LOG_WARN));
	assert_false(log_enabled(LOG_INFO));
	log_info("quiet");
	assert_null(line());
	errno = EBADF;
	log_warn("loud");
	assert_int_equal(errno, EBADF);
	assert_non_null(line());
}

static void
limit_holds_back_and_tells(void **state)
{
	struct log_limit l = { .burst = 2 }, five = { .burst = 0 };
	uint64_t held = 99;
	int i;

	assert_true(log_limit_pass(&l, 5000, &held));
	assert_int_equal(held, 0);
	assert_true(log_limit_pass(&l, 5500, &held));
	for (i = 0; i < 7; i++)
		assert_false(log_limit_pass(&l, 5999, &held));
	assert_true(log_limit_pass(&l, 6000, &held));
	assert_int_equal(held, 7);
	assert_true(log_limit_pass(&l, 6001, &held));
	assert_int_equal(held, 0);
	for (i = 0; i < 5; i++)
		assert_true(log_limit_pass(&five, 1000, &held));
	assert_false(log_limit_pass(&five, 1000, &held));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(text_values),
		T(text_cannot_be_forged),
		T(json_values),
		T(random_bytes_stay_inside),
		T(long_values_and_lines_are_cut),
		T(levels),
		T(limit_holds_back_and_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
