/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * request: what a page has asked and waits for, as web/sdk/link.js. Each comes
 * to an end: an answer, a refusal, or a code of our own (timeout, link_lost).
 * Invariant: a slot is free before its answer is told.
 * Owns: the texts.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_REQUEST_H
#define FLOE_TESTS_SIM_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

struct device;
struct json_in;

#define REQUESTS_MAX 48

enum request_kind {
	ASK_NOTHING, /* the slot is free */
	ASK_HELLO,
	ASK_SEND, /* about: the receiver */
	ASK_LIST,
	ASK_PAGE, /* about: the conversation, likewise below */
	ASK_HISTORY,
	ASK_MEMBERS,
	ASK_SETTINGS,
	ASK_GROUP,
	ASK_ROOM,
	ASK_INVITE, /* about: the call, likewise below */
	ASK_RINGING,
	ASK_ACCEPT,
	ASK_CANCEL, /* or refuse: may cross with an accept */
	ASK_HANGUP,
	ASK_SIGNAL,
};

struct request {
	enum request_kind kind;
	uint64_t id;
	int about;
	bool keep; /* goes out again on the resumed session */
	char *text;
};

/* What became of a request: ok, or code (also of our own: link_lost). */
struct answer {
	struct json_in *ok;
	const char *code;
	uint64_t retry_ms;
};

/* A request: "'op':...". Its answer comes to whoever asks such things, at
 * once when there is no link and it is not kept. */
void request_ask(struct device *, enum request_kind, int about, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
bool request_waits(const struct device *);

/* For the wire. */
struct request *request_new(struct device *, enum request_kind, int about);
struct request *request_find(struct device *, uint64_t id); /* NULL: none */
void request_settle(struct device *, struct request *, const struct answer *);
void request_drop(struct request *);
void request_drop_all(struct device *);
void request_link_lost(struct device *);
/* What waited over the gap goes out again, or ends with its session. */
void request_link_back(struct device *, bool resumed);

#endif
