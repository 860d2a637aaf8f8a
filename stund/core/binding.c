/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>

#include "lib/stun/message.h"
#include "stund/core/binding.h"

/* As many as BINDING_ANSWER_MAX has room for; a request with more of them
 * learns of the others when it has left these away. */
#define UNKNOWN_MAX 24

static const char *const names[BINDING_RESULTS] = {
	[BINDING_SUCCESS] = "success",
	[BINDING_UNKNOWN_ATTRIBUTE] = "unknown-attribute",
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
	return result == BINDING_SUCCESS || result == BINDING_UNKNOWN_ATTRIBUTE;
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

/* Old clients say in every request that nothing is to change (RFC 3489
 * section 11.2.4); that much we can do. */
static bool
asks_no_change(const struct stun_msg *m)
{
	uint32_t flags;

	return stun_get_u32(m, STUN_CHANGE_REQUEST, &flags) == 0 && flags == 0;
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
succeed(const struct stun_msg *req, const struct addr *client, struct buf *out)
{
	struct stun_out o = stun_begin_reply(out, req, STUN_SUCCESS);

	/* RFC 8489 section 11: the other form would mean nothing to them. */
	if (req->rfc3489)
		stun_put_addr(&o, STUN_MAPPED_ADDRESS, client);
	else
		stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, client);
	end(&o, req);
}

static void
refuse(const struct stun_msg *req, const char *reason, const uint16_t *unknown,
    size_t n, struct buf *out)
{
	struct stun_out o = stun_begin_reply(out, req, STUN_ERROR);

	stun_put_error(&o, 420, reason);
	stun_put_types(&o, STUN_UNKNOWN_ATTRIBUTES, unknown, n);
	end(&o, req);
}

enum binding_result
binding_input(
    const void *data, size_t len, const struct addr *client, struct buf *out)
{
	uint16_t unknown[UNKNOWN_MAX];
	size_t n, start = out->len;
	struct stun_msg req;

	if (stun_decode(data, len, &req) != 0 || stun_malformed(&req) != NULL)
		return BINDING_MALFORMED;
	if (req.class != STUN_REQUEST)
		return BINDING_NOT_REQUEST;
	if (req.method != STUN_BINDING)
		return BINDING_OTHER_METHOD;
	n = stun_unknown(&req, asks_no_change(&req) ? known_or_change : known,
	    unknown, UNKNOWN_MAX);
	if (n == 0) {
		succeed(&req, client, out);
		return BINDING_SUCCESS;
	}
	refuse(&req, "Unknown Attribute", unknown, n, out);
	/* The words are a courtesy, for those who paid for them. */
	if ((out->len - start) * 5 > len * 8) {
		out->len = start;
		refuse(&req, "", unknown, n, out);
	}
	return BINDING_UNKNOWN_ATTRIBUTE;
}
