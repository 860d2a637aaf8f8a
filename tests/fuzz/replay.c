/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replay: main() of a fuzz target where there is no libFuzzer. Runs each file
 * given, or each seed of the target (tests/fuzz/seeds/NAME), through it.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define FILE_MAX (1 << 20)

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The input is alone in its memory, so that reading past it is noticed. */
static int
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *all, *exact;
	size_t len;

	if (f == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	all = malloc(FILE_MAX);
	MUST(all != NULL);
	len = fread(all, 1, FILE_MAX, f);
	fclose(f);
	exact = malloc(len > 0 ? len : 1);
	MUST(exact != NULL);
	memcpy(exact, all, len);
	free(all);
	printf("%s: %zu bytes\n", path, len);
	fflush(stdout);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int
run_seeds(const char *name)
{
	const char *top = getenv("top_srcdir");
	char dir[2048], path[4096];
	int ran = 0, failed = 0;
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/tests/fuzz/seeds/%s",
	    top != NULL ? top : ".", name);
	d = opendir(dir);
	if (d == NULL) {
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
		return 1;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		failed += run_file(path);
		ran++;
	}
	closedir(d);
	if (ran == 0)
		fprintf(stderr, "%s: no seed\n", dir);
	return ran == 0 || failed > 0;
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	int i, failed = 0;

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	if (argc < 2)
		return run_seeds(slash != NULL ? slash + 1 : argv[0]);
	for (i = 1; i < argc; i++)
		failed += run_file(argv[i]);
	return failed > 0;
}
