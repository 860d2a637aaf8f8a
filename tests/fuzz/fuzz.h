/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz: what a target has. A property that does not hold ends the program,
 * which is what a fuzzer looks for.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_FUZZ_FUZZ_H
#define FLOE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A target has the first, and may have the second, run once before all. */
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define MUST(what) ((what) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #what))

static inline _Noreturn void
fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

#endif
