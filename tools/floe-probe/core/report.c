/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "lib/addr/prefix.h"
#include "lib/stun/message.h"
#include "tools/floe-probe/core/report.h"

/* In the texts {host}, {port}, {over}, {code} and {detail} are the check's. */
static const struct {
	const char *id, *words, *advice;
} problems[PROBLEMS] = {
	[PROBLEM_NONE] = { "none", "", "" },
	[PROBLEM_NO_NAME] = { "name-not-found",
	    "The name {host} cannot be resolved: {detail}.",
	    "Check its spelling, and this machine's DNS." },
	[PROBLEM_NO_ROUTE] = { "no-route",
	    "This machine has no way to that address: {detail}.",
	    "Check its network; for an IPv6 address, whether it has IPv6 "
	    "at all." },
	[PROBLEM_NO_ANSWER] = { "no-answer",
	    "UDP to port {port} gets no answer.",
	    "Either a firewall between here and there drops UDP, or no "
	    "server is there." },
	[PROBLEM_PORT_CLOSED] = { "port-closed",
	    "Nothing listens on {over} port {port}: the machine is there "
	    "and refuses.",
	    "Check that the server runs, its listen lines, and the port "
	    "in the URI." },
	[PROBLEM_NO_CONNECTION] = { "no-connection",
	    "No connection over {over} to port {port}: no answer in time.",
	    "A firewall between here and there drops it, or no server is "
	    "there." },
	[PROBLEM_HUNG_UP] = { "hung-up",
	    "The server, or something on the way, closed the connection: "
	    "{detail}.",
	    "Check that the port is for {over}: TLS and plain TCP may have "
	    "different ones." },
	[PROBLEM_SILENT] = { "silent",
	    "The connection stands, but nobody answers on it.",
	    "Check that the port is for {over}, and the server's log." },
	[PROBLEM_NOT_STUN] = { "not-stun",
	    "What answers on port {port} does not speak STUN.",
	    "Check the port: another program listens there, or a proxy "
	    "answers for the server." },
	[PROBLEM_CERT_EXPIRED] = { "certificate-expired",
	    "The server's certificate has expired ({detail}).",
	    "Renew it and reload the server; if it is new, check this "
	    "machine's clock." },
	[PROBLEM_CERT_NOT_YET] = { "certificate-not-yet-valid",
	    "The server's certificate is not valid yet ({detail}).",
	    "Check the clocks of this machine and of the one that made "
	    "the certificate." },
	[PROBLEM_CERT_NAME] = { "certificate-wrong-name",
	    "The server's certificate is for another name than {host} "
	    "({detail}).",
	    "Use the name that it is for in the URI, or get one for "
	    "{host}." },
	[PROBLEM_CERT_SELF_SIGNED] = { "certificate-self-signed",
	    "The server's certificate is signed by itself, so nobody "
	    "vouches for it; browsers refuse it.",
	    "Get one from an authority, or give yours with --ca FILE to "
	    "test the rest." },
	[PROBLEM_CERT_AUTHORITY] = { "certificate-unknown-authority",
	    "The server's certificate is signed by an authority that is "
	    "not known here ({detail}).",
	    "The server has to send the whole chain; an authority of your "
	    "own is given with --ca FILE." },
	[PROBLEM_CERT_BAD] = { "certificate-refused",
	    "The server's certificate does not hold: {detail}.",
	    "Replace it; --insecure tests the rest without it." },
	[PROBLEM_TLS] = { "tls-failed",
	    "The {over} handshake failed: {detail}.",
	    "Check that the port speaks {over}, and which versions." },
	[PROBLEM_NO_CREDENTIALS] = { "credentials-needed",
	    "The server wants a user name and a password ({code}).",
	    "Give --user and --password, or --secret." },
	[PROBLEM_WRONG_PASSWORD] = { "wrong-password",
	    "The server refused the user name or the password ({code}): "
	    "{detail}.",
	    "Check both for typing errors; names that end by time may be "
	    "over; with --secret, that it is the server's." },
	[PROBLEM_FORGED] = { "answer-not-authentic",
	    "The answer is not signed with our password: not the server's, "
	    "or changed on its way.",
	    "Look for a proxy or a NAT that rewrites addresses; over TLS "
	    "it cannot." },
	[PROBLEM_STALE] = { "nonce-never-good",
	    "The server calls each of its own nonces stale ({code}).",
	    "It may see another address of ours in every packet: a NAT or "
	    "a load balancer spreads them." },
	[PROBLEM_FORBIDDEN] = { "forbidden",
	    "The server does not allow it ({code}): {detail}.",
	    "Its log says which rule; allow-peer and deny-peer decide "
	    "about peers." },
	[PROBLEM_NOT_TURN] = { "no-turn",
	    "The server answers, but not as a TURN server: "
	    "{detail}.",
	    "Check the port: a STUN server listens there, perhaps." },
	[PROBLEM_NO_FAMILY] = { "no-address-family",
	    "The server has no relay address of that family ({code}).",
	    "For one of IPv6 give it a relay-address of IPv6." },
	[PROBLEM_QUOTA] = { "quota-reached",
	    "The user has as many allocations as allowed ({code}).",
	    "Wait until old ones end, within ten minutes, or raise the "
	    "quota." },
	[PROBLEM_FULL] = { "server-full",
	    "The server has no relay port or no room left ({code}): "
	    "{detail}.",
	    "Widen relay-ports, or wait." },
	[PROBLEM_MOVED] = { "try-alternate",
	    "The server sends its clients elsewhere ({code}): {detail}.",
	    "It is being shut down or balanced; probe that address." },
	[PROBLEM_REFUSED] = { "refused",
	    "The server refused the request ({code}): {detail}.",
	    "Its log says why." },
	[PROBLEM_NO_RELAY] = { "no-relayed-address",
	    "The server says yes, but names no relayed address.",
	    "Not a TURN server's behaviour; check what listens there." },
	[PROBLEM_PRIVATE_RELAY] = { "private-relay",
	    "The relay's address {detail} is a private one, though the server "
	    "is reached at a public one: nobody else can send to it.",
	    "The server is behind a 1:1 NAT, as in most clouds: give it "
	    "external-ip." },
	[PROBLEM_RELAY_SILENT] = { "relay-silent",
	    "The relay is there, but a packet through it does not come "
	    "out: {detail}.",
	    "The server cannot reach its own relay addresses: check "
	    "relay-address, external-ip, and its firewall for the relay "
	    "ports." },
	[PROBLEM_NOT_HTTP] = { "not-http",
	    "What answers on port {port} does not speak HTTP.",
	    "Check the port, and whether it is for wss: or for ws:." },
	[PROBLEM_HTTP] = { "http-status",
	    "The server answers {code} to {detail}.",
	    "Check the path in the URI, the server's log, and that a proxy "
	    "before it passes Upgrade on." },
	[PROBLEM_NO_WEBSOCKET] = { "no-websocket",
	    "The answer to the WebSocket handshake is not one: it has "
	    "another Sec-WebSocket-Accept.",
	    "Something between here and there answers for the server." },
	[PROBLEM_LOCAL] = { "local-error",
	    "This machine could not do it: {detail}.", "" },
};

const char *
problem_id(enum problem p)
{
	return problems[p].id;
}

const char *
step_name(enum step s)
{
	static const char *const names[STEPS] = { "resolve", "connect",
		"binding", "allocate", "allocate-ipv6", "relay", "refresh",
		"close", "health", "websocket" };

	return names[s];
}

const char *
result_name(enum result r)
{
	static const char *const names[] = { "ok", "failed", "note" };

	return names[r];
}

enum problem
problem_of_code(int code, uint16_t method, bool given)
{
	switch (code) {
	case 300:
		return PROBLEM_MOVED;
	case 401:
		return given ? PROBLEM_WRONG_PASSWORD : PROBLEM_NO_CREDENTIALS;
	case 441:
		return PROBLEM_WRONG_PASSWORD;
	case 403:
		return PROBLEM_FORBIDDEN;
	case 400:
	case 420:
	case 404:
	case 405:
		return method == STUN_ALLOCATE ? PROBLEM_NOT_TURN
					       : PROBLEM_REFUSED;
	case 438:
		return PROBLEM_STALE;
	case 440:
		return PROBLEM_NO_FAMILY;
	case 486:
		return PROBLEM_QUOTA;
	case 508:
		return PROBLEM_FULL;
	default:
		return PROBLEM_REFUSED;
	}
}

bool
report_relay_hidden(const struct addr *relayed, const struct addr *server)
{
	struct prefix_list *special = prefix_list_new();
	bool hidden = special != NULL &&
	    prefix_list_add_special(special) == 0 &&
	    prefix_list_find(special, relayed) != NULL &&
	    prefix_list_find(special, server) == NULL;

	prefix_list_free(special);
	return hidden;
}

struct check *
report_add(struct report *r, const struct check *c)
{
	if (r->n == REPORT_MAX)
		return NULL;
	r->checks[r->n] = *c;
	return &r->checks[r->n++];
}

bool
report_ok(const struct report *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (r->checks[i].result == RESULT_FAILED)
			return false;
	}
	return true;
}

static const char *
over(enum transport t)
{
	static const char *const names[TRANSPORTS] = { "UDP", "TCP", "TLS",
		"DTLS" };

	return names[t];
}

static void
put_field(const struct check *c, const char *name, size_t len, struct buf *b)
{
	if (strncmp(name, "host", len) == 0)
		buf_puts(b, c->uri->host);
	else if (strncmp(name, "port", len) == 0)
		buf_printf(b, "%u", c->uri->port);
	else if (strncmp(name, "over", len) == 0)
		buf_puts(b, over(c->transport));
	else if (strncmp(name, "code", len) == 0)
		buf_printf(b, "%d", c->code);
	else
		buf_puts(b, c->detail[0] != '\0' ? c->detail : "no reason");
}

static void
put_text(const struct check *c, const char *text, struct buf *b)
{
	size_t n;

	while (*text != '\0') {
		n = strcspn(text, "{");
		buf_put(b, text, n);
		text += n;
		if (*text == '\0')
			return;
		n = strcspn(++text, "}");
		put_field(c, text, n, b);
		text += n + 1;
	}
}

void
report_words(const struct check *c, struct buf *b)
{
	put_text(c, problems[c->problem].words, b);
}

void
report_advice(const struct check *c, struct buf *b)
{
	put_text(c, problems[c->problem].advice, b);
}

void
report_nat(const struct nat *n, struct buf *b)
{
	if (n->mapped.family == ADDR_NONE)
		buf_puts(b, "Nobody answered, so nothing is known.");
	else if (!nat_is_there(n))
		buf_puts(b,
		    n->filtering > NAT_INDEPENDENT
			? "There is no NAT, but a firewall lets in only who "
			  "was called."
			: "There is no NAT.");
	else if (n->mapping == NAT_INDEPENDENT)
		buf_puts(b, "A NAT that direct calls get through.");
	else if (n->mapping == NAT_UNKNOWN)
		buf_puts(b, "There is a NAT; how it maps is not known.");
	else
		buf_puts(b,
		    "A NAT that gives each destination another port "
		    "(\"symmetric\"): direct calls work with peers of "
		    "milder NATs only, the others need the relay.");
}

/* Whether a check of the step over the transports has the result, at the host
 * of like; like NULL: at any. */
static bool
any(const struct report *r, const struct uri *like, unsigned int transports,
    enum step step, enum result result)
{
	const struct check *c;
	size_t i;

	for (i = 0; i < r->n; i++) {
		c = &r->checks[i];
		if ((1u << c->transport & transports) != 0 && c->step == step &&
		    c->result == result &&
		    (like == NULL || strcmp(c->uri->host, like->host) == 0))
			return true;
	}
	return false;
}

#define OVER_UDP    (1u << TRANSPORT_UDP | 1u << TRANSPORT_DTLS)
#define OVER_STREAM (1u << TRANSPORT_TCP | 1u << TRANSPORT_TLS)
#define OVER_ANY    (OVER_UDP | OVER_STREAM)

static bool
is_first(const struct report *r, const struct check *c)
{
	const struct check *d;

	for (d = r->checks; d < c; d++) {
		if (d->problem == c->problem && d->step == c->step &&
		    d->uri->port == c->uri->port &&
		    strcmp(d->uri->host, c->uri->host) == 0)
			return false;
	}
	return true;
}

/* A sentence about a check in the light of the others; false: none. */
static bool
conclude(const struct report *r, const struct check *c, struct buf *b)
{
	if (c->problem != PROBLEM_NO_ANSWER || !is_first(r, c))
		return false;
	if (any(r, c->uri, OVER_STREAM, STEP_BINDING, RESULT_OK)) {
		buf_printf(b,
		    "UDP to port %u of %s gets no answer: a firewall between "
		    "here and there drops UDP, or the server does not listen "
		    "on it; TCP works, so calls will use it.",
		    c->uri->port, c->uri->host);
		return true;
	}
	if (any(r, c->uri, OVER_UDP, STEP_BINDING, RESULT_OK))
		return false;
	if (any(r, NULL, OVER_UDP, STEP_BINDING, RESULT_OK))
		buf_printf(b,
		    "%s answers nothing, while UDP to others works: the server "
		    "is down, or its own firewall drops it.",
		    c->uri->host);
	else
		buf_printf(b,
		    "%s answers nothing: the server is down, the address is "
		    "wrong, or a firewall drops everything.",
		    c->uri->host);
	return true;
}

static bool
conclude_relay(const struct report *r, struct buf *b)
{
	bool works = any(r, NULL, OVER_ANY, STEP_RELAY, RESULT_OK);
	size_t i;

	for (i = 0; i < r->n && !r->checks[i].uri->relay; i++)
		continue;
	if (i == r->n)
		return false;
	if (!works)
		buf_puts(b,
		    "No relay works: calls that find no direct way "
		    "will fail.");
	else if (any(r, NULL, OVER_UDP, STEP_RELAY, RESULT_OK))
		buf_puts(b, "The relay works over UDP.");
	else
		buf_puts(b,
		    "The relay works, over TCP or TLS only: calls "
		    "through it get through, with more delay when "
		    "packets are lost.");
	return true;
}

void
report_conclude(const struct report *r, report_line_fn *line, void *arg)
{
	char mem[REPORT_LINE_MAX];
	struct buf b = buf_fixed(mem, sizeof(mem) - 1);
	size_t i;

	for (i = 0; i <= r->n; i++) {
		buf_reset(&b);
		if (i < r->n ? conclude(r, &r->checks[i], &b)
			     : conclude_relay(r, &b)) {
			mem[b.len] = '\0';
			line(arg, mem);
		}
	}
}
