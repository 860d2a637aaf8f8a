/* SPDX-License-Identifier: BSD-3-Clause */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/addr/prefix.h"

/*
 * The rules of one family, laid out as ranges that do not overlap: range i
 * goes from starts[i] to just before starts[i + 1], and rules[i] is the rule
 * that wins all over it. Prefixes nest or are apart, so adding one splits at
 * most two ranges. Keys are the address as a number, IPv4 in the top bits.
 * first_of[b] is the range that holds the least key with top byte b, which
 * leaves a search a step or two.
 */
struct key {
	uint64_t hi, lo;
};

struct table {
	struct key *starts; /* starts[0] is zero */
	const struct prefix_rule **rules;
	size_t n, cap;
	uint32_t first_of[257]; /* the last one: of the end of the key space */
};

struct owned_rule {
	SLIST_ENTRY(owned_rule) next;
	struct prefix_rule rule;
};

struct prefix_list {
	struct table v4, v6;
	SLIST_HEAD(, owned_rule) owned;
};

static struct key
key_of(const struct addr *a)
{
	struct key k;

	memcpy(&k.hi, a->ip, 8);
	memcpy(&k.lo, a->ip + 8, 8);
	return (struct key){ be64toh(k.hi), be64toh(k.lo) };
}

/* The host bits of a prefix of this length, all ones. */
static struct key
host_mask(unsigned int bits)
{
	struct key m = { 0, 0 };

	if (bits < 64)
		m.hi = UINT64_MAX >> bits;
	if (bits < 128)
		m.lo = bits <= 64 ? UINT64_MAX : UINT64_MAX >> (bits - 64);
	return m;
}

/* Host bits that count: an IPv4 key has nothing below its 32 bits. */
static struct key
prefix_mask(const struct prefix *p)
{
	struct key m = host_mask(p->bits);

	if (p->addr.family == ADDR_V4) {
		m.hi &= UINT64_MAX << 32;
		m.lo = 0;
	}
	return m;
}

/* a <= b, 1 or 0, without a branch: a search would mispredict half of them. */
static inline size_t
key_le(const struct key *a, const struct key *b)
{
	return (size_t)(a->hi < b->hi) |
	    ((size_t)(a->hi == b->hi) & (size_t)(a->lo <= b->lo));
}

static bool
bits_parse(const char *s, unsigned int max, unsigned int *bits)
{
	unsigned int v = 0;

	if (*s == '\0' || strlen(s) > 3)
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (unsigned int)(*s - '0');
	}
	*bits = v;
	return v <= max;
}

/* ::ffff:10.0.0.0/104 is a long way to say 10.0.0.0/8. */
static void
prefix_unmap(struct prefix *p)
{
	struct addr v4 = addr_canonical(&p->addr);
	struct addr readings[ADDR_READINGS];

	if (p->addr.family != ADDR_V6 || p->bits < 96)
		return;
	addr_readings(&p->addr, readings);
	if (readings[0].family != ADDR_V4)
		return;
	p->addr = v4;
	p->bits -= 96;
}

int
prefix_parse(const char *s, struct prefix *out)
{
	const char *slash = strchr(s, '/');
	size_t len = slash != NULL ? (size_t)(slash - s) : strlen(s);
	char text[ADDR_STRLEN];
	struct prefix p;
	struct key k, m;
	unsigned int bits;

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';
	if (addr_parse(text, &p.addr) != 0 || p.addr.port != 0)
		return -EINVAL;
	bits = (unsigned int)addr_ip_len(&p.addr) * 8;
	if (slash != NULL && !bits_parse(slash + 1, bits, &bits))
		return -EINVAL;
	p.bits = (uint8_t)bits;
	k = key_of(&p.addr);
	m = prefix_mask(&p);
	if ((k.hi & m.hi) != 0 || (k.lo & m.lo) != 0)
		return -EINVAL;
	prefix_unmap(&p);
	*out = p;
	return 0;
}

bool
prefix_covers(const struct prefix *p, const struct addr *a)
{
	struct key k = key_of(a), base = key_of(&p->addr), m = prefix_mask(p);

	return a->family == p->addr.family && ((k.hi ^ base.hi) & ~m.hi) == 0 &&
	    ((k.lo ^ base.lo) & ~m.lo) == 0;
}

bool
prefix_contains(const struct prefix *p, const struct addr *a)
{
	struct addr readings[ADDR_READINGS];
	size_t i, n = addr_readings(a, readings);

	for (i = 0; i < n; i++) {
		if (prefix_covers(p, &readings[i]))
			return true;
	}
	return false;
}

struct prefix_list *
prefix_list_new(void)
{
	return calloc(1, sizeof(struct prefix_list));
}

void
prefix_list_free(struct prefix_list *l)
{
	struct owned_rule *o;

	if (l == NULL)
		return;
	while ((o = SLIST_FIRST(&l->owned)) != NULL) {
		SLIST_REMOVE_HEAD(&l->owned, next);
		free(o);
	}
	free(l->v4.starts);
	free(l->v4.rules);
	free(l->v6.starts);
	free(l->v6.rules);
	free(l);
}

/* Room for two more ranges, and the first one, which no rule covers. */
static int
table_reserve(struct table *t)
{
	size_t cap = t->cap > 0 ? 2 * t->cap : 64;
	const struct prefix_rule **rules;
	struct key *starts;

	if (t->n + 2 > t->cap) {
		starts = realloc(t->starts, cap * sizeof(*starts));
		if (starts == NULL)
			return -ENOMEM;
		t->starts = starts;
		rules = realloc(t->rules, cap * sizeof(*rules));
		if (rules == NULL)
			return -ENOMEM;
		t->rules = rules;
		t->cap = cap;
	}
	if (t->n == 0) {
		t->starts[0] = (struct key){ 0, 0 };
		t->rules[0] = NULL;
		t->n = 1;
	}
	return 0;
}

/* The range that the key falls in. */
static size_t
table_at(const struct table *t, const struct key *k)
{
	const uint32_t *first = &t->first_of[k->hi >> 56];
	size_t half, base = first[0], n = first[1] - base + 1;

	while (n > 1) {
		half = n / 2;
		base += half * key_le(&t->starts[base + half], k);
		n -= half;
	}
	return base;
}

/* Makes a range begin at the key; its index. */
static size_t
table_split(struct table *t, const struct key *k)
{
	size_t i = table_at(t, k), b = k->hi >> 56;

	if (t->starts[i].hi == k->hi && t->starts[i].lo == k->lo)
		return i;
	memmove(
	    &t->starts[i + 1], &t->starts[i], (t->n - i) * sizeof(*t->starts));
	memmove(&t->rules[i + 1], &t->rules[i], (t->n - i) * sizeof(*t->rules));
	t->starts[i + 1] = *k;
	t->n++;
	/* The top byte's own range moves only when the key is its least. */
	if (k->hi << 8 != 0 || k->lo != 0)
		b++;
	for (; b <= 256; b++)
		t->first_of[b]++;
	return i + 1;
}

/* The first key behind a range; false when the range ends the key space. */
static bool
key_after(struct key *k, const struct key *mask, bool v4)
{
	uint64_t one = v4 ? (uint64_t)1 << 32 : 1;

	k->hi |= mask->hi;
	k->lo |= mask->lo;
	if (v4) {
		k->hi += one;
		return k->hi != 0;
	}
	k->lo += one;
	if (k->lo == 0)
		k->hi++;
	return k->lo != 0 || k->hi != 0;
}

static int
table_add(struct table *t, const struct prefix_rule *r)
{
	struct key k = key_of(&r->prefix.addr), m = prefix_mask(&r->prefix);
	size_t from, to;
	int err = table_reserve(t);

	if (err != 0)
		return err;
	from = table_split(t, &k);
	to = key_after(&k, &m, r->prefix.addr.family == ADDR_V4)
	    ? table_split(t, &k)
	    : t->n;
	for (; from < to; from++) {
		if (t->rules[from] == NULL ||
		    t->rules[from]->prefix.bits <= r->prefix.bits)
			t->rules[from] = r;
	}
	return 0;
}

int
prefix_list_add(struct prefix_list *l, const struct prefix_rule *r)
{
	struct owned_rule *o = calloc(1, sizeof(*o));
	int err;

	if (o == NULL)
		return -ENOMEM;
	o->rule = *r;
	err = table_add(
	    r->prefix.addr.family == ADDR_V4 ? &l->v4 : &l->v6, &o->rule);
	if (err != 0) {
		free(o);
		return err;
	}
	SLIST_INSERT_HEAD(&l->owned, o, next);
	return 0;
}

static const struct prefix_rule *
list_find_one(const struct prefix_list *l, const struct addr *a)
{
	const struct table *t = a->family == ADDR_V4 ? &l->v4 : &l->v6;
	struct key k;

	if (t->n == 0 || a->family == ADDR_NONE)
		return NULL;
	k = key_of(a);
	return t->rules[table_at(t, &k)];
}

const struct prefix_rule *
prefix_list_find(const struct prefix_list *l, const struct addr *a)
{
	const struct prefix_rule *r, *found = NULL;
	struct addr readings[ADDR_READINGS];
	size_t i, n;

	if (a->family == ADDR_V4)
		return list_find_one(l, a);
	n = addr_readings(a, readings);
	for (i = 0; i < n; i++) {
		r = list_find_one(l, &readings[i]);
		if (r == NULL)
			continue;
		if (r->verdict == PREFIX_DENY)
			return r;
		found = r;
	}
	return found;
}

/*
 * IANA "IPv4/IPv6 Special-Purpose Address Registry", what is not globally
 * reachable, and the translation prefixes whose far end only their network
 * knows.
 */
static const struct special {
	const char *prefix, *name;
} specials[] = {
	{ "0.0.0.0/8", "unspecified" },
	{ "10.0.0.0/8", "private" },
	{ "100.64.0.0/10", "shared" },
	{ "127.0.0.0/8", "loopback" },
	{ "168.63.129.16/32", "cloud-platform" }, /* of every Azure host */
	{ "169.254.0.0/16", "link-local" }, /* 169.254.169.254: metadata */
	{ "172.16.0.0/12", "private" },
	{ "192.0.0.0/24", "protocol-assignments" },
	{ "192.0.2.0/24", "documentation" },
	{ "192.88.99.0/24", "6to4-relay" },
	{ "192.168.0.0/16", "private" },
	{ "198.18.0.0/15", "benchmarking" },
	{ "198.51.100.0/24", "documentation" },
	{ "203.0.113.0/24", "documentation" },
	{ "224.0.0.0/4", "multicast" },
	{ "240.0.0.0/4", "reserved" },
	{ "255.255.255.255/32", "broadcast" },
	{ "::/128", "unspecified" },
	{ "::1/128", "loopback" },
	{ "64:ff9b:1::/48", "nat64-local" },
	{ "100::/64", "discard" },
	{ "100:0:0:1::/64", "dummy" },
	{ "2001::/32", "teredo" }, /* RFC 8656 section 21.4 */
	{ "2001:2::/48", "benchmarking" },
	{ "2001:10::/28", "orchid" },
	{ "2001:20::/28", "orchid" },
	{ "2001:db8::/32", "documentation" },
	{ "2002::/16", "6to4" }, /* RFC 8656 section 21.4 */
	{ "3fff::/20", "documentation" },
	{ "5f00::/16", "segment-routing" },
	{ "fc00::/7", "unique-local" }, /* fd00:ec2::254: metadata */
	{ "fe80::/10", "link-local" },
	{ "fec0::/10", "site-local" },
	{ "ff00::/8", "multicast" },
};

int
prefix_list_add_special(struct prefix_list *l)
{
	struct prefix_rule r = { .verdict = PREFIX_DENY };
	size_t i;
	int err;

	for (i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
		r.name = specials[i].name;
		err = prefix_parse(specials[i].prefix, &r.prefix);
		if (err == 0)
			err = prefix_list_add(l, &r);
		if (err != 0)
			return err;
	}
	return 0;
}
