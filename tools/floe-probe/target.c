/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/floe-probe/probe.h"

struct check
target_begin(const struct target *t, enum step step)
{
	return (struct check){
		.uri = t->uri,
		.transport = t->transport,
		.server = t->server,
		.step = step,
	};
}

void
target_tell(struct probe *p, struct check *c, const struct trouble *t)
{
	if (t != NULL && t->problem != PROBLEM_NONE) {
		if (c->result == RESULT_OK)
			c->result = RESULT_FAILED;
		c->problem = t->problem;
		c->code = t->code;
		memcpy(c->detail, t->detail, sizeof(c->detail));
	}
	(void)report_add(&p->report, c);
	print_check(p, c);
}

int
target_open(struct probe *p, const struct target *t, struct link *l,
    struct trouble *trouble)
{
	const struct link_to to = {
		.transport = t->transport,
		.server = t->server,
		.host = t->uri->host,
		.tls = t->uri->web ? p->web_tls : p->tls,
	};

	return link_open(l, &to, trouble);
}

static void
remember(struct probe *p, const struct target *t, const struct addr *other)
{
	if (t->transport != TRANSPORT_UDP || p->nservers == UDP_SERVERS_MAX)
		return;
	p->servers[p->nservers].at = t->server;
	p->servers[p->nservers++].other = *other;
}

/* Whether somebody is there who speaks STUN. */
static bool
check_binding(struct probe *p, const struct target *t, struct link *l)
{
	const struct client_ask what = { .method = STUN_BINDING };
	struct check c = target_begin(t, STEP_BINDING);
	struct client nobody = { .user = NULL };
	struct client_reply reply;
	struct trouble trouble;
	int rc = ask(l, &nobody, &what, &reply, &c.rtt_us, &trouble);

	if (rc == 0) {
		c.mapped = reply.mapped;
		remember(p, t, &reply.other);
	}
	/* A TURN server may keep Binding to its users, and a stun: URI is
	 * asked over UDP by all who matter. */
	if (rc != 0 &&
	    (t->uri->relay ? rc == -ECONNABORTED
			   : t->transport == TRANSPORT_TCP))
		c.result = RESULT_NOTE;
	target_tell(p, &c, rc == 0 ? NULL : &trouble);
	return rc == 0 || rc == -ECONNABORTED;
}

static bool
needed(const struct target *t, bool only_address, const struct trouble *trouble)
{
	if (trouble->problem == PROBLEM_NO_ROUTE && !only_address)
		return false;
	return t->uri->relay || t->uri->web || t->transport != TRANSPORT_TCP;
}

static bool
check_connect(
    struct probe *p, const struct target *t, bool only_address, struct link *l)
{
	struct check c = target_begin(t, STEP_CONNECT);
	uint64_t begun = link_now_us();
	struct trouble trouble;
	int rc = target_open(p, t, l, &trouble);

	/* A note: its other address may do, nobody needs stun: over TCP, and
	 * the certificate that is not minded. */
	if (trouble.problem != PROBLEM_NONE &&
	    (rc == 0 || !needed(t, only_address, &trouble)))
		c.result = RESULT_NOTE;
	if (rc == 0)
		c.rtt_us = link_now_us() - begun;
	if (rc != 0 || t->transport != TRANSPORT_UDP)
		target_tell(p, &c, &trouble);
	return rc == 0;
}

void
target_check(struct probe *p, const struct target *t, bool only_address)
{
	struct link l;

	if (!check_connect(p, t, only_address, &l))
		link_close(&l);
	else if (t->uri->web)
		web_check(p, t, &l);
	else if (check_binding(p, t, &l) && t->uri->relay)
		relay_check(p, t, &l);
	else
		link_close(&l);
}
