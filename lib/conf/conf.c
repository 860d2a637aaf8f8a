/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf/snapshot.h"
#include "lib/conf/value.h"
#include "lib/log/log.h"

#define KEYS_MAX 10000 /* key = value lines in one file */

static const char *const log_formats[] = { "text", "json", NULL };
static const char *const log_levels[] = { "error", "warn", "info", "debug",
	NULL };
static const char *const auto_word[] = { "auto", NULL };

#define COMMON(field) offsetof(struct conf_common, field)

const struct conf_option conf_common_options[] = {
	{ "floe", "realm", CONF_STRING, 0, COMMON(realm), "floe", 0, 0, NULL,
	    "STUN and TURN authentication realm" },
	{ "floe", "state-dir", CONF_PATH, 0, COMMON(state_dir), "/var/lib/floe",
	    0, 0, NULL, "where daemons keep what must last" },
	{ "floe", "turn-secret", CONF_SECRET, CONF_REPEAT, COMMON(turn_secrets),
	    NULL, 0, 0, NULL,
	    "shared secret of time-limited TURN credentials" },
	{ "floe", "tls-cert", CONF_PATH, CONF_READABLE | CONF_LIVE,
	    COMMON(tls_cert), NULL, 0, 0, NULL, "certificate chain, PEM" },
	{ "floe", "tls-key", CONF_PATH, CONF_READABLE | CONF_LIVE,
	    COMMON(tls_key), NULL, 0, 0, NULL, "private key, PEM" },
	{ "floe", "workers", CONF_INT, 0, COMMON(workers), "auto", 1, 64,
	    auto_word, "worker threads" },
	{ "floe", "log-format", CONF_ENUM, 0, COMMON(log_format), "text", 0, 0,
	    log_formats, "how log lines look" },
	{ "floe", "log-level", CONF_ENUM, CONF_LIVE, COMMON(log_level), "info",
	    0, 0, log_levels, "the least important lines that are logged" },
	{ "floe", "user", CONF_STRING, 0, COMMON(user), NULL, 0, 0, NULL,
	    "account to run as when started by root" },
	{ .key = NULL },
};

/* Sections of the daemons of one file; each judges its own keys. */
static const char *const sections[] = { "floe", "stund", "turnd", "signald",
	NULL };

/* While reading. */
struct reader {
	struct conf *conf;
	FILE *f;
	int line;
	size_t keys;
	bool failed;
	char *err;
};

static void
fail(struct reader *r, const char *section, const char *key, const char *what)
{
	struct buf b = buf_fixed(r->err, CONF_ERR_MAX - 1);

	if (r->failed)
		return;
	r->failed = true;
	buf_printf(&b, "%.100s:", r->conf->file);
	if (r->line > 0)
		buf_printf(&b, "%d:", r->line);
	buf_u8(&b, ' ');
	if (section != NULL)
		buf_printf(&b, "[%.40s] ", section);
	if (key != NULL)
		buf_printf(&b, "%.40s: ", key);
	buf_printf(&b, "%.300s", what);
	r->err[b.len] = '\0';
}

/* One row after the other of both tables; NULL at the end. */
static const struct conf_option *
row_next(const struct conf *c, const struct conf_option *o)
{
	if (o == NULL)
		return conf_common_options;
	o++;
	if (o->key != NULL)
		return o;
	if (o > conf_common_options &&
	    o - conf_common_options <
		(ptrdiff_t)(sizeof(conf_common_options) / sizeof(*o)) &&
	    c->own->key != NULL)
		return c->own;
	return NULL;
}

static bool
row_allowed(const struct conf *c, const struct conf_option *o)
{
	return !c->part || (o->flags & CONF_PART) != 0;
}

const struct conf_option *
conf_option_next(const struct conf *c, const struct conf_option *o)
{
	do
		o = row_next(c, o);
	while (o != NULL && !row_allowed(c, o));
	return o;
}

static const struct conf_option *
row_find(const struct conf *c, const char *section, const char *key)
{
	const struct conf_option *o = NULL;

	while ((o = row_next(c, o)) != NULL) {
		if (strcmp(o->section, section) == 0 &&
		    strcmp(o->key, key) == 0)
			return o;
	}
	return NULL;
}

/* Edit distance, for "did you mean"; names are short. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[64], i, j, diag, up, n = strlen(b);

	if (n >= 64)
		return n;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		diag = row[0];
		row[0] = i;
		for (j = 1; j <= n; j++) {
			up = row[j];
			row[j] = diag + (a[i - 1] != b[j - 1]);
			if (up + 1 < row[j])
				row[j] = up + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			diag = up;
		}
	}
	return row[n];
}

static void
fail_unknown(struct reader *r, const char *section, const char *key)
{
	const struct conf_option *o = NULL, *best = NULL;
	size_t d, least = 4;
	char what[256];

	while ((o = conf_option_next(r->conf, o)) != NULL) {
		if (strcmp(o->section, section) != 0)
			continue;
		d = distance(key, o->key);
		if (d < least) {
			least = d;
			best = o;
		}
	}
	if (best != NULL)
		snprintf(what, sizeof(what), "unknown key; did you mean %s?",
		    best->key);
	else
		snprintf(what, sizeof(what),
		    "unknown key; see floe.conf(5) for the keys of [%.40s]",
		    section);
	fail(r, section, key, what);
}

static bool
section_known(const char *name)
{
	size_t i;

	for (i = 0; sections[i] != NULL; i++) {
		if (strcmp(sections[i], name) == 0)
			return true;
	}
	return false;
}

/* Whether this daemon judges the section, or leaves it to another one. */
static bool
section_ours(const struct conf *c, const char *name)
{
	const struct conf_option *o = NULL;

	while ((o = conf_option_next(c, o)) != NULL) {
		if (strcmp(o->section, name) == 0)
			return true;
	}
	return false;
}

static int
setting_add(struct reader *r, const struct conf_option *o, const char *value)
{
	struct setting *s = arena_alloc(r->conf->arena, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->option = o;
	s->line = r->line;
	s->value = arena_strndup(r->conf->arena, value, strlen(value));
	if (s->value == NULL)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&r->conf->settings, s, next);
	return 0;
}

/* inih's handler; our reader stops the file at the first failure. */
static int
on_key(void *arg, const char *section, const char *key, const char *value)
{
	struct reader *r = arg;
	const struct conf_option *o = row_find(r->conf, section, key);

	if (*section == '\0')
		fail(r, NULL, key, "stands before the first [section]");
	else if (o == NULL && section_ours(r->conf, section))
		fail_unknown(r, section, key);
	else if (o != NULL && !row_allowed(r->conf, o))
		fail(r, section, key,
		    "not in this file; it is set in the main one, for all");
	else if (++r->keys > KEYS_MAX)
		fail(r, section, key, "too many lines in one file");
	else if (o != NULL && setting_add(r, o, value) != 0)
		fail(r, section, key, "out of memory");
	return !r->failed;
}

/* inih tells sections only with their keys, so an empty one is judged here. */
static void
check_section(struct reader *r, const char *line)
{
	char name[64], end, what[128];

	if (r->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3; /* a byte order mark, which inih skips too */
	line += strspn(line, " \t");
	if (sscanf(line, "[%63[^]]%c", name, &end) != 2 || end != ']')
		return;
	if (!section_known(name)) {
		fail(r, name, NULL,
		    "unknown section; allowed: [floe], "
		    "[stund], [turnd], [signald]");
	} else if (r->conf->part && !section_ours(r->conf, name)) {
		snprintf(what, sizeof(what), "not in this file; allowed: [%s]",
		    r->conf->own->section);
		fail(r, name, NULL, what);
	}
}

/* inih's line source: counts lines, and refuses one that would be cut. */
static char *
next_line(char *out, int size, void *arg)
{
	struct reader *r = arg;
	size_t len;

	if (r->failed || fgets(out, size, r->f) == NULL)
		return NULL;
	r->line++;
	len = strlen(out);
	if (len + 1 == (size_t)size && out[len - 1] != '\n')
		fail(r, NULL, NULL, "the line is longer than 4000 bytes");
	else if ((len == 0 || out[len - 1] != '\n') && !feof(r->f))
		fail(r, NULL, NULL, "a NUL byte in the line");
	else
		check_section(r, out);
	return r->failed ? NULL : out;
}

static int
read_file(struct reader *r)
{
	int line;

	/* Library-wide switches, set to what floe.conf(5) says. */
	ini_use_stack = false;
	ini_max_line = CONF_LINE_MAX;
	ini_initial_alloc = CONF_LINE_MAX;
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;
	line = ini_parse_stream(next_line, r, on_key, r);
	if (ferror(r->f))
		fail(r, NULL, NULL, "cannot be read");
	if (line != 0 && !r->failed) {
		r->line = line;
		fail(r, NULL, NULL,
		    "neither [section] nor key = value nor a ; comment");
	}
	return r->failed ? -EINVAL : 0;
}

static void
fail_value(struct reader *r, const struct conf_option *o, const char *value)
{
	char what[256];
	struct buf b = buf_fixed(what, sizeof(what) - 1);

	if (o->type == CONF_SECRET || o->type == CONF_USER)
		buf_puts(&b, "bad value; allowed: ");
	else
		buf_printf(&b, "bad value \"%.80s\"; allowed: ", value);
	conf_value_allowed(o, &b);
	what[b.len] = '\0';
	fail(r, o->section, o->key, what);
}

static int
convert(struct reader *r, const struct conf_option *o, const char *value,
    int line, void *out)
{
	char what[256];
	int err = conf_value_parse(o, value, r->conf->arena, out);

	r->line = line;
	if (err != 0) {
		fail_value(r, o, value);
		return err;
	}
	if (o->type == CONF_LISTEN)
		((struct conf_listen *)out)->line = line;
	if ((o->flags & CONF_READABLE) != 0 && access(value, R_OK) != 0) {
		snprintf(what, sizeof(what), "cannot read %.150s: %s", value,
		    strerror(errno));
		fail(r, o->section, o->key, what);
		return -EINVAL;
	}
	return 0;
}

static int
fill_list(struct reader *r, const struct conf_option *o, size_t n)
{
	struct conf_list *list = (void *)((char *)r->conf->data + o->offset);
	size_t size = conf_value_size(o->type);
	struct setting *s;
	char *item;
	int err;

	item = arena_alloc(r->conf->arena, (n > 0 ? n : 1) * size);
	if (item == NULL)
		return -ENOMEM;
	list->items = item;
	list->n = n > 0 ? n : 1;
	if (n == 0)
		return convert(r, o, o->def, 0, item);
	TAILQ_FOREACH (s, &r->conf->settings, next) {
		if (s->option != o)
			continue;
		err = convert(r, o, s->value, s->line, item);
		if (err != 0)
			return err;
		item += size;
	}
	return 0;
}

static int
fill_one(struct reader *r, const struct conf_option *o, size_t n)
{
	void *field = (char *)r->conf->data + o->offset;
	const struct setting *s, *last = NULL;
	char what[64];

	TAILQ_FOREACH (s, &r->conf->settings, next) {
		if (s->option == o && last != NULL) {
			r->line = s->line;
			snprintf(what, sizeof(what),
			    "set before on line %d; allowed once", last->line);
			fail(r, o->section, o->key, what);
			return -EINVAL;
		}
		if (s->option == o)
			last = s;
	}
	if (last != NULL)
		return convert(r, o, last->value, last->line, field);
	return convert(r, o, o->def, 0, field);
}

static int
fail_missing(struct reader *r, const struct conf_option *o)
{
	char what[256];
	struct buf b = buf_fixed(what, sizeof(what) - 1);

	buf_puts(&b, "is needed and not set; allowed: ");
	conf_value_allowed(o, &b);
	what[b.len] = '\0';
	r->line = 0;
	fail(r, o->section, o->key, what);
	return -EINVAL;
}

static int
fill(struct reader *r)
{
	const struct conf_option *o = NULL;
	const struct setting *s;
	size_t n;
	int err;

	while ((o = conf_option_next(r->conf, o)) != NULL) {
		n = 0;
		TAILQ_FOREACH (s, &r->conf->settings, next)
			n += s->option == o;
		if (n == 0 && o->def == NULL && (o->flags & CONF_REQUIRED) == 0)
			continue;
		if (n == 0 && o->def == NULL)
			err = fail_missing(r, o);
		else if ((o->flags & CONF_REPEAT) != 0)
			err = fill_list(r, o, n);
		else
			err = fill_one(r, o, n);
		if (err != 0) {
			fail(r, o->section, o->key, "out of memory");
			return err;
		}
	}
	return 0;
}

static struct conf *
read_into(struct reader *r, const char *name, const struct conf_option *own,
    size_t size, bool part)
{
	struct arena *a = arena_new();
	struct conf *c = NULL;

	snprintf(r->err, CONF_ERR_MAX, "%.200s: out of memory", name);
	if (a != NULL)
		c = arena_alloc(a, sizeof(*c));
	if (c == NULL) {
		arena_free(a);
		return NULL;
	}
	c->arena = a;
	c->own = own;
	c->part = part;
	c->file = arena_strndup(a, name, strlen(name));
	c->data = arena_alloc(a, size);
	TAILQ_INIT(&c->settings);
	r->conf = c;
	if (c->file == NULL || c->data == NULL || read_file(r) != 0 ||
	    fill(r) != 0) {
		conf_free(c);
		return NULL;
	}
	return c;
}

struct conf *
conf_read(FILE *f, const char *name, const struct conf_option *own, size_t size,
    char err[CONF_ERR_MAX])
{
	struct reader r = { .f = f, .err = err };

	return read_into(&r, name, own, size, false);
}

static struct conf *
load(const char *file, const struct conf_option *own, size_t size, bool part,
    char err[CONF_ERR_MAX])
{
	FILE *f = fopen(file, "re");
	struct reader r = { .f = f, .err = err };
	struct conf *c;

	if (f == NULL) {
		snprintf(
		    err, CONF_ERR_MAX, "%.200s: %s", file, strerror(errno));
		return NULL;
	}
	c = read_into(&r, file, own, size, part);
	fclose(f);
	return c;
}

struct conf *
conf_load(const char *file, const struct conf_option *own, size_t size,
    char err[CONF_ERR_MAX])
{
	return load(file, own, size, false, err);
}

struct conf *
conf_load_part(const char *file, const struct conf_option *own, size_t size,
    char err[CONF_ERR_MAX])
{
	return load(file, own, size, true, err);
}

void
conf_free(struct conf *c)
{
	if (c != NULL)
		arena_free(c->arena);
}

const void *
conf_data(const struct conf *c)
{
	return c->data;
}

const char *
conf_file(const struct conf *c)
{
	return c->file;
}

int
conf_line(const struct conf *c, const char *section, const char *key, size_t n)
{
	const struct setting *s;

	TAILQ_FOREACH (s, &c->settings, next) {
		if (strcmp(s->option->section, section) == 0 &&
		    strcmp(s->option->key, key) == 0 && n-- == 0)
			return s->line;
	}
	return 0;
}

int
conf_wrong(const struct conf *c, const char *section, const char *key, size_t n,
    char err[CONF_ERR_MAX], const char *fmt, ...)
{
	int line = conf_line(c, section, key, n);
	char what[CONF_ERR_MAX], where[16] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (line > 0)
		snprintf(where, sizeof(where), "%d:", line);
	snprintf(err, CONF_ERR_MAX, "%.200s:%s [%s] %s: %.250s", c->file, where,
	    section, key, what);
	return -EINVAL;
}
