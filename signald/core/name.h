/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * name: how users, devices, conversations and calls are spelled, and nothing
 * but the spelling. A 1:1 conversation is "app:1:min:max" of its two users, a
 * call is "c-" hex "@" conversation, so whoever holds an id knows where its
 * owner lives. A room is "r-" and a nonce that nobody guesses, a chatroom of
 * the users' choosing is "app:c:name".
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_NAME_H
#define FLOE_SIGNALD_CORE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signald/core/member.h"
#include "signald/core/mail.h"

bool sig_name_user_ok(const char *, size_t len);
bool sig_name_device_ok(const char *, size_t len);

/* The conversation of two users, whichever comes first. */
void sig_name_conv(
    char out[SIG_CONV_MAX + 1], const char *app, const char *, const char *);
/* The other member of a 1:1 conversation of this app and user; false when the
 * id is malformed, of another app, or the user is no member. */
bool sig_name_conv_peer(char peer[SIG_NAME_MAX + 1], const char *conv,
    const char *app, const char *user);

void
sig_name_call(char out[SIG_CALL_MAX + 1], uint64_t nonce, const char *conv);
/* The conversation in a call id, borrowed; NULL when it is no call id. */
const char *sig_name_call_conv(const char *call);

/* "main:g:" and 26 letters and digits made of 16 random bytes. */
void sig_name_group(
    char out[SIG_CONV_MAX + 1], const char *app, const uint8_t random[16]);
/* The conversation that a stored entry begins with; false: not our text. */
bool
sig_name_of_entry(char out[SIG_CONV_MAX + 1], const char *text, size_t len);
/* Whether it is the spelling of a group of this app. */
bool sig_name_group_ok(const char *conv, const char *app);

const char *sig_role_name(enum sig_role);
const char *sig_join_name(enum sig_join);
const char *sig_history_name(enum sig_history);
#define SIG_ROOM_NONCE   16 /* bytes */
#define SIG_CHATROOM_MAX 64

void
sig_name_room(char out[SIG_ROOM_MAX + 1], const uint8_t nonce[SIG_ROOM_NONCE]);
bool sig_name_room_ok(const char *, size_t len);
bool sig_name_chatroom_ok(const char *, size_t len);
/* The key of a chatroom that is called so, and the name in a key, borrowed. */
void sig_name_chatroom(
    char out[SIG_ROOM_MAX + 1], const char *app, const char *name);
const char *sig_name_chatroom_of(const char *key);

#endif
