/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log: one line an event, `event_name key=value ...` or the same as JSON, on
 * standard error. Values are quoted and escaped, so bytes of strangers cannot
 * forge a line. A line is one write(2).
 * Owns: process-wide settings, set before threads start.  Thread: any.
 */
#ifndef FLOE_LIB_LOG_LOG_H
#define FLOE_LIB_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr/addr.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

enum log_type {
	LOG_T_END,
	LOG_T_STR,
	LOG_T_MEM,
	LOG_T_INT,
	LOG_T_UINT,
	LOG_T_ADDR,
	LOG_T_ERR
};

struct log_kv {
	const char *key;
	enum log_type type;
	union {
		const void *p;
		int64_t i;
		uint64_t u;
	} v;
	size_t len; /* LOG_T_MEM */
};

/* clang-format off: a table of one-liners */
#define KV_S(k, val)                              \
	{                                         \
		(k), LOG_T_STR, { .p = (val) }, 0 \
	}
#define KV_MEM(k, val, n)                           \
	{                                           \
		(k), LOG_T_MEM, { .p = (val) }, (n) \
	}
#define KV_I(k, val)                              \
	{                                         \
		(k), LOG_T_INT, { .i = (val) }, 0 \
	}
#define KV_U(k, val)                               \
	{                                          \
		(k), LOG_T_UINT, { .u = (val) }, 0 \
	}
#define KV_ADDR(k, val)                            \
	{                                          \
		(k), LOG_T_ADDR, { .p = (val) }, 0 \
	}
/* An -errno (or errno) as its text. */
#define KV_ERR(val)                                   \
	{                                             \
		"error", LOG_T_ERR, { .i = (val) }, 0 \
	}
#define KV_END                                    \
	{                                         \
		NULL, LOG_T_END, { .p = NULL }, 0 \
	}
/* clang-format on */

#define log_event(level, event, ...) \
	log_write((level), (event),  \
	    (const struct log_kv[]){ __VA_ARGS__ __VA_OPT__(, ) KV_END })
#define log_error(event, ...) log_event(LOG_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  log_event(LOG_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  log_event(LOG_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_event(LOG_DEBUG, event, __VA_ARGS__)

/* program goes into every line; a static string. */
void log_init(const char *program, enum log_level, enum log_format);
void log_set_level(enum log_level);
bool log_enabled(enum log_level);
void log_write(enum log_level, const char *event, const struct log_kv *);

/*
 * For warnings that a stranger can trigger: at most burst lines a second;
 * what was held back is told with the next line that passes.
 */
struct log_limit {
	uint64_t second;
	uint32_t burst; /* lines a second; 0 means 5 */
	uint32_t said;
	uint64_t held;
};
/* True when the caller may log now. *held: lines held back before it. */
bool log_limit_pass(struct log_limit *, uint64_t now_ms, uint64_t *held);

#endif
