/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words: a script as lines of words. A word is what stands between white
 * space, or between quotes, where \xHH is a byte; # begins a comment.
 * Owns: the file and the text of every word, until closed.  Thread: one.
 */
#ifndef FLOE_TESTS_REPLAY_WORDS_H
#define FLOE_TESTS_REPLAY_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WORDS_MAX  64
#define WORDS_LINE 4096

struct words {
	const char *file;
	FILE *f;
	int line;
	char text[WORDS_LINE]; /* the line as it stands */
	char *arena;           /* every line taken apart, one after the other */
	size_t used, size;
	char *word[WORDS_MAX];
	size_t n, next;
	const char *before, *last; /* the two words last handed out */
};

/* 0, or -1 with errno. */
int words_open(struct words *, const char *file);
void words_close(struct words *);
bool words_line(struct words *); /* the next line; false at the end */
/* The next word of the line; "" past the last. */
char *words_next(struct words *);
uint32_t words_number(struct words *); /* decimal, or 0x */
size_t words_hex(struct words *, uint8_t *out, size_t room);
/* Takes a word (and, when value is given, the one after it) out of what is
 * left of the line up to "expect"; false when it is not there. */
bool words_take(struct words *, const char *word, char **value);

/* main() of a runner: runs the scripts that are named, or all of the folder
 * (from $top_srcdir), says how each came out, and is 1 when one failed. */
int words_main(
    int argc, char **argv, const char *folder, bool (*run)(const char *file));

#endif
