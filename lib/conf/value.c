/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/conf/value.h"

/* Units of a number, largest first, so that printing picks the shortest. */
struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ NULL, 0 },
};

static const struct unit sizes[] = {
	{ "g", 1 << 30 },
	{ "m", 1 << 20 },
	{ "k", 1 << 10 },
	{ "", 1 },
	{ NULL, 0 },
};

static const struct unit rates[] = {
	{ "/s", 1 },
	{ "", 1 },
	{ NULL, 0 },
};

static const struct unit plain[] = {
	{ "", 1 },
	{ NULL, 0 },
};

static const struct unit *
units_of(enum conf_type t)
{
	switch (t) {
	case CONF_DURATION:
		return durations;
	case CONF_BYTES:
		return sizes;
	case CONF_RATE:
		return rates;
	default:
		return plain;
	}
}

size_t
conf_value_size(enum conf_type t)
{
	switch (t) {
	case CONF_STRING:
	case CONF_SECRET:
	case CONF_PATH:
		return sizeof(const char *);
	case CONF_BOOL:
		return sizeof(bool);
	case CONF_INT:
	case CONF_BYTES:
	case CONF_RATE:
	case CONF_DURATION:
	case CONF_ENUM:
		return sizeof(int64_t);
	case CONF_ADDR:
	case CONF_ADDRPORT:
		return sizeof(struct addr);
	case CONF_ADDRPAIR:
		return sizeof(struct conf_addr_pair);
	case CONF_LISTEN:
		return sizeof(struct conf_listen);
	case CONF_PREFIX:
		return sizeof(struct prefix);
	case CONF_RANGE:
		return sizeof(struct conf_range);
	case CONF_USER:
		return sizeof(struct conf_user);
	}
	return 0;
}

static int
parse_string(const char *s, size_t len, struct arena *a, const char **out)
{
	char *copy;

	if (len == 0)
		return -EINVAL;
	copy = arena_strndup(a, s, len);
	if (copy == NULL)
		return -ENOMEM;
	*out = copy;
	return 0;
}

static int
parse_bool(const char *s, bool *out)
{
	static const char *const words[] = { "no", "yes", "false", "true",
		"off", "on" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(s, words[i]) == 0) {
			*out = i % 2 == 1;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_number(const struct conf_option *o, const char *s, int64_t *out)
{
	const struct unit *u = units_of(o->type);
	char *end;
	int64_t v;

	if (o->names != NULL && strcasecmp(s, o->names[0]) == 0) {
		*out = 0; /* a word for zero, such as "auto" */
		return 0;
	}
	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno != 0)
		return -EINVAL;
	while (u->name != NULL && strcasecmp(u->name, end) != 0)
		u++;
	if (u->name == NULL || v > INT64_MAX / u->factor)
		return -EINVAL;
	v *= u->factor;
	if (v < o->min || v > o->max)
		return -EINVAL;
	*out = v;
	return 0;
}

static int
parse_name(const char *const *names, const char *s, size_t len, int64_t *out)
{
	int64_t i;

	for (i = 0; names[i] != NULL; i++) {
		if (strlen(names[i]) == len &&
		    strncasecmp(names[i], s, len) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_addr(const char *s, bool port, struct addr *out)
{
	struct addr a;

	if (addr_parse(s, &a) != 0 || (a.port != 0) != port)
		return -EINVAL;
	*out = a;
	return 0;
}

static int
parse_pair(const char *s, struct conf_addr_pair *out)
{
	struct conf_addr_pair p = { .second.family = ADDR_NONE };
	const char *slash = strchr(s, '/');
	size_t len = slash != NULL ? (size_t)(slash - s) : strlen(s);
	char first[ADDR_STRLEN];
	int err;

	if (len >= sizeof(first))
		return -EINVAL;
	memcpy(first, s, len);
	first[len] = '\0';
	err = parse_addr(first, false, &p.first);
	if (err == 0 && slash != NULL)
		err = parse_addr(slash + 1, false, &p.second);
	if (err == 0)
		*out = p;
	return err;
}

static int
parse_listen(
    const struct conf_option *o, const char *s, struct conf_listen *out)
{
	const char *sep = strstr(s, "://");
	struct addr a;
	int64_t i;
	int err;

	if (sep == NULL)
		return -EINVAL;
	err = parse_name(o->names, s, (size_t)(sep - s), &i);
	if (err == 0)
		err = parse_addr(sep + 3, true, &a);
	if (err != 0)
		return err;
	*out = (struct conf_listen){ .scheme = o->names[i], .addr = a };
	return 0;
}

static int
parse_port(const char *s, char end_char, uint16_t *out, const char **rest)
{
	char *end;
	long v;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	v = strtol(s, &end, 10);
	if (v < 1 || v > 65535 || *end != end_char)
		return -EINVAL;
	*out = (uint16_t)v;
	*rest = end;
	return 0;
}

static int
parse_range(const char *s, struct conf_range *out)
{
	struct conf_range r;

	if (parse_port(s, '-', &r.low, &s) != 0 ||
	    parse_port(s + 1, '\0', &r.high, &s) != 0 || r.low > r.high)
		return -EINVAL;
	*out = r;
	return 0;
}

static int
parse_user(const char *s, struct arena *a, struct conf_user *out)
{
	const char *colon = strchr(s, ':');
	struct conf_user u;
	int err;

	if (colon == NULL)
		return -EINVAL;
	err = parse_string(s, (size_t)(colon - s), a, &u.name);
	if (err == 0)
		err =
		    parse_string(colon + 1, strlen(colon + 1), a, &u.password);
	if (err == 0)
		*out = u;
	return err;
}

int
conf_value_parse(
    const struct conf_option *o, const char *s, struct arena *a, void *out)
{
	switch (o->type) {
	case CONF_STRING:
	case CONF_SECRET:
	case CONF_PATH:
		return parse_string(s, strlen(s), a, out);
	case CONF_BOOL:
		return parse_bool(s, out);
	case CONF_INT:
	case CONF_BYTES:
	case CONF_RATE:
	case CONF_DURATION:
		return parse_number(o, s, out);
	case CONF_ENUM:
		return parse_name(o->names, s, strlen(s), out);
	case CONF_ADDR:
		return parse_addr(s, false, out);
	case CONF_ADDRPORT:
		return parse_addr(s, true, out);
	case CONF_ADDRPAIR:
		return parse_pair(s, out);
	case CONF_LISTEN:
		return parse_listen(o, s, out);
	case CONF_PREFIX:
		return prefix_parse(s, out);
	case CONF_RANGE:
		return parse_range(s, out);
	case CONF_USER:
		return parse_user(s, a, out);
	}
	return -EINVAL;
}

static void
print_number(enum conf_type t, int64_t v, struct buf *b)
{
	const struct unit *u = units_of(t);

	while (u->factor > 1 && (v == 0 || v % u->factor != 0))
		u++;
	buf_printf(b, "%" PRId64 "%s", v / u->factor, u->name);
}

static void
print_names(const char *const *names, const char *sep, struct buf *b)
{
	size_t i;

	for (i = 0; names[i] != NULL; i++)
		buf_printf(b, "%s%s", i > 0 ? sep : "", names[i]);
}

static void
allowed_number(const struct conf_option *o, struct buf *b)
{
	if (o->names != NULL)
		buf_printf(b, "%s, or ", o->names[0]);
	buf_puts(b,
	    o->type == CONF_DURATION    ? "a duration such as 500ms, 5s, "
					  "10m, 1h or 7d, "
		: o->type == CONF_BYTES ? "a size such as 64k or 10m, "
		: o->type == CONF_RATE  ? "a rate such as 100/s, "
					: "a number, ");
	print_number(o->type, o->min, b);
	buf_puts(b, " to ");
	print_number(o->type, o->max, b);
}

void
conf_value_allowed(const struct conf_option *o, struct buf *b)
{
	switch (o->type) {
	case CONF_STRING:
	case CONF_SECRET:
	case CONF_PATH:
		buf_puts(b, "any text but none");
		return;
	case CONF_BOOL:
		buf_puts(b, "yes or no");
		return;
	case CONF_INT:
	case CONF_BYTES:
	case CONF_RATE:
	case CONF_DURATION:
		allowed_number(o, b);
		return;
	case CONF_ENUM:
		buf_puts(b, "one of ");
		print_names(o->names, ", ", b);
		return;
	case CONF_ADDR:
		buf_puts(b, "an IPv4 or IPv6 address without a port");
		return;
	case CONF_ADDRPORT:
		buf_puts(b, "ADDRESS:PORT or [V6ADDRESS]:PORT");
		return;
	case CONF_ADDRPAIR:
		buf_puts(b, "ADDRESS or ADDRESS/ADDRESS, without ports");
		return;
	case CONF_LISTEN:
		print_names(o->names, "|", b);
		buf_puts(b, "://ADDRESS:PORT, IPv6 as [::1]:PORT");
		return;
	case CONF_PREFIX:
		buf_puts(b, "ADDRESS/BITS with the host bits zero");
		return;
	case CONF_RANGE:
		buf_puts(b, "LOW-HIGH, ports of 1 to 65535");
		return;
	case CONF_USER:
		buf_puts(b, "NAME:PASSWORD");
		return;
	}
}

void
conf_value_print(const struct conf_option *o, const void *v, struct buf *b)
{
	const struct conf_listen *l = v;
	const struct conf_addr_pair *pair = v;
	const struct conf_range *r = v;
	const struct prefix *p = v;
	char text[ADDR_STRLEN];

	switch (o->type) {
	case CONF_SECRET:
		buf_puts(b, "(set)");
		return;
	case CONF_STRING:
	case CONF_PATH:
		buf_puts(b, *(const char *const *)v);
		return;
	case CONF_BOOL:
		buf_puts(b, *(const bool *)v ? "yes" : "no");
		return;
	case CONF_INT:
	case CONF_BYTES:
	case CONF_RATE:
	case CONF_DURATION:
		if (o->names != NULL && *(const int64_t *)v == 0)
			buf_puts(b, o->names[0]);
		else
			print_number(o->type, *(const int64_t *)v, b);
		return;
	case CONF_ENUM:
		buf_puts(b, o->names[*(const int64_t *)v]);
		return;
	case CONF_ADDR:
	case CONF_ADDRPORT:
		buf_puts(b, addr_format(v, text));
		return;
	case CONF_ADDRPAIR:
		buf_puts(b, addr_format(&pair->first, text));
		if (pair->second.family != ADDR_NONE)
			buf_printf(b, "/%s", addr_format(&pair->second, text));
		return;
	case CONF_LISTEN:
		buf_printf(
		    b, "%s://%s", l->scheme, addr_format(&l->addr, text));
		return;
	case CONF_PREFIX:
		buf_printf(b, "%s/%d", addr_format(&p->addr, text), p->bits);
		return;
	case CONF_RANGE:
		buf_printf(b, "%d-%d", r->low, r->high);
		return;
	case CONF_USER:
		buf_printf(b, "%s:(set)", ((const struct conf_user *)v)->name);
		return;
	}
}
