/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report: what was found, one row a check, and what is wrong in plain words
 * with what to do next. A problem is a row of a table: its id stands in the
 * JSON and in floe-probe(1), its words on the terminal.
 * Owns: nothing; a check borrows its uri.  Thread: any, one at a time.
 */
#ifndef FLOE_TOOLS_PROBE_CORE_REPORT_H
#define FLOE_TOOLS_PROBE_CORE_REPORT_H

#include "lib/base/buf.h"
#include "tools/floe-probe/core/nat.h"
#include "tools/floe-probe/core/uri.h"

enum problem {
	PROBLEM_NONE,
	/* On the way */
	PROBLEM_NO_NAME,
	PROBLEM_NO_ROUTE,
	PROBLEM_NO_ANSWER,
	PROBLEM_PORT_CLOSED,
	PROBLEM_NO_CONNECTION,
	PROBLEM_HUNG_UP,
	PROBLEM_SILENT,
	PROBLEM_NOT_STUN,
	/* The certificate */
	PROBLEM_CERT_EXPIRED,
	PROBLEM_CERT_NOT_YET,
	PROBLEM_CERT_NAME,
	PROBLEM_CERT_SELF_SIGNED,
	PROBLEM_CERT_AUTHORITY,
	PROBLEM_CERT_BAD,
	PROBLEM_TLS,
	/* What the server says */
	PROBLEM_NO_CREDENTIALS,
	PROBLEM_WRONG_PASSWORD,
	PROBLEM_FORGED,
	PROBLEM_STALE,
	PROBLEM_FORBIDDEN,
	PROBLEM_NOT_TURN,
	PROBLEM_NO_FAMILY,
	PROBLEM_QUOTA,
	PROBLEM_FULL,
	PROBLEM_MOVED,
	PROBLEM_REFUSED,
	PROBLEM_NO_RELAY,
	PROBLEM_PRIVATE_RELAY,
	/* The relay */
	PROBLEM_RELAY_SILENT,
	/* Signaling */
	PROBLEM_NOT_HTTP,
	PROBLEM_HTTP,
	PROBLEM_NO_WEBSOCKET,
	PROBLEM_LOCAL,
	PROBLEMS
};
const char *problem_id(enum problem); /* "wrong-password" */
/* What an error response to a request means. given: we had credentials. */
enum problem problem_of_code(int code, uint16_t method, bool given);

/* Whether a relayed address is one that nobody can send to who reaches the
 * server itself: private, say, while the server is public. */
bool report_relay_hidden(const struct addr *relayed, const struct addr *server);

enum step {
	STEP_RESOLVE,
	STEP_CONNECT, /* TCP, and TLS or DTLS over it */
	STEP_BINDING,
	STEP_ALLOCATE,
	STEP_ALLOCATE_IPV6,
	STEP_RELAY,
	STEP_REFRESH,
	STEP_CLOSE,
	STEP_HEALTH,
	STEP_WEBSOCKET,
	STEPS
};
const char *step_name(enum step);

enum result {
	RESULT_OK,
	RESULT_FAILED,
	RESULT_NOTE, /* does not work, and nobody may need it */
};
const char *result_name(enum result);

#define REPORT_DETAIL_MAX 160

struct check {
	const struct uri *uri;
	enum transport transport;
	enum step step;
	struct addr server; /* ADDR_NONE: the name was not resolved */
	enum result result;
	enum problem problem;
	int code;                       /* of STUN, 0: none */
	char detail[REPORT_DETAIL_MAX]; /* the system's or server's words */
	uint64_t rtt_us;                /* 0: not measured */
	struct addr mapped, relayed;    /* ADDR_NONE: not told */
};

#define REPORT_MAX 256

struct report {
	size_t n;
	struct check checks[REPORT_MAX];
	bool nat_asked; /* nat is one that was begun */
	struct nat nat;
};

/* NULL: no room, and no check that one would miss. */
struct check *report_add(struct report *, const struct check *);
bool report_ok(const struct report *); /* no check has failed */

/* What is wrong, one sentence; what to do, which may be empty. */
void report_words(const struct check *, struct buf *);
void report_advice(const struct check *, struct buf *);
/* What an address says besides: how the NAT is for calls. */
void report_nat(const struct nat *, struct buf *);

/* What follows from all checks together, a sentence a call. */
#define REPORT_LINE_MAX 640
typedef void report_line_fn(void *arg, const char *sentence);
void report_conclude(const struct report *, report_line_fn *, void *arg);

#endif
