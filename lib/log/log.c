/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/utf8.h"
#include "lib/log/log.h"

/* A pipe takes up to PIPE_BUF bytes in one piece, so lines of several
 * threads and processes never mix. */
#define LINE_MAX_BYTES 4096
#define LINE_TAIL      32  /* kept free for cut=true and the line's end */
#define VALUE_MAX      512 /* of a value, before escaping */

static struct {
	const char *program;
	atomic_int level; /* enum log_level; a reload may change it */
	enum log_format format;
} settings = { "floe", LOG_INFO, LOG_TEXT };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&settings.level, level, memory_order_relaxed);
}

void
log_init(const char *program, enum log_level level, enum log_format format)
{
	settings.program = program;
	log_set_level(level);
	settings.format = format;
}

bool
log_enabled(enum log_level level)
{
	return (int)level <=
	    atomic_load_explicit(&settings.level, memory_order_relaxed);
}

static void
put_json_string(struct buf *b, const uint8_t *p, size_t len)
{
	size_t n;

	buf_u8(b, '"');
	for (; len > 0; p += n, len -= n) {
		n = utf8_len(p, len);
		if (n == 0) {
			buf_puts(b, "\\ufffd");
			n = 1;
		} else if (*p == '"' || *p == '\\') {
			buf_printf(b, "\\%c", *p);
		} else if (*p < 0x20 || *p == 0x7f) {
			buf_printf(b, "\\u%04x", *p);
		} else {
			buf_put(b, p, n);
		}
	}
	buf_u8(b, '"');
}

/* Fit to stand without quotes: nothing that a reader splits or ends at. */
static bool
is_plain(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == '"' ||
		    p[i] == '\\' || p[i] == '=')
			return false;
	}
	return len > 0;
}

/* Beyond ASCII only escapes: a terminal must not obey what a peer sent. */
static void
put_text_string(struct buf *b, const uint8_t *p, size_t len)
{
	size_t i;

	if (is_plain(p, len)) {
		buf_put(b, p, len);
		return;
	}
	buf_u8(b, '"');
	for (i = 0; i < len; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_printf(b, "\\%c", p[i]);
		else if (p[i] < ' ' || p[i] >= 0x7f)
			buf_printf(b, "\\x%02x", p[i]);
		else
			buf_u8(b, p[i]);
	}
	buf_u8(b, '"');
}

static void
put_string(struct buf *b, const void *p, size_t len)
{
	uint8_t cut[VALUE_MAX];

	if (p == NULL) {
		buf_puts(b, settings.format == LOG_JSON ? "null" : "-");
		return;
	}
	if (len > VALUE_MAX) {
		memcpy(cut, p, VALUE_MAX - 3);
		memcpy(cut + VALUE_MAX - 3, "...", 3);
		p = cut;
		len = VALUE_MAX;
	}
	if (settings.format == LOG_JSON)
		put_json_string(b, p, len);
	else
		put_text_string(b, p, len);
}

static void
put_cstring(struct buf *b, const char *s)
{
	/* One more than is shown, so that put_string sees what is cut. */
	put_string(b, s, s == NULL ? 0 : strnlen(s, VALUE_MAX + 1));
}

static void
put_value(struct buf *b, const struct log_kv *kv)
{
	char text[128];
	int err;

	switch (kv->type) {
	case LOG_T_STR:
		put_cstring(b, kv->v.p);
		break;
	case LOG_T_MEM:
		put_string(b, kv->v.p, kv->len);
		break;
	case LOG_T_INT:
		buf_printf(b, "%lld", (long long)kv->v.i);
		break;
	case LOG_T_UINT:
		buf_printf(b, "%llu", (unsigned long long)kv->v.u);
		break;
	case LOG_T_ADDR:
		put_cstring(
		    b, kv->v.p == NULL ? NULL : addr_format(kv->v.p, text));
		break;
	case LOG_T_ERR:
		err = (int)(kv->v.i < 0 ? -kv->v.i : kv->v.i);
		put_cstring(b, strerror_r(err, text, sizeof(text)));
		break;
	case LOG_T_END:
		break;
	}
}

static void
put_key(struct buf *b, const char *key)
{
	buf_printf(b, settings.format == LOG_JSON ? ",\"%s\":" : " %s=", key);
}

static void
put_head(struct buf *b, enum log_level level, const char *event)
{
	struct timespec ts;
	struct tm tm;
	char when[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(b,
	    settings.format == LOG_JSON
		? "{\"time\":\"%s.%03ldZ\",\"program\":\"%s\",\"level\":\"%s\","
		  "\"event\":\"%s\""
		: "%s.%03ldZ %s %s %s",
	    when, ts.tv_nsec / 1000000, settings.program, level_names[level],
	    event);
}

/* A pair that does not fit is left out whole, so JSON stays JSON. */
static void
put_pairs(struct buf *b, const struct log_kv *kv)
{
	size_t mark;

	for (; kv->type != LOG_T_END; kv++) {
		mark = b->len;
		put_key(b, kv->key);
		put_value(b, kv);
		if (b->err == 0)
			continue;
		b->err = 0;
		b->len = mark;
		b->max = b->cap += LINE_TAIL / 2;
		put_key(b, "cut");
		buf_puts(b, "true");
		break;
	}
}

void
log_write(enum log_level level, const char *event, const struct log_kv *kv)
{
	char line[LINE_MAX_BYTES];
	struct buf b = buf_fixed(line, sizeof(line) - LINE_TAIL);
	int saved = errno;

	if (!log_enabled(level))
		return;
	put_head(&b, level, event);
	put_pairs(&b, kv);
	b.max = b.cap = sizeof(line);
	buf_puts(&b, settings.format == LOG_JSON ? "}\n" : "\n");
	/* Where would a failure be told? The line is lost. */
	while (write(STDERR_FILENO, line, b.len) < 0 && errno == EINTR)
		continue;
	errno = saved;
}

bool
log_limit_pass(struct log_limit *l, uint64_t now_ms, uint64_t *held)
{
	uint64_t second = now_ms / 1000;

	if (l->second != second) {
		l->second = second;
		l->said = 0;
	}
	if (l->said >= (l->burst > 0 ? l->burst : 5)) {
		l->held++;
		return false;
	}
	l->said++;
	*held = l->held;
	l->held = 0;
	return true;
}
