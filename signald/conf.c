/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "lib/daemon/listen.h"
#include "signald/appconf.h"
#include "signald/conf.h"
#include "signald/keys.h"
#include "signald/relays.h"
#include "signald/webhook.h"

static const char *const listen_schemes[] = { "http", "https", NULL };

#define OWN(field) offsetof(struct signald_conf, field)
#define SECOND_MS  INT64_C(1000)
#define MINUTE_MS  (60 * SECOND_MS)
#define DAY_MS     (24 * 60 * MINUTE_MS)
#define MIB        (INT64_C(1) << 20)

static const char *const deflates[] = { "no", "light", "full", NULL };

/* clang-format off: a table */
const struct conf_option signald_options[] = {
	{ "signald", "listen", CONF_LISTEN, CONF_REPEAT | CONF_REQUIRED,
	    OWN(listen), NULL, 0, 0, listen_schemes,
	    "address of the page, the user API and the WebSocket" },
	{ "signald", "app", CONF_STRING, CONF_REPEAT, OWN(apps), NULL, 0, 0,
	    NULL,
	    "another app in this daemon, with a file of its own: NAME FILE" },
	{ "signald", "host", CONF_STRING, CONF_REPEAT | CONF_PART, OWN(hosts),
	    NULL, 0, 0, NULL,
	    "host whose requests are this app's; others are the main one's" },
	{ "signald", "turn-uri", CONF_STRING, CONF_REPEAT, OWN(turn_uris), NULL,
	    0, 0, NULL, "TURN server that clients are told, in order" },
	{ "signald", "stun-uri", CONF_STRING, CONF_REPEAT, OWN(stun_uris), NULL,
	    0, 0, NULL, "STUN server that clients are told, in order" },
	{ "signald", "relay", CONF_STRING, CONF_REPEAT, OWN(relays), NULL, 0, 0,
	    NULL,
	    "TURN server to watch: HOST[:PORT] URL TOKEN-FILE [PREFERENCE]" },
	{ "signald", "relay-poll", CONF_DURATION, 0, OWN(relay_poll_ms), "5s",
	    100, 5 * MINUTE_MS, NULL, "how often relays are asked" },
	{ "signald", "relay-ca", CONF_PATH, CONF_READABLE, OWN(relay_ca), NULL,
	    0, 0, NULL, "PEM file that relays with https are trusted by" },
	{ "signald", "turn-rest-key", CONF_SECRET, CONF_REPEAT | CONF_PART,
	    OWN(turn_rest_keys), NULL, 0, 0, NULL,
	    "key with which a program gets TURN credentials for anybody" },
	{ "signald", "backup-dir", CONF_PATH, 0, OWN(backup_dir), NULL, 0, 0,
	    NULL, "folder that backups of the admin API go to" },
	{ "signald", "webhook", CONF_STRING, CONF_PART, OWN(webhook_url), NULL,
	    0, 0, NULL,
	    "http or https URL of a server that is told of events" },
	{ "signald", "webhook-secret-file", CONF_PATH,
	    CONF_READABLE | CONF_PART, OWN(webhook_secret_file), NULL, 0, 0,
	    NULL, "file with the secret that signs what it is told" },
	{ "signald", "webhook-ca", CONF_PATH, CONF_READABLE | CONF_PART,
	    OWN(webhook_ca), NULL, 0, 0, NULL,
	    "PEM file that it is trusted by" },
	{ "signald", "webhook-event", CONF_ENUM, CONF_REPEAT | CONF_PART,
	    OWN(webhook_events), NULL, 0, 0, sig_event_names,
	    "event that it is told of; unset: all" },
	{ "signald", "webhook-bodies", CONF_BOOL, CONF_PART,
	    OWN(webhook_bodies), "no", 0, 0, NULL,
	    "whether it is told what messages say" },
	{ "signald", "webhook-timeout", CONF_DURATION, CONF_PART,
	    OWN(webhook_timeout_ms), "5s", 100, MINUTE_MS, NULL,
	    "how long its answer is waited for" },
	{ "signald", "webhook-age", CONF_DURATION, CONF_PART,
	    OWN(webhook_age_ms), "1h", SECOND_MS, 7 * DAY_MS, NULL,
	    "how long an event is tried again before it is dropped" },
	{ "signald", "webhook-queue", CONF_BYTES, CONF_PART, OWN(webhook_queue),
	    "16m", 64 * 1024, 1024 * MIB, NULL,
	    "bytes of events that may wait; then the oldest is dropped" },
	{ "signald", "origin", CONF_STRING, CONF_REPEAT | CONF_PART,
	    OWN(origins), NULL, 0, 0, NULL,
	    "other origin whose pages may connect: https://HOST[:PORT]" },
	{ "signald", "strangers", CONF_BOOL, CONF_PART, OWN(strangers), "yes",
	    0, 0, NULL, "whether users who are no friends may text and call" },
	{ "signald", "open-registration", CONF_BOOL, CONF_PART,
	    OWN(open_registration), "no", 0, 0, NULL,
	    "whether anybody may make an account" },
	{ "signald", "web-dir", CONF_PATH, 0, OWN(web_dir), FLOE_WEBDIR, 0, 0,
	    NULL, "folder of the page and the SDK" },
	{ "signald", "node", CONF_STRING, 0, OWN(node), "n1", 0, 0, NULL,
	    "name of this server, told to clients" },
	{ "signald", "ping", CONF_DURATION, 0, OWN(ping_ms), "5s", SECOND_MS,
	    10 * MINUTE_MS, NULL, "silence after which a client pings" },
	{ "signald", "kill", CONF_DURATION, 0, OWN(kill_ms), "7s", SECOND_MS,
	    20 * MINUTE_MS, NULL, "silence after which a link is closed" },
	{ "signald", "mobile-ping", CONF_DURATION, 0, OWN(mobile_ping_ms),
	    "25s", SECOND_MS, 10 * MINUTE_MS, NULL,
	    "the same of a client that asks for the mobile heartbeat" },
	{ "signald", "mobile-wait", CONF_DURATION, 0, OWN(mobile_wait_ms), "8s",
	    SECOND_MS, 10 * MINUTE_MS, NULL,
	    "and how long it waits for an answer; then its link is closed" },
	{ "signald", "drain", CONF_DURATION, 0, OWN(drain_ms), "1s", 0,
	    10 * MINUTE_MS, NULL, "over which a stop closes the links" },
	{ "signald", "reconnect-spread", CONF_DURATION, 0, OWN(spread_ms), "2s",
	    0, 10 * MINUTE_MS, NULL,
	    "over which clients come back after a stop" },
	{ "signald", "move-above", CONF_INT, 0, OWN(move_above), "100", 1, 100,
	    NULL,
	    "percent of max-connections from which on clients are asked to "
	    "connect anew, elsewhere" },
	{ "signald", "hello", CONF_DURATION, 0, OWN(hello_ms), "5s", 100,
	    MINUTE_MS, NULL,
	    "how long a request or a log-in may take to arrive" },
	{ "signald", "resume", CONF_DURATION, CONF_PART, OWN(resume_ms), "60s",
	    SECOND_MS, 10 * MINUTE_MS, NULL,
	    "how long a session waits for its client to come back" },
	{ "signald", "ring", CONF_DURATION, CONF_PART, OWN(ring_ms), "60s",
	    SECOND_MS, 10 * MINUTE_MS, NULL, "how long a call rings" },
	{ "signald", "resend", CONF_DURATION, 0, OWN(resend_ms), "3s", 100,
	    MINUTE_MS, NULL, "how long a push may stay unacknowledged" },
	{ "signald", "window", CONF_INT, 0, OWN(window), "256", 1, 1000, NULL,
	    "pushes that may be unacknowledged" },
	{ "signald", "pending", CONF_INT, 0, OWN(pending), "256", 1, 10000,
	    NULL, "requests of a link that may wait for their answers" },
	{ "signald", "max-connections", CONF_INT, CONF_PART,
	    OWN(max_connections), "100000", 1, 10000000, NULL,
	    "connections in all" },
	{ "signald", "max-per-address", CONF_INT, 0, OWN(max_per_address), "0",
	    0, 10000000, NULL, "connections of one address; 0: any" },
	{ "signald", "max-strangers", CONF_INT, CONF_PART, OWN(max_strangers),
	    "10000", 1, 10000000, NULL, "links that have not logged in yet" },
	{ "signald", "max-sessions", CONF_INT, CONF_PART, OWN(max_sessions),
	    "16", 1, 1000, NULL, "sessions a user may have" },
	{ "signald", "max-rooms", CONF_INT, CONF_PART, OWN(max_rooms), "10000",
	    1, 1000000, NULL, "rooms and chatrooms that one worker holds" },
	{ "signald", "chatroom-members", CONF_INT, CONF_PART,
	    OWN(chatroom_members), "1000", 2, 100000, NULL,
	    "sessions that a chatroom may have" },
	{ "signald", "send-queue", CONF_BYTES, 0, OWN(send_queue), "8m",
	    512 * 1024, 1024 * MIB, NULL,
	    "bytes a connection may be behind before it is closed" },
	{ "signald", "token-lifetime", CONF_DURATION, CONF_PART, OWN(token_ms),
	    "30d", MINUTE_MS, 366 * DAY_MS, NULL, "how long a log-in is good" },
	{ "signald", "jwt-key", CONF_STRING,
	    CONF_REPEAT | CONF_LIVE | CONF_PART, OWN(jwt_keys), NULL, 0, 0,
	    NULL,
	    "key of an identity service whose tokens are taken: KID ALG FILE" },
	{ "signald", "jwt-issuer", CONF_STRING, CONF_LIVE | CONF_PART,
	    OWN(jwt_issuer), NULL, 0, 0, NULL,
	    "issuer (iss) that outside tokens must name" },
	{ "signald", "jwt-audience", CONF_STRING, CONF_LIVE | CONF_PART,
	    OWN(jwt_audience), NULL, 0, 0, NULL,
	    "audience (aud) that outside tokens must name" },
	{ "signald", "jwt-user-claim", CONF_STRING, CONF_LIVE | CONF_PART,
	    OWN(jwt_user_claim), "sub", 0, 0, NULL,
	    "claim of outside tokens that names the user" },
	{ "signald", "ice-lifetime", CONF_DURATION, CONF_PART, OWN(ice_ms),
	    "1h", MINUTE_MS, 7 * DAY_MS, NULL,
	    "how long TURN credentials are good" },
	{ "signald", "mid-lifetime", CONF_DURATION, CONF_PART, OWN(mid_ms),
	    "7d", 7 * DAY_MS, 366 * DAY_MS, NULL,
	    "how long a message sent twice is known" },
	{ "signald", "retention", CONF_DURATION, CONF_PART, OWN(retention_ms),
	    "0ms", 0, 36600 * DAY_MS, NULL,
	    "how long messages are kept; 0: for ever" },
	{ "signald", "store-max", CONF_BYTES, CONF_PART, OWN(store_max), "64g",
	    16 * MIB, INT64_C(1) << 44, NULL,
	    "most bytes that the message log may take" },
	{ "signald", "login-rate", CONF_INT, CONF_PART, OWN(login_rate), "30",
	    1, 1000000, NULL,
	    "log-ins and registrations a minute, of an address and of a user" },
	{ "signald", "rest-rate", CONF_INT, CONF_PART, OWN(rest_rate), "600", 1,
	    1000000, NULL, "requests a minute that a user may make by REST" },
	{ "signald", "request-rate", CONF_INT, CONF_PART, OWN(request_rate),
	    "200", 0, 1000, NULL, "requests a second of a user; 0: any" },
	{ "signald", "message-rate", CONF_INT, CONF_PART, OWN(message_rate),
	    "100", 0, 1000, NULL, "messages a second of a user; 0: any" },
	{ "signald", "file-max", CONF_BYTES, CONF_PART, OWN(file_max), "16m",
	    1024, 1024 * MIB, NULL, "bytes that an uploaded file may have" },
	{ "signald", "file-quota", CONF_BYTES, CONF_PART, OWN(file_quota), "1g",
	    4096, INT64_C(1) << 44, NULL,
	    "bytes of files that a user may upload" },
	{ "signald", "files-max", CONF_BYTES, CONF_PART, OWN(files_max), "16g",
	    4096, INT64_C(1) << 50, NULL, "bytes of files of all users" },
	{ "signald", "file-keep", CONF_DURATION, CONF_PART, OWN(file_keep_ms),
	    "1d", SECOND_MS, 366 * DAY_MS, NULL,
	    "how long a file lives that is in no message" },
	{ "signald", "group-members", CONF_INT, CONF_PART, OWN(group_members),
	    "10000", 2, 100000, NULL, "members a group may have" },
	{ "signald", "group-fanout", CONF_INT, CONF_PART, OWN(group_fanout),
	    "200", 0, 1000, NULL,
	    "members beyond which a group is read by cursor: its messages are "
	    "stored once and indexed for nobody" },
	{ "signald", "test-echo", CONF_BOOL, 0, OWN(test_echo), "no", 0, 0,
	    NULL, "an echo WebSocket at /echo, for conformance suites" },
	{ "signald", "deflate", CONF_ENUM, 0, OWN(deflate), "no", 0, 0,
	    deflates,
	    "compress WebSocket messages: each by itself (light), "
	    "or with what came before (full)" },
	DAEMON_OPTIONS("signald"),
	{ .key = NULL },
};
/* clang-format on */

static bool
starts_with(const char *s, const char *head)
{
	return strncmp(s, head, strlen(head)) == 0;
}

static int
check_uris(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct signald_conf *c = conf_data(conf);
	const char *const *turn = c->turn_uris.items;
	const char *const *stun = c->stun_uris.items;
	size_t i;

	for (i = 0; i < c->turn_uris.n; i++) {
		if (!starts_with(turn[i], "turn:") &&
		    !starts_with(turn[i], "turns:"))
			return conf_wrong(conf, "signald", "turn-uri", i, err,
			    "not a TURN URI; allowed: turn:HOST[:PORT]"
			    "[?transport=udp|tcp], turns:...");
	}
	for (i = 0; i < c->stun_uris.n; i++) {
		if (!starts_with(stun[i], "stun:") &&
		    !starts_with(stun[i], "stuns:"))
			return conf_wrong(conf, "signald", "stun-uri", i, err,
			    "not a STUN URI; allowed: stun:HOST[:PORT], "
			    "stuns:...");
	}
	if (c->turn_uris.n > 0 && c->daemon.common.turn_secrets.n == 0)
		return conf_wrong(conf, "signald", "turn-uri", 0, err,
		    "clients need credentials; set turn-secret in [floe]");
	return 0;
}

static int
check_origins(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct signald_conf *c = conf_data(conf);
	const char *const *origin = c->origins.items;
	const char *host;
	size_t i;

	for (i = 0; i < c->origins.n; i++) {
		host = strstr(origin[i], "://");
		if (host == NULL || host[3] == '\0' ||
		    strchr(host + 3, '/') != NULL)
			return conf_wrong(conf, "signald", "origin", i, err,
			    "not an origin; allowed: https://HOST[:PORT] "
			    "without a path");
	}
	return 0;
}

static int
check_keys(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct signald_conf *c = conf_data(conf);
	struct keys *keys;
	int rc;

	if (c->jwt_keys.n == 0 &&
	    (c->jwt_issuer != NULL || c->jwt_audience != NULL))
		return conf_wrong(conf, "signald",
		    c->jwt_issuer != NULL ? "jwt-issuer" : "jwt-audience", 0,
		    err, "no outside token is taken without a jwt-key");
	rc = keys_new(conf, &keys, err);
	if (rc == 0)
		keys_free(keys);
	return rc;
}

/* What each app's file says. */
static int
check_app(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	int rc = check_origins(conf, err);

	if (rc == 0)
		rc = webhook_check(conf, err);
	return rc == 0 ? check_keys(conf, err) : rc;
}

static int
check_apps(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	struct appconf apps;
	int rc = appconf_load(&apps, conf, err), i;

	if (rc != 0)
		return rc;
	for (i = 0; rc == 0 && i < apps.n; i++)
		rc = check_app(apps.apps[i].conf, err);
	appconf_free(&apps);
	return rc;
}

int
signald_check(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct signald_conf *c = conf_data(conf);
	int rc;

	rc = listeners_check_tls(conf, "signald", &c->listen, err);
	if (rc != 0)
		return rc;
	if (c->kill_ms <= c->ping_ms)
		return conf_wrong(conf, "signald", "kill", 0, err,
		    "must be longer than ping, or every idle link is closed");
	rc = check_uris(conf, err);
	if (rc == 0)
		rc = relays_check(conf, err);
	return rc == 0 ? check_apps(conf, err) : rc;
}

/* Files that have been checked just now. */
void
signald_dump(const struct conf *conf, FILE *f)
{
	char err[DAEMON_ERR_MAX];
	struct appconf apps;

	if (appconf_load(&apps, conf, err) == 0)
		appconf_dump(&apps, f);
	else
		fprintf(f, "; %s\n", err);
	appconf_free(&apps);
}

static int
copy_list(const struct conf_list *list, const char ***out)
{
	const char *const *items = list->items;
	size_t i;

	*out = calloc(list->n + 1, sizeof(**out));
	if (*out == NULL)
		return -ENOMEM;
	for (i = 0; i < list->n; i++)
		(*out)[i] = items[i];
	return 0;
}

/* A shard's part of them; 0: never. */
static uint32_t
move_links(
    const struct signald_conf *c, const struct signald_conf *own, int shards)
{
	if (c->move_above == 100)
		return 0;
	return (uint32_t)(own->max_connections * c->move_above / 100 / shards) +
	    1;
}

/* The kernel spreads connections evenly. */
static uint32_t
each_shard(int64_t n, int shards)
{
	return (uint32_t)((n + shards - 1) / shards);
}

/* What all apps have in common: how links are kept, and the relays. */
static void
set_common(struct sig_config *core, const struct signald_conf *c)
{
	core->node = c->node;
	core->ping_ms = (uint32_t)c->ping_ms;
	core->kill_ms = (uint32_t)c->kill_ms;
	core->mobile_ping_ms = (uint32_t)c->mobile_ping_ms;
	core->mobile_wait_ms = (uint32_t)c->mobile_wait_ms;
	core->drain_ms = (uint32_t)c->drain_ms;
	core->spread_ms = (uint32_t)c->spread_ms;
	core->hello_ms = (uint32_t)c->hello_ms;
	core->resend_ms = (uint32_t)c->resend_ms;
	core->window = (uint32_t)c->window;
	core->max_pending_per_session = (uint32_t)c->pending;
}

int
signald_setup_init(struct signald_setup *s, const struct signald_conf *main,
    const struct signald_conf *own, const char *app, int shards)
{
	struct sig_config *core = &s->core;

	memset(s, 0, sizeof(*s));
	if (copy_list(&main->daemon.common.turn_secrets, &s->turn_secrets) !=
		0 ||
	    copy_list(&main->stun_uris, &s->stun_uris) != 0) {
		signald_setup_fini(s);
		return -ENOMEM;
	}
	if (own != main)
		snprintf(s->turn_suffix, sizeof(s->turn_suffix), "@%s", app);
	*core = (struct sig_config){
		.shards = (uint32_t)shards,
		.app = app,
		.friends_only = !own->strangers,
		.move_links = move_links(main, own, shards),
		.resume_ms = (uint32_t)own->resume_ms,
		.ring_ms = (uint32_t)own->ring_ms,
		.frame_bytes = SIGNALD_FRAME_MAX,
		.text_bytes = 16 * 1024,
		.sdp_bytes = 48 * 1024,
		.candidates = 64,
		/* Links move to their user's shard: one may get them all. */
		.max_strangers = each_shard(own->max_strangers, shards),
		.max_links = (uint32_t)own->max_connections,
		.max_sessions_per_user = (uint32_t)own->max_sessions,
		.request_rate = (uint32_t)own->request_rate,
		.message_rate = (uint32_t)own->message_rate,
		.group_members = (uint32_t)own->group_members,
		.group_fanout = (uint32_t)own->group_fanout,
		.max_rooms = (uint32_t)own->max_rooms,
		.chatroom_members = (uint32_t)own->chatroom_members,
		.turn_secrets = s->turn_secrets,
		.turn_suffix = s->turn_suffix,
		.stun_uris = s->stun_uris,
		.token_ms = (uint64_t)own->token_ms,
		.retention_ms = (uint64_t)own->retention_ms,
		.ice_ttl_s = (uint32_t)(own->ice_ms / SECOND_MS),
		.events = webhook_events(own),
		.event_bodies = own->webhook_bodies,
		.random = crypto_random,
	};
	set_common(core, main);
	crypto_random(core->shard_key, sizeof(core->shard_key));
	return 0;
}

void
signald_setup_fini(struct signald_setup *s)
{
	free(s->turn_secrets);
	free(s->stun_uris);
	crypto_wipe(&s->core, sizeof(s->core));
}
