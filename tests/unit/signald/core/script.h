/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * script: the JSON of tests, with ' for ", variables, tokens, and texts
 * that say only what they care for. See harness.h for the rules.
 * Owns: the variables.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_SCRIPT_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#define SCRIPT_VARS 64

struct script {
	const uint8_t *token_key;
	struct {
		char *name, *value;
	} vars[SCRIPT_VARS];
	size_t nvars;
	char why[1024];
};

/* token_key is borrowed. */
void script_init(struct script *, const uint8_t *token_key);
void script_fini(struct script *);
void script_forget(struct script *);
const char *script_var(const struct script *, const char *name);
char *script_text(struct script *, const char *text, uint64_t wall_ms);
const char *script_match(
    struct script *, const char *want, const char *text, uint64_t wall_ms);

#endif
