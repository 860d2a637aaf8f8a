/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * logfix: a message log on disk for one test, and short ways to ask it.
 * Owns: the folder, the log, a port and a reader.  Thread: the test's.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_LOG_LOGFIX_H
#define FLOE_TESTS_UNIT_SIGNALD_LOG_LOGFIX_H

#include <pthread.h>

#include "signald/log/msglog.h"
#include "tests/unit/test.h"

#define MIB     (1024 * 1024ULL)
#define DAY_MS  86400000ULL
#define KEEP_MS (7 * DAY_MS)
#define T0      1790000000000ULL

/* A log, the port of one shard, and the last results by ticket. */
struct logfix {
	char dir[64];
	struct msglog *log;
	struct msglog_port *port;
	struct msglog_reader *reader;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool woken;
	size_t waiting_max;
	uint64_t ts;
	struct sig_appended last;
	char text[4096];
	struct sig_receiver to[64]; /* of the last */
	uint64_t order[64];         /* tickets as they came back */
	int errs[64];
	size_t n;
};

/* What a read gave, as text: "sync:seq;", "peer/nick;" or "key=text;" a row. */
struct logfix_seen {
	char rows[2048];
	struct sig_rows head;
	char nick[32];
	struct sig_row first; /* without its texts */
	char first_text[512];
};

void logfix_open(struct logfix *, uint64_t map_max);
void logfix_close(struct logfix *);
int logfix_setup(void **state);
int logfix_teardown(void **state);

/* Appends to come; ticket: to know the result by. */
struct sig_append *
logfix_append(struct logfix *, enum sig_append_kind, const char *user);
void logfix_ask_user(struct logfix *, uint64_t ticket, const char *user);
void logfix_ask_send(struct logfix *, uint64_t ticket, const char *from,
    const char *to, const char *mid);
void logfix_ask_cursor(
    struct logfix *, const char *user, const char *dev, uint64_t sync);
/* Waits until all that was asked has come back. */
void logfix_settle(struct logfix *);
/* A message, settled; its err. */
int
logfix_say(struct logfix *, const char *from, const char *to, const char *mid);
/* Where the last entry stands in the user's inbox; 0: not there. */
uint64_t logfix_sync(const struct logfix *, const char *user);
void logfix_three_users(struct logfix *); /* alice, bob, carol */

/* Of alice's and bob's conversation. */
struct sig_read
logfix_reading(enum sig_read_kind, const char *user, uint64_t from);
struct logfix_seen logfix_read(struct logfix *, const struct sig_read *);

#define LOG_TEST(f) \
	cmocka_unit_test_setup_teardown(f, logfix_setup, logfix_teardown)

#endif
