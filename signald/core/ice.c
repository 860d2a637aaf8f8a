/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "lib/json/json.h"
#include "signald/core/core.h"
#include "signald/core/ice.h"

#define USERNAME_MAX (20 + 1 + SIG_NAME_MAX)

static void
ice_urls(struct json_out *o, const char *const *uris)
{
	json_out_array(o, "urls");
	for (; *uris != NULL; uris++)
		json_out_str(o, NULL, *uris);
	json_out_close(o);
}

static void
ice_turn(struct json_out *o, const struct sig_config *cfg, const char *user,
    uint64_t wall_ms)
{
	const char *secret = cfg->turn_secrets[0];
	char credential[CRYPTO_BASE64_LEN(CRYPTO_SHA1_LEN)];
	char username[USERNAME_MAX + 1];
	uint8_t mac[CRYPTO_SHA1_LEN];
	struct crypto_span span = { username, 0 };

	snprintf(username, sizeof(username), "%" PRIu64 ":%s",
	    wall_ms / 1000 + cfg->ice_ttl_s, user);
	span.len = strlen(username);
	if (crypto_hmac(CRYPTO_SHA1, secret, strlen(secret), &span, 1, mac) !=
	    0)
		return;
	crypto_base64(mac, sizeof(mac), credential);
	json_out_object(o, NULL);
	ice_urls(o, cfg->turn_uris);
	json_out_str(o, "username", username);
	json_out_str(o, "credential", credential);
	json_out_close(o);
}

void
sig_ice_write(struct json_out *o, const struct sig_config *cfg,
    const char *user, uint64_t wall_ms)
{
	json_out_array(o, "iceServers");
	if (cfg->stun_uris[0] != NULL) {
		json_out_object(o, NULL);
		ice_urls(o, cfg->stun_uris);
		json_out_close(o);
	}
	if (cfg->turn_uris[0] != NULL && cfg->turn_secrets[0] != NULL)
		ice_turn(o, cfg, user, wall_ms);
	json_out_close(o);
	json_out_int(o, "ice_ttl_s", cfg->ice_ttl_s);
}
