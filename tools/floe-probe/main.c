/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "lib/crypto/crypto.h"
#include "tools/floe-probe/probe.h"

enum { EXIT_FINE, EXIT_TROUBLE, EXIT_USAGE };

#define SECRET_LIFE_S 600
#define URIS_MAX      16

static const char usage_text[] =
    "floe-probe - does a STUN, TURN or signaling server work from here\n\n"
    "usage: floe-probe [options] URI...\n\n"
    "  URI                   stun:HOST[:PORT], stuns:HOST[:PORT],\n"
    "                        turn:HOST[:PORT][?transport=udp|tcp] or\n"
    "                        turns:HOST[:PORT][?transport=udp|tcp], or\n"
    "                        ws[s]://HOST[:PORT][/PATH] for signaling\n"
    "  -u, --user NAME       user of the TURN server\n"
    "  -p, --password PW     and password; else $FLOE_PROBE_PASSWORD\n"
    "  -s, --secret SECRET   its turn-secret instead; else "
    "$FLOE_PROBE_SECRET\n"
    "      --ca FILE         trust the authorities in this PEM file instead\n"
    "      --insecure        test on though the certificate does not hold\n"
    "  -j, --json            print the report as JSON\n"
    "  -V, --version         print the version, exit\n"
    "  -h, --help            print this, exit\n\n"
    "Exit status: 0 all works, 1 something does not, 2 wrong usage.\n"
    "See floe-probe(1).\n";

static const struct option options[] = {
	{ "user", required_argument, NULL, 'u' },
	{ "password", required_argument, NULL, 'p' },
	{ "secret", required_argument, NULL, 's' },
	{ "ca", required_argument, NULL, 'C' },
	{ "insecure", no_argument, NULL, 'I' },
	{ "json", no_argument, NULL, 'j' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *secret;
	struct uri uris[URIS_MAX];
	size_t nuris;
	char user[128], password[128]; /* made from the secret */
};

static int
bad_usage(const char *what, const char *about)
{
	fprintf(stderr, "floe-probe: %s%s\nfloe-probe --help tells more\n",
	    what, about);
	return EXIT_USAGE;
}

/* -1: go on; else the exit status. */
static int
parse_option(int option, struct probe *p, struct arguments *a)
{
	switch (option) {
	case 'u':
		p->user = optarg;
		return -1;
	case 'p':
		p->password = optarg;
		return -1;
	case 's':
		a->secret = optarg;
		return -1;
	case 'C':
		p->ca = optarg;
		return -1;
	case 'I':
		p->insecure = true;
		return -1;
	case 'j':
		p->json = true;
		return -1;
	case 'V':
		printf("floe-probe %s\n", PACKAGE_VERSION);
		return EXIT_FINE;
	case 'h':
		fputs(usage_text, stdout);
		return EXIT_FINE;
	default:
		return bad_usage("that is not how it is called", "");
	}
}

static int
parse_uris(int argc, char **argv, struct arguments *a)
{
	const char *why;

	if (optind == argc)
		return bad_usage("which server? Give a URI such as ",
		    "stun:stun.example.org");
	for (; optind < argc; optind++) {
		if (a->nuris == URIS_MAX)
			return bad_usage("too many URIs, from ", argv[optind]);
		if (uri_parse(argv[optind], &a->uris[a->nuris++], &why) == 0)
			continue;
		fprintf(stderr, "floe-probe: %s: %s\n", argv[optind], why);
		return EXIT_USAGE;
	}
	return -1;
}

static int
check_credentials(struct probe *p, struct arguments *a)
{
	if (p->password == NULL)
		p->password = getenv("FLOE_PROBE_PASSWORD");
	if (a->secret == NULL && p->user == NULL)
		a->secret = getenv("FLOE_PROBE_SECRET");
	if (a->secret != NULL && p->user != NULL)
		return bad_usage("--secret makes its own --user", "");
	if (p->user != NULL && p->password == NULL)
		return bad_usage("--user needs --password", "");
	if (a->secret == NULL)
		return -1;
	if (client_secret(a->secret, (uint64_t)time(NULL) + SECRET_LIFE_S,
		a->user, a->password, sizeof(a->user)) != 0)
		return bad_usage("cannot use that secret", "");
	p->user = a->user;
	p->password = a->password;
	return -1;
}

static int
parse(int argc, char **argv, struct probe *p, struct arguments *a)
{
	int option, rc = -1;

	while (rc < 0 &&
	    (option = getopt_long(argc, argv, "u:p:s:jVh", options, NULL)) !=
		-1)
		rc = parse_option(option, p, a);
	if (rc < 0)
		rc = parse_uris(argc, argv, a);
	if (rc < 0)
		rc = check_credentials(p, a);
	return rc;
}

static void
check_uri(struct probe *p, const struct uri *u)
{
	struct target t = { .uri = u };
	struct addr addresses[ADDRESSES_MAX];
	struct trouble trouble;
	struct check c;
	size_t i, n = resolve(u, addresses, &trouble);

	print_uri(p, u);
	if (n == 0) {
		c = target_begin(&t, STEP_RESOLVE);
		target_tell(p, &c, &trouble);
	}
	for (t.transport = 0; t.transport < TRANSPORTS; t.transport++) {
		if ((u->transports & 1u << t.transport) == 0)
			continue;
		for (i = 0; i < n; i++) {
			t.server = addresses[i];
			target_check(p, &t, n == 1);
		}
	}
}

static int
open_tls(struct probe *p)
{
	static const char *const stun[] = { "stun.turn", "stun.nat-discovery",
		NULL };
	static const char *const web[] = { "http/1.1", NULL };
	struct tls_client_conf conf = {
		.ca = p->ca,
		.insecure = p->insecure,
		.alpn = stun,
	};
	char err[TLS_ERR_MAX];
	int rc = tls_client_ctx_new(&conf, &p->tls, err);

	conf.alpn = web;
	if (rc == 0)
		rc = tls_client_ctx_new(&conf, &p->web_tls, err);
	return rc == 0 ? -1 : bad_usage("--ca ", err);
}

int
main(int argc, char **argv)
{
	static struct probe p;
	static struct arguments a;
	size_t i;
	int rc;

	if (crypto_init() != 0) {
		fputs("floe-probe: OpenSSL lacks what it needs\n", stderr);
		return EXIT_TROUBLE;
	}
	rc = parse(argc, argv, &p, &a);
	if (rc < 0)
		rc = open_tls(&p);
	if (rc < 0) {
		for (i = 0; i < a.nuris; i++)
			check_uri(&p, &a.uris[i]);
		discover(&p);
		print_end(&p);
		rc = report_ok(&p.report) ? EXIT_FINE : EXIT_TROUBLE;
	}
	tls_ctx_free(p.tls);
	tls_ctx_free(p.web_tls);
	crypto_wipe(&a, sizeof(a));
	crypto_fini();
	return rc;
}
