/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client: what tests of signald/core do over and over, as assertions that
 * name the line of the test.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_CLIENT_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_CLIENT_H

#include "tests/unit/signald/core/harness.h"
#include "tests/unit/test.h"

/* The next text of the link is as expected. */
#define want(w, link, text)   client_want(w, link, text, __FILE__, __LINE__)
#define want_nothing(w, link) client_want_nothing(w, link, __FILE__, __LINE__)
#define want_closed(w, link, code) \
	client_want_closed(w, link, code, __FILE__, __LINE__)
/* Says it and expects the next text. */
#define ask(w, link, text, answer) \
	client_ask(w, link, text, answer, __FILE__, __LINE__)
/* A link that has said hello for user and device, with nothing unheard. The
 * answer's session and secret are the variables USER.DEVICE.s and .k. */
#define login(w, user, device) \
	client_login(w, user, device, NULL, __FILE__, __LINE__)
/* The same, resuming that session; more: further members of the hello. What
 * follows the answer is left unheard. */
#define resume(w, user, device, more) \
	client_login(w, user, device, more, __FILE__, __LINE__)

void client_want(
    struct world *, int link, const char *text, const char *file, int line);
void client_want_nothing(struct world *, int link, const char *file, int line);
void client_want_closed(
    struct world *, int link, int code, const char *file, int line);
void client_ask(struct world *, int link, const char *text, const char *answer,
    const char *file, int line);
int client_login(struct world *, const char *user, const char *device,
    const char *more, const char *file, int line);

/* A world of defaults with alice, bob, carol and dave: of four shards, where
 * those are apart, or of one. Nobody hears of presence. */
int client_setup(void **state);
int client_setup_one_shard(void **state);
int client_teardown(void **state);
struct world *client_world(const struct world_opts *);

/* from sends a text to a user and hears both the answer and its own push. */
void client_text(struct world *, int from, const char *to, const char *mid);

/* A test in both worlds. */
#define TEST(f)                                                            \
	cmocka_unit_test_setup_teardown(f, client_setup, client_teardown), \
	    cmocka_unit_test_setup_teardown(                               \
		f, client_setup_one_shard, client_teardown)

#endif
