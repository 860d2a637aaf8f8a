/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "signald/core/effect.h"
#include "signald/core/inbox.h"
#include "signald/core/keep.h"
#include "signald/core/leg.h"
#include "signald/core/link.h"
#include "signald/core/presence.h"
#include "signald/core/place.h"
#include "signald/core/session.h"
#include "signald/core/user.h"

#define ID_BYTES     12 /* unique */
#define SECRET_BYTES 24 /* and unguessable */

/* A push has arrived when the client was heard so long after it: a link that
 * still brings us frames has not been broken for our side that long. */
#define SURE_MS 2000

/* Windows of woken sessions end one after the other: what the end of one costs
 * would hold up the core when nobody comes back. */
#define WOKEN_A_MS 4

static bool
session_is(const void *obj, const void *key)
{
	return strcmp(((const struct sig_session *)obj)->id, key) == 0;
}

struct sig_session *
sig_session_find(const struct sig_core *core, const char *id)
{
	return htab_find(&core->sessions, sig_hash(core, id), session_is, id);
}

/* One session too many ends the one that has waited longest for its client;
 * false when all of them live. */
static bool
session_make_room(
    struct sig_core *core, struct sig_user *user, struct sig_session *fresh)
{
	struct sig_session *s, *oldest = NULL;

	if (user->nsessions <= core->cfg.max_sessions_per_user)
		return true;
	LIST_FOREACH (s, &user->sessions, of_user) {
		if (s != fresh && s->link == NULL &&
		    (oldest == NULL || s->detached_ms < oldest->detached_ms))
			oldest = s;
	}
	if (oldest != NULL)
		sig_session_end(core, oldest);
	return oldest != NULL;
}

static void
session_expired(struct sig_core *core, struct sig_timer *t)
{
	sig_session_end(core,
	    (struct sig_session *)((char *)t -
		offsetof(struct sig_session, expiry)));
}

static struct sig_session *
session_put(struct sig_core *core, struct sig_user *user, const char *device,
    const char *id)
{
	struct sig_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	memcpy(s->id, id, strnlen(id, SIG_SESSION_MAX));
	memcpy(s->device, device, strnlen(device, SIG_DEVICE_MAX));
	s->heard_wall = core->wall;
	s->detached_ms = core->now;
	if (htab_put(&core->sessions, sig_hash(core, s->id), s) != 0) {
		free(s);
		return NULL;
	}
	s->user = user;
	LIST_INSERT_HEAD(&user->sessions, s, of_user);
	user->nsessions++;
	core->stats.sessions++;
	return s;
}

struct sig_session *
sig_session_new(
    struct sig_core *core, struct sig_user *user, const char *device)
{
	uint8_t random[ID_BYTES], secret[SECRET_BYTES];
	char id[SIG_SESSION_MAX + 1];
	struct sig_session *s;

	core->cfg.random(random, sizeof(random));
	core->cfg.random(secret, sizeof(secret));
	crypto_base64url(random, sizeof(random), id);
	s = session_put(core, user, device, id);
	if (s == NULL)
		return NULL;
	crypto_base64url(secret, sizeof(secret), s->secret);
	if (!session_make_room(core, user, s)) {
		sig_session_free(core, s);
		return NULL;
	}
	return s;
}

/* The secret is random enough for a plain hash. */
static int
secret_proof(const char *secret, uint8_t proof[CRYPTO_SHA256_LEN])
{
	const struct crypto_span span = { secret,
		strnlen(secret, SIG_SECRET_MAX) };

	return crypto_digest(CRYPTO_SHA256, &span, 1, proof);
}

int
sig_session_keep(
    struct sig_core *core, struct sig_session *s, struct sig_ticket *ticket)
{
	char key[SIG_KEY_MAX + 1], hex[2 * CRYPTO_SHA256_LEN + 1];
	uint8_t proof[CRYPTO_SHA256_LEN];
	struct json_out o;
	struct buf b;

	if (secret_proof(s->secret, proof) != 0) {
		sig_ticket_free(ticket);
		return -EIO;
	}
	crypto_hex(proof, sizeof(proof), hex);
	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_str(&o, "device", s->device);
	json_out_str(&o, "proof", hex);
	json_out_str(&o, "state", sig_presence_name(s->state));
	if (s->status != NULL)
		json_out_str(&o, "status_text", s->status);
	json_out_end(&o);
	sig_keep_session_key(key, s->user->name, s->id);
	return sig_keep_put(core, ticket, key, &b, false);
}

static bool
proof_read(const char *hex, uint8_t proof[CRYPTO_SHA256_LEN])
{
	unsigned int byte;
	size_t i;

	if (hex == NULL || strlen(hex) != 2 * CRYPTO_SHA256_LEN)
		return false;
	for (i = 0; i < CRYPTO_SHA256_LEN; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		proof[i] = (uint8_t)byte;
	}
	return true;
}

bool
sig_session_wake(struct sig_core *core, const char *name, const char *id,
    struct json_in *record)
{
	const char *device = json_in_str(record, "device", 1, SIG_DEVICE_MAX);
	const char *hex = json_in_str(record, "proof", 1, SIG_TEXT_MAX);
	const char *state = json_in_str(record, "state", 1, SIG_TEXT_MAX);
	const char *status =
	    json_in_str_opt(record, "status_text", 1, SIG_STATUS_MAX);
	uint8_t proof[CRYPTO_SHA256_LEN];
	struct sig_session *s = NULL;
	struct sig_user *user;

	if (record->code != 0 || !proof_read(hex, proof))
		return false;
	user = sig_user_get(core, name);
	if (user == NULL)
		return false;
	if (user->nsessions < core->cfg.max_sessions_per_user)
		s = session_put(core, user, device, id);
	if (s == NULL) {
		sig_user_release(core, user);
		return false;
	}
	s->woken = s->unsure = true;
	if (!sig_presence_named(state, &s->state))
		s->state = SIG_STATE_ONLINE;
	if (status != NULL)
		s->status = strdup(status); /* or does without */
	memcpy(s->proof, proof, sizeof(s->proof));
	sig_timer_set(core, &s->expiry,
	    core->now + core->cfg.resume_ms + core->woken++ / WOKEN_A_MS,
	    session_expired);
	sig_presence_woken(core, user);
	return true;
}

static bool
session_proves(const struct sig_session *s, const struct sig_login *login)
{
	uint8_t proof[CRYPTO_SHA256_LEN];

	/* Whole arrays are compared: zero-filled, so equal means equal. */
	if (s->woken)
		return secret_proof(login->secret, proof) == 0 &&
		    crypto_equal(s->proof, proof, sizeof(proof));
	return crypto_equal(s->secret, login->secret, sizeof(s->secret));
}

struct sig_session *
sig_session_prove(const struct sig_core *core, const struct sig_login *login)
{
	struct sig_session *s = sig_session_find(core, login->session);

	if (s == NULL || s->lost || s->user != login->user ||
	    strcmp(s->device, login->device) != 0 || !session_proves(s, login))
		return NULL;
	memcpy(s->secret, login->secret, sizeof(s->secret));
	return s;
}

void
sig_session_attach(
    struct sig_core *core, struct sig_session *s, struct sig_link *link)
{
	struct sig_link *old = s->link;

	if (old != NULL) {
		/* Not by a detach: the session misses nothing. */
		sig_session_settle(s);
		sig_timer_clear(core, &s->inbox.resend);
		old->session = NULL;
		sig_link_close(
		    core, old->id, 4001, "another link took this session over");
	}
	sig_timer_clear(core, &s->expiry);
	s->link = link;
	s->heard_wall = core->wall;
	sig_link_ready(core, link, s);
}

void
sig_session_detach(struct sig_core *core, struct sig_session *s)
{
	sig_session_settle(s);
	s->link = NULL;
	s->detached_ms = core->now;
	sig_timer_clear(core, &s->inbox.resend);
	sig_timer_clear(core, &s->ice);
	sig_timer_set(
	    core, &s->expiry, core->now + core->cfg.resume_ms, session_expired);
	sig_leg_session_away(core, s);
	sig_places_away(core, s);
}

void
sig_session_free(struct sig_core *core, struct sig_session *s)
{
	sig_timer_clear(core, &s->expiry);
	sig_timer_clear(core, &s->inbox.resend);
	sig_timer_clear(core, &s->inbox.save);
	sig_timer_clear(core, &s->ice);
	sig_helds_fini(&s->held);
	while (!LIST_EMPTY(&s->places))
		sig_place_free(core, LIST_FIRST(&s->places));
	htab_del(&core->sessions, sig_hash(core, s->id), s);
	LIST_REMOVE(s, of_user);
	s->user->nsessions--;
	core->stats.sessions--;
	crypto_wipe(s->secret, sizeof(s->secret));
	free(s->status);
	free(s);
}

void
sig_session_end(struct sig_core *core, struct sig_session *s)
{
	struct sig_user *user = s->user;
	char key[SIG_KEY_MAX + 1];

	sig_keep_session_key(key, user->name, s->id);
	sig_keep_drop(core, key);
	sig_inbox_save(core, s);
	sig_leg_session_gone(core, s);
	sig_places_gone(core, s);
	if (s->state > SIG_STATE_INVISIBLE && s->heard_wall > user->last_seen)
		user->last_seen = s->heard_wall;
	sig_session_free(core, s);
	sig_presence_changed(core, user);
	sig_user_release(core, user);
}

static void
call_send(struct sig_core *core, const struct sig_session *s, const char *text,
    size_t len)
{
	struct buf b;

	buf_init(&b, SIG_TEXT_MAX);
	buf_put(&b, text, len);
	core->stats.pushes++;
	sig_send(core, s->link->id, &b, false);
}

void
sig_session_push_call(struct sig_core *core, struct sig_session *s,
    const char *text, size_t len, const char *invite)
{
	struct sig_held *held;

	if (s->link != NULL)
		sig_session_settle(s);
	held = sig_helds_put(&s->held, text, len, invite);
	if (s->link != NULL) {
		call_send(core, s, text, len);
		if (held != NULL) {
			held->sent = true;
			held->sent_ms = core->now;
		}
	} else if (held == NULL) {
		/* A call with a hole in it is worse than a lost one: the
		 * session ends as if its window had passed, but not under our
		 * caller's hands. */
		s->lost = true;
		sig_timer_set(core, &s->expiry, core->now, session_expired);
	}
}

bool
sig_session_holds_invite(const struct sig_session *s, const char *call)
{
	struct sig_held_walk walk;
	const struct sig_held *held;

	/* Each op of a call asks, and mostly what is held is no invite. */
	if (s->held.invites == 0)
		return false;
	sig_held_walk_init(&walk, &s->held);
	while ((held = sig_held_walk_next(&walk)) != NULL) {
		if (sig_held_invites(held, call))
			return true;
	}
	return false;
}

void
sig_session_knows_call(struct sig_session *s, const char *call)
{
	bool more = sig_session_holds_invite(s, call);

	/* And with it all that was sent before. */
	while (more && sig_helds_first(&s->held)->sent) {
		more = !sig_held_invites(sig_helds_first(&s->held), call);
		sig_helds_drop(&s->held);
	}
}

void
sig_session_settle(struct sig_session *s)
{
	const struct sig_held *held;

	while ((held = sig_helds_first(&s->held)) != NULL && held->sent &&
	    held->sent_ms + SURE_MS <= s->link->heard_ms)
		sig_helds_drop(&s->held);
}

void
sig_session_flush(struct sig_core *core, struct sig_session *s)
{
	struct sig_held_walk walk;
	struct sig_held *held;

	sig_held_walk_init(&walk, &s->held);
	while ((held = sig_held_walk_next(&walk)) != NULL) {
		call_send(core, s, held->text, held->len);
		held->sent = true;
		held->sent_ms = core->now;
	}
}
