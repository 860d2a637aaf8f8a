/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "signald/core/relay.h"

#define TURN_PORT  3478
#define TURNS_PORT 5349
#define LOAD_ONE   1000000 /* of a relay that is full */

/* Where a URI stands; the first that differs decides. */
struct place {
	const char *uri;
	bool out, full;
	uint16_t preference;
	uint64_t load;
	size_t first; /* URI of its relay */
	size_t at;
};

/* Digits up to the end or the question mark. */
static int
read_port(const char *s, uint16_t *port)
{
	unsigned int n = 0;

	if (*s < '1' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9' && n <= UINT16_MAX; s++)
		n = n * 10 + (unsigned int)(*s - '0');
	if ((*s != '\0' && *s != '?') || n > UINT16_MAX)
		return -EINVAL;
	*port = (uint16_t)n;
	return 0;
}

int
sig_relay_host(const char *text, char host[SIG_HOST_MAX + 1], uint16_t *port)
{
	const char *s = text, *end;
	uint16_t n = 0;

	if (*s == '[') {
		s++;
		end = strchr(s, ']');
		text = end == NULL ? "" : end + 1;
	} else {
		end = s + strcspn(s, ":?");
		text = end;
	}
	if (end == NULL || end == s || end - s > SIG_HOST_MAX)
		return -EINVAL;
	if (*text == ':' && read_port(text + 1, &n) != 0)
		return -EINVAL;
	if (*text != ':' && *text != '?' && *text != '\0')
		return -EINVAL;
	memcpy(host, s, (size_t)(end - s));
	host[end - s] = '\0';
	*port = n;
	return 0;
}

int
sig_relay_uri(const char *uri, char host[SIG_HOST_MAX + 1], uint16_t *port)
{
	bool tls = strncmp(uri, "turns:", 6) == 0;

	if (!tls && strncmp(uri, "turn:", 5) != 0)
		return -EINVAL;
	if (sig_relay_host(uri + (tls ? 6 : 5), host, port) != 0)
		return -EINVAL;
	if (*port == 0)
		*port = tls ? TURNS_PORT : TURN_PORT;
	return 0;
}

bool
sig_relay_has(const struct sig_relay *r, const char *uri)
{
	char host[SIG_HOST_MAX + 1];
	uint16_t port;

	return sig_relay_uri(uri, host, &port) == 0 &&
	    strcasecmp(host, r->host) == 0 && (r->port == 0 || r->port == port);
}

static void
place_relay(struct place *p, const struct sig_relay *r)
{
	p->preference = r->preference;
	p->out = r->silent || r->draining;
	p->full = r->room != 0 && r->allocations >= r->room;
	if (r->room != 0)
		p->load =
		    p->full ? LOAD_ONE : r->allocations * LOAD_ONE / r->room;
}

static bool
goes_before(const struct place *a, const struct place *b)
{
	if (a->full != b->full)
		return b->full;
	if (a->preference != b->preference)
		return a->preference < b->preference;
	if (a->load != b->load)
		return a->load < b->load;
	return a->first != b->first ? a->first < b->first : a->at < b->at;
}

/* The relay that a URI belongs to; n when there is none. */
static size_t
relay_of(const struct sig_relay *relays, size_t n, const char *uri)
{
	size_t i;

	for (i = 0; i < n && !sig_relay_has(&relays[i], uri); i++)
		;
	return i;
}

/* Puts p where it belongs among the n places that are in order. */
static void
insert(struct place *places, size_t n, const struct place *p)
{
	for (; n > 0 && goes_before(p, &places[n - 1]); n--)
		places[n] = places[n - 1];
	places[n] = *p;
}

void
sig_relay_order(const struct sig_relay *relays, size_t n,
    const char *const *uris, const char *out[SIG_TURN_URIS_MAX + 1])
{
	struct place places[SIG_TURN_URIS_MAX], p;
	size_t first[SIG_RELAYS_MAX + 1], i, r, told = 0;
	bool all_out = true;

	for (r = 0; r <= SIG_RELAYS_MAX; r++)
		first[r] = SIZE_MAX;
	for (i = 0; i < SIG_TURN_URIS_MAX && uris[i] != NULL; i++) {
		p = (struct place){ .uri = uris[i], .first = i, .at = i };
		r = relay_of(relays, n, uris[i]);
		if (r < n) {
			place_relay(&p, &relays[r]);
			first[r] = first[r] == SIZE_MAX ? i : first[r];
			p.first = first[r];
		}
		all_out = all_out && p.out;
		insert(places, i, &p);
	}
	for (r = 0; r < i; r++) {
		if (all_out || !places[r].out)
			out[told++] = places[r].uri;
	}
	out[told] = NULL;
}
