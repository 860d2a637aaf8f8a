/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>

#include "lib/http/http.h"

void
metric_begin(struct buf *b, const struct metric *m)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
	    m->type);
}

static void
metric_name(struct buf *b, const struct metric *m, const char *labels)
{
	buf_puts(b, m->name);
	if (*labels != '\0')
		buf_printf(b, "{%s}", labels);
}

void
metric_u64(
    struct buf *b, const struct metric *m, const char *labels, uint64_t v)
{
	metric_name(b, m, labels);
	buf_printf(b, " %" PRIu64 "\n", v);
}

void
metric_double(
    struct buf *b, const struct metric *m, const char *labels, double v)
{
	metric_name(b, m, labels);
	buf_printf(b, " %.9g\n", v);
}
