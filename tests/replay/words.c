/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/replay/words.h"

int
words_open(struct words *w, const char *file)
{
	struct stat st;

	memset(w, 0, sizeof(*w));
	w->file = file;
	w->f = fopen(file, "r");
	if (w->f == NULL || fstat(fileno(w->f), &st) != 0)
		return -1;
	/* A word and its NUL take no more room than it took in the file. */
	w->size = 2 * (size_t)st.st_size + 2;
	w->arena = malloc(w->size);
	if (w->arena == NULL) {
		fclose(w->f);
		return -1;
	}
	return 0;
}

void
words_close(struct words *w)
{
	fclose(w->f);
	free(w->arena);
}

/* A quoted word from after its quote; returns what follows it. */
static const char *
unquote(struct words *w, const char *p)
{
	unsigned int byte;

	for (; *p != '\0' && *p != '"'; p++) {
		if (p[0] == '\\' && p[1] == 'x' &&
		    sscanf(p + 2, "%2x", &byte) == 1) {
			w->arena[w->used++] = (char)byte;
			p += 3;
		} else {
			w->arena[w->used++] = *p;
		}
	}
	return *p == '"' ? p + 1 : p;
}

static void
split(struct words *w)
{
	const char *p = w->text;

	for (w->n = w->next = 0; w->n < WORDS_MAX;) {
		while (isspace((unsigned char)*p))
			p++;
		if (*p == '\0' || *p == '#')
			return;
		w->word[w->n++] = w->arena + w->used;
		if (*p == '"') {
			p = unquote(w, p + 1);
		} else {
			while (*p != '\0' && !isspace((unsigned char)*p))
				w->arena[w->used++] = *p++;
		}
		w->arena[w->used++] = '\0';
	}
}

bool
words_line(struct words *w)
{
	if (fgets(w->text, sizeof(w->text), w->f) == NULL)
		return false;
	w->text[strcspn(w->text, "\n")] = '\0';
	w->line++;
	w->before = w->last = "";
	split(w);
	return true;
}

char *
words_next(struct words *w)
{
	static char none[1];

	w->before = w->last;
	if (w->next == w->n) {
		none[0] = '\0';
		w->last = none;
		return none;
	}
	w->last = w->word[w->next];
	return w->word[w->next++];
}

uint32_t
words_number(struct words *w)
{
	return (uint32_t)strtoul(words_next(w), NULL, 0);
}

size_t
words_hex(struct words *w, uint8_t *out, size_t room)
{
	const char *p = words_next(w);
	unsigned int byte;
	size_t n = 0;

	while (n < room && sscanf(p, "%2x", &byte) == 1) {
		out[n++] = (uint8_t)byte;
		p += strlen(p) < 2 ? 1 : 2;
	}
	return n;
}

bool
words_take(struct words *w, const char *word, char **value)
{
	size_t i, gone = value != NULL ? 2 : 1;

	for (i = w->next; i + gone <= w->n; i++) {
		if (strcmp(w->word[i], "expect") == 0)
			return false;
		if (strcmp(w->word[i], word) != 0)
			continue;
		if (value != NULL)
			*value = w->word[i + 1];
		memmove(&w->word[i], &w->word[i + gone],
		    (w->n - i - gone) * sizeof(w->word[0]));
		w->n -= gone;
		return true;
	}
	return false;
}

static bool
run_one(const char *file, bool (*run)(const char *file))
{
	bool ok = run(file);

	/* As cmocka says it, so that each script counts as a test. */
	printf("[%s] %s\n", ok ? "       OK " : "  FAILED  ",
	    strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file);
	return ok;
}

int
words_main(
    int argc, char **argv, const char *folder, bool (*run)(const char *file))
{
	const char *top = getenv("top_srcdir");
	glob_t found = { .gl_pathc = 0 };
	char pattern[4096];
	bool ok = true;
	size_t i;

	for (i = 1; i < (size_t)argc; i++)
		ok = run_one(argv[i], run) && ok;
	if (argc > 1)
		return ok ? 0 : 1;
	snprintf(pattern, sizeof(pattern), "%s/%s/*.script",
	    top != NULL ? top : ".", folder);
	if (glob(pattern, 0, NULL, &found) != 0) {
		printf("no scripts at %s\n", pattern);
		return 1;
	}
	for (i = 0; i < found.gl_pathc; i++)
		ok = run_one(found.gl_pathv[i], run) && ok;
	globfree(&found);
	return ok ? 0 : 1;
}
