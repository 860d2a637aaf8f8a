/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "tests/sim/device.h"

#define MEDIA "'media':{'audio':true,'video':false}"

/* Nobody stays in a room for its own sake: what is asked may be refused, and
 * at the end nothing of it may be left. */
void
rooms_act(struct device *d)
{
	static const char *const ops[] = { "join'," MEDIA ",'room",
		"leave','room", "offer','to':1,'sdp':'v=0','room",
		"answer','to':2,'sdp':'v=0','room", "media'," MEDIA ",'room" };
	static const char *const chats[] = { "join'", "join'", "leave'",
		"members'", "send','body':{},'self':true" };
	const char *room = d->sim->room;
	uint32_t i = sim_dice(d->sim, 6);

	if (d->state != ONLINE)
		return;
	if (sim_dice(d->sim, 3) == 0)
		request_ask(d, ASK_ROOM, 0,
		    "'op':'chatroom.%s,'room':'hall-%u'",
		    chats[sim_dice(d->sim, 5)], sim_dice(d->sim, 2));
	else if (i == 5 || room[0] == '\0')
		request_ask(d, ASK_ROOM, 1, "'op':'room.create'," MEDIA);
	else
		request_ask(
		    d, ASK_ROOM, 0, "'op':'room.%s':'%s'", ops[i], room);
}

/* about: 1 when a room was made. */
void
rooms_answer(struct device *d, const struct request *r, const struct answer *a)
{
	const char *room;

	if (r->about != 1 || a->ok == NULL)
		return;
	room = json_in_str(a->ok, "room", 1, sizeof(d->sim->room) - 1);
	if (room == NULL)
		sim_complain(d->sim, "a room: %s", a->ok->err);
	else
		snprintf(d->sim->room, sizeof(d->sim->room), "%s", room);
}
