/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chat: outbox and inbox of a device, as web/sdk/chat.js.
 * Owns: nothing; the state is in the device.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_CHAT_H
#define FLOE_TESTS_SIM_CHAT_H

#include <stdbool.h>
#include <stdint.h>

struct answer;
struct device;
struct json_in;
struct ledger_text;
struct request;

void chat_start(struct device *);
void chat_page(struct device *); /* a new page begins */
void chat_push(struct device *, struct json_in *);
void
chat_answer(struct device *, const struct request *, const struct answer *);
/* A text to somebody. */
void chat_write(struct device *);
/* Into the outbox, with what was there before. */
void chat_enter(struct device *, struct ledger_text *);
/* The server has it: out of the outbox. */
void chat_sent(struct device *, uint32_t mid);
bool chat_quiet(const struct device *);

#endif
