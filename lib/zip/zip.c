/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "lib/zip/zip.h"

#define CHUNK 16384
/* Little text a message: the fastest level saves nearly as much. */
#define LEVEL 1
/* RFC 7692 section 7.2.1: what a flush ends with. */
static const uint8_t tail[4] = { 0x00, 0x00, 0xff, 0xff };

struct zip_deflater {
	z_stream z;
};

struct zip_inflater {
	z_stream z;
	int bits;
};

uint32_t
zip_crc32(uint32_t crc, const void *data, size_t len)
{
	return (uint32_t)crc32_z(crc, data, len);
}

struct zip_deflater *
zip_deflater_new(int bits)
{
	struct zip_deflater *d = calloc(1, sizeof(*d));

	/* The hash table is as large as the window, for which the second
	 * number is seven less. */
	if (d != NULL &&
	    deflateInit2(&d->z, LEVEL, Z_DEFLATED, -bits, bits - 7,
		Z_DEFAULT_STRATEGY) == Z_OK)
		return d;
	free(d);
	return NULL;
}

void
zip_deflater_free(struct zip_deflater *d)
{
	if (d != NULL)
		deflateEnd(&d->z);
	free(d);
}

static void
feed(z_stream *z, const void *data, size_t len)
{
	z->next_in = (uint8_t *)(uintptr_t)data;
	z->avail_in = (uInt)len;
}

void
zip_deflate(struct zip_deflater *d, const void *data, size_t len, bool keep,
    struct buf *out)
{
	uint8_t chunk[CHUNK];
	size_t start = out->len;

	feed(&d->z, data, len);
	do {
		d->z.next_out = chunk;
		d->z.avail_out = sizeof(chunk);
		/* Z_BUF_ERROR says that there was nothing to do. */
		(void)deflate(&d->z, Z_SYNC_FLUSH);
		buf_put(out, chunk, sizeof(chunk) - d->z.avail_out);
	} while (d->z.avail_out == 0);
	if (!keep)
		deflateReset(&d->z);
	if (out->err != 0)
		return;
	/* Nothing twice in a row gives nothing: section 7.2.3.6. */
	if (out->len - start < sizeof(tail))
		buf_u8(out, 0);
	else
		out->len -= sizeof(tail);
}

struct zip_inflater *
zip_inflater_new(int bits)
{
	struct zip_inflater *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return NULL;
	i->bits = bits;
	if (inflateInit2(&i->z, -bits) == Z_OK)
		return i;
	free(i);
	return NULL;
}

void
zip_inflater_free(struct zip_inflater *i)
{
	if (i != NULL)
		inflateEnd(&i->z);
	free(i);
}

/* Section 7.2.3.4: a block may call itself the last one, and others follow;
 * they may refer to what came before it. */
static int
go_on(z_stream *z)
{
	uint8_t window[1 << ZIP_BITS_MAX];
	uInt len = 0;

	if (inflateGetDictionary(z, window, &len) != Z_OK ||
	    inflateReset(z) != Z_OK ||
	    (len > 0 && inflateSetDictionary(z, window, len) != Z_OK))
		return -EBADMSG;
	return 0;
}

static int
inflate_part(
    z_stream *z, const uint8_t *data, size_t len, size_t max, struct buf *out)
{
	uint8_t chunk[CHUNK];
	int rc, err = 0;
	size_t n;

	feed(z, data, len);
	do {
		z->next_out = chunk;
		z->avail_out = sizeof(chunk);
		rc = inflate(z, Z_SYNC_FLUSH);
		n = sizeof(chunk) - z->avail_out;
		if (n > max)
			return -EMSGSIZE;
		max -= n;
		buf_put(out, chunk, n);
		if (rc == Z_MEM_ERROR)
			err = -ENOMEM;
		else if (rc == Z_STREAM_END)
			err = go_on(z);
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			err = -EBADMSG;
	} while (err == 0 && (z->avail_in > 0 || z->avail_out == 0));
	return err;
}

int
zip_inflate(struct zip_inflater *i, const void *data, size_t len, bool keep,
    size_t max, struct buf *out)
{
	size_t start = out->len;
	int err;

	err = inflate_part(&i->z, data, len, max, out);
	if (err == 0)
		err = inflate_part(
		    &i->z, tail, sizeof(tail), max - (out->len - start), out);
	if (err == 0 && out->err != 0)
		err = out->err == -ENOSPC ? -EMSGSIZE : out->err;
	if (err == 0 && !keep && inflateReset(&i->z) != Z_OK)
		err = -EBADMSG;
	return err;
}
