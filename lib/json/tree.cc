/* SPDX-License-Identifier: BSD-3-Clause */
/* C++ because RapidJSON is: no exceptions, nothing of its run-time library. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The reader is given its allocator and makes none. */
#define RAPIDJSON_NEW(x)    NULL
#define RAPIDJSON_DELETE(x) ((void)(x))
#ifdef __SSE2__
#define RAPIDJSON_SSE2
#endif
#include <rapidjson/reader.h>

extern "C" {
#include "lib/base/utf8.h"
}
#include "lib/json/internal.h"

/* Names of an object are compared with each other, or sorted if more. */
#define FEW 16

namespace {

const unsigned flags =
    rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;

int
by_name(const void *a, const void *b)
{
	return strcmp(*static_cast<const char *const *>(a),
	    *static_cast<const char *const *>(b));
}

/* What RapidJSON tells of a text, one value after the other. */
class Tree {
      public:
	Tree(const char *text, struct json *values, size_t room)
	    : fault(JSON_FINE), at(0), text_(text), values_(values),
	      room_(room), used_(0), open_(0), name_(NULL)
	{
	}

	bool Null()
	{
		return put(JSON_NULL) != NULL;
	}
	bool Bool(bool b)
	{
		return put(b ? JSON_TRUE : JSON_FALSE) != NULL;
	}
	/* Numbers come as they are spelled, and only so. */
	bool Int(int)
	{
		return false;
	}
	bool Uint(unsigned)
	{
		return false;
	}
	bool Int64(int64_t)
	{
		return false;
	}
	bool Uint64(uint64_t)
	{
		return false;
	}
	bool Double(double)
	{
		return false;
	}

	bool RawNumber(const char *s, rapidjson::SizeType len, bool)
	{
		return is_integer(s, len) ? integer(s) : real(s);
	}

	bool String(const char *s, rapidjson::SizeType len, bool)
	{
		struct json *v;

		if (!is_text(s, len) || (v = put(JSON_STRING)) == NULL)
			return false;
		v->is.text = s;
		v->len = len;
		return true;
	}

	bool Key(const char *s, rapidjson::SizeType len, bool)
	{
		name_ = s;
		return is_text(s, len);
	}

	bool StartObject()
	{
		return nest(JSON_OBJECT);
	}
	bool StartArray()
	{
		return nest(JSON_ARRAY);
	}
	bool EndArray(rapidjson::SizeType)
	{
		unnest();
		return true;
	}

	bool EndObject(rapidjson::SizeType len)
	{
		return are_different(unnest(), len);
	}

	enum json_fault fault;
	size_t at;

      private:
	bool fail(enum json_fault what, const char *where)
	{
		fault = what;
		at = static_cast<size_t>(where - text_);
		return false;
	}

	struct json *put(enum json_kind kind)
	{
		struct json *v = &values_[used_];

		if (used_ == room_) {
			fault = JSON_SYNTAX;
			return NULL;
		}
		used_++;
		values_[open_].len += used_ > 1;
		v->name = name_;
		v->is.integer = 0;
		v->len = 0;
		v->span = 1;
		v->kind = kind;
		name_ = NULL;
		return v;
	}

	/* While a value is open, span tells the one that it is in. */
	bool nest(enum json_kind kind)
	{
		struct json *v = put(kind);

		if (v == NULL)
			return false;
		v->span = open_;
		open_ = static_cast<uint32_t>(v - values_);
		return true;
	}

	/* The value that ends. */
	const struct json *unnest()
	{
		struct json *v = &values_[open_];

		open_ = v->span;
		v->span = static_cast<uint32_t>(&values_[used_] - v);
		return v;
	}

	static bool is_integer(const char *s, size_t len)
	{
		size_t i;

		for (i = 0; i < len; i++) {
			if (s[i] == '.' || s[i] == 'e' || s[i] == 'E')
				return false;
		}
		return true;
	}

	/* What stands behind a number in the text ends it for libc, too. */
	bool integer(const char *s)
	{
		struct json *v;
		long long n;

		errno = 0;
		n = strtoll(s, NULL, 10);
		if (errno != 0)
			return fail(JSON_TOO_LARGE, s);
		v = put(JSON_INTEGER);
		if (v != NULL)
			v->is.integer = n;
		return v != NULL;
	}

	bool real(const char *s)
	{
		double n = strtod(s, NULL);
		struct json *v;

		if (n - n != 0)
			return fail(JSON_TOO_LARGE, s);
		v = put(JSON_REAL);
		if (v != NULL)
			v->is.real = n;
		return v != NULL;
	}

	bool is_text(const char *s, size_t len)
	{
		if (memchr(s, '\0', len) != NULL)
			return fail(JSON_HAS_NUL, s);
		if (!utf8_valid(reinterpret_cast<const uint8_t *>(s), len))
			return fail(JSON_NOT_UTF8, s);
		return true;
	}

	bool are_different(const struct json *object, size_t len)
	{
		const struct json *a = json_first(object), *b;
		size_t i, k;

		if (len > FEW)
			return many_are_different(object, len);
		for (i = 1; i < len; i++) {
			a = json_behind(a);
			b = json_first(object);
			for (k = 0; k < i; k++, b = json_behind(b)) {
				if (strcmp(a->name, b->name) == 0)
					return fail(JSON_REPEATED, a->name);
			}
		}
		return true;
	}

	bool many_are_different(const struct json *object, size_t len)
	{
		const struct json *v = json_first(object);
		const char **names =
		    static_cast<const char **>(calloc(len, sizeof(*names)));
		bool fine = true;
		size_t i;

		if (names == NULL)
			return fail(JSON_NO_MEMORY, text_);
		for (i = 0; i < len; i++, v = json_behind(v))
			names[i] = v->name;
		qsort(names, len, sizeof(*names), by_name);
		for (i = 1; fine && i < len; i++) {
			if (strcmp(names[i - 1], names[i]) == 0)
				fine = fail(JSON_REPEATED, names[i]);
		}
		free(names);
		return fine;
	}

	const char *text_;
	struct json *values_;
	size_t room_, used_;
	uint32_t open_;
	const char *name_;
};

} // namespace

enum json_fault
json_tree(char *text, size_t len, struct json *values, size_t room, size_t *at)
{
	rapidjson::InsituStringStream in(text);
	rapidjson::CrtAllocator memory;
	rapidjson::Reader reader(&memory);
	Tree tree(text, values, room);
	rapidjson::ParseResult result = reader.Parse<flags>(in, tree);

	if (!result.IsError())
		return JSON_FINE;
	*at = result.Offset();
	if (result.Code() == rapidjson::kParseErrorNumberTooBig)
		return JSON_TOO_LARGE;
	if (result.Code() != rapidjson::kParseErrorTermination ||
	    tree.fault == JSON_FINE)
		return JSON_SYNTAX;
	*at = tree.at;
	return tree.fault;
}
