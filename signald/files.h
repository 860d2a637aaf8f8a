/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * files: the page and the SDK, read into memory at start. A request is a look
 * into a table of what was there, so no path of a stranger reaches the disk.
 * Owns: names and contents.  Thread: built on main, read by any.
 */
#ifndef FLOE_SIGNALD_FILES_H
#define FLOE_SIGNALD_FILES_H

#include <stddef.h>
#include <stdint.h>

struct files;

struct file {
	char *path; /* "/sdk/link.js" */
	const char *type;
	uint8_t *data;
	size_t len;
	char etag[36]; /* with its quotes */
};

/*
 * Every file below dir whose suffix has a known type; names that begin with a
 * dot are left out. 0 or -errno, with what failed in err.
 */
int files_load(const char *dir, struct files **, char *err, size_t err_size);
void files_free(struct files *); /* NULL is fine */
/* "/" is "/index.html". NULL: not there. */
const struct file *files_find(const struct files *, const char *path);
size_t files_count(const struct files *);

#endif
