/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/core/change.h"

#define RECORD_MAX (1024 * 1024)
#define SEQ_MAX    ((INT64_C(1) << 53) - 1)

static const struct json_limits limits = { RECORD_MAX, 8192, 8 };
/* What a message has in front of its body, in this order. */
static const char *const heads[] = { "conv", "seq", "id", "ts", "from",
	"device", "mid", "type", "reply", "mentions" };

/* The parts of a change at work. */
struct work {
	const struct sig_append *append;
	uint64_t seq;
	struct json_in old;    /* the message */
	struct json_in change; /* the change's body */
	struct json_out out;
};

static int
parse(const char *text, size_t len, struct json **doc, struct json_in *in)
{
	char err[JSON_ERR_MAX];
	int rc = json_parse(text, len, &limits, doc, err);

	if (rc != 0)
		return rc == -ENOMEM ? rc : -EIO;
	json_in_init(in, *doc, "");
	return 0;
}

static void
copy(struct work *w, const char *name)
{
	const struct json *v = json_in_any(&w->old, name);

	if (v != NULL)
		json_out_value(&w->out, name, v);
}

static const char *
emoji_of(const struct json *reaction)
{
	struct json_in in;

	json_in_init(&in, reaction, "");
	return json_in_str(&in, "emoji", 1, SIG_EMOJI_BYTES);
}

static const struct json *
users_of(const struct json *reaction)
{
	struct json_in in;

	json_in_init(&in, reaction, "");
	return json_in_array(&in, "users", 0, SIZE_MAX);
}

static bool
has_user(const struct json *users, const char *user)
{
	size_t i;

	for (i = 0; i < json_items(users); i++)
		if (strcmp(json_text(json_item(users, i)), user) == 0)
			return true;
	return false;
}

/* One reaction without the user, and with when on; nobody left: nothing. */
static void
put_reaction(struct work *w, const char *emoji, const struct json *users,
    const char *user, bool on)
{
	size_t i, others = 0;

	for (i = 0; i < json_items(users); i++)
		others += strcmp(json_text(json_item(users, i)), user) != 0;
	if (others == 0 && !on)
		return;
	json_out_object(&w->out, NULL);
	json_out_str(&w->out, "emoji", emoji);
	json_out_array(&w->out, "users");
	for (i = 0; i < json_items(users); i++)
		if (strcmp(json_text(json_item(users, i)), user) != 0)
			json_out_value(&w->out, NULL, json_item(users, i));
	if (on)
		json_out_str(&w->out, NULL, user);
	json_out_close(&w->out);
	json_out_close(&w->out);
}

static int
react(struct work *w)
{
	const char *user = w->append->user;
	const char *emoji =
	    json_in_str(&w->change, "emoji", 1, SIG_EMOJI_BYTES);
	bool on = json_in_bool(&w->change, "on"), found = false, was = false;
	const struct json *all =
	    json_in_array_opt(&w->old, "reactions", 0, SIZE_MAX);
	const struct json *one;
	size_t i;

	if (w->change.code != 0)
		return -EIO;
	json_out_array(&w->out, "reactions");
	for (i = 0; i < json_items(all); i++) {
		one = json_item(all, i);
		if (strcmp(emoji_of(one), emoji) != 0) {
			json_out_value(&w->out, NULL, one);
			continue;
		}
		found = true;
		was = has_user(users_of(one), user);
		put_reaction(w, emoji, users_of(one), user, on);
	}
	if (!found && on)
		put_reaction(w, emoji, NULL, user, true);
	json_out_close(&w->out);
	if (on == was)
		return -EALREADY;
	return !found && json_items(all) >= SIG_EMOJIS_MAX ? -E2BIG : 0;
}

/* The old body with another text, which one of a text is. */
static void
put_body(struct work *w, const char *text)
{
	static const char *const rest[] = { "file", "name", "width", "height",
		"duration_ms", "size", "type" };
	struct json_in body;
	const struct json *v;
	size_t i;

	json_in_init(&body, json_in_object(&w->old, "body"), "body");
	json_out_object(&w->out, "body");
	for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		v = json_in_any(&body, rest[i]);
		if (v != NULL)
			json_out_value(&w->out, rest[i], v);
	}
	json_out_str(&w->out, "text", text);
	json_out_close(&w->out);
}

static int
edit(struct work *w)
{
	const char *text = json_in_str(&w->change, "text", 1, RECORD_MAX);
	const struct json *edits =
	    json_in_array_opt(&w->old, "edits", 0, SIZE_MAX);
	size_t i;

	if (text == NULL)
		return -EIO;
	put_body(w, text);
	json_out_int(&w->out, "edited_ts", (int64_t)w->append->ts);
	json_out_array(&w->out, "edits");
	for (i = 0; i < json_items(edits); i++)
		json_out_value(&w->out, NULL, json_item(edits, i));
	json_out_int(&w->out, NULL, (int64_t)w->seq);
	json_out_close(&w->out);
	copy(w, "reactions");
	return json_items(edits) >= SIG_EDITS_MAX ? -E2BIG : 0;
}

/* Nothing of what it said stays, here or in the entries of its edits. */
static int
retract(struct work *w, struct sig_changed *changed)
{
	const struct json *edits =
	    json_in_array_opt(&w->old, "edits", 0, SIG_EDITS_MAX);
	const char *file;
	struct json_in body;
	size_t i;

	json_in_init(&body, json_in_object(&w->old, "body"), "body");
	file = json_in_str_opt(
	    &body, "file", SIG_FILE_HASH_LEN, SIG_FILE_HASH_LEN);
	if (file != NULL)
		memcpy(changed->file, file, SIG_FILE_HASH_LEN);
	for (i = 0; i < json_items(edits); i++)
		changed->blank[changed->nblank++] =
		    (uint64_t)json_number(json_item(edits, i));
	json_out_object(&w->out, "body");
	json_out_close(&w->out);
	json_out_int(&w->out, "retracted_ts", (int64_t)w->append->ts);
	return 0;
}

/* Whether this user may make this change to this message. */
static int
judge(struct work *w)
{
	const char *from = json_in_str(&w->old, "from", 1, SIG_NAME_MAX);
	const char *type = json_in_str(&w->old, "type", 1, 15);

	if (w->old.code != 0)
		return -EIO;
	if (strcmp(type, "text") != 0 && strcmp(type, "file") != 0)
		return -ENOENT;
	if (w->append->change != SIG_CHANGE_REACTION &&
	    strcmp(from, w->append->user) != 0)
		return -EPERM;
	return json_in_has(&w->old, "retracted_ts") ? -ESTALE : 0;
}

static int
change(struct work *w, struct sig_changed *changed)
{
	size_t i;
	int rc = judge(w);

	if (rc != 0)
		return rc;
	json_out_init(&w->out, &changed->text);
	json_out_object(&w->out, NULL);
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		copy(w, heads[i]);
	if (w->append->change == SIG_CHANGE_EDIT) {
		rc = edit(w);
	} else if (w->append->change == SIG_CHANGE_RETRACT) {
		rc = retract(w, changed);
	} else {
		copy(w, "body");
		copy(w, "edited_ts");
		copy(w, "edits");
		rc = react(w);
	}
	return rc != 0 ? rc : json_out_end(&w->out);
}

int
sig_change_apply(const char *text, size_t len, const struct sig_append *append,
    uint64_t seq, struct sig_changed *changed)
{
	struct work w = { .append = append, .seq = seq };
	struct json *old = NULL, *body = NULL;
	int rc;

	buf_init(&changed->text, RECORD_MAX);
	changed->nblank = 0;
	memset(changed->file, 0, sizeof(changed->file));
	rc = parse(text, len, &old, &w.old);
	if (rc == 0)
		rc = parse(append->body, append->body_len, &body, &w.change);
	if (rc == 0)
		rc = change(&w, changed);
	json_free(old);
	json_free(body);
	if (rc != 0)
		sig_changed_fini(changed);
	return rc;
}

void
sig_changed_fini(struct sig_changed *changed)
{
	buf_fini(&changed->text);
}

int
sig_change_blank(const char *text, size_t len, struct buf *out)
{
	struct work w = { .seq = 0 };
	struct json_in body;
	struct json *doc;
	size_t i;
	int rc = parse(text, len, &doc, &w.old);

	if (rc != 0)
		return rc;
	json_in_init(&body, json_in_object(&w.old, "body"), "body");
	json_out_init(&w.out, out);
	json_out_object(&w.out, NULL);
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		copy(&w, heads[i]);
	json_out_object(&w.out, "body");
	json_out_int(&w.out, "seq", json_in_int(&body, "seq", 0, SEQ_MAX));
	json_out_end(&w.out);
	rc = w.old.code != 0 || body.code != 0 ? -EIO : out->err;
	json_free(doc);
	return rc;
}
