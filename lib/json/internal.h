/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal: a struct json is jansson's value under a name of our own, so that
 * no other folder sees <jansson.h>.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_JSON_INTERNAL_H
#define FLOE_LIB_JSON_INTERNAL_H

#include <jansson.h>

#include "lib/json/json.h"

/* jansson's readers take non-const values and do not change them. */
static inline json_t *
json_inside(const struct json *j)
{
	return (json_t *)(uintptr_t)j;
}

static inline struct json *
json_outside(json_t *v)
{
	return (struct json *)v;
}

#endif
