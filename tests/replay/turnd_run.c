/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/turnd_run.h"

void
run_fail(struct run *r, struct words *w, const char *fmt, ...)
{
	va_list ap;

	if (r->failed)
		return;
	r->failed = true;
	printf("%s:%d: %s\n  ", w->file, w->line, w->text);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void
run_start(struct run *r)
{
	if (!r->started)
		fake_start(&r->f);
	r->started = true;
}

struct client *
run_client(struct run *r, const char *addr)
{
	struct addr a = fake_addr(addr);
	size_t i;

	for (i = 0; i < r->nclients; i++) {
		if (addr_equal(&r->clients[i].addr, &a))
			return &r->clients[i];
	}
	if (r->nclients == CLIENTS_MAX) {
		printf("more than %d clients\n", CLIENTS_MAX);
		exit(1);
	}
	client_init(&r->clients[r->nclients], &r->f, addr);
	return &r->clients[r->nclients++];
}

/* name:password cut in two; the words stay until the script ends. */
const char *
run_cut_user(char *spec)
{
	char *colon = strrchr(spec, ':');

	if (colon == NULL)
		return "";
	*colon = '\0';
	return colon + 1;
}

/* NULL: a new name. */
uint32_t *
run_conn(struct run *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->nconns; i++) {
		if (strcmp(r->conns[i].name, name) == 0)
			return &r->conns[i].id;
	}
	return NULL;
}

uint32_t
run_family(const char *word)
{
	if (strcmp(word, "v4") == 0)
		return 1;
	return strcmp(word, "v6") == 0 ? 2 : (uint32_t)strtoul(word, NULL, 0);
}
