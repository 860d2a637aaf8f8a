/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client: the requests of a TURN client (RFC 8656) with long-term credentials
 * (RFC 8489 section 9.2, as RFC 5389 clients do it), and what answers mean.
 * Owns: nothing; user and password are borrowed.  Thread: any, one at a time.
 */
#ifndef FLOE_TOOLS_PROBE_CORE_CLIENT_H
#define FLOE_TOOLS_PROBE_CORE_CLIENT_H

#include "lib/stun/message.h"

#define CLIENT_TEXT_MAX     764 /* of realm and nonce, with the NUL */
#define CLIENT_PASSWORD_MAX 512

struct client {
	const char *user, *password; /* NULL: none */
	bool challenged;             /* realm, nonce and key are there */
	unsigned int stale;          /* nonces that did not hold */
	char realm[CLIENT_TEXT_MAX], nonce[CLIENT_TEXT_MAX];
	uint8_t key[CRYPTO_MD5_LEN];
};

struct client_ask {
	uint16_t method;
	bool ipv6;         /* Allocate: an IPv6 relay */
	struct addr peer;  /* CreatePermission, ChannelBind */
	uint16_t channel;  /* ChannelBind */
	uint32_t lifetime; /* Refresh */
};

struct client_reply {
	int code; /* of an error, 0 for a success */
	char reason[128];
	struct addr mapped, relayed, other; /* ADDR_NONE: not there */
	uint32_t lifetime;
};

enum client_verdict {
	CLIENT_DONE,
	CLIENT_AGAIN,   /* ask again: it wanted credentials, or a new nonce */
	CLIENT_REFUSED, /* reply has why */
	CLIENT_FORGED,  /* not signed with the password that we share */
};

/* 0, or -ENOSPC or -EIO. */
int client_request(const struct client *, const struct client_ask *,
    const uint8_t txid[STUN_TXID_LEN], struct buf *);
/* An answer to the request made last. */
enum client_verdict
client_answer(struct client *, const struct stun_msg *, struct client_reply *);

/* A Send indication or, with a channel, ChannelData. The padding of
 * ChannelData is for streams. 0 or -ENOSPC. */
int client_send(const struct addr *peer, uint16_t channel, const void *data,
    size_t len, struct buf *);
/* What a peer sent: 0, or -EBADMSG for anything else. *peer is ADDR_NONE when
 * it came on a channel. Borrows. */
int client_data(const void *msg, size_t msg_len, struct addr *peer,
    uint16_t *channel, const uint8_t **data, size_t *len);

/* "expiry:floe-probe" and its password for a shared secret, as TURN servers
 * with one have it (draft-uberti-behave-turn-rest). 0 or -EIO. */
int client_secret(const char *secret, uint64_t expiry_s, char *user,
    char *password, size_t size);

#endif
