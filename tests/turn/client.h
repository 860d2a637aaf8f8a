/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client: a TURN client against the fake. It sends credentials as soon as a
 * challenge has told it realm and nonce, as real ones do: those of RFC 5389,
 * or, when told so, of RFC 8489.
 * Owns: nothing; borrows the fake.  Thread: one.
 */
#ifndef FLOE_TESTS_TURN_CLIENT_H
#define FLOE_TESTS_TURN_CLIENT_H

#include "lib/stun/message.h"
#include "tests/turn/fake.h"

#define CLIENT_WAITING 8

struct client {
	struct fake *f;
	struct addr addr;
	const char *user, *password;
	char realm[128];   /* of the challenge */
	bool stream;       /* over TCP */
	char nonce[128];   /* "": none yet, so no credentials are sent */
	uint8_t offer[64]; /* PASSWORD-ALGORITHMS of the challenge */
	size_t offer_len;
	uint32_t algorithm; /* STUN_PASSWORD_..., sent with offer; 0: neither */
	bool sha256;        /* MESSAGE-INTEGRITY-SHA256 */
	bool sha1_too;      /* and MESSAGE-INTEGRITY before it */
	bool userhash;      /* for USERNAME */
	const char *mac;    /* the key itself, instead of user and password */
	bool with_token;    /* ACCESS-TOKEN that tells mac, and: */
	uint64_t token_issued_s;
	uint32_t token_lifetime_s;
	bool token_broken;     /* its last byte is another */
	char third_party[128]; /* of the challenge; "" none */
	uint32_t requests;
	bool whole;        /* DONT-FRAGMENT in Send indications */
	bool same_id;      /* the next request is a retransmission */
	bool no_integrity; /* send USERNAME but no MESSAGE-INTEGRITY */
	uint16_t without; /* the credential of this type is left out; 0: none */
	/* of requests that have no answer yet, the last ones */
	uint8_t waiting[CLIENT_WAITING][STUN_TXID_LEN];
	uint32_t nwaiting;
	/* the request under construction */
	uint8_t mem[FAKE_DATAGRAM];
	struct buf buf;
	struct stun_out out;
	/* the last answer */
	struct stun_msg answer;
	bool authentic; /* it is sealed rightly, and by one seal alone: with
			   an algorithm MESSAGE-INTEGRITY-SHA256 */
};

void client_init(struct client *, struct fake *, const char *addr);
/* Begins a request; attributes may be put into c->out. */
void client_begin(struct client *, uint16_t method);
/* All that RFC 8489 has: SHA-256 for key and seal, and USERHASH. */
void client_be_modern(struct client *);
/* Adds credentials, sends. 0 success, an error code, or -1: no answer. */
int client_send(struct client *);

/* What has come after that for it: as client_send. */
int client_hear(struct client *);

/* Whole requests, answered as client_send. */
int client_allocate(struct client *); /* and its challenge before */
int client_allocate_tcp(struct client *);
int client_refresh(struct client *, uint32_t lifetime_s);
int client_permit(struct client *, const char *peer);
/* -1: it is answered when fake_dialed has told what came of it. */
int client_connect(struct client *, const char *peer);
int client_bind_conn(struct client *, uint32_t id);
int client_bind(struct client *, uint16_t channel, const char *peer);
/* Indications and ChannelData; the fake's out says what became of them. */
void client_send_data(struct client *, const char *peer, const char *text);
void client_channel_data(struct client *, uint16_t channel, const char *text);

/* Of the last answer. */
struct addr client_relayed(const struct client *);
uint32_t client_conn(const struct client *); /* CONNECTION-ID; 0: none */
uint32_t client_lifetime(const struct client *);

#endif
