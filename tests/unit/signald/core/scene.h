/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scene: alice and bob with two devices each, and a call between them at
 * each state; the call's id is the variable c.
 * Owns: nothing; the links are the world's.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_SCENE_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_SCENE_H

#include "tests/unit/signald/core/client.h"

#define INVITE(id, to)                              \
	"{'id':" id ",'op':'call.invite','to':'" to \
	"','media':{'audio':true,'video':true}}"
#define OP(id, op)       "{'id':" id ",'op':'call." op "','call':'$c'}"
#define STATE(id, state) "{'id':" id ",'ok':{'call':'$c','state':'" state "'}}"
#define ENDED(why)       "{'push':'call.ended','call':'$c','reason':'" why "'}"
#define RECORD(outcome)                                                 \
	"{'push':'message','type':'call','from':'alice','device':'a1'," \
	"'body':{'call':'$c','outcome':'" outcome                       \
	"','media':{'audio':true,'video':true}}}"
#define PEER(state)       "{'push':'call.peer','call':'$c','state':'" state "'}"
#define REFUSED(id, code) "{'id':" id ",'err':{'code':'" code "'}}"

/* On four shards only. */
#define ALONE(f) \
	cmocka_unit_test_setup_teardown(f, client_setup, client_teardown)

struct scene {
	struct world *w;
	int a, a2, b, b2;
};

struct scene scene_people(void **state);
struct scene scene_invited(void **state);
struct scene scene_ringing(void **state);
struct scene scene_active(void **state);
/* Time passes with everybody being heard. */
void scene_pass(struct scene *, int seconds);

#endif
