/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * addr: a transport address (IPv4 or IPv6, with port) without any socket
 * type, comparable and hashable as plain bytes.
 * Invariant: every byte that a family does not use is zero, so memcmp and
 * hash_bytes over the whole struct are exact.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_ADDR_ADDR_H
#define FLOE_LIB_ADDR_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum addr_family {
	ADDR_NONE = 0,
	ADDR_V4 = 4,
	ADDR_V6 = 6,
};

struct addr {
	uint8_t family; /* enum addr_family */
	uint8_t zero;
	uint16_t port;  /* host order */
	uint8_t ip[16]; /* network order; IPv4 in the first 4 bytes */
};

#define ADDR_STRLEN 56 /* "[v6]:port" and its NUL */

struct addr addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);
/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80" or without
 * the port, which then is 0. -EINVAL for anything else (names, zones). */
int addr_parse(const char *, struct addr *);
/* The above form; the port is printed when it is not 0; "none" for ADDR_NONE.
 * Returns out. */
const char *addr_format(const struct addr *, char out[ADDR_STRLEN]);
bool addr_equal(const struct addr *, const struct addr *);    /* with port */
bool addr_equal_ip(const struct addr *, const struct addr *); /* without */
size_t addr_ip_len(const struct addr *);    /* 4 or 16; 0 for ADDR_NONE */
bool addr_is_loopback(const struct addr *); /* 127.0.0.0/8 or ::1 */

/*
 * The IPv4 address that an IPv6 spelling reaches in the end: ::ffff:0:0/96,
 * ::ffff:0:0:0/96, ::/96, 64:ff9b::/96, 64:ff9b:1::/48, 2002::/16 (6to4),
 * 2001::/32 (Teredo, its client) and ISATAP interface ids. Anything else
 * unchanged. Keeps the port.
 */
struct addr addr_canonical(const struct addr *);

/* 6to4 (2002::/16) or Teredo (2001::/32): its packets go through a tunnel that
 * anybody may feed. */
bool addr_tunneled(const struct addr *);

/*
 * Every address that a packet to this one may meet on its way: itself unless
 * it is only a spelling of IPv4 (::ffff:0:0/96), what its prefix embeds, what
 * its interface id embeds. A verdict has to hold for all of them, or
 * fe80::5efe:192.0.2.1 would pass as 192.0.2.1. Returns their count, 1 to 3.
 */
#define ADDR_READINGS 3
size_t addr_readings(const struct addr *, struct addr out[ADDR_READINGS]);

#endif
