/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chat: outbox, inbox and read marks of a device, as web/sdk/chat.js.
 * Owns: nothing; the state is in the device.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_CHAT_H
#define FLOE_TESTS_SIM_CHAT_H

#include <stdbool.h>

struct answer;
struct device;
struct json_in;
struct request;

void chat_start(struct device *);
void chat_page(struct device *); /* a new page begins */
void chat_push(struct device *, struct json_in *);
void chat_heard_read(struct device *, struct json_in *);
void
chat_answer(struct device *, const struct request *, const struct answer *);
void chat_write(struct device *, int to);
void chat_read(struct device *);
void chat_last(struct device *); /* asks for all there is */
bool chat_quiet(const struct device *);

#endif
