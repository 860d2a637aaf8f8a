/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fixture: sockets that lib/dgram reads, by either engine, and those of the
 * other side. Nothing relies on when something happens, but on counts of what
 * has.
 * Owns: loop, dgrams and sockets, until teardown.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_LIB_DGRAM_FIXTURE_H
#define FLOE_TESTS_UNIT_LIB_DGRAM_FIXTURE_H

#include "lib/dgram/dgram.h"
#include "lib/net/sock.h"
#include "tests/unit/test.h"

/* More than a ring has places for submissions. */
#define SOCKS_MAX 600
#define LONGEST   2100

struct fixture;

/* A socket that is read. */
struct sock {
	struct fixture *f;
	int fd;
	struct addr at;
	struct dgram *d;
	int got, erred;
	uint32_t lost;
};

struct fixture {
	struct loop *loop;
	struct dgrams *dgrams;
	struct batch_tx *tx;
	struct batch_tx *out; /* how the other side sends, in runs */
	struct sock socks[SOCKS_MAX];
	int nsocks;
	int peers[4]; /* of the other side */
	struct addr peer_at[4];
	void (*input)(struct sock *, struct batch_in *, int n);
	bool (*done)(struct fixture *);  /* asked at the end of each turn */
	void (*first)(struct fixture *); /* what the loop begins with */
	int got, want, erred, failed;
	uint32_t lost;
	int nsent, errs[64]; /* verdicts, in their order */
	size_t lens[64];
};

/* Bytes that tell of which datagram and where in it they are. */
void fill(uint8_t *, int which, size_t len);
struct addr here(void);
int open_udp(struct addr, struct addr *bound);

int setup(void **);
int teardown(void **);
void open_dgrams(struct fixture *);
void close_dgrams(struct fixture *);
struct sock *add(struct fixture *, struct addr);
void drop(struct sock *);
/* So many can be added. */
int sockets_allowed(void);

/* At least one turn, and until it is done. */
void run(struct fixture *, bool (*done)(struct fixture *));
bool got_all(struct fixture *);
bool at_once(struct fixture *);

/* What input can be. */
void echo(struct sock *, struct batch_in *, int n);
void ignore(struct sock *, struct batch_in *, int n);

/* One datagram by a call of its own. */
void say(int fd, const struct addr *to, int which, size_t len);
/* The next one, which has to come. */
void hear(int fd, int which, size_t len);
void hear_nothing(int fd);

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* How many failed; io_uring is left out where it is refused. */
int on_both_engines(const struct CMUnitTest *, size_t n);

#endif
