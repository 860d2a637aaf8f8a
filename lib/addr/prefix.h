/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prefix: address prefixes and lists of allow/deny rules in which the
 * longest match wins. An address is judged in every reading it has (addr.h),
 * so a rule on 10.0.0.0/8 also meets ::ffff:10.0.0.1 and 2002:0a00:0001::.
 * Owns: a list owns its rules.  Thread: immutable after building.
 */
#ifndef FLOE_LIB_ADDR_PREFIX_H
#define FLOE_LIB_ADDR_PREFIX_H

#include "lib/addr/addr.h"

struct prefix {
	struct addr addr; /* port 0, host bits zero */
	uint8_t bits;
};

enum prefix_verdict {
	PREFIX_NO_RULE = 0,
	PREFIX_ALLOW,
	PREFIX_DENY,
};

struct prefix_rule {
	struct prefix prefix;
	enum prefix_verdict verdict;
	const char *name; /* for logs: "private"; static or the caller's */
};

struct prefix_list;

/* "10.0.0.0/8", "fe80::/10", "192.0.2.1"; prefixes of ::ffff:0:0/96 become
 * IPv4. -EINVAL: malformed or host bits. */
int prefix_parse(const char *, struct prefix *);
/* True when some reading of the address is inside. */
bool prefix_contains(const struct prefix *, const struct addr *);

/* True when the very bits are inside: who may choose an address of his own
 * network chooses what it reads like, and must not pass for another's. */
bool prefix_covers(const struct prefix *, const struct addr *);

struct prefix_list *prefix_list_new(void);
void prefix_list_free(struct prefix_list *);
/* A later rule on the same prefix replaces the verdict. 0 or -ENOMEM. */
int prefix_list_add(struct prefix_list *, const struct prefix_rule *);
/*
 * The longest rule that covers the address, NULL when none does. When its
 * readings meet different rules, one that denies wins.
 * Cost: a binary search over the ranges of the family, nothing allocated.
 */
const struct prefix_rule *
prefix_list_find(const struct prefix_list *, const struct addr *);
/*
 * The peers that a relay refuses unless told otherwise: loopback,
 * private, link-local, multicast, documentation, ... A longer rule wins over
 * these, and so does a later one on the same prefix. 0 or -ENOMEM.
 */
int prefix_list_add_special(struct prefix_list *);

#endif
