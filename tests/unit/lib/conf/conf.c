/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/conf/conf.h"
#include "tests/unit/test.h"

struct sample {
	struct conf_common common;
	struct conf_list listen; /* struct conf_listen */
	struct conf_list users;  /* struct conf_user */
	struct conf_list peers;  /* struct prefix */
	int64_t idle_ms;
	bool open;
	const char *page;
};

static const char *const schemes[] = { "udp", "tcp", NULL };

#define OWN(field) offsetof(struct sample, field)

static const struct conf_option table[] = {
	{ "turnd", "listen", CONF_LISTEN, CONF_REPEAT | CONF_REQUIRED,
	    OWN(listen), NULL, 0, 0, schemes, "where" },
	{ "turnd", "user", CONF_USER, CONF_REPEAT, OWN(users), NULL, 0, 0, NULL,
	    "who" },
	{ "turnd", "allow-peer", CONF_PREFIX, CONF_REPEAT, OWN(peers),
	    "10.0.0.0/8", 0, 0, NULL, "whom" },
	{ "turnd", "idle", CONF_DURATION, CONF_PART, OWN(idle_ms), "5s", 1000,
	    60000, NULL, "how long" },
	{ "turnd", "open", CONF_BOOL, CONF_PART, OWN(open), "no", 0, 0, NULL,
	    "all" },
	{ "turnd", "page", CONF_PATH, CONF_READABLE, OWN(page), NULL, 0, 0,
	    NULL, "what" },
	{ .key = NULL },
};

#define LISTEN "[turnd]\nlisten = udp://192.0.2.1:3478\n"

static struct conf *
read_bytes(const char *text, size_t len, char err[CONF_ERR_MAX])
{
	FILE *f = fmemopen((void *)(uintptr_t)text, len, "r");
	struct conf *c;

	assert_non_null(f);
	c = conf_read(f, "x.conf", table, sizeof(struct sample), err);
	fclose(f);
	return c;
}

static struct conf *
good(const char *text)
{
	char err[CONF_ERR_MAX] = "";
	struct conf *c = read_bytes(text, strlen(text), err);

	if (c == NULL)
		fail_msg("%s", err);
	return c;
}

static void
fills_in(void **state)
{
	struct conf *c = good("[floe]\n"
			      "realm = example.org\n"
			      "workers = 3 ; three\n"
			      "turn-secret = one\n"
			      "turn-secret = two; or more\n"
			      "log-format = json\n"
			      "# a comment\n"
			      "[turnd]\r\n"
			      "listen = udp://192.0.2.1:3478\r\n"
			      "listen=tcp://[2001:db8::1]:3478\n"
			      "user = alice:wonder:land\n"
			      "idle = 7s\n"
			      "open = yes\n");
	const struct sample *s = conf_data(c);
	const struct conf_listen *l = s->listen.items;
	const struct conf_user *u = s->users.items;
	const struct prefix *p = s->peers.items;
	const char *const *secrets = s->common.turn_secrets.items;

	assert_string_equal(s->common.realm, "example.org");
	assert_int_equal(s->common.workers, 3);
	assert_int_equal(s->common.log_format, 1);
	assert_int_equal(s->common.turn_secrets.n, 2);
	assert_string_equal(secrets[0], "one");
	/* A comment within a line needs a space before it. */
	assert_string_equal(secrets[1], "two; or more");
	assert_int_equal(s->listen.n, 2);
	assert_string_equal(l[0].scheme, "udp");
	assert_int_equal(l[0].line, 9);
	assert_string_equal(l[1].scheme, "tcp");
	assert_int_equal(l[1].addr.family, ADDR_V6);
	assert_int_equal(l[1].addr.port, 3478);
	assert_int_equal(l[1].line, 10);
	assert_int_equal(s->users.n, 1);
	assert_string_equal(u->name, "alice");
	assert_string_equal(u->password, "wonder:land");
	assert_int_equal(s->peers.n, 1);
	assert_int_equal(p->bits, 8);
	assert_int_equal(s->idle_ms, 7000);
	assert_true(s->open);
	conf_free(c);
}

static void
defaults(void **state)
{
	struct conf *c = good(LISTEN);
	const struct sample *s = conf_data(c);

	assert_string_equal(s->common.realm, "floe");
	assert_int_equal(s->common.workers, 0);
	assert_int_equal(s->common.turn_secrets.n, 0);
	assert_null(s->common.tls_cert);
	assert_int_equal(s->idle_ms, 5000);
	assert_false(s->open);
	assert_int_equal(s->users.n, 0);
	conf_free(c);
}

/* The file is one for all daemons: each judges what is its own. */
static void
leaves_other_daemons_alone(void **state)
{
	conf_free(good(LISTEN "[signald]\nwhatever = 1\n[stund]\nlisten = ?\n"
			      "[turnd]\nopen = yes\n"));
}

static void
names_the_place(void **state)
{
	static const char *const rows[][2] = {
		{ "[floe]\ncolour = blue\n",
		    "x.conf:2: [floe] colour: unknown key; see floe.conf(5)" },
		{ "[floe]\n\nrelm = x\n",
		    "x.conf:3: [floe] relm: unknown key; did you mean "
		    "realm?" },
		{ LISTEN "opne = yes\n",
		    "x.conf:3: [turnd] opne: unknown key;"
		    " did you mean open?" },
		{ "realm = x\n", "x.conf:1: realm: stands before the first" },
		{ "[floe]\n[trund]\n",
		    "x.conf:2: [trund] unknown section; "
		    "allowed: [floe], [stund], [turnd]" },
		{ "\xef\xbb\xbf[trund]\n", "x.conf:1: [trund] unknown" },
		{ "[floe]\nrealm\nworkers = x\n", "x.conf:2: neither" },
		{ "[floe\n", "x.conf:1: neither" },
		{ "[floe]\nrealm =\n", "x.conf:2: [floe] realm: bad value" },
		{ "[floe]\nworkers = several\n" LISTEN,
		    "x.conf:2: [floe] workers: bad value \"several\"; "
		    "allowed: auto, or a number, 1 to 64" },
		{ LISTEN "listen = carrier-pigeon\n",
		    "x.conf:3: [turnd] listen: bad value \"carrier-pigeon\"; "
		    "allowed: udp|tcp://" },
		{ LISTEN "idle = 61s\n",
		    "x.conf:3: [turnd] idle: bad value \"61s\"; allowed: a "
		    "duration such as 500ms, 5s, 10m, 1h or 7d, 1s to 1m" },
		{ LISTEN "idle = 5s\nidle = 6s\n",
		    "x.conf:4: [turnd] idle: set before on line 3" },
		{ LISTEN "page = /nowhere/at/all\n",
		    "x.conf:3: [turnd] page: cannot read /nowhere/at/all: No "
		    "such file" },
		{ "[floe]\nrealm = x\n",
		    "x.conf: [turnd] listen: is needed and not set; allowed: "
		    "udp|tcp://" },
	};
	char err[CONF_ERR_MAX];
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_null(read_bytes(rows[i][0], strlen(rows[i][0]), err));
		if (strstr(err, rows[i][1]) != err)
			fail_msg("\"%s\" is not \"%s\"", err, rows[i][1]);
	}
}

static void
keeps_secrets_out_of_messages(void **state)
{
	char err[CONF_ERR_MAX];

	assert_null(read_bytes("[turnd]\nuser = hunter2\n", 23, err));
	assert_null(strstr(err, "hunter2"));
}

static void
long_lines(void **state)
{
	char err[CONF_ERR_MAX], text[9000] = "[floe]\nrealm = ", word[4000];
	struct conf *c;
	size_t i;

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	snprintf(text, sizeof(text), "[floe]\nrealm = %s\n%s", word, LISTEN);
	c = good(text);
	assert_string_equal(
	    ((const struct sample *)conf_data(c))->common.realm, word);
	conf_free(c);

	snprintf(text, sizeof(text), "[floe]\nrealm = %s%s\n", word, word);
	assert_null(read_bytes(text, strlen(text), err));
	assert_string_equal(
	    err, "x.conf:2: the line is longer than 4000 bytes");

	/* Where inih by itself would cut a line in two. */
	for (i = 190; i < 210; i++) {
		snprintf(text, sizeof(text), "[floe]\nrealm = %.*s\n%s", (int)i,
		    word, LISTEN);
		c = good(text);
		assert_int_equal(
		    strlen(((const struct sample *)conf_data(c))->common.realm),
		    i);
		conf_free(c);
	}
}

static void
nul_bytes(void **state)
{
	static const char text[] = "[floe]\nrealm = a\0b\n";
	char err[CONF_ERR_MAX];

	assert_null(read_bytes(text, sizeof(text) - 1, err));
	assert_string_equal(err, "x.conf:2: a NUL byte in the line");
}

/* An indented line is no continuation: it would hide a forgotten key. */
static void
no_continuation(void **state)
{
	char err[CONF_ERR_MAX];
	static const char text[] = LISTEN "user = a:b\n  c:d\n";

	assert_null(read_bytes(text, strlen(text), err));
	assert_ptr_equal(strstr(err, "x.conf:4: "), err);
}

static void
tells_lines(void **state)
{
	struct conf *c = good("\n" LISTEN "listen = udp://192.0.2.2:1\n");
	char out[CONF_ERR_MAX];

	assert_int_equal(conf_line(c, "turnd", "listen", 0), 3);
	assert_int_equal(conf_line(c, "turnd", "listen", 1), 4);
	assert_int_equal(conf_line(c, "turnd", "listen", 2), 0);
	assert_int_equal(conf_line(c, "turnd", "open", 0), 0);
	assert_int_equal(
	    conf_wrong(c, "turnd", "listen", 1, out, "%d ports", 2), -EINVAL);
	assert_string_equal(out, "x.conf:4: [turnd] listen: 2 ports");
	conf_wrong(c, "turnd", "open", 0, out, "why");
	assert_string_equal(out, "x.conf: [turnd] open: why");
	assert_string_equal(conf_file(c), "x.conf");
	conf_free(c);
}

static void
dumps(void **state)
{
	struct conf *c = good("[floe]\nturn-secret = hunter2\n" LISTEN
			      "user = alice:hunter3\nuser = bob:hunter4\n"
			      "idle = 60000ms\n");
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	conf_dump(c, f);
	fclose(f);
	assert_string_equal(text,
	    "[floe]\n"
	    "realm = floe\n"
	    "state-dir = /var/lib/floe\n"
	    "turn-secret = (set)\n"
	    "; tls-cert =\n"
	    "; tls-key =\n"
	    "workers = auto\n"
	    "log-format = text\n"
	    "log-level = info\n"
	    "; user =\n"
	    "\n"
	    "[turnd]\n"
	    "listen = udp://192.0.2.1:3478\n"
	    "user = alice:(set)\n"
	    "user = bob:(set)\n"
	    "allow-peer = 10.0.0.0/8\n"
	    "idle = 1m\n"
	    "open = no\n"
	    "; page =\n");
	free(text);
	conf_free(c);
}

static void
missing_file(void **state)
{
	char err[CONF_ERR_MAX];

	assert_null(
	    conf_load("/nowhere/floe.conf", table, sizeof(struct sample), err));
	assert_string_equal(
	    err, "/nowhere/floe.conf: No such file or directory");
	assert_null(conf_load("/", table, sizeof(struct sample), err));
	assert_ptr_equal(strstr(err, "/:"), err);
}

/* A file of this text as a part's; the error's own words go to why. */
static struct conf *
part(const char *text, char why[CONF_ERR_MAX])
{
	char path[] = "/tmp/floe-conf-XXXXXX", err[CONF_ERR_MAX] = "";
	int fd = mkstemp(path);
	struct conf *c;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	c = conf_load_part(path, table, sizeof(struct sample), err);
	unlink(path);
	snprintf(why, CONF_ERR_MAX, "%s",
	    c != NULL ? ""
		      : err + strlen(path) * (strncmp(err, path, 16) == 0));
	return c;
}

static void
parts(void **state)
{
	char why[CONF_ERR_MAX], *text = NULL;
	const struct sample *s;
	size_t len = 0;
	struct conf *c = part("[turnd]\nopen = yes\n", why);
	FILE *f = open_memstream(&text, &len);

	assert_non_null(c);
	s = conf_data(c);
	assert_true(s->open);
	assert_int_equal(s->idle_ms, 5000);
	assert_int_equal(s->peers.n, 0);
	assert_null(s->common.realm);
	conf_dump(c, f);
	fclose(f);
	assert_string_equal(text, "[turnd]\nidle = 5s\nopen = yes\n");
	free(text);
	conf_free(c);
	assert_null(part("[turnd]\nopen = yes\nuser = a:b\n", why));
	assert_string_equal(why,
	    ":3: [turnd] user: not in this file; it is set in the main one, "
	    "for all");
	assert_null(part("\n[floe]\n", why));
	assert_string_equal(
	    why, ":2: [floe] not in this file; allowed: [turnd]");
	assert_null(part("[stund]\nlisten = x\n", why));
	assert_string_equal(
	    why, ":1: [stund] not in this file; allowed: [turnd]");
	assert_null(part("[turnd]\nuser2 = a:b\n", why));
	assert_string_equal(why,
	    ":2: [turnd] user2: unknown key; see floe.conf(5) for the keys of "
	    "[turnd]");
	assert_null(part("[turnd]\nidle = 5\n", why));
	assert_non_null(strstr(why, ":2: [turnd] idle: bad value"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_in),
		cmocka_unit_test(defaults),
		cmocka_unit_test(leaves_other_daemons_alone),
		cmocka_unit_test(names_the_place),
		cmocka_unit_test(keeps_secrets_out_of_messages),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(nul_bytes),
		cmocka_unit_test(no_continuation),
		cmocka_unit_test(tells_lines),
		cmocka_unit_test(dumps),
		cmocka_unit_test(missing_file),
		cmocka_unit_test(parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
