/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turnd_run: a script of turnd_replay while it runs: its clients, and what the
 * line that is read has led to. turnd_conf.c reads the conf lines,
 * turnd_expect.c what stands behind "expect".
 * Owns: the fake shell.  Thread: one.
 */
#ifndef FLOE_TESTS_REPLAY_TURND_RUN_H
#define FLOE_TESTS_REPLAY_TURND_RUN_H

#include "tests/replay/words.h"
#include "tests/turn/client.h"

#define TICKETS_MAX 16
#define TICKET_LEN  32
#define CLIENTS_MAX 64
#define NAMES_MAX   32
#define TEXT_MAX    1500

struct run {
	struct fake f;
	bool started;
	bool stream; /* the line's client comes over TCP */
	struct client clients[CLIENTS_MAX];
	size_t nclients;
	uint8_t token[TURN_TOKEN_LEN];
	struct {
		char name[16];
		uint32_t id;
	} conns[NAMES_MAX]; /* CONNECTION-IDs by the script's names */
	size_t nconns;
	/* Tickets, each once, and which of them, from 1, the last answer had.
	 */
	uint8_t tickets[TICKETS_MAX][TICKET_LEN];
	size_t ntickets, ticket;
	char domain[256]; /* alternate-domain */
	/* what the line has led to */
	bool is_request;
	int code; /* of a request: 0 success, an error, -1 no answer */
	bool failed;
};

/* The first one of a script is told. */
void run_fail(struct run *, struct words *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Before the first datagram. */
void run_start(struct run *);
/* The client of this address, new or known. */
struct client *run_client(struct run *, const char *addr);
/* name:password cut in two; the words stay until the script ends. */
const char *run_cut_user(char *spec);
/* NULL: a new name. */
uint32_t *run_conn(struct run *, const char *name);
/* v4, v6 or a number, as REQUESTED-ADDRESS-FAMILY has it. */
uint32_t run_family(const char *word);

void run_conf(struct run *, struct words *);
void run_expect(struct run *, struct words *, const struct client *);

#endif
