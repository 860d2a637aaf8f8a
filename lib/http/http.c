/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/crypto/crypto.h"
#include "lib/http/http.h"
#include "lib/json/json.h"

#define CONNECTIONS_MAX 64
#define IDLE_S          30

struct http_server {
	struct MHD_Daemon *mhd;
	const struct http_route *routes;
	void *arg;
	bool has_token;
	uint8_t token_hash[CRYPTO_SHA256_LEN];
};

/* One request while libmicrohttpd brings it. */
struct exchange {
	struct buf body;
	bool too_large;
};

void
http_error(struct http_reply *rp, int status, const char *code, const char *msg)
{
	struct json_out o;

	rp->status = status;
	rp->type = NULL;
	buf_reset(&rp->body);
	json_out_init(&o, &rp->body);
	json_out_object(&o, NULL);
	json_out_object(&o, "err");
	json_out_str(&o, "code", code);
	json_out_str(&o, "msg", msg);
	json_out_end(&o);
	buf_u8(&rp->body, '\n');
}

const char *
http_query(const struct http_request *rq, const char *name)
{
	return MHD_lookup_connection_value(
	    (struct MHD_Connection *)(uintptr_t)rq->impl, MHD_GET_ARGUMENT_KIND,
	    name);
}

static int
token_hash(const char *token, size_t len, uint8_t out[CRYPTO_SHA256_LEN])
{
	const struct crypto_span span = { token, len };

	return crypto_digest(CRYPTO_SHA256, &span, 1, out);
}

/* Hashes are compared, so that not even the token's length shows in time. */
static bool
authorized(const struct http_server *s, struct MHD_Connection *c)
{
	static const char scheme[] = "Bearer ";
	uint8_t hash[CRYPTO_SHA256_LEN];
	const char *v =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");

	if (!s->has_token || v == NULL ||
	    strncasecmp(v, scheme, sizeof(scheme) - 1) != 0)
		return false;
	v += sizeof(scheme) - 1;
	if (token_hash(v, strlen(v), hash) != 0)
		return false;
	return crypto_equal(hash, s->token_hash, sizeof(hash));
}

static bool
route_matches(const struct http_route *r, const char *path, const char **rest)
{
	size_t n = strlen(r->path);

	*rest = "";
	if (n > 0 && r->path[n - 1] == '*' &&
	    strncmp(r->path, path, n - 1) == 0) {
		*rest = path + n - 1;
		return true;
	}
	return strcmp(r->path, path) == 0;
}

/* "/": what there is to ask for. */
static void
index_page(const struct http_server *s, struct http_reply *rp)
{
	const struct http_route *r;
	struct json_out o;

	json_out_init(&o, &rp->body);
	json_out_object(&o, NULL);
	json_out_array(&o, "routes");
	for (r = s->routes; r->method != NULL; r++) {
		json_out_object(&o, NULL);
		json_out_str(&o, "method", r->method);
		json_out_str(&o, "path", r->path);
		json_out_str(&o, "help", r->help);
		json_out_close(&o);
	}
	json_out_end(&o);
	buf_u8(&rp->body, '\n');
}

static void
run_route(const struct http_server *s, const struct http_route *r,
    struct MHD_Connection *c, struct http_request *rq, struct http_reply *rp)
{
	bool open = (r->flags & HTTP_OPEN) != 0 ||
	    ((r->flags & HTTP_READ) != 0 && !s->has_token);

	if (!open && !authorized(s, c))
		http_error(rp, MHD_HTTP_UNAUTHORIZED, "unauthorized",
		    s->has_token ? "Authorization: Bearer TOKEN is needed"
				 : "set admin-token-file to use this");
	else
		r->fn(s->arg, rq, rp);
}

static void
dispatch(const struct http_server *s, struct MHD_Connection *c,
    const struct exchange *x, struct http_request *rq, struct http_reply *rp)
{
	const struct http_route *r;
	bool path_known = false;
	bool head = strcmp(rq->method, "HEAD") == 0;

	if (x->too_large) {
		http_error(rp, MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
		    "the body is longer than 64 KiB");
		return;
	}
	for (r = s->routes; r->method != NULL; r++) {
		if (!route_matches(r, rq->path, &rq->rest))
			continue;
		path_known = true;
		if (strcmp(r->method, head ? "GET" : rq->method) == 0) {
			run_route(s, r, c, rq, rp);
			return;
		}
	}
	if (path_known)
		http_error(rp, MHD_HTTP_METHOD_NOT_ALLOWED, "bad_request",
		    "this path does not take that method");
	else if (strcmp(rq->path, "/") == 0)
		index_page(s, rp);
	else
		http_error(
		    rp, MHD_HTTP_NOT_FOUND, "not_found", "no such path; see /");
}

/* RFC 9110 section 15.5.6: 405 comes with the methods that are allowed. */
static void
add_allow(
    const struct http_server *s, const char *path, struct MHD_Response *res)
{
	const struct http_route *r;
	const char *rest;
	char text[128];
	struct buf b = buf_fixed(text, sizeof(text) - 1);

	for (r = s->routes; r->method != NULL; r++) {
		if (!route_matches(r, path, &rest))
			continue;
		buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", r->method);
		if (strcmp(r->method, "GET") == 0)
			buf_puts(&b, ", HEAD");
	}
	text[b.len] = '\0';
	MHD_add_response_header(res, MHD_HTTP_HEADER_ALLOW, text);
}

static enum MHD_Result
answer(const struct http_server *s, struct MHD_Connection *c,
    const struct exchange *x, const char *method, const char *path)
{
	struct http_request rq = { .method = method,
		.path = path,
		.body = x->body.data,
		.body_len = x->body.len,
		.impl = c };
	struct http_reply rp = { .status = MHD_HTTP_OK };
	struct MHD_Response *res;
	enum MHD_Result ok;

	buf_init(&rp.body, HTTP_ANSWER_MAX);
	dispatch(s, c, x, &rq, &rp);
	if (rp.body.err != 0)
		http_error(&rp, MHD_HTTP_INTERNAL_SERVER_ERROR, "internal",
		    "the answer does not fit");
	/* The response takes the bytes over and frees them. */
	res = MHD_create_response_from_buffer(
	    rp.body.len, rp.body.data, MHD_RESPMEM_MUST_FREE);
	if (res == NULL) {
		buf_fini(&rp.body);
		return MHD_NO;
	}
	MHD_add_response_header(res, "Content-Type",
	    rp.type != NULL ? rp.type : "application/json");
	MHD_add_response_header(res, "Cache-Control", "no-store");
	if (rp.status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(res, "WWW-Authenticate", "Bearer");
	if (rp.status == MHD_HTTP_METHOD_NOT_ALLOWED)
		add_allow(s, path, res);
	ok = MHD_queue_response(c, (unsigned int)rp.status, res);
	MHD_destroy_response(res);
	return ok;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path,
    const char *method, const char *version, const char *data, size_t *len,
    void **ctx)
{
	struct exchange *x = *ctx;

	if (x == NULL) {
		x = calloc(1, sizeof(*x));
		if (x == NULL)
			return MHD_NO;
		buf_init(&x->body, HTTP_BODY_MAX);
		*ctx = x;
		return MHD_YES;
	}
	if (*len > 0) {
		buf_put(&x->body, data, *len);
		x->too_large = x->body.err != 0;
		*len = 0;
		return MHD_YES;
	}
	return answer(arg, c, x, method, path);
}

static void
on_completed(void *arg, struct MHD_Connection *c, void **ctx,
    enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *ctx;

	if (x == NULL)
		return;
	buf_fini(&x->body);
	free(x);
	*ctx = NULL;
}

static void
fill_sockaddr(const struct addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (a->family == ADDR_V4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		memcpy(&in6->sin6_addr, a->ip, 16);
	}
}

int
http_start(const struct addr *a, const char *token,
    const struct http_route *routes, void *arg, struct http_server **out)
{
	unsigned int flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL;
	struct sockaddr_storage ss;
	struct http_server *s;
	int err = 0;

	if (token == NULL && !addr_is_loopback(a))
		return -EPERM;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->routes = routes;
	s->arg = arg;
	s->has_token = token != NULL;
	if (token != NULL)
		err = token_hash(token, strlen(token), s->token_hash);
	if (err != 0)
		goto bad;
	if (a->family == ADDR_V6)
		flags |= MHD_USE_IPv6;
	fill_sockaddr(a, &ss);
	errno = 0;
	s->mhd = MHD_start_daemon(flags, a->port, NULL, NULL, on_request, s,
	    MHD_OPTION_SOCK_ADDR, &ss, MHD_OPTION_NOTIFY_COMPLETED,
	    on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
	if (s->mhd == NULL) {
		err = errno != 0 ? -errno : -EIO;
		goto bad;
	}
	*out = s;
	return 0;
bad:
	free(s);
	return err;
}

void
http_stop(struct http_server *s)
{
	if (s == NULL)
		return;
	MHD_stop_daemon(s->mhd);
	free(s);
}

uint16_t
http_port(const struct http_server *s)
{
	return MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_BIND_PORT)->port;
}
