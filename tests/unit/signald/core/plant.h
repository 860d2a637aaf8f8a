/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plant: faults planted in the shell of a world, to see that the simulation
 * notices them. The cores are as they ship.
 * Owns: nothing; a part of the world.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_PLANT_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_PLANT_H

#include "signald/core/core.h"

struct world;

enum world_plant {
	PLANT_NOTHING,
	PLANT_EARLY_ACK,    /* answers before the commit, which may not come */
	PLANT_FORGET_MIDS,  /* a repeat is taken for a new request */
	PLANT_LATE_CLOSE,   /* an old link's end is told as the newer link's */
	PLANT_LOST_END,     /* that a call has ended is told to callers only */
	PLANT_BAD_UNREAD,   /* now and then one too many */
	PLANT_KICKED_HEARS, /* who is kicked stays in the audience */
	/* After a resume the cursor of a large group stays for one entry. */
	PLANT_TOLD_TWICE,
	PLANT_LOST_EDIT, /* now and then the edited message stays as it is */
	PLANT_STICKY_MENTIONS, /* a read takes no mention away */
	PLANT_OPEN_HISTORY,    /* of a group, to all who are in it */
	PLANT_DROPPED,         /* a slow link loses what is stored, and stays */
	PLANTS
};
/* PLANT_NOTHING: the name of none. */
enum world_plant world_plant_named(const char *);
void world_plant(struct world *, enum world_plant);

#define PLANT_MARKS 64

/* For the shell: each is called before what it is named after is done. */
void plant_early_ack(struct world *);
int plant_newer(const struct world *, int link);
bool plant_loses(const struct world *, const struct sig_mail *);
void plant_mail(struct world *, struct sig_mail *);
/* Whether it is sent twice. */
bool plant_send(struct world *, struct sig_effect *);
void plant_append(struct world *, struct sig_append *);
void plant_read(struct world *, struct sig_read *);
void
plant_rows(struct world *, const struct sig_read *, const struct sig_rows *);

#endif
