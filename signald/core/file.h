/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file: an uploaded file as the log knows it: named by its contents, so that
 * the same bytes are there once.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_FILE_H
#define FLOE_SIGNALD_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIG_FILE_HASH_LEN 64 /* SHA-256 as hex */
#define SIG_FILE_TYPE_MAX 63
#define SIG_FILE_NAME_MAX 255

/* Of the requests about files; see log.h. */
struct sig_file {
	char hash[SIG_FILE_HASH_LEN + 1];
	char type[SIG_FILE_TYPE_MAX + 1];
	char
	    name[SIG_FILE_NAME_MAX + 1]; /* what the uploader calls it, or "" */
	uint64_t size;
	uint64_t quota; /* bytes that its user may have, with this one */
	uint64_t all;   /* bytes that all may have together */
};

/* The name of a file: 64 digits of lower case hex and nothing else. */
bool sig_file_hash_ok(const char *, size_t len);

/* The type that a browser may be told: one of a list that runs nothing, or
 * application/octet-stream. Static. */
const char *sig_file_type(const char *type);
#define SIG_FILE_TYPE_ANY "application/octet-stream"

/* What a file counts in quotas: the disk gives room in blocks. */
uint64_t sig_file_cost(uint64_t size);

/* A name that may be shown: UTF-8 without control characters or slashes. */
bool sig_file_name_ok(const char *);

#endif
