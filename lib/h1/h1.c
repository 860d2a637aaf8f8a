/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <http_parser.h>

#include "lib/h1/h1.h"

/* What the callbacks fill; ends of strings are written after the parser has
 * read all, since it still needs the bytes there. */
struct parse {
	struct h1_head *head;
	char *data;
	const char *url;
	size_t url_len;
	size_t name_len[H1_FIELDS_MAX];
	size_t value_len[H1_FIELDS_MAX];
	bool has_value; /* of the last field */
	bool has_length;
	bool complete;
	int status;
};

size_t
h1_head_len(const char *data, size_t len, size_t from)
{
	const char *end;

	/* The end may have begun in what was seen before. */
	from = from > 3 ? from - 3 : 0;
	if (len < 4 || from >= len)
		return 0;
	end = memmem(data + from, len - from, "\r\n\r\n", 4);
	return end == NULL ? 0 : (size_t)(end - data) + 4;
}

static int
refuse(struct parse *p, int status)
{
	p->status = status;
	return 1;
}

static int
on_url(http_parser *parser, const char *at, size_t len)
{
	struct parse *p = parser->data;

	p->url = at;
	p->url_len = len;
	return 0;
}

static int
on_name(http_parser *parser, const char *at, size_t len)
{
	struct parse *p = parser->data;
	struct h1_head *head = p->head;

	if (head->nfields == H1_FIELDS_MAX)
		return refuse(p, 431);
	p->has_value = false;
	head->fields[head->nfields].name = at;
	p->name_len[head->nfields++] = len;
	return 0;
}

static int
on_value(http_parser *parser, const char *at, size_t len)
{
	struct parse *p = parser->data;
	size_t i = p->head->nfields - 1;

	/* A second piece is a folded line: section 5.2 lets us refuse it. */
	if (p->has_value)
		return refuse(p, 400);
	p->has_value = true;
	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	p->head->fields[i].value = at;
	p->value_len[i] = len;
	return 0;
}

static int
on_complete(http_parser *parser)
{
	struct parse *p = parser->data;
	struct h1_head *head = p->head;

	p->complete = true;
	head->method = parser->method == HTTP_GET ? H1_GET
	    : parser->method == HTTP_HEAD         ? H1_HEAD
	    : parser->method == HTTP_POST         ? H1_POST
	    : parser->method == HTTP_DELETE       ? H1_DELETE
						  : H1_OTHER;
	head->keep_alive = http_should_keep_alive(parser) != 0;
	p->has_length = (parser->flags & F_CONTENTLENGTH) != 0;
	head->body_len = p->has_length ? parser->content_length : 0;
	if (parser->http_major != 1 || parser->http_minor > 1)
		return refuse(p, 505);
	if ((parser->flags & F_CHUNKED) != 0)
		return refuse(p, 411);
	if (parser->uses_transfer_encoding)
		return refuse(p, 501);
	/* No body is read here, whatever the head says. */
	return 2;
}

/* Ends a string where the parser has found its end. */
static const char *
terminate(struct parse *p, const char *at, size_t len)
{
	p->data[(size_t)(at - p->data) + len] = '\0';
	return at;
}

/* Section 3.2.2: what a target in absolute form says is meant, whatever Host
 * says. In front of its path stands host[:port]. */
static void
find_host(struct parse *p, const struct http_parser_url *url)
{
	const char *at;

	if ((url->field_set & 1 << UF_HOST) == 0) {
		p->head->host = h1_get(p->head, "Host");
		if (p->head->host != NULL)
			p->head->host_len = strlen(p->head->host);
		return;
	}
	at = p->url + url->field_data[UF_HOST].off;
	if (at[-1] == '[')
		at--;
	p->head->host = at;
	p->head->host_len =
	    (size_t)(p->url + url->field_data[UF_PATH].off - at);
}

static bool
split_url(struct parse *p)
{
	struct http_parser_url url;

	http_parser_url_init(&url);
	if (p->url == NULL ||
	    http_parser_parse_url(p->url, p->url_len, 0, &url) != 0 ||
	    (url.field_set & 1 << UF_PATH) == 0)
		return false;
	if ((url.field_set & 1 << UF_QUERY) != 0)
		p->head->query =
		    terminate(p, p->url + url.field_data[UF_QUERY].off,
			url.field_data[UF_QUERY].len);
	find_host(p, &url);
	p->head->path = terminate(p, p->url + url.field_data[UF_PATH].off,
	    url.field_data[UF_PATH].len);
	return true;
}

static int
finish(struct parse *p)
{
	struct h1_head *head = p->head;
	const char *expect;
	size_t i;

	for (i = 0; i < head->nfields; i++) {
		struct h1_field *f = &head->fields[i];

		f->name = terminate(p, f->name, p->name_len[i]);
		/* An empty value "begins" at the next field's name. */
		f->value = p->value_len[i] == 0
		    ? ""
		    : terminate(p, f->value, p->value_len[i]);
	}
	if (!split_url(p) || h1_count(head, "Host") > 1)
		return 400;
	/* The parser says nothing of one without digits. */
	if (!p->has_length && h1_get(head, "Content-Length") != NULL)
		return 400;
	expect = h1_get(head, "Expect");
	head->expects_continue =
	    expect != NULL && strcasecmp(expect, "100-continue") == 0;
	return 0;
}

/*
 * Section 2.2 lets a lone LF end a line, and the parser does. Whoever stands
 * before us may not, and would see other requests than we do.
 */
static bool
lines_end_in_crlf(const char *data, size_t len)
{
	const char *at = data, *end = data + len;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (at == data || at[-1] != '\r')
			return false;
		at++;
	}
	return true;
}

int
h1_parse(char *data, size_t len, struct h1_head *head)
{
	static const http_parser_settings settings = {
		.on_url = on_url,
		.on_header_field = on_name,
		.on_header_value = on_value,
		.on_headers_complete = on_complete,
	};
	struct parse p = { .head = head, .data = data };
	http_parser parser;
	int status;

	memset(head, 0, sizeof(*head));
	head->query = "";
	if (!lines_end_in_crlf(data, len))
		return 400;
	http_parser_init(&parser, HTTP_REQUEST);
	parser.data = &p;
	http_parser_execute(&parser, &settings, data, len);
	if (p.status != 0)
		return p.status;
	if (!p.complete)
		return HTTP_PARSER_ERRNO(&parser) == HPE_INVALID_VERSION ? 505
									 : 400;
	status = finish(&p);
	/* Section 3.2: 400 to a 1.1 request without Host. */
	if (status == 0 && parser.http_minor == 1 &&
	    h1_get(head, "Host") == NULL)
		status = 400;
	return status;
}

const char *
h1_get(const struct h1_head *head, const char *name)
{
	size_t i;

	for (i = 0; i < head->nfields; i++) {
		if (strcasecmp(head->fields[i].name, name) == 0)
			return head->fields[i].value;
	}
	return NULL;
}

size_t
h1_count(const struct h1_head *head, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < head->nfields; i++)
		n += strcasecmp(head->fields[i].name, name) == 0;
	return n;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes one character, as it was meant, off *at. -1: malformed. */
static int
query_char(const char **at)
{
	const char *s = (*at)++;
	int high, low;

	if (*s != '%')
		return *s == '+' ? ' ' : (unsigned char)*s;
	high = hex_digit(s[1]);
	low = high < 0 ? -1 : hex_digit(s[2]);
	*at = s + 3;
	return low < 0 || high + low == 0 ? -1 : high << 4 | low;
}

int
h1_query(const char *query, const char *name, char *out, size_t size)
{
	size_t len = strlen(name), n = 0;
	const char *at = query, *end;
	int c;

	while (strncmp(at, name, len) != 0 || at[len] != '=') {
		at = strchr(at, '&');
		if (at++ == NULL)
			return -ENOENT;
	}
	at += len + 1;
	end = at + strcspn(at, "&");
	while (at < end) {
		c = query_char(&at);
		if (c < 0)
			return -EBADMSG;
		if (n + 1 >= size)
			return -EMSGSIZE;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return 0;
}

int
h1_unescape(const char *text, size_t len, char *out, size_t size)
{
	int high, low;
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (n + 1 >= size)
			return -EMSGSIZE;
		out[n] = text[i];
		if (text[i] == '%') {
			high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			low = high < 0 ? -1 : hex_digit(text[i + 2]);
			if (low < 0)
				return -EBADMSG;
			out[n] = (char)(high << 4 | low);
			i += 2;
		}
		if (out[n++] == '\0')
			return -EBADMSG;
	}
	out[n] = '\0';
	return 0;
}

const char *
h1_reason(int status)
{
	return http_status_str((enum http_status)status);
}
