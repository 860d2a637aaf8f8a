/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf: any bytes as a floe.conf are read or refused with a message that
 * begins with the file's name; what was read can be dumped, and the dump of a
 * file without secrets reads the same again.
 */
#include <string.h>

#include "lib/conf/conf.h"
#include "tests/fuzz/fuzz.h"

struct sample {
	struct conf_common common;
	int64_t number, bytes, duration, choice;
	struct addr addr, addrport;
	struct conf_list listen, prefixes, users;
	struct conf_range range;
	bool flag;
};

static const char *const schemes[] = { "udp", "tcp", "tls", NULL };
static const char *const choices[] = { "low", "high", NULL };

#define OWN(field) offsetof(struct sample, field)

static const struct conf_option table[] = {
	{ "turnd", "number", CONF_INT, 0, OWN(number), "1", 0, 1000, NULL, "" },
	{ "turnd", "bytes", CONF_BYTES, 0, OWN(bytes), "1k", 0, INT64_MAX, NULL,
	    "" },
	{ "turnd", "duration", CONF_DURATION, 0, OWN(duration), "1s", 1,
	    INT64_MAX, NULL, "" },
	{ "turnd", "choice", CONF_ENUM, 0, OWN(choice), "low", 0, 0, choices,
	    "" },
	{ "turnd", "addr", CONF_ADDR, 0, OWN(addr), NULL, 0, 0, NULL, "" },
	{ "turnd", "addrport", CONF_ADDRPORT, 0, OWN(addrport), NULL, 0, 0,
	    NULL, "" },
	{ "turnd", "listen", CONF_LISTEN, CONF_REPEAT, OWN(listen), NULL, 0, 0,
	    schemes, "" },
	{ "turnd", "prefix", CONF_PREFIX, CONF_REPEAT, OWN(prefixes), NULL, 0,
	    0, NULL, "" },
	{ "turnd", "user", CONF_USER, CONF_REPEAT, OWN(users), NULL, 0, 0, NULL,
	    "" },
	{ "turnd", "range", CONF_RANGE, 0, OWN(range), "1-2", 0, 0, NULL, "" },
	{ "turnd", "flag", CONF_BOOL, 0, OWN(flag), "no", 0, 0, NULL, "" },
	{ .key = NULL },
};

static struct conf *
read_bytes(const void *data, size_t len, char err[CONF_ERR_MAX])
{
	FILE *f = fmemopen((void *)(uintptr_t)data, len, "r");
	struct conf *c;

	MUST(f != NULL);
	memset(err, 'e', CONF_ERR_MAX);
	c = conf_read(f, "fuzz.conf", table, sizeof(struct sample), err);
	fclose(f);
	MUST(memchr(err, '\0', CONF_ERR_MAX) != NULL);
	MUST(c != NULL || strncmp(err, "fuzz.conf:", 10) == 0);
	return c;
}

static char *
dump(const struct conf *c, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	MUST(f != NULL);
	conf_dump(c, f);
	fclose(f);
	return text;
}

/* Free text may hold what means something else when it is read again. */
static bool
has_free_text(const struct conf *c)
{
	const struct sample *s = conf_data(c);

	return s->users.n > 0 || s->common.turn_secrets.n > 0 ||
	    strcmp(s->common.realm, "floe") != 0 ||
	    strcmp(s->common.state_dir, "/var/lib/floe") != 0 ||
	    s->common.user != NULL || s->common.tls_cert != NULL ||
	    s->common.tls_key != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf *c, *again;
	char err[CONF_ERR_MAX], *text, *twice;
	size_t text_len, twice_len;

	c = len == 0 ? NULL : read_bytes(data, len, err);
	if (c == NULL)
		return 0;
	text = dump(c, &text_len);
	if (!has_free_text(c)) {
		again = read_bytes(text, text_len, err);
		MUST(again != NULL);
		twice = dump(again, &twice_len);
		MUST(strcmp(text, twice) == 0);
		free(twice);
		conf_free(again);
	}
	free(text);
	conf_free(c);
	return 0;
}
