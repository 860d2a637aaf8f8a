/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/ws/deflate.h"

#define NAME_MAX_LEN 32
#define WINDOWS      (ZIP_BITS_MAX + 1)

/* By the bits of their windows. */
struct ws_zips {
	struct zip_deflater *out[WINDOWS];
	struct zip_inflater *in; /* reads what any window made */
};

struct ws_deflate {
	struct ws_deflate_params params;
	struct zip_deflater *out; /* NULL: shared, or not used yet */
	struct zip_inflater *in;
};

/* One parameter of an offer. */
struct param {
	char name[NAME_MAX_LEN];
	bool has_value;
	int bits; /* its value as a number of bits, -1: it is none */
};

/* What one offer asks for; each parameter at most once. */
struct offer {
	bool server_alone, client_alone; /* _no_context_takeover */
	bool client_listens;             /* client_max_window_bits */
	int server_bits, client_bits;    /* 0: not limited */
};

/* "8" to "15", without a leading zero; a quoted string holds the same. */
static int
bits_of(const char *s, size_t len)
{
	if (len >= 2 && s[0] == '"' && s[len - 1] == '"') {
		s++;
		len -= 2;
	}
	if (len == 1 && (s[0] == '8' || s[0] == '9'))
		return s[0] - '0';
	if (len == 2 && s[0] == '1' && s[1] >= '0' && s[1] <= '5')
		return 10 + s[1] - '0';
	return -1;
}

static const char *
skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

/* "name" or "name=value" at s; returns what follows, NULL: malformed. */
static const char *
param_read(const char *s, struct param *p)
{
	size_t len = strcspn(s, " \t;,=");

	if (len == 0 || len >= sizeof(p->name))
		return NULL;
	memcpy(p->name, s, len);
	p->name[len] = '\0';
	s = skip_space(s + len);
	p->has_value = *s == '=';
	p->bits = -1;
	if (p->has_value) {
		s = skip_space(s + 1);
		len = strcspn(s, " \t;,");
		p->bits = bits_of(s, len);
		s = skip_space(s + len);
	}
	return *s == ';' || *s == ',' || *s == '\0' ? s : NULL;
}

/* Section 7.1: an unknown parameter, a wrong value or one given twice makes
 * the offer one to decline. */
static bool
offer_take(struct offer *o, const struct param *p)
{
	bool *flag = NULL;

	if (strcasecmp(p->name, "server_no_context_takeover") == 0)
		flag = &o->server_alone;
	else if (strcasecmp(p->name, "client_no_context_takeover") == 0)
		flag = &o->client_alone;
	if (flag != NULL) {
		if (*flag || p->has_value)
			return false;
		*flag = true;
		return true;
	}
	if (strcasecmp(p->name, "server_max_window_bits") == 0) {
		if (o->server_bits != 0 || p->bits < 0)
			return false;
		o->server_bits = p->bits;
		return true;
	}
	if (strcasecmp(p->name, "client_max_window_bits") != 0 ||
	    o->client_listens || (p->has_value && p->bits < 0))
		return false;
	o->client_listens = true;
	o->client_bits = p->has_value ? p->bits : 0;
	return true;
}

/* Reads the offer at s, up to the next; *good: of ours, and well formed. */
static const char *
offer_read(const char *s, struct offer *o, bool *good)
{
	struct param p;

	*o = (struct offer){ .client_bits = 0 };
	s = param_read(s, &p);
	*good = s != NULL && !p.has_value &&
	    strcasecmp(p.name, "permessage-deflate") == 0;
	while (s != NULL && *s == ';') {
		s = param_read(skip_space(s + 1), &p);
		if (s == NULL || !offer_take(o, &p))
			*good = false;
	}
	return s;
}

static int
least(int asked, int bits)
{
	return asked != 0 && asked < bits ? asked : bits;
}

static void
grant(const struct offer *o, const struct ws_deflate_policy *policy,
    struct ws_deflate_params *out)
{
	out->send.keep = policy->keep && !o->server_alone;
	out->send.bits = (uint8_t)least(o->server_bits, policy->bits);
	out->tell_send_bits = o->server_bits != 0;
	/* Section 7.1.1.2: to be asked for no more than it offered is nothing
	 * that a client may refuse. */
	out->recv.keep = policy->keep && !o->client_alone;
	out->recv.bits = ZIP_BITS_MAX;
	out->tell_recv_bits = o->client_listens;
	if (o->client_listens)
		out->recv.bits = (uint8_t)least(o->client_bits, policy->bits);
}

int
ws_deflate_choose(const char *s, const struct ws_deflate_policy *policy,
    struct ws_deflate_params *out)
{
	struct offer o;
	bool good;

	for (s += strspn(s, " \t,"); *s != '\0'; s += strspn(s, " \t,")) {
		s = offer_read(s, &o, &good);
		if (s == NULL) /* where the next one begins is not known */
			return -ENOENT;
		/* zlib makes no window of 8 bits. */
		if (!good ||
		    (o.server_bits != 0 && o.server_bits < ZIP_BITS_MIN))
			continue;
		grant(&o, policy, out);
		return 0;
	}
	return -ENOENT;
}

void
ws_deflate_answer(const struct ws_deflate_params *p, struct buf *out)
{
	buf_puts(out, "Sec-WebSocket-Extensions: permessage-deflate");
	if (!p->send.keep)
		buf_puts(out, "; server_no_context_takeover");
	if (!p->recv.keep)
		buf_puts(out, "; client_no_context_takeover");
	if (p->tell_send_bits)
		buf_printf(out, "; server_max_window_bits=%d", p->send.bits);
	if (p->tell_recv_bits)
		buf_printf(out, "; client_max_window_bits=%d", p->recv.bits);
	buf_puts(out, "\r\n");
}

struct ws_zips *
ws_zips_new(void)
{
	return calloc(1, sizeof(struct ws_zips));
}

void
ws_zips_free(struct ws_zips *z)
{
	size_t i;

	for (i = 0; z != NULL && i < WINDOWS; i++)
		zip_deflater_free(z->out[i]);
	if (z != NULL)
		zip_inflater_free(z->in);
	free(z);
}

struct ws_deflate *
ws_deflate_new(const struct ws_deflate_params *p)
{
	struct ws_deflate *d = calloc(1, sizeof(*d));

	if (d != NULL)
		d->params = *p;
	return d;
}

void
ws_deflate_free(struct ws_deflate *d)
{
	if (d == NULL)
		return;
	zip_deflater_free(d->out);
	zip_inflater_free(d->in);
	free(d);
}

int
ws_deflate_send(struct ws_deflate *d, struct ws_zips *z, const void *data,
    size_t len, struct buf *out)
{
	const struct ws_deflate_way *way = &d->params.send;
	struct zip_deflater **s = way->keep ? &d->out : &z->out[way->bits];

	if (*s == NULL)
		*s = zip_deflater_new(way->bits);
	if (*s == NULL)
		return -ENOMEM;
	zip_deflate(*s, data, len, way->keep, out);
	return out->err;
}

int
ws_deflate_recv(struct ws_deflate *d, struct ws_zips *z, const void *data,
    size_t len, size_t max, struct buf *out)
{
	const struct ws_deflate_way *way = &d->params.recv;
	struct zip_inflater **s = way->keep ? &d->in : &z->in;
	int err;

	if (*s == NULL)
		*s = zip_inflater_new(way->keep ? way->bits : ZIP_BITS_MAX);
	if (*s == NULL)
		return -ENOMEM;
	err = zip_inflate(*s, data, len, way->keep, max, out);
	if (err != 0 && !way->keep) { /* others share it */
		zip_inflater_free(z->in);
		z->in = NULL;
	}
	return err;
}
