/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>

#include "lib/stun/message.h"
#include "stund/core/binding.h"

/* As many as BINDING_PLAIN_MAX has room for; a request with more of them
 * learns of the others when it has left these away. */
#define UNKNOWN_MAX 24

static const char *const names[BINDING_RESULTS] = {
	[BINDING_SUCCESS] = "success",
	[BINDING_UNKNOWN_ATTRIBUTE] = "unknown-attribute",
	[BINDING_BAD_REQUEST] = "bad-request",
	[BINDING_OLD_OVER_DTLS] = "old-over-dtls",
	[BINDING_MALFORMED] = "malformed",
	[BINDING_NOT_REQUEST] = "not-request",
	[BINDING_OTHER_METHOD] = "other-method",
};

const char *
binding_result_name(enum binding_result result)
{
	return names[result];
}

bool
binding_is_answer(enum binding_result result)
{
	return result <= BINDING_OLD_OVER_DTLS;
}

/* What RFC 8489 defines is understood, though credentials are not asked for
 * and so not looked at. What RFC 5780 adds is not, without a second address. */
static bool
known(uint16_t type)
{
	switch (type) {
	case STUN_MAPPED_ADDRESS:
	case STUN_USERNAME:
	case STUN_MESSAGE_INTEGRITY:
	case STUN_ERROR_CODE:
	case STUN_UNKNOWN_ATTRIBUTES:
	case STUN_REALM:
	case STUN_NONCE:
	case STUN_MESSAGE_INTEGRITY_SHA256:
	case STUN_PASSWORD_ALGORITHM:
	case STUN_USERHASH:
	case STUN_XOR_MAPPED_ADDRESS:
		return true;
	default:
		return false;
	}
}

static bool
known_or_change(uint16_t type)
{
	return known(type) || type == STUN_CHANGE_REQUEST;
}

static bool
known_or_behaviour(uint16_t type)
{
	return known(type) || behaviour_known(type);
}

typedef bool known_fn(uint16_t type);

/*
 * RFC 5780 section 6.1: without a second address CHANGE-REQUEST is unknown.
 * But clients of RFC 3489 say in every request that nothing is to change
 * (its section 11.2.4); that much we can do.
 */
static known_fn *
known_to(const struct binding_in *in, const struct stun_msg *m)
{
	uint32_t flags;

	if (in->behaviour != NULL)
		return m->rfc3489 ? known_or_change : known_or_behaviour;
	if (m->rfc3489 && stun_get_u32(m, STUN_CHANGE_REQUEST, &flags) == 0 &&
	    flags == 0)
		return known_or_change;
	return known;
}

static void
end(struct stun_out *o, const struct stun_msg *req)
{
	if (stun_find(req, STUN_FINGERPRINT) != NULL)
		stun_put_fingerprint(o);
	(void)stun_end(o);
	assert(o->buf->err == 0); /* BINDING_ANSWER_MAX is wrong otherwise */
}

static void
refuse(const struct stun_msg *req, int code, const char *reason,
    const uint16_t *unknown, size_t n, struct buf *out)
{
	struct stun_out o = stun_begin_reply(out, req, STUN_ERROR);

	stun_put_error(&o, code, reason);
	if (n > 0)
		stun_put_types(&o, STUN_UNKNOWN_ATTRIBUTES, unknown, n);
	end(&o, req);
}

static enum binding_result
succeed(const struct binding_in *in, const struct stun_msg *req,
    struct binding_out *out)
{
	struct behaviour_plan plan;
	struct stun_out o;

	if (in->behaviour != NULL) {
		if (behaviour_plan(req, in->corner, in->client, &plan) != 0) {
			refuse(req, 400, "Bad Request", NULL, 0, out->buf);
			return BINDING_BAD_REQUEST;
		}
		out->corner = plan.from;
		out->to.port = plan.port;
	}
	o = stun_begin_reply(out->buf, req, STUN_SUCCESS);
	/* RFC 8489 section 11: the other form would mean nothing to them. RFC
	 * 5780 section 6.1 wants both, which shows who rewrites addresses. */
	if (!req->rfc3489)
		stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, in->client);
	if (req->rfc3489 || in->behaviour != NULL)
		stun_put_addr(&o, STUN_MAPPED_ADDRESS, in->client);
	if (in->behaviour != NULL)
		behaviour_put(&o, req, in->behaviour, in->corner, &plan);
	end(&o, req);
	return BINDING_SUCCESS;
}

enum binding_result
binding_input(const struct binding_in *in, struct binding_out *out)
{
	uint16_t unknown[UNKNOWN_MAX];
	size_t n, start = out->buf->len;
	struct stun_msg req;

	if (stun_decode(in->data, in->len, &req) != 0 ||
	    stun_malformed(&req) != NULL)
		return BINDING_MALFORMED;
	if (req.class != STUN_REQUEST)
		return BINDING_NOT_REQUEST;
	if (req.method != STUN_BINDING)
		return BINDING_OTHER_METHOD;
	out->corner = in->corner;
	out->to = *in->client;
	/* RFC 8489 section 11 */
	if (req.rfc3489 && in->dtls) {
		refuse(&req, 500, "Server Error", NULL, 0, out->buf);
		return BINDING_OLD_OVER_DTLS;
	}
	n = stun_unknown(&req, known_to(in, &req), unknown, UNKNOWN_MAX);
	if (n == 0)
		return succeed(in, &req, out);
	refuse(&req, 420, "Unknown Attribute", unknown, n, out->buf);
	/* The words are a courtesy, for those who paid for them. */
	if ((out->buf->len - start) * 5 > in->len * 8) {
		out->buf->len = start;
		refuse(&req, 420, "", unknown, n, out->buf);
	}
	return BINDING_UNKNOWN_ATTRIBUTE;
}
