/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/buf.h"
#include "signald/core/token.h"
#include "tests/unit/signald/core/script.h"

#define NAME_MAX_LEN 64
#define TOKEN_PREFIX "token."
#define TOKEN_TTL_MS 86400000

void
script_init(struct script *s, const uint8_t *token_key)
{
	memset(s, 0, sizeof(*s));
	s->token_key = token_key;
}

void
script_forget(struct script *s)
{
	for (; s->nvars > 0; s->nvars--) {
		free(s->vars[s->nvars - 1].name);
		free(s->vars[s->nvars - 1].value);
	}
}

void
script_fini(struct script *s)
{
	script_forget(s);
}

const char *
script_var(const struct script *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nvars; i++) {
		if (strcmp(s->vars[i].name, name) == 0)
			return s->vars[i].value;
	}
	return NULL;
}

static void
var_set(struct script *s, const char *name, const char *value)
{
	if (s->nvars == SCRIPT_VARS)
		abort();
	s->vars[s->nvars].name = strdup(name);
	s->vars[s->nvars++].value = strdup(value);
}

static void
put_var(struct script *s, struct buf *b, const char *name, uint64_t wall_ms)
{
	static const uint8_t id[SIG_TOKEN_ID_LEN];
	char token[SIG_TOKEN_MAX];
	const char *value = script_var(s, name);

	if (strncmp(name, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) == 0 &&
	    sig_token_make(s->token_key, name + strlen(TOKEN_PREFIX), 0,
		wall_ms + TOKEN_TTL_MS, id, token) == 0)
		value = token;
	if (value == NULL) /* as it stands: it may be meant */
		buf_u8(b, '$');
	buf_puts(b, value != NULL ? value : name);
}

char *
script_text(struct script *s, const char *text, uint64_t wall_ms)
{
	char name[NAME_MAX_LEN];
	struct buf b;
	size_t n;

	buf_init(&b, SIZE_MAX / 2);
	for (; *text != '\0'; text++) {
		if (*text != '$') {
			buf_u8(&b, *text == '\'' ? '"' : (uint8_t)*text);
			continue;
		}
		for (n = 0; n + 1 < sizeof(name) &&
		     (isalnum(text[1]) || text[1] == '.' || text[1] == '_');
		     n++)
			name[n] = *++text;
		name[n] = '\0';
		put_var(s, &b, name, wall_ms);
	}
	buf_u8(&b, '\0');
	return (char *)b.data;
}

static bool same(struct script *, const json_t *, const json_t *, const char *);

static bool
differ(
    struct script *s, const char *where, const json_t *want, const json_t *got)
{
	char *w = json_dumps(want, JSON_ENCODE_ANY);
	char *g = got == NULL ? NULL : json_dumps(got, JSON_ENCODE_ANY);

	snprintf(s->why, sizeof(s->why), "%s: want %s, got %s", where, w,
	    g == NULL ? "nothing" : g);
	free(w);
	free(g);
	return false;
}

static bool
same_string(
    struct script *s, const json_t *want, const json_t *got, const char *where)
{
	const char *text = json_string_value(want), *value;
	char number[32];

	if (strcmp(text, "*") == 0)
		return got != NULL ? true : differ(s, where, want, got);
	if (text[0] != '$')
		return json_equal(want, got) ? true
					     : differ(s, where, want, got);
	value = json_string_value(got);
	if (json_is_integer(got)) {
		snprintf(number, sizeof(number), "%lld",
		    (long long)json_integer_value(got));
		value = number;
	}
	if (value == NULL)
		return differ(s, where, want, got);
	if (script_var(s, text + 1) == NULL)
		var_set(s, text + 1, value);
	return strcmp(script_var(s, text + 1), value) == 0
	    ? true
	    : differ(s, where, want, got);
}

static bool
same_array(
    struct script *s, const json_t *want, const json_t *got, const char *where)
{
	size_t i;

	if (!json_is_array(got) ||
	    json_array_size(want) != json_array_size(got))
		return differ(s, where, want, got);
	for (i = 0; i < json_array_size(want); i++) {
		if (!same(s, json_array_get(want, i), json_array_get(got, i),
			where))
			return false;
	}
	return true;
}

static bool
same(struct script *s, const json_t *want, const json_t *got, const char *where)
{
	const json_t *value;
	const char *key;

	if (json_is_string(want))
		return same_string(s, want, got, where);
	if (json_is_array(want))
		return same_array(s, want, got, where);
	if (!json_is_object(want))
		return json_equal(want, got) ? true
					     : differ(s, where, want, got);
	if (!json_is_object(got))
		return differ(s, where, want, got);
	json_object_foreach((json_t *)(uintptr_t)want, key, value)
	{
		if (!same(s, value, json_object_get(got, key), key))
			return false;
	}
	return true;
}

const char *
script_match(
    struct script *s, const char *want, const char *text, uint64_t wall_ms)
{
	char *wanted = script_text(s, want, wall_ms);
	json_t *w = json_loads(wanted, JSON_DECODE_ANY, NULL);
	json_t *g = text == NULL ? NULL : json_loads(text, 0, NULL);
	bool ok = false;

	if (w == NULL)
		snprintf(s->why, sizeof(s->why), "not JSON: %s", wanted);
	else if (g == NULL)
		snprintf(s->why, sizeof(s->why), "want %s, heard %s", wanted,
		    text == NULL ? "nothing" : text);
	else
		ok = same(s, w, g, "text");
	if (!ok && g != NULL)
		snprintf(s->why + strlen(s->why),
		    sizeof(s->why) - strlen(s->why), " in %s", text);
	json_decref(w);
	json_decref(g);
	free(wanted);
	return ok ? NULL : s->why;
}
