/* SPDX-License-Identifier: BSD-3-Clause */
#include "signald/core/effect.h"
#include "signald/core/reply.h"

/* After how long trying again may help; 0: it does not. */
static const struct {
	const char *code;
	uint32_t retry_ms;
} errs[SIG_ERRS] = {
	[SIG_OK] = { "internal", 0 },
	[SIG_BAD_REQUEST] = { "bad_request", 0 },
	[SIG_UNKNOWN_OP] = { "unknown_op", 0 },
	[SIG_NOT_READY] = { "not_ready", 0 },
	[SIG_UNAUTHORIZED] = { "unauthorized", 0 },
	[SIG_BANNED] = { "banned", 0 },
	[SIG_FORBIDDEN] = { "forbidden", 0 },
	[SIG_NOT_FOUND] = { "not_found", 0 },
	[SIG_CONFLICT] = { "conflict", 0 },
	[SIG_TOO_LARGE] = { "too_large", 0 },
	[SIG_RATE_LIMITED] = { "rate_limited", 2000 },
	[SIG_OVERLOADED] = { "overloaded", 500 },
	[SIG_STORAGE] = { "storage", 2000 },
};

void
sig_ok_begin(struct json_out *o, struct buf *b, uint64_t request)
{
	buf_init(b, SIG_TEXT_MAX);
	json_out_init(o, b);
	json_out_object(o, NULL);
	json_out_int(o, "id", (int64_t)request);
	json_out_object(o, "ok");
}

void
sig_ok_send(
    struct sig_core *core, uint64_t link, uint64_t request, struct json_out *o)
{
	json_out_end(o);
	if (request != 0)
		sig_send(core, link, o->b, false);
	else
		buf_fini(o->b);
}

void
sig_ok(struct sig_core *core, uint64_t link, uint64_t request)
{
	struct json_out o;
	struct buf b;

	sig_ok_begin(&o, &b, request);
	sig_ok_send(core, link, request, &o);
}

static void
fail_members(
    struct json_out *o, enum sig_err err, const char *msg, uint64_t retry_ms)
{
	json_out_object(o, "err");
	json_out_str(o, "code", errs[err].code);
	json_out_str(o, "msg", msg);
	if (retry_ms != 0)
		json_out_int(o, "retry_ms", (int64_t)retry_ms);
	json_out_end(o);
}

void
sig_fail(struct sig_core *core, uint64_t link, uint64_t request,
    enum sig_err err, const char *msg)
{
	sig_fail_later(core, link, request, err, msg, errs[err].retry_ms);
}

void
sig_fail_later(struct sig_core *core, uint64_t link, uint64_t request,
    enum sig_err err, const char *msg, uint64_t retry_ms)
{
	struct json_out o;
	struct buf b;

	core->stats.errors++;
	if (request == 0)
		return;
	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_int(&o, "id", (int64_t)request);
	fail_members(&o, err, msg, retry_ms);
	sig_send(core, link, &b, false);
}

void
sig_fail_for(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_reason *why, int err)
{
	while (why->err != 0 && why->err != err)
		why++;
	sig_fail(core, ticket->link, ticket->request, why->code, why->msg);
}

void
sig_fail_no_id(struct sig_core *core, uint64_t link, const char *msg)
{
	struct json_out o;
	struct buf b;

	core->stats.errors++;
	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_null(&o, "id");
	fail_members(&o, SIG_BAD_REQUEST, msg, 0);
	sig_send(core, link, &b, false);
}

void
sig_push_begin(struct json_out *o, struct buf *b, const char *name)
{
	buf_init(b, SIG_TEXT_MAX);
	json_out_init(o, b);
	json_out_object(o, NULL);
	json_out_str(o, "push", name);
}

void
sig_out_message(
    struct json_out *o, const char *name, const char *text, size_t len)
{
	/* The log keeps the members without braces, so that a push can put
	 * its own in front. */
	json_out_raw(o, name, "{", 1);
	buf_put(o->b, text, len);
	buf_u8(o->b, '}');
}
