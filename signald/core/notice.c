/* SPDX-License-Identifier: BSD-3-Clause */
#include "signald/core/effect.h"
#include "signald/core/notice.h"
#include "signald/core/reply.h"

uint64_t
sig_core_notice(struct sig_core *core, const char *text, struct sig_time t)
{
	const struct sig_link *link;
	struct json_out o;
	struct buf b;
	uint64_t n = 0;

	sig_core_enter(core, t);
	LIST_FOREACH (link, &core->all_links, of_core) {
		if (link->state != SIG_LINK_READY)
			continue;
		sig_push_begin(&o, &b, "notice");
		json_out_str(&o, "text", text);
		json_out_int(&o, "ts", (int64_t)core->wall);
		json_out_end(&o);
		sig_send(core, link->id, &b, true);
		core->stats.pushes++;
		n++;
	}
	sig_core_leave(core);
	return n;
}
