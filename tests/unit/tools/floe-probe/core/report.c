/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/stun/message.h"
#include "tests/unit/test.h"
#include "tools/floe-probe/core/report.h"

static struct report report;
static struct uri turn, other;
static char lines[4][REPORT_LINE_MAX];
static size_t nlines;

static int
setup(void **state)
{
	const char *why;

	report = (struct report){ .n = 0 };
	nlines = 0;
	assert_int_equal(uri_parse("turn:a.example", &turn, &why), 0);
	assert_int_equal(uri_parse("stun:b.example", &other, &why), 0);
	return 0;
}

static void
add(const struct uri *u, enum transport t, enum step s, enum problem p)
{
	const struct check c = {
		.uri = u,
		.transport = t,
		.step = s,
		.problem = p,
		.result = p == PROBLEM_NONE ? RESULT_OK : RESULT_FAILED,
	};

	assert_non_null(report_add(&report, &c));
}

static void
note(void *arg, const char *sentence)
{
	assert_true(nlines < LEN(lines));
	snprintf(lines[nlines++], REPORT_LINE_MAX, "%s", sentence);
}

static void
expect(size_t i, const char *part)
{
	assert_true(i < nlines);
	if (strstr(lines[i], part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", lines[i], part);
}

static void
test_udp_blocked(void **state)
{
	add(&turn, TRANSPORT_UDP, STEP_BINDING, PROBLEM_NO_ANSWER);
	add(&turn, TRANSPORT_TCP, STEP_BINDING, PROBLEM_NONE);
	add(&turn, TRANSPORT_TCP, STEP_RELAY, PROBLEM_NONE);
	report_conclude(&report, note, NULL);
	assert_int_equal(nlines, 2);
	expect(0, "UDP to port 3478 of a.example gets no answer");
	expect(0, "TCP works, so calls will use it");
	expect(1, "over TCP or TLS only");
	assert_false(report_ok(&report));
}

static void
test_dead_server(void **state)
{
	add(&turn, TRANSPORT_UDP, STEP_BINDING, PROBLEM_NO_ANSWER);
	add(&turn, TRANSPORT_UDP, STEP_BINDING, PROBLEM_NO_ANSWER);
	report_conclude(&report, note, NULL);
	assert_int_equal(nlines, 2); /* it is said once */
	expect(0, "a.example answers nothing: the server is down");
	expect(1, "No relay works");
	nlines = 0;
	add(&other, TRANSPORT_UDP, STEP_BINDING, PROBLEM_NONE);
	report_conclude(&report, note, NULL);
	expect(0, "while UDP to others works");
}

static void
test_all_fine(void **state)
{
	add(&other, TRANSPORT_UDP, STEP_BINDING, PROBLEM_NONE);
	report_conclude(&report, note, NULL);
	assert_int_equal(nlines, 0); /* no relay was asked for */
	add(&turn, TRANSPORT_UDP, STEP_RELAY, PROBLEM_NONE);
	report_conclude(&report, note, NULL);
	assert_int_equal(nlines, 1);
	expect(0, "The relay works over UDP.");
	assert_true(report_ok(&report));
}

/* A note is no failure. */
static void
test_note(void **state)
{
	struct check c = {
		.uri = &turn,
		.problem = PROBLEM_NO_FAMILY,
		.result = RESULT_NOTE,
	};

	report_add(&report, &c);
	assert_true(report_ok(&report));
	while (report_add(&report, &c) != NULL)
		assert_true(report.n <= REPORT_MAX);
	assert_int_equal(report.n, REPORT_MAX);
}

/* Each problem has an id of its own, and words without a hole. */
static void
test_every_problem(void **state)
{
	struct check c = {
		.uri = &turn,
		.transport = TRANSPORT_TLS,
		.code = 401,
		.detail = "why",
	};
	char text[1024];
	struct buf b = buf_fixed(text, sizeof(text) - 1);
	enum problem p, q;

	for (p = PROBLEM_NONE + 1; p < PROBLEMS; p++) {
		for (q = 0; q < p; q++)
			assert_string_not_equal(problem_id(p), problem_id(q));
		c.problem = p;
		buf_reset(&b);
		report_words(&c, &b);
		report_advice(&c, &b);
		assert_int_equal(b.err, 0);
		assert_true(b.len > 20);
		text[b.len] = '\0';
		assert_null(strpbrk(text, "{}"));
	}
}

static void
test_words(void **state)
{
	struct check c = {
		.uri = &turn,
		.problem = PROBLEM_WRONG_PASSWORD,
		.code = 401,
	};
	char text[256];
	struct buf b = buf_fixed(text, sizeof(text) - 1);

	report_words(&c, &b);
	text[b.len] = '\0';
	assert_string_equal(text,
	    "The server refused the user name or the password (401): no "
	    "reason.");
}

static void
test_codes(void **state)
{
	assert_int_equal(
	    problem_of_code(401, STUN_ALLOCATE, true), PROBLEM_WRONG_PASSWORD);
	assert_int_equal(
	    problem_of_code(401, STUN_ALLOCATE, false), PROBLEM_NO_CREDENTIALS);
	assert_int_equal(problem_of_code(403, STUN_CREATE_PERMISSION, true),
	    PROBLEM_FORBIDDEN);
	assert_int_equal(
	    problem_of_code(420, STUN_ALLOCATE, true), PROBLEM_NOT_TURN);
	assert_int_equal(
	    problem_of_code(400, STUN_REFRESH, true), PROBLEM_REFUSED);
	assert_int_equal(
	    problem_of_code(486, STUN_ALLOCATE, true), PROBLEM_QUOTA);
	assert_int_equal(
	    problem_of_code(699, STUN_ALLOCATE, true), PROBLEM_REFUSED);
}

static void
test_hidden_relay(void **state)
{
	const struct addr public = addr_v4(11, 0, 0, 1, 3478);
	const struct addr far = addr_v4(11, 0, 0, 2, 50000);
	const struct addr private = addr_v4(10, 0, 0, 1, 50000);
	struct addr ula;

	assert_int_equal(addr_parse("[fd00::1]:50000", &ula), 0);
	assert_true(report_relay_hidden(&private, &public));
	assert_true(report_relay_hidden(&ula, &public));
	assert_false(report_relay_hidden(&far, &public));
	/* A server inside is for clients inside. */
	assert_false(report_relay_hidden(&private, &private));
	assert_false(report_relay_hidden(&far, &private));
}

static void
test_nat(void **state)
{
	struct nat n = { .step = NAT_DONE };
	char text[256];
	struct buf b = buf_fixed(text, sizeof(text) - 1);

	n.local = addr_v4(10, 0, 0, 2, 5000);
	report_nat(&n, &b);
	n.mapped = addr_v4(192, 0, 2, 1, 5000);
	n.mapping = NAT_ADDRESS_AND_PORT;
	report_nat(&n, &b);
	text[b.len] = '\0';
	assert_non_null(strstr(text, "nothing is known"));
	assert_non_null(strstr(text, "symmetric"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_udp_blocked, setup),
		cmocka_unit_test_setup(test_dead_server, setup),
		cmocka_unit_test_setup(test_all_fine, setup),
		cmocka_unit_test_setup(test_note, setup),
		cmocka_unit_test_setup(test_every_problem, setup),
		cmocka_unit_test_setup(test_words, setup),
		cmocka_unit_test_setup(test_codes, setup),
		cmocka_unit_test_setup(test_hidden_relay, setup),
		cmocka_unit_test_setup(test_nat, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
