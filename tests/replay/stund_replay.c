/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stund_replay: runs scripts (README.md) against stund/core. Without arguments
 * all of tests/replay/stund; ends with 1 when one of them failed.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "stund/core/binding.h"
#include "tests/replay/words.h"

#define SCRIPTS "tests/replay/stund"

struct run {
	struct addr first; /* of the server, as conf or the default has it */
	struct behaviour behaviour;
	bool two; /* behaviour counts */
	uint8_t request[2048], answer[BINDING_ANSWER_MAX];
	bool classic;
	struct binding_in in;
	/* what came of it */
	enum binding_result result;
	struct buf buf;
	struct binding_out out;
	struct stun_msg msg; /* the answer */
	bool failed;
};

static void fail(struct run *, const struct words *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
fail(struct run *r, const struct words *w, const char *fmt, ...)
{
	va_list ap;

	if (r->failed)
		return;
	r->failed = true;
	printf("%s:%d: %s\n  ", w->file, w->line, w->text);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static struct addr
next_addr(struct run *r, struct words *w)
{
	struct addr a = { .family = ADDR_NONE };

	if (addr_parse(words_next(w), &a) != 0)
		fail(r, w, "%s is no address", w->last);
	return a;
}

static void
do_conf(struct run *r, struct words *w)
{
	const char *key = words_next(w);
	struct addr a = next_addr(r, w);

	if (strcmp(key, "address") == 0) {
		r->first = a;
	} else if (strcmp(key, "alternate") == 0) {
		r->behaviour = behaviour_of(&r->first, &a);
		r->two = true;
	} else {
		fail(r, w, "conf address|alternate ADDR");
	}
}

/* The corner that has this address; the first when there is one address. */
static unsigned int
corner_at(struct run *r, struct words *w, const struct addr *a)
{
	unsigned int i;

	for (i = 0; r->two && i < BEHAVIOUR_CORNERS; i++) {
		if (addr_equal(&r->behaviour.at[i], a))
			return i;
	}
	if (r->two || !addr_equal(&r->first, a))
		fail(r, w, "the server has no such address");
	return 0;
}

static uint32_t
flags_of(const char *word)
{
	if (strcmp(word, "ip") == 0)
		return 4;
	if (strcmp(word, "port") == 0)
		return 2;
	return strcmp(word, "both") == 0 ? 6 : 0;
}

static void
put_words(struct run *r, struct words *w, struct stun_out *o)
{
	static const uint8_t zeros[2048];
	uint8_t raw[256];
	uint16_t n;
	char *word;

	for (word = words_next(w); *word != '\0' && strcmp(word, "expect") != 0;
	     word = words_next(w)) {
		if (strcmp(word, "change") == 0) {
			stun_put_u32(
			    o, STUN_CHANGE_REQUEST, flags_of(words_next(w)));
		} else if (strcmp(word, "response-port") == 0) {
			n = (uint16_t)words_number(w);
			raw[0] = (uint8_t)(n >> 8);
			raw[1] = (uint8_t)n;
			stun_put(o, STUN_RESPONSE_PORT, raw, 2);
		} else if (strcmp(word, "padding") == 0) {
			stun_put(o, STUN_PADDING, zeros, words_number(w));
		} else if (strcmp(word, "fingerprint") == 0) {
			stun_put_fingerprint(o);
		} else if (strcmp(word, "attr") == 0) {
			n = (uint16_t)words_number(w);
			stun_put(o, n, raw, words_hex(w, raw, sizeof(raw)));
		} else {
			fail(r, w, "unknown word %s", word);
		}
	}
}

static void
make_request(struct run *r, struct words *w)
{
	static const uint8_t txid[STUN_TXID_LEN] = "transaction";
	struct buf b = buf_fixed(r->request, sizeof(r->request));
	struct stun_out o;

	r->classic = words_take(w, "classic", NULL);
	o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, txid);
	/* RFC 3489 section 11.1: the cookie's bytes are part of the id. */
	if (r->classic)
		memcpy(r->request + 4, "old!", 4);
	put_words(r, w, &o);
	if (stun_end(&o) != 0)
		fail(r, w, "the request has no room");
	r->in.len = b.len;
}

static const struct stun_attr *
find(const struct run *r, uint16_t type, uint16_t classic)
{
	return stun_find(&r->msg, r->classic ? classic : type);
}

static void
expect_addr(struct run *r, struct words *w, const char *what, int err,
    const struct addr *got)
{
	struct addr want = next_addr(r, w);
	char text[ADDR_STRLEN];

	if (err != 0)
		fail(r, w, "no %s", what);
	else if (!addr_equal(got, &want))
		fail(r, w, "%s is %s", what, addr_format(got, text));
}

static void
expect_attr_addr(struct run *r, struct words *w, const char *what,
    uint16_t type, uint16_t classic)
{
	struct addr a = { .family = ADDR_NONE };
	int err;

	err = stun_get_addr(&r->msg, r->classic ? classic : type, &a);
	expect_addr(r, w, what, err, &a);
}

/* One outcome of a success; false: it is no attribute of the answer. */
static bool
expect_detail(struct run *r, struct words *w, const char *word)
{
	const struct stun_attr *a;
	struct addr got = { .family = ADDR_NONE };

	if (strcmp(word, "from") == 0) {
		got = r->two ? r->behaviour.at[r->out.corner] : r->first;
		expect_addr(r, w, word, 0, &got);
		return false;
	}
	if (strcmp(word, "to") == 0) {
		expect_addr(r, w, word, 0, &r->out.to);
		return false;
	}
	if (strcmp(word, "mapped") == 0)
		expect_addr(r, w, word,
		    stun_get_xor_addr(&r->msg, STUN_XOR_MAPPED_ADDRESS, &got),
		    &got);
	else if (strcmp(word, "plain") == 0)
		expect_attr_addr(
		    r, w, word, STUN_MAPPED_ADDRESS, STUN_MAPPED_ADDRESS);
	else if (strcmp(word, "origin") == 0)
		expect_attr_addr(
		    r, w, word, STUN_RESPONSE_ORIGIN, STUN_SOURCE_ADDRESS);
	else if (strcmp(word, "other") == 0)
		expect_attr_addr(
		    r, w, word, STUN_OTHER_ADDRESS, STUN_CHANGED_ADDRESS);
	else if (strcmp(word, "padding") == 0) {
		a = find(r, STUN_PADDING, STUN_PADDING);
		if (words_number(w) != (a == NULL ? UINT32_MAX : a->len))
			fail(r, w, "padding of %d", a == NULL ? -1 : a->len);
	} else if (strcmp(word, "fingerprint") == 0) {
		if (find(r, STUN_FINGERPRINT, STUN_FINGERPRINT) == NULL)
			fail(r, w, "no fingerprint");
	} else {
		fail(r, w, "unknown word %s", word);
	}
	return true;
}

/* What is not named must not be there. */
static void
expect_success(struct run *r, struct words *w)
{
	unsigned int n = 0;
	char *word;

	for (word = words_next(w); *word != '\0' && !r->failed;
	     word = words_next(w))
		n += expect_detail(r, w, word);
	if (n != r->msg.nattrs)
		fail(r, w, "%u attributes", r->msg.nattrs);
}

static void
expect_error(struct run *r, struct words *w, int code)
{
	const struct stun_attr *e = stun_find(&r->msg, STUN_ERROR_CODE), *u;
	uint8_t want[64];
	size_t n = 0;
	const uint8_t *v = e != NULL ? stun_value(&r->msg, e) : NULL;

	if (v == NULL || v[2] * 100 + v[3] != code) {
		fail(r, w, "%s", binding_result_name(r->result));
		return;
	}
	if (strcmp(words_next(w), "unknown") == 0)
		n = words_hex(w, want, sizeof(want));
	u = stun_find(&r->msg, STUN_UNKNOWN_ATTRIBUTES);
	if ((u == NULL ? 0 : u->len) != n ||
	    (n > 0 && memcmp(stun_value(&r->msg, u), want, n) != 0))
		fail(r, w, "other UNKNOWN-ATTRIBUTES");
}

static void
expect(struct run *r, struct words *w)
{
	const char *what = words_next(w);
	bool answered = binding_is_answer(r->result);

	if (strcmp(w->before, "expect") != 0) {
		fail(r, w, "no expect");
	} else if (strcmp(what, "nothing") == 0) {
		if (strcmp(words_next(w), binding_result_name(r->result)) != 0)
			fail(r, w, "%s", binding_result_name(r->result));
	} else if (!answered ||
	    stun_decode(r->answer, r->buf.len, &r->msg) != 0 ||
	    memcmp(r->answer + 4, r->request + 4, 16) != 0 ||
	    !addr_equal_ip(&r->out.to, r->in.client)) {
		fail(r, w, "%s", binding_result_name(r->result));
	} else if (strcmp(what, "success") == 0) {
		if (r->msg.class == STUN_SUCCESS)
			expect_success(r, w);
		else
			fail(r, w, "%s", binding_result_name(r->result));
	} else {
		expect_error(r, w, (int)strtol(what, NULL, 10));
	}
}

static void
do_client(struct run *r, struct words *w)
{
	struct addr client = next_addr(r, w), to = r->first;
	const char *word = words_next(w);

	if (strcmp(word, "at") == 0) {
		to = next_addr(r, w);
		words_next(w); /* > */
	}
	r->in = (struct binding_in){ .data = r->request,
		.client = &client,
		.behaviour = r->two ? &r->behaviour : NULL,
		.corner = corner_at(r, w, &to),
		.dtls = words_take(w, "dtls", NULL) };
	word = words_next(w);
	if (strcmp(word, "binding") == 0) {
		make_request(r, w);
	} else if (strcmp(word, "raw") == 0) {
		r->classic = false;
		r->in.len = words_hex(w, r->request, sizeof(r->request));
		words_next(w); /* expect */
	} else {
		fail(r, w, "unknown action %s", word);
		return;
	}
	r->buf = buf_fixed(r->answer, sizeof(r->answer));
	r->out = (struct binding_out){ .buf = &r->buf };
	r->result = binding_input(&r->in, &r->out);
	expect(r, w);
	if (!r->failed && *words_next(w) != '\0')
		fail(r, w, "words left over: %s", w->last);
}

static bool
run_script(const char *file)
{
	static struct run r;
	struct words w;
	const char *verb;

	if (words_open(&w, file) != 0) {
		printf("%s: %s\n", file, strerror(errno));
		return false;
	}
	memset(&r, 0, sizeof(r));
	r.first = addr_v4(198, 51, 100, 1, 3478);
	while (!r.failed && words_line(&w)) {
		verb = words_next(&w);
		if (strcmp(verb, "conf") == 0)
			do_conf(&r, &w);
		else if (strcmp(verb, "client") == 0)
			do_client(&r, &w);
		else if (*verb != '\0')
			fail(&r, &w, "unknown verb %s", verb);
	}
	words_close(&w);
	return !r.failed;
}

int
main(int argc, char **argv)
{
	return words_main(argc, argv, SCRIPTS, run_script);
}
