/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "tests/unit/signald/core/tap.h"

FILE *
tap_open(void)
{
	const char *path = getenv("FLOE_FRAMES");
	FILE *tap = path == NULL ? NULL : fopen(path, "ab");

	if (tap != NULL)
		fputs("world\n", tap);
	return tap;
}

void
tap_close(FILE *tap)
{
	if (tap != NULL)
		fclose(tap);
}

static void
put(FILE *tap, char direction, int link, const char *text, size_t len)
{
	if (tap == NULL)
		return;
	fprintf(tap, "%c %d %zu\n", direction, link, len);
	fwrite(text, 1, len, tap);
	fputc('\n', tap);
}

void
tap_said(FILE *tap, int link, const char *text, size_t len)
{
	put(tap, '>', link, text, len);
}

void
tap_heard(FILE *tap, int link, const char *text, size_t len)
{
	put(tap, '<', link, text, len);
}
