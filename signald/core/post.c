/* SPDX-License-Identifier: BSD-3-Clause */
#include "signald/core/audience.h"
#include "signald/core/call.h"
#include "signald/core/chatroom.h"
#include "signald/core/contact.h"
#include "signald/core/inbox.h"
#include "signald/core/leg.h"
#include "signald/core/leg_ask.h"
#include "signald/core/note.h"
#include "signald/core/peer.h"
#include "signald/core/post.h"
#include "signald/core/room.h"
#include "signald/core/place.h"
#include "signald/core/standing.h"

static void (*const kinds[])(struct sig_core *, const struct sig_mail *) = {
	[SIG_MAIL_INBOX] = sig_inbox_receive,
	[SIG_MAIL_PRESENCE] = sig_peer_told,
	[SIG_MAIL_PRESENCE_ASK] = sig_peer_asked,
	[SIG_MAIL_CONTACT] = sig_contact_told,
	[SIG_MAIL_STANDING] = sig_standing_told,
	[SIG_MAIL_NOTE] = sig_note_receive,
	[SIG_MAIL_CALL] = sig_call_asked,
	[SIG_MAIL_CALL_LOST] = sig_call_lost,
	[SIG_MAIL_CALL_AWAY] = sig_call_away,
	[SIG_MAIL_CALL_BACK] = sig_call_back,
	[SIG_MAIL_CALL_RING] = sig_leg_ring,
	[SIG_MAIL_CALL_BUSY] = sig_call_busy,
	[SIG_MAIL_CALL_REPLY] = sig_leg_answered,
	[SIG_MAIL_CALL_PUSH] = sig_leg_pushed,
	[SIG_MAIL_AUDIENCE] = sig_audience_receive,
	[SIG_MAIL_ROOM] = sig_room_asked,
	[SIG_MAIL_CHATROOM] = sig_chatroom_asked,
	[SIG_MAIL_ROOM_REPLY] = sig_place_answered,
	[SIG_MAIL_ROOM_TELL] = sig_place_told,
};

void
sig_post_receive(struct sig_core *core, const struct sig_mail *mail)
{
	if ((size_t)mail->kind < sizeof(kinds) / sizeof(kinds[0]))
		kinds[mail->kind](core, mail);
}
