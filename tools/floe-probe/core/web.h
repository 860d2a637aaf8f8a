/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * web: the two requests that tell whether a signaling server is there, and
 * what the heads of their answers say (RFC 9112, RFC 6455 section 4.1).
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_TOOLS_PROBE_CORE_WEB_H
#define FLOE_TOOLS_PROBE_CORE_WEB_H

#include "lib/base/buf.h"
#include "tools/floe-probe/core/uri.h"

#define WEB_KEY_LEN 25 /* base64 of 16 bytes, with its NUL */

/* GET healthz, beside the WebSocket's path. 0 or -ENOSPC. */
int web_health(const struct uri *, struct buf *);
/* The upgrade to a WebSocket. 0 or -ENOSPC. */
int web_upgrade(const struct uri *, const char key[WEB_KEY_LEN], struct buf *);
/* The status of an answer; 0 until its head is whole, -EBADMSG: no HTTP. */
int web_status(const void *, size_t len);
/* Whether a whole head has the Sec-WebSocket-Accept of the key. */
bool web_accepts(const void *, size_t len, const char key[WEB_KEY_LEN]);

#endif
