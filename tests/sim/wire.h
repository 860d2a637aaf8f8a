/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire: the link of a page, as web/sdk/link.js keeps it up: hello, heartbeat,
 * coming back after a while. Owns: nothing; the state is in the device.
 * Thread: one.
 */
#ifndef FLOE_TESTS_SIM_WIRE_H
#define FLOE_TESTS_SIM_WIRE_H

struct device;

void wire_open(struct device *);
/* The link breaks, and both sides learn of it. */
void wire_lose(struct device *);
void wire_heard(struct device *); /* ears of its link */
void wire_shut(struct device *, int code);
void wire_text(struct device *, const char *text);
/* Says it when there is a link. */
void wire_say(struct device *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
