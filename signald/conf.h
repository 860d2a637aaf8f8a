/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf: the options of [signald], and what the cores need made of them.
 * Owns: struct signald_conf belongs to the snapshot; signald_setup owns its
 * lists.  Thread: main; read by any once built.
 */
#ifndef FLOE_SIGNALD_CONF_H
#define FLOE_SIGNALD_CONF_H

#include "lib/daemon/daemon.h"
#include "signald/core/core.h"

enum signald_deflate { DEFLATE_NO, DEFLATE_LIGHT, DEFLATE_FULL };

/* Of an app that is not the main one, CONF_PART's fields alone. */
struct signald_conf {
	struct daemon_conf daemon;
	struct conf_list listen;    /* struct conf_listen */
	struct conf_list apps;      /* "NAME FILE" */
	struct conf_list hosts;     /* const char * */
	struct conf_list turn_uris; /* const char *, likewise below */
	struct conf_list stun_uris;
	struct conf_list relays, turn_rest_keys;
	const char *relay_ca;
	const char *backup_dir; /* NULL: no backups by the admin API */
	const char *webhook_url, *webhook_secret_file, *webhook_ca;
	struct conf_list webhook_events; /* int64_t, enum sig_event_kind */
	bool webhook_bodies;
	int64_t webhook_timeout_ms, webhook_age_ms, webhook_queue;
	int64_t relay_poll_ms;
	struct conf_list origins;
	struct conf_list jwt_keys; /* "KID ALG FILE" */
	const char *jwt_issuer, *jwt_audience, *jwt_user_claim;
	const char *web_dir;
	const char *node;
	bool open_registration;
	bool strangers;
	bool test_echo;
	int64_t deflate; /* enum signald_deflate */
	int64_t ping_ms, kill_ms, hello_ms, resume_ms, ring_ms, resend_ms;
	int64_t mobile_ping_ms, mobile_wait_ms;
	int64_t drain_ms, spread_ms;
	int64_t move_above; /* percent of max_connections */
	int64_t window, pending;
	int64_t max_connections; /* of the daemon; of another app, its links */
	int64_t max_per_address; /* 0: any */
	int64_t max_strangers;   /* links before their log-in */
	int64_t max_sessions;    /* of a user */
	int64_t group_members, group_fanout;
	int64_t max_rooms; /* of a worker */
	int64_t chatroom_members;
	int64_t send_queue; /* bytes a connection may be behind */
	int64_t token_ms, ice_ms, mid_ms, retention_ms;
	int64_t store_max;                       /* bytes */
	int64_t file_max, file_quota, files_max; /* bytes */
	int64_t file_keep_ms;
	int64_t rest_rate;                  /* requests a minute of a user */
	int64_t request_rate, message_rate; /* a second, of a user */
	int64_t login_rate; /* a minute, of an address and of a user */
};

extern const struct conf_option signald_options[];

#define SIGNALD_FRAME_MAX (64 * 1024)

/* struct daemon's check and dump. */
int signald_check(const struct conf *, char err[DAEMON_ERR_MAX]);
void signald_dump(const struct conf *, FILE *);

/* Lists that the core wants to end with NULL; strings stay the snapshot's. */
struct signald_setup {
	struct sig_config core; /* but for shard, token_key, turn_uris */
	const char **turn_secrets, **stun_uris;
	char turn_suffix[1 + SIG_APP_MAX + 1];
};

/* What the cores of an app need of the main file and of its own, which may be
 * the same. 0 or -ENOMEM. */
int signald_setup_init(struct signald_setup *, const struct signald_conf *main,
    const struct signald_conf *own, const char *app, int shards);
void signald_setup_fini(struct signald_setup *);

#endif
