/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lib/ws/handshake.h"
#include "tools/floe-probe/core/web.h"

static void
put_host(const struct uri *u, struct buf *b)
{
	bool v6 = strchr(u->host, ':') != NULL;

	buf_printf(b, "Host: %s%s%s:%u\r\n", v6 ? "[" : "", u->host,
	    v6 ? "]" : "", u->port);
}

int
web_health(const struct uri *u, struct buf *b)
{
	size_t folder = strcspn(u->path, "?");

	while (folder > 0 && u->path[folder - 1] != '/')
		folder--;
	buf_puts(b, "GET ");
	buf_put(b, u->path, folder);
	buf_puts(b, "healthz HTTP/1.1\r\n");
	put_host(u, b);
	buf_puts(b, "Connection: close\r\n\r\n");
	return b->err;
}

int
web_upgrade(const struct uri *u, const char key[WEB_KEY_LEN], struct buf *b)
{
	buf_printf(b, "GET %s HTTP/1.1\r\n", u->path);
	put_host(u, b);
	buf_printf(b,
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
	    "Sec-WebSocket-Protocol: floe.v1\r\n\r\n",
	    key);
	return b->err;
}

int
web_status(const void *data, size_t len)
{
	static const char version[] = "HTTP/1.";
	const char *s = data;
	size_t n = len < strlen(version) ? len : strlen(version);

	if (memcmp(s, version, n) != 0)
		return -EBADMSG;
	if (memmem(data, len, "\r\n\r\n", 4) == NULL)
		return 0;
	/* A whole head is longer than "HTTP/1.1 200". */
	if (len < 12 || !isdigit((unsigned char)s[7]) || s[8] != ' ' ||
	    s[9] < '1' || s[9] > '5' || !isdigit((unsigned char)s[10]) ||
	    !isdigit((unsigned char)s[11]))
		return -EBADMSG;
	return (s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0');
}

bool
web_accepts(const void *data, size_t len, const char key[WEB_KEY_LEN])
{
	static const char name[] = "\r\nSec-WebSocket-Accept:";
	const char *s = data, *end = s + len;
	char accept[WS_ACCEPT_LEN];
	size_t n = strlen(name);

	if (ws_accept(key, accept) != 0)
		return false;
	for (; s + n < end; s++) {
		if (strncasecmp(s, name, n) != 0)
			continue;
		for (s += n; s < end && (*s == ' ' || *s == '\t'); s++)
			continue;
		return (size_t)(end - s) >= strlen(accept) &&
		    memcmp(s, accept, strlen(accept)) == 0;
	}
	return false;
}
