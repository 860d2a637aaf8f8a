/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mail: what shards say to each other. A mail names its receiver by key (a user
 * or a call), never by pointer or place, and is plain data that could as well
 * cross a network: the same shapes will travel on a bus between nodes.
 * Mail between two shards arrives once and in order.
 * Owns: its texts.  Thread: handed over whole.
 */
#ifndef FLOE_SIGNALD_CORE_MAIL_H
#define FLOE_SIGNALD_CORE_MAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "signald/core/account.h"
#include "signald/core/bond.h"
#include "signald/core/sizes.h"

#define SIG_CALL_MAX    160 /* a call id carries its conversation */
#define SIG_SESSION_MAX 40
#define SIG_ROOM_MAX    SIG_CONV_MAX

enum sig_mail_kind {
	SIG_MAIL_INBOX,    /* to a user: sync stands at text in your inbox */
	SIG_MAIL_PRESENCE, /* to a user: peer's state changed, or answers ASK */
	SIG_MAIL_PRESENCE_ASK, /* to a user: tell me your state */
	SIG_MAIL_CALL,         /* to a call: an op of a session */
	SIG_MAIL_CALL_LOST,    /* to a call: that session is gone for good */
	SIG_MAIL_CALL_AWAY,    /* to a call: that session's link is gone */
	SIG_MAIL_CALL_BACK,    /* to a call: it has a new one */
	SIG_MAIL_CALL_RING,    /* to a user: somebody invites you */
	SIG_MAIL_CALL_BUSY,    /* to a call: the callee is in another one */
	SIG_MAIL_CALL_REPLY,   /* to a user's session: the answer of an op */
	SIG_MAIL_CONTACT,   /* to a user (but one session): a row has changed */
	SIG_MAIL_STANDING,  /* to a user: see standing.c */
	SIG_MAIL_NOTE,      /* to a user (but one session): push text */
	SIG_MAIL_CALL_PUSH, /* to a user (or one session): push text */
	SIG_MAIL_AUDIENCE,  /* to every shard: a large conversation's entry */
	SIG_MAIL_ROOM,      /* to a room: an op of a session, or its fate */
	SIG_MAIL_CHATROOM,  /* to a chatroom: likewise */
	SIG_MAIL_ROOM_REPLY, /* to a user's session: the answer of an op */
	SIG_MAIL_ROOM_TELL,  /* to all of a room where the user lives: push text
			      */
};

struct sig_mail {
	STAILQ_ENTRY(sig_mail) next; /* whoever has it may line it up */
	enum sig_mail_kind kind;
	char to[SIG_CALL_MAX + 1];         /* key of the receiver */
	char from[SIG_NAME_MAX + 1];       /* the user it comes from */
	char session[SIG_SESSION_MAX + 1]; /* of from, or the one addressed */
	char device[SIG_DEVICE_MAX + 1];
	char call[SIG_CALL_MAX + 1]; /* or room */
	/* An op or its REPLY: the asking shard's ticket; INBOX: the seq */
	uint64_t request;
	/* INBOX; AUDIENCE: the seq; CONTACT: their version; ROOM, CHATROOM: a
	 * number that the op has; CALL of an invite: 1: nobody is to hear */
	uint64_t sync;
	uint64_t ts;    /* wall ms */
	uint32_t flags; /* CALL: event (call.h); CALL_REPLY: error (reply.h);
			 * CALL_PUSH: leg.h; PRESENCE: presence.c;
			 * INBOX: audience.h;
			 * ROOM, CHATROOM, ROOM_TELL: crowd.h */
	char *text;     /* JSON; its own, whoever made it */
	size_t text_len;
};

STAILQ_HEAD(sig_mails, sig_mail);

struct sig_mail *sig_mail_new(enum sig_mail_kind, const char *to);
/* Copies the text, with a NUL after it. False: no memory, it has none. */
bool sig_mail_put(struct sig_mail *, const char *text, size_t len);
/* A new one with its text, or NULL. */
struct sig_mail *
sig_mail_text(enum sig_mail_kind, const char *to, const char *text, size_t len);
void sig_mail_free(struct sig_mail *);

#endif
