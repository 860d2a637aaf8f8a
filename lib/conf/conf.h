/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf: floe.conf -> one immutable snapshot. A table of options, a row each,
 * drives parsing, defaults, ranges, the -T dump and the check against
 * floe.conf(5); a daemon adds its own table to the common one.
 * Every error names FILE:LINE, section and key, and what is allowed.
 * Owns: a snapshot owns its arena, in which every string and list lives.
 * Thread: built on one; read by any; freed when the last reader is done.
 */
#ifndef FLOE_LIB_CONF_CONF_H
#define FLOE_LIB_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/addr/addr.h"
#include "lib/addr/prefix.h"

/* What a value is, and the C type of its field. A repeatable option's field
 * is a struct conf_list of the type's element. */
enum conf_type {
	CONF_STRING,   /* const char * */
	CONF_SECRET,   /* const char *; redacted in dumps */
	CONF_PATH,     /* const char * */
	CONF_BOOL,     /* bool: yes|no|true|false|on|off */
	CONF_INT,      /* int64_t within min..max */
	CONF_BYTES,    /* int64_t: 64k, 10m, 1g */
	CONF_RATE,     /* int64_t a second: 100/s */
	CONF_DURATION, /* int64_t ms: 500ms, 5s, 10m, 1h, 7d */
	CONF_ENUM,     /* int64_t: index into names */
	CONF_ADDR,     /* struct addr, port 0 */
	CONF_ADDRPORT, /* struct addr with port */
	CONF_ADDRPAIR, /* struct conf_addr_pair: address[/address] */
	CONF_LISTEN,   /* struct conf_listen: scheme://address:port */
	CONF_PREFIX,   /* struct prefix */
	CONF_RANGE,    /* struct conf_range: low-high */
	CONF_USER,     /* struct conf_user: name:password */
};

struct conf_listen {
	const char *scheme; /* one of the row's names */
	struct addr addr;
	int line; /* where it stands, for later errors such as a busy port */
};

struct conf_addr_pair {
	struct addr first, second; /* port 0; second may be ADDR_NONE */
};

struct conf_range {
	uint16_t low, high; /* inclusive */
};

struct conf_user {
	const char *name;
	const char *password;
};

struct conf_list {
	void *items; /* elements of the type's C type */
	size_t n;
};

#define CONF_REPEAT   0x1 /* a repeated key is a list */
#define CONF_REQUIRED 0x2
#define CONF_READABLE 0x4  /* PATH: the file must be readable */
#define CONF_LIVE     0x8  /* a reload changes it in a running daemon */
#define CONF_PART     0x10 /* the file of a part may set it too */

struct conf_option {
	const char *section;
	const char *key;
	enum conf_type type;
	unsigned int flags;
	size_t offset;    /* of the field in the daemon's struct */
	const char *def;  /* default in the file's syntax; NULL: zero, unset */
	int64_t min, max; /* INT BYTES RATE DURATION */
	const char *const *names; /* ENUM values, LISTEN schemes; NULL ends */
	const char *help;         /* one line */
};

/* Common to all daemons: first member of each daemon's struct. */
struct conf_common {
	const char *realm;
	const char *state_dir;
	struct conf_list turn_secrets; /* const char * */
	const char *tls_cert, *tls_key;
	int64_t workers;    /* 0: one a processor */
	int64_t log_format; /* enum log_format */
	int64_t log_level;  /* enum log_level */
	const char *user;   /* drop privileges to; NULL: stay */
};
extern const struct conf_option conf_common_options[]; /* .key NULL ends */

struct conf; /* a snapshot */

#define CONF_ERR_MAX 512

/*
 * Reads file into a new snapshot whose struct is size bytes and begins with
 * struct conf_common. NULL on any error, with its text in err:
 * "FILE:LINE: [section] key: what; allowed: what would be right".
 */
struct conf *conf_load(const char *file, const struct conf_option *own,
    size_t size, char err[CONF_ERR_MAX]);
/* The same of a file for a part of the daemon, which may set the options with
 * CONF_PART alone; the others' fields are zero. */
struct conf *conf_load_part(const char *file, const struct conf_option *own,
    size_t size, char err[CONF_ERR_MAX]);
/* The main file from an open one; name stands for it in messages. */
struct conf *conf_read(FILE *, const char *name, const struct conf_option *own,
    size_t size, char err[CONF_ERR_MAX]);
void conf_free(struct conf *);              /* wipes secrets; NULL is fine */
const void *conf_data(const struct conf *); /* the struct */
const char *conf_file(const struct conf *);
/* Line on which the key was set (the n-th time), 0 when it was not. */
int
conf_line(const struct conf *, const char *section, const char *key, size_t n);
/* An error found after parsing: "FILE:LINE: [section] key: " and what is wrong
 * with its n-th value. Returns -EINVAL. */
int conf_wrong(const struct conf *, const char *section, const char *key,
    size_t n, char err[CONF_ERR_MAX], const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* Calls fn for each option that the two set differently and that a running
 * daemon cannot change; line is where fresh has it, 0: nowhere. */
typedef void
conf_stale_fn(void *arg, const char *section, const char *key, int line);
void conf_each_stale(const struct conf *running, const struct conf *fresh,
    conf_stale_fn *, void *arg);
/* The effective settings as a floe.conf, secrets as "(set)". */
void conf_dump(const struct conf *, FILE *);

#endif
