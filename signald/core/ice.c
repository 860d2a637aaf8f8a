/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/core/effect.h"
#include "signald/core/ice.h"

int
sig_ice_make(const struct sig_config *cfg, const char *user, uint64_t wall_ms,
    struct sig_ice *ice)
{
	const char *secret = cfg->turn_secrets[0];
	const char *suffix = cfg->turn_suffix != NULL ? cfg->turn_suffix : "";
	uint64_t until_s = wall_ms / 1000 + cfg->ice_ttl_s;
	uint8_t mac[CRYPTO_SHA1_LEN];
	struct crypto_span span = { ice->username, 0 };

	if (cfg->turn_uris[0] == NULL || secret == NULL)
		return -ENOENT;
	if (strlen(user) > SIG_ICE_USER_MAX)
		return -EINVAL;
	snprintf(ice->username, sizeof(ice->username), "%" PRIu64 "%s%s%s",
	    until_s, user[0] != '\0' || suffix[0] != '\0' ? ":" : "", user,
	    suffix);
	span.len = strlen(ice->username);
	if (crypto_hmac(CRYPTO_SHA1, secret, strlen(secret), &span, 1, mac) !=
	    0)
		return -ENOMEM;
	crypto_base64(mac, sizeof(mac), ice->credential);
	return 0;
}

void
sig_ice_write_uris(
    struct json_out *o, const char *name, const char *const *uris)
{
	json_out_array(o, name);
	for (; *uris != NULL; uris++)
		json_out_str(o, NULL, *uris);
	json_out_close(o);
}

void
sig_ice_write(struct json_out *o, const struct sig_config *cfg,
    const char *user, uint64_t wall_ms)
{
	struct sig_ice ice;

	json_out_array(o, "iceServers");
	if (cfg->stun_uris[0] != NULL) {
		json_out_object(o, NULL);
		sig_ice_write_uris(o, "urls", cfg->stun_uris);
		json_out_close(o);
	}
	if (sig_ice_make(cfg, user, wall_ms, &ice) == 0) {
		json_out_object(o, NULL);
		sig_ice_write_uris(o, "urls", cfg->turn_uris);
		json_out_str(o, "username", ice.username);
		json_out_str(o, "credential", ice.credential);
		json_out_close(o);
	}
	json_out_close(o);
	json_out_int(o, "ice_ttl_s", cfg->ice_ttl_s);
}

static void
ice_due(struct sig_core *core, struct sig_timer *t)
{
	struct sig_session *s = (struct sig_session *)((char *)t -
	    offsetof(struct sig_session, ice));
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, "ice");
	sig_ice_write(&o, &core->cfg, s->user->name, core->wall);
	json_out_end(&o);
	core->stats.pushes++;
	sig_ice_told(core, s);
	sig_send(core, s->link->id, &b, false);
}

/* Whoever has no link asks again by its next hello. */
void
sig_ice_told(struct sig_core *core, struct sig_session *s)
{
	uint64_t ttl_ms = (uint64_t)core->cfg.ice_ttl_s * 1000;

	sig_timer_set(core, &s->ice, core->now + ttl_ms / 4 * 3, ice_due);
}

void
sig_op_ice(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_session *s = link->session;
	struct json_out o;
	struct buf b;

	sig_ok_begin(&o, &b, req->id);
	sig_ice_write(&o, &core->cfg, s->user->name, core->wall);
	sig_ok_send(core, link->id, req->id, &o);
	sig_ice_told(core, s);
}
