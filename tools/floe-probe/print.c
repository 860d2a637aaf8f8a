/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "lib/json/json.h"
#include "tools/floe-probe/probe.h"

#define TEXT_MAX 512
#define JSON_MAX (1 << 20)

static const char *
text_of(void (*put)(const struct check *, struct buf *), const struct check *c,
    char out[TEXT_MAX])
{
	struct buf b = buf_fixed(out, TEXT_MAX - 1);

	put(c, &b);
	out[b.len] = '\0';
	return out;
}

void
print_uri(const struct probe *p, const struct uri *u)
{
	if (!p->json)
		printf("%s\n", u->text);
}

static void
print_found(const struct check *c)
{
	char text[ADDR_STRLEN];

	if (c->rtt_us > 0)
		printf("%.1f ms", (double)c->rtt_us / 1000);
	if (c->step == STEP_RELAY)
		printf(" for a packet there and back");
	else if (c->relayed.family != ADDR_NONE)
		printf(", relay at %s", addr_format(&c->relayed, text));
	else if (c->mapped.family != ADDR_NONE)
		printf(", seen as %s", addr_format(&c->mapped, text));
}

void
print_check(const struct probe *p, const struct check *c)
{
	static const char *const marks[] = { "ok", "FAILED", "note" };
	char text[TEXT_MAX], server[ADDR_STRLEN];

	if (p->json)
		return;
	printf("  %-7s %-4s %-22s %-13s ", marks[c->result],
	    transport_name(c->transport),
	    c->server.family != ADDR_NONE ? addr_format(&c->server, server)
					  : "-",
	    step_name(c->step));
	if (c->problem == PROBLEM_NONE)
		print_found(c);
	else
		printf("%s", text_of(report_words, c, text));
	if (c->problem != PROBLEM_NONE &&
	    text_of(report_advice, c, text)[0] != '\0')
		printf("\n          %s", text);
	printf("\n");
	fflush(stdout);
}

static void
print_nat(const struct nat *n)
{
	char text[TEXT_MAX], server[ADDR_STRLEN];
	struct buf b = buf_fixed(text, sizeof(text) - 1);

	report_nat(n, &b);
	text[b.len] = '\0';
	printf("NAT, as seen from %s\n", addr_format(&n->server, server));
	printf("  mapping    %s\n", nat_behaviour_name(n->mapping));
	printf("  filtering  %s\n", nat_behaviour_name(n->filtering));
	printf("  %s\n", text);
	if (n->mapped.family != ADDR_NONE && n->other.family == ADDR_NONE)
		printf("  The server offers no second address (RFC 5780), so "
		       "this is as much as can be known.\n");
}

static void
print_line(void *arg, const char *sentence)
{
	printf("  %s\n", sentence);
}

static void
json_addr(struct json_out *o, const char *name, const struct addr *a)
{
	char text[ADDR_STRLEN];

	if (a->family == ADDR_NONE)
		json_out_null(o, name);
	else
		json_out_str(o, name, addr_format(a, text));
}

/* Every member is always there, so that a reader need not ask. */
static void
json_problem(struct json_out *o, const struct check *c)
{
	char text[TEXT_MAX];

	if (c->problem == PROBLEM_NONE) {
		json_out_null(o, "problem");
		json_out_null(o, "code");
		json_out_null(o, "words");
		json_out_null(o, "advice");
		return;
	}
	json_out_str(o, "problem", problem_id(c->problem));
	if (c->code != 0)
		json_out_int(o, "code", c->code);
	else
		json_out_null(o, "code");
	json_out_str(o, "words", text_of(report_words, c, text));
	json_out_str(o, "advice", text_of(report_advice, c, text));
}

static void
json_check(struct json_out *o, const struct check *c)
{
	json_out_object(o, NULL);
	json_out_str(o, "uri", c->uri->text);
	json_out_str(o, "transport", transport_name(c->transport));
	json_addr(o, "server", &c->server);
	json_out_str(o, "check", step_name(c->step));
	json_out_str(o, "result", result_name(c->result));
	json_addr(o, "mapped", &c->mapped);
	json_addr(o, "relayed", &c->relayed);
	if (c->rtt_us > 0)
		json_out_int(o, "microseconds", (int64_t)c->rtt_us);
	else
		json_out_null(o, "microseconds");
	json_problem(o, c);
	json_out_close(o);
}

static void
json_nat(struct json_out *o, const struct nat *n)
{
	json_out_object(o, "nat");
	json_addr(o, "server", &n->server);
	json_addr(o, "local", &n->local);
	json_addr(o, "mapped", &n->mapped);
	json_out_bool(o, "present", nat_is_there(n));
	json_out_str(o, "mapping", nat_behaviour_name(n->mapping));
	json_out_str(o, "filtering", nat_behaviour_name(n->filtering));
	json_out_close(o);
}

static void
json_line(void *arg, const char *sentence)
{
	json_out_str(arg, NULL, sentence);
}

static void
print_json(const struct report *r)
{
	struct json_out o;
	struct buf b;
	size_t i;

	buf_init(&b, JSON_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_int(&o, "version", 1);
	json_out_bool(&o, "ok", report_ok(r));
	json_out_array(&o, "checks");
	for (i = 0; i < r->n; i++)
		json_check(&o, &r->checks[i]);
	json_out_close(&o);
	if (r->nat_asked)
		json_nat(&o, &r->nat);
	else
		json_out_null(&o, "nat");
	json_out_array(&o, "conclusions");
	report_conclude(r, json_line, &o);
	if (json_out_end(&o) == 0)
		printf("%.*s\n", (int)b.len, (const char *)b.data);
	buf_fini(&b);
}

void
print_end(const struct probe *p)
{
	if (p->json) {
		print_json(&p->report);
		return;
	}
	if (p->report.nat_asked)
		print_nat(&p->report.nat);
	printf("%s\n",
	    report_ok(&p->report) ? "All checks passed."
				  : "Something does not work.");
	report_conclude(&p->report, print_line, NULL);
}
