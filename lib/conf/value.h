/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * value: one option's text to its C value and back, by the row's type.
 * Owns: nothing; strings go into the caller's arena.  Thread: any.
 */
#ifndef FLOE_LIB_CONF_VALUE_H
#define FLOE_LIB_CONF_VALUE_H

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/conf/conf.h"

size_t conf_value_size(enum conf_type);
/* 0; -EINVAL: not a value of this row (conf_value_allowed says what is);
 * -ENOMEM. out has conf_value_size bytes. */
int conf_value_parse(
    const struct conf_option *, const char *text, struct arena *, void *out);
/* "one of text, json"; "a duration such as 5s, 1s to 1h"; ... */
void conf_value_allowed(const struct conf_option *, struct buf *);
/* The value in the file's syntax; a secret as "(set)". */
void conf_value_print(const struct conf_option *, const void *, struct buf *);

#endif
