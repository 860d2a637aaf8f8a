/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "lib/conf/snapshot.h"
#include "lib/conf/value.h"

/* The next value of the option in the file; s NULL: the first. */
static const struct setting *
setting_next(
    const struct conf *c, const struct setting *s, const struct conf_option *o)
{
	s = s == NULL ? TAILQ_FIRST(&c->settings) : TAILQ_NEXT(s, next);
	while (s != NULL && s->option != o)
		s = TAILQ_NEXT(s, next);
	return s;
}

/* Both come from the same tables, so a row is a row. */
static bool
same_values(
    const struct conf *a, const struct conf *b, const struct conf_option *o)
{
	const struct setting *x = NULL, *y = NULL;

	do {
		x = setting_next(a, x, o);
		y = setting_next(b, y, o);
		if (x == NULL || y == NULL)
			return x == y;
	} while (strcmp(x->value, y->value) == 0);
	return false;
}

void
conf_each_stale(const struct conf *running, const struct conf *fresh,
    conf_stale_fn *fn, void *arg)
{
	const struct conf_option *o = NULL;

	while ((o = conf_option_next(fresh, o)) != NULL) {
		if ((o->flags & CONF_LIVE) == 0 &&
		    !same_values(running, fresh, o))
			fn(arg, o->section, o->key,
			    conf_line(fresh, o->section, o->key, 0));
	}
}

static void
dump_value(const struct conf_option *o, const void *v, FILE *f)
{
	struct buf b;

	buf_init(&b, CONF_LINE_MAX);
	conf_value_print(o, v, &b);
	fprintf(f, "%s = %.*s\n", o->key, (int)b.len, (const char *)b.data);
	buf_fini(&b);
}

/* Unset options are told as comments, so that the dump lists every key. */
static void
dump_option(const struct conf *c, const struct conf_option *o, FILE *f)
{
	const char *field = (const char *)c->data + o->offset;
	const struct conf_list *list = (const void *)field;
	bool set = o->def != NULL || conf_line(c, o->section, o->key, 0) > 0;
	size_t i;

	if (!set)
		fprintf(f, "; %s =\n", o->key);
	else if ((o->flags & CONF_REPEAT) == 0)
		dump_value(o, field, f);
	else
		for (i = 0; i < list->n; i++)
			dump_value(o,
			    (char *)list->items + i * conf_value_size(o->type),
			    f);
}

void
conf_dump(const struct conf *c, FILE *f)
{
	const struct conf_option *o = NULL;
	const char *section = "";

	while ((o = conf_option_next(c, o)) != NULL) {
		if (strcmp(section, o->section) != 0)
			fprintf(f, "%s[%s]\n", *section != '\0' ? "\n" : "",
			    o->section);
		section = o->section;
		dump_option(c, o, f);
	}
}
