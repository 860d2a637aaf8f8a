/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "lib/json/json.h"
#include "lib/ws/handshake.h"
#include "signald/account.h"
#include "signald/download.h"
#include "signald/drain.h"
#include "signald/export.h"
#include "signald/front.h"
#include "signald/icerest.h"
#include "signald/link.h"
#include "signald/rest.h"
#include "signald/upload.h"
#include "signald/worker.h"

#define IDLE_MS     15000 /* between two requests */
#define RUN_MAX     16    /* answers in a row; then the others' turn */
#define FIELDS_MAX  2048
#define LEN_UNKNOWN UINT64_MAX

/* Nothing from elsewhere, no inline script, in nobody's frame. */
#define CSP                                                            \
	"default-src 'self'; img-src 'self' data: blob:; "             \
	"media-src 'self' blob:; object-src 'none'; base-uri 'none'; " \
	"form-action 'self'; frame-ancestors 'none'"

/* No page at all, should anything show it as one. */
#define UPLOAD_CSP "default-src 'none'; sandbox"

static void
get_health(struct conn *c, const struct h1_head *head)
{
	static const char body[] = "{\"status\":\"ok\"}";

	front_answer(c,
	    &(struct front_answer){ 200, "application/json",
		"Cache-Control: no-store\r\n", body, sizeof(body) - 1, true });
}

/* clang-format off: a table */
static const struct front_route routes[] = {
	{ H1_GET, "/healthz", get_health, NULL },
	{ H1_GET, "/readyz", drain_front, NULL },
	{ H1_GET, "/ws", link_upgrade, NULL },
	{ H1_GET, "/echo", link_upgrade_echo, NULL },
	{ H1_GET, "/api/v1/ice", icerest_own, NULL },
	{ H1_GET, "/api/v1/turn", icerest_turn, NULL },
	{ H1_GET, "/_matrix/client/v3/voip/turnServer", icerest_matrix, NULL },
	{ H1_GET, "/_matrix/client/r0/voip/turnServer", icerest_matrix, NULL },
	{ H1_POST, "/api/v1/password", account_head, account_password },
	{ H1_POST, "/api/v1/refresh", account_refresh, NULL },
	{ H1_POST, "/api/v1/login", account_head, account_login },
	{ H1_POST, "/api/v1/op/", rest_head, rest_end },
	{ H1_GET, "/api/v1/conversations", rest_head, NULL },
	{ H1_GET, "/api/v1/conversations/", rest_head, NULL },
	{ H1_POST, "/api/v1/conversations/", rest_head, rest_end },
	{ H1_POST, "/api/v1/messages", rest_head, rest_end },
	{ H1_POST, "/api/v1/files", upload_head, upload_end },
	{ H1_GET, "/api/v1/files/", download, NULL },
	{ H1_GET, "/api/v1/export", export_head, NULL },
	{ H1_DELETE, "/api/v1/account", account_delete_head, account_delete },
	{ H1_POST, "/api/v1/register", account_head, account_register },
};
/* clang-format on */

/* Routes whose body is more than a small form. */
static const struct large {
	front_body_fn *body; /* of the route */
	front_stream_fn *stream;
} larges[] = {
	{ upload_end, upload_bytes },
	{ rest_end, rest_bytes },
};

/* A request may take so long from its first byte to its last. */
void
front_start(struct conn *c)
{
	conn_deadline(c, (uint64_t)c->worker->d->conf->hello_ms);
}

static void
put_date(struct buf *b)
{
	char text[64];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(b, "Date: %s\r\n", text);
}

/* The request is done with: the next one follows, or the end. */
static void
request_done(struct conn *c)
{
	size_t used = (size_t)c->head_len + c->body_len;

	c->has_head = false;
	c->route = NULL;
	/* Without the rest of its body the next request cannot be found. */
	c->streams = false;
	if (!c->keep_alive || c->in.len < used || c->body_left > 0) {
		conn_end(c);
		return;
	}
	buf_consume(&c->in, used);
	c->head_len = c->body_len = 0;
	c->state = CONN_HTTP;
	if (c->in.len > 0) {
		front_start(c);
		return;
	}
	buf_fini(&c->in);
	buf_init(&c->in, FRONT_IN_MAX);
	conn_deadline(c, IDLE_MS);
}

static void
put_head(struct conn *c, const struct front_answer *a, uint64_t len,
    const char *policy, struct buf *b)
{
	buf_printf(b, "HTTP/1.1 %d %s\r\n", a->status, h1_reason(a->status));
	put_date(b);
	if (a->type != NULL)
		buf_printf(b, "Content-Type: %s\r\n", a->type);
	if (a->status != 304 && len != LEN_UNKNOWN)
		buf_printf(b, "Content-Length: %" PRIu64 "\r\n", len);
	buf_puts(b,
	    c->keep_alive ? "Connection: keep-alive\r\n"
			  : "Connection: close\r\n");
	buf_printf(b,
	    "X-Content-Type-Options: nosniff\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "Content-Security-Policy: %s\r\n",
	    policy);
	if (a->fields != NULL)
		buf_puts(b, a->fields);
	buf_puts(b, "\r\n");
}

static bool
send_answer(struct conn *c, const struct front_answer *a)
{
	bool has_body = a->type != NULL && !c->head_only;
	size_t copied = has_body && !a->is_static ? a->len : 0;
	struct chunk *k = chunk_new(FIELDS_MAX + copied);
	struct buf b;

	if (k == NULL)
		return false;
	b = buf_fixed(k->own, FIELDS_MAX);
	put_head(c, a, a->len, CSP, &b);
	k->len = b.len + copied;
	if (copied > 0)
		memcpy(k->own + b.len, a->body, copied);
	if (b.err != 0 || !conn_send(c, k))
		return false;
	return !has_body || copied > 0 || a->len == 0 ||
	    conn_send_static(c, a->body, a->len);
}

void
front_answer(struct conn *c, const struct front_answer *a)
{
	if (send_answer(c, a))
		request_done(c);
	else
		conn_kill(c);
}

void
front_answer_file(
    struct conn *c, const struct front_answer *a, const struct conn_file *f)
{
	struct chunk *k = chunk_new(FIELDS_MAX);
	bool sent = false;
	struct buf b;

	if (k != NULL) {
		b = buf_fixed(k->own, FIELDS_MAX);
		put_head(c, a, f != NULL ? f->left : 0, UPLOAD_CSP, &b);
		k->len = b.len;
		sent = conn_send(c, k) && b.err == 0;
	}
	if (f != NULL && sent && !c->head_only)
		conn_send_file(c, f->fd, f->at, f->left);
	else if (f != NULL)
		close(f->fd);
	if (sent)
		request_done(c);
	else
		conn_kill(c);
}

void
front_answer_export(struct conn *c, struct export *e)
{
	static const struct front_answer a = { 200, "application/x-ndjson",
		"Cache-Control: no-store\r\n"
		"Content-Disposition: attachment; filename=floe-export.ndjson"
		"\r\n",
		NULL, 0, false };
	struct chunk *k = chunk_new(FIELDS_MAX);
	struct buf b;

	c->keep_alive = false;
	if (k == NULL) {
		export_free(e);
		conn_kill(c);
		return;
	}
	b = buf_fixed(k->own, FIELDS_MAX);
	put_head(c, &a, LEN_UNKNOWN, UPLOAD_CSP, &b);
	k->len = b.len;
	if (!conn_send(c, k)) {
		export_free(e);
		conn_kill(c);
		return;
	}
	if (c->head_only)
		export_free(e);
	else
		conn_send_export(c, e);
	request_done(c);
}

static void
answer_json(struct conn *c, int status, const char *fields, const struct buf *b)
{
	front_answer(c,
	    &(struct front_answer){ b->err == 0 ? status : 500,
		"application/json", fields, b->data, b->err == 0 ? b->len : 0,
		false });
}

void
front_error(struct conn *c, int status, const char *code, const char *msg,
    uint64_t retry_ms)
{
	uint8_t mem[512];
	struct buf b = buf_fixed(mem, sizeof(mem));
	char fields[96] = "Cache-Control: no-store\r\n";
	struct json_out out;

	json_out_init(&out, &b);
	json_out_object(&out, NULL);
	json_out_object(&out, "err");
	json_out_str(&out, "code", code);
	json_out_str(&out, "msg", msg);
	if (retry_ms != 0) {
		json_out_int(&out, "retry_ms", (int64_t)retry_ms);
		snprintf(fields, sizeof(fields),
		    "Cache-Control: no-store\r\nRetry-After: %u\r\n",
		    (unsigned int)((retry_ms + 999) / 1000));
	}
	json_out_end(&out);
	answer_json(c, status, fields, &b);
}

void
front_json(struct conn *c, int status, const struct buf *b)
{
	answer_json(c, status, "Cache-Control: no-store\r\n", b);
}

/* Refuses without having understood, so that what follows means nothing. */
static void
refuse(struct conn *c, int status, const char *msg)
{
	c->keep_alive = false;
	front_error(c, status,
	    status == 413 || status == 431 ? "too_large" : "bad_request", msg,
	    0);
}

static bool
same_host(const char *origin, const struct h1_head *head)
{
	const char *at = strstr(origin, "://");
	size_t len = head->host_len;

	return at != NULL && head->host != NULL &&
	    strncasecmp(at + 3, head->host, len) == 0 && at[3 + len] == '\0';
}

bool
front_origin_ok(const struct conn *c, const struct h1_head *head)
{
	const struct conf_list *list = &c->desk->app->conf->origins;
	const char *const *allowed = list->items;
	const char *origin = h1_get(head, "Origin");
	size_t i;

	if (origin == NULL)
		return true;
	if (h1_count(head, "Origin") > 1)
		return false;
	for (i = 0; i < list->n; i++)
		if (strcasecmp(allowed[i], origin) == 0)
			return true;
	return same_host(origin, head);
}

static void
serve_file(struct conn *c, const struct h1_head *head, const struct file *f)
{
	const char *known = h1_get(head, "If-None-Match");
	struct front_answer a = { 200, f->type, NULL, f->data, f->len, true };
	char fields[96];

	snprintf(fields, sizeof(fields),
	    "ETag: %s\r\nCache-Control: no-cache\r\n", f->etag);
	a.fields = fields;
	if (known != NULL && ws_list_has(known, f->etag, false)) {
		a.status = 304;
		a.type = NULL;
	}
	front_answer(c, &a);
}

static void
not_allowed(struct conn *c, const char *methods)
{
	static const char body[] =
	    "{\"err\":{\"code\":\"bad_request\",\"msg\":\"method\"}}";
	char fields[96];

	snprintf(fields, sizeof(fields), "Allow: %s\r\n", methods);
	front_answer(c,
	    &(struct front_answer){ 405, "application/json", fields, body,
		sizeof(body) - 1, true });
}

static bool
is_path(const char *route, const char *path)
{
	size_t len = strlen(route);

	return route[len - 1] == '/' ? strncmp(route, path, len) == 0
				     : strcmp(route, path) == 0;
}

static front_stream_fn *
stream_of(const struct front_route *r)
{
	size_t i;

	for (i = 0; r != NULL && i < sizeof(larges) / sizeof(larges[0]); i++)
		if (larges[i].body == r->body)
			return larges[i].stream;
	return NULL;
}

/* The route, or NULL with the methods that the path has, if any. HEAD asks
 * for what GET would say. */
static const struct front_route *
find_route(const struct h1_head *head, char methods[64])
{
	static const char *const names[] = { "GET, HEAD", "HEAD", "POST",
		"DELETE", "" };
	enum h1_method method = head->method == H1_HEAD ? H1_GET : head->method;
	struct buf b = buf_fixed(methods, 63);
	size_t i;

	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!is_path(routes[i].path, head->path))
			continue;
		if (routes[i].method == method)
			return &routes[i];
		buf_printf(
		    &b, "%s%s", b.len > 0 ? ", " : "", names[routes[i].method]);
	}
	methods[b.len] = '\0';
	return NULL;
}

static void
dispatch(struct conn *c, const struct h1_head *head)
{
	const struct file *file;
	char methods[64];

	if (c->route != NULL) {
		c->route->head(c, head);
	} else if (find_route(head, methods) == NULL && methods[0] != '\0') {
		not_allowed(c, methods);
	} else if ((file = files_find(c->worker->d->files, head->path)) ==
	    NULL) {
		front_error(c, 404, "not_found", "no such path", 0);
	} else if (head->method != H1_GET && head->method != H1_HEAD) {
		not_allowed(c, "GET, HEAD");
	} else {
		serve_file(c, head, file);
	}
}

/* Part of a body that is used as it comes; what lies behind it is kept. */
static void
take_body(struct conn *c, const uint8_t *data, size_t len)
{
	size_t part = len < c->body_left ? len : (size_t)c->body_left;

	c->body_left -= part;
	if (part > 0 && !stream_of(c->route)(c, data, part))
		return;
	if (c->body_left > 0)
		return;
	buf_put(&c->in, data + part, len - part);
	c->streams = false;
	c->route->body(c, NULL, 0);
}

/* The head is done with; what is there behind it is the body's beginning. */
static void
begin_stream(struct conn *c)
{
	struct buf in = c->in;
	size_t skip = c->head_len;

	buf_init(&c->in, FRONT_IN_MAX);
	c->head_len = 0;
	c->streams = true;
	c->began_ms = loop_now_ms(c->worker->loop);
	take_body(c, in.data + skip, in.len - skip);
	buf_fini(&in);
}

/* Whose the request is: a host that no app names is the main one's. */
static struct desk *
desk_for(const struct worker *w, const struct h1_head *head)
{
	const struct hosts *hosts = &w->d->appconf.hosts;
	int app = hosts_find(hosts, head->host, head->host_len);

	return worker_desk(w, app < 0 ? 0 : app);
}

static void
begin_request(struct conn *c, size_t len)
{
	struct h1_head head;
	char methods[64];
	int status;

	c->worker->stats.http_requests++;
	c->head_only = c->keep_alive = false;
	status = h1_parse((char *)c->in.data, len, &head);
	if (status != 0) {
		refuse(c, status, "not a request that is understood here");
		return;
	}
	c->desk = desk_for(c->worker, &head);
	c->head_only = head.method == H1_HEAD;
	c->route = find_route(&head, methods);
	c->body_left = c->body_len = 0;
	if (stream_of(c->route) != NULL) {
		c->body_left = head.body_len;
	} else if (head.body_len > FRONT_BODY_MAX) {
		refuse(c, 413, "a body is at most 8192 bytes");
		return;
	} else {
		c->body_len = (uint32_t)head.body_len;
	}
	c->has_head = true;
	c->head_len = (uint32_t)len;
	/* A body that nobody reads would be taken for the next request. */
	c->keep_alive = head.keep_alive &&
	    (head.body_len == 0 || head.method == H1_POST) &&
	    !c->worker->stopping;
	dispatch(c, &head);
	if (c->state != CONN_HTTP || !c->has_head)
		return;
	if (head.expects_continue && c->in.len < len + head.body_len) {
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

		if (!conn_send_static(c, go_on, sizeof(go_on) - 1))
			conn_kill(c);
		else
			conn_flush(c);
	}
	if (c->state == CONN_HTTP && c->body_left > 0)
		begin_stream(c);
}

/* The head of the next request, if it is there. */
static bool
take_head(struct conn *c)
{
	size_t len;

	len = h1_head_len((const char *)c->in.data, c->in.len, c->head_len);
	if (len == 0 && c->in.len < FRONT_HEAD_MAX) {
		c->head_len = (uint32_t)c->in.len; /* searched so far */
		return false;
	}
	if (len == 0 || len > FRONT_HEAD_MAX)
		refuse(c, 431, "a request's head is at most 8192 bytes");
	else
		begin_request(c, len);
	return true;
}

/* What followed the request for an upgrade belongs to the WebSocket. */
static bool
run_link(struct conn *c)
{
	struct buf in = c->in;
	bool ours = true;

	buf_init(&c->in, FRONT_IN_MAX);
	if (in.len > c->head_len)
		ours =
		    link_input(c, in.data + c->head_len, in.len - c->head_len);
	buf_fini(&in);
	return ours;
}

bool
front_run(struct conn *c)
{
	int left = RUN_MAX;

	c->more = false;
	while (c->state == CONN_HTTP && !conn_sends(c) && !c->streams) {
		if (left-- == 0) {
			c->more = c->in.len > 0;
			break;
		}
		if (!c->has_head && (c->in.len == 0 || !take_head(c)))
			break;
		if (c->state == CONN_HTTP && c->has_head && !c->streams) {
			if (c->in.len - c->head_len < c->body_len)
				break;
			c->route->body(
			    c, c->in.data + c->head_len, c->body_len);
		}
		if (c->state == CONN_HTTP || c->state == CONN_ENDING)
			conn_flush(c);
	}
	if (c->state == CONN_LINK || c->state == CONN_ECHO)
		return run_link(c);
	return true;
}

void
front_resume(struct conn *c)
{
	conn_flush(c);
	if (front_run(c))
		conn_watch(c);
}

bool
front_input(struct conn *c, const uint8_t *data, size_t len)
{
	if (c->streams) {
		take_body(c, data, len);
		return c->state == CONN_HTTP ? front_run(c) : true;
	}
	if (c->in.len == 0 && !c->has_head)
		front_start(c);
	buf_put(&c->in, data, len);
	if (c->in.err != 0) {
		conn_kill(c);
		return true;
	}
	return front_run(c);
}
