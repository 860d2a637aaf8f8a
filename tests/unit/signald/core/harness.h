/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * harness: several cores as one server, on virtual time and from one seed:
 * a shell in memory that carries mail between shards (in order a pair, late
 * and out of step with other pairs as the options say), a log that answers
 * late, links that move, break and close. The same seed gives the same run.
 * Owns: cores, log, links, what the links have heard.  Thread: one.
 *
 * JSON in calls may use ' for ". In what is said, $name is the value of a
 * variable and $token.USER a good token of that user. An expected text names
 * the members it asks for; "*" is any value, "$name" what the variable holds,
 * or, when it is new, takes the value.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_HARNESS_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_HARNESS_H

#include "signald/core/core.h"
#include "tests/unit/signald/core/disk.h"

#define WORLD_SHARDS_MAX 8
#define WORLD_WALL_MS    1790000000000 /* at now_ms 0 */

struct world_opts {
	uint64_t seed;
	uint32_t mail_ms; /* mail takes up to so long */
	uint32_t log_ms;  /* an append or read likewise */
	uint32_t lazy_ms; /* marks wait so long for an append that is urgent */
	struct sig_config cfg;
};

struct world;

/* Four shards, the product's default times and limits, no delays. */
struct world_opts world_defaults(void);
struct world *world_new(const struct world_opts *);
void world_free(struct world *);
struct disk *world_disk(struct world *);
struct sig_core *world_core(struct world *, uint32_t shard);
uint64_t world_now(const struct world *);
/* Sum over the shards of one gauge or counter. */
uint64_t world_stat(const struct world *, size_t offset);
#define WORLD_STAT(w, member) world_stat(w, offsetof(struct sig_stats, member))

/* Everything that needs no timer; then timers too, up to now + ms. */
void world_settle(struct world *);
void world_run(struct world *, uint64_t ms);
/* A number below n, from the seed. */
uint32_t world_random(struct world *, uint32_t n);

/* What the log does from now on: 0, or -errno for the next n appends or
 * reads. */
void world_fail_appends(struct world *, int err, uint32_t n);
void world_fail_reads(struct world *, int err, uint32_t n);
/* Messages that are committed are told to nobody's shard: lost mail. */
void world_lose_inbox_mail(struct world *, bool);

/* Mails of a kind between shards so far, and the most at one moment. */
uint64_t world_mails(const struct world *, enum sig_mail_kind);
uint64_t world_most_mails(const struct world *, enum sig_mail_kind);

/* Links do not hear of it, for tests of something else. */
void world_ignore_presence(struct world *, bool);

/* Links are named by small numbers, counted up from 1; 0: the server is
 * down. */
int world_open(struct world *);
int world_open_at(struct world *, uint32_t shard);
/* Says and settles; returns false when the link is closed. */
bool world_say(struct world *, int link, const char *text);
bool world_post(struct world *, int link, const char *text); /* no settling */
/* A request of a user without a link, settled; the link that hears the answer
 * and is closed then. */
int world_guest(struct world *, const char *user, const char *text);
/* Bytes come that are no whole frame; whether the link has logged in. */
bool world_dribble(struct world *, int link);
/* The client's end breaks; the server learns of it now, or (silently) not
 * before a timer tells. */
void world_lose(struct world *, int link);
void world_vanish(struct world *, int link);
/* The log stores it of the user, and a shard is told, as by the shell. */
void world_account(
    struct world *, const char *user, enum sig_account, enum sig_user_role);
/* Whether a session of this id was there to be ended. */
bool world_kick(struct world *, const char *session);
/* The close event that the shell reports late, after everything else. */
void world_late_close(struct world *, int link);
void world_drain(struct world *);
uint32_t world_shards(const struct world *);
/* Carries out what the test itself made the cores want. */
void world_flush(struct world *);
/* The daemon is killed and comes back, ms later: what was not on the disk is
 * gone, and so are the links. */
void world_crash(struct world *, uint64_t ms);
/* What the cores after the next crash are made with. */
struct sig_config *world_reconfigure(struct world *);
/* An append or read takes up to so long from now on. */
void world_slow_log(struct world *, uint32_t ms);

/* The oldest text not heard yet, taken; NULL when there is none. Valid until
 * the link is closed by the test or the world ends. */
const char *world_hear(struct world *, int link);
/* The oldest event that was told and not taken yet; valid while the world is.
 * NULL: none. */
const char *world_told(struct world *);
size_t world_unheard(const struct world *, int link);
void world_hear_all(struct world *, int link);    /* forgets them */
int world_closed(const struct world *, int link); /* its code, 0: open */
uint32_t world_shard(const struct world *, int link);

/* NULL when text is as expected, else why not (static). */
const char *world_match(struct world *, const char *want, const char *text);
const char *world_var(const struct world *, const char *name);
void world_forget(struct world *); /* all variables */
/* ' to ", variables to values; the caller frees. */
char *world_text(struct world *, const char *text);

#endif
