/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * payload: what the sides of a call or room say to each other. Each function
 * copies one thing from a request into what the other side gets; SDP and
 * candidates are opaque and capped. What is wrong is the reader's error.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_PAYLOAD_H
#define FLOE_SIGNALD_CORE_PAYLOAD_H

#include "lib/json/json.h"

/* Under this name, or as the whole text with NULL. */
void sig_payload_sdp(
    struct json_out *, const char *name, struct json_in *, uint32_t max);
void sig_payload_candidates(
    struct json_out *, const char *name, struct json_in *, uint32_t max);
/* What is sent: audio and video; screen and hold, which may be absent. */
void sig_payload_media(struct json_out *, struct json_in *);
/* The same of the object "media", as the whole text. */
void sig_payload_media_object(struct json_out *, struct json_in *);

#endif
