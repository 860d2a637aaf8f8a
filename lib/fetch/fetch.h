/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fetch: small HTTP requests to few servers, over libcurl on one own thread.
 * Who posts never waits; the answer comes on fetch's thread. So many requests
 * are under way and so many wait at most; each ends, by an answer or a
 * time-out. No redirects, no proxies, nothing of an answer beyond its cap.
 * Owns: the thread, connections and what is under way.
 * Thread: fetch_send, fetch_post and fetch_wake any; the others main.
 */
#ifndef FLOE_LIB_FETCH_FETCH_H
#define FLOE_LIB_FETCH_FETCH_H

#include <stddef.h>
#include <stdint.h>

struct fetch;

struct fetch_answer {
	int status;       /* of HTTP; 0: there was no answer */
	const char *why;  /* when status is 0; static */
	const void *body; /* borrowed for the call */
	size_t len;
};

/* On fetch's thread, once for every id that was posted, but for those that
 * fetch_free finds. */
typedef void fetch_fn(void *arg, uint64_t id, const struct fetch_answer *);

/* On fetch's thread, at the start and then about every tick_ms; it may send. */
typedef void fetch_tick_fn(void *arg, struct fetch *);

struct fetch_conf {
	const char *url;   /* http:// or https://; NULL: each request's own */
	const char *token; /* sent as Authorization: Bearer; NULL: none */
	const char *ca;    /* PEM file to trust; NULL: the system's */
	uint32_t timeout_ms;
	uint32_t under_way; /* at a time, a connection each */
	uint32_t waiting;   /* beside those */
	size_t answer_max;  /* bytes; a longer one is no answer */
	fetch_fn *fn;
	void *arg;
	fetch_tick_fn *tick; /* NULL: none */
	uint32_t tick_ms;
};

/* What is NULL is as in the conf. */
struct fetch_request {
	uint64_t id;
	const char *url, *token;
	const char *field; /* one more of the head: "Name: value" */
	const void *body;  /* JSON to post; NULL: GET */
	size_t len;
};

/* NULL: no memory or no thread. The strings are copied. */
struct fetch *fetch_new(const struct fetch_conf *);
/* What is under way or waits is forgotten. NULL is fine. */
void fetch_free(struct fetch *);
/* The request is copied. 0, -EBUSY (too many wait) or -ENOMEM. */
int fetch_send(struct fetch *, const struct fetch_request *);
/* The next tick comes at once. Any thread. */
void fetch_wake(struct fetch *);
/* To the conf's URL. */
int fetch_post(struct fetch *, uint64_t id, const void *json, size_t len);

#endif
