/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "lib/json/json.h"
#include "tests/sim/sim.h"

void
memberbook_hole(struct sim *sim, int user, int conv, uint64_t from, uint64_t to)
{
	struct memberbook *b = &sim->memberbook;

	if (b->nholes == MEMBERBOOK_HOLES) {
		sim_complain(sim, "more holes than there is room for");
		return;
	}
	b->holes[b->nholes].user = user;
	b->holes[b->nholes].conv = conv;
	b->holes[b->nholes].from = from;
	b->holes[b->nholes++].to = to;
}

static bool
names(const struct ledger_entry *e, int user)
{
	return e->known && e->told.kind == TOLD_NOTICE &&
	    (e->told.users & 1u << user) != 0;
}

static int
count(uint32_t users)
{
	return __builtin_popcount(users);
}

/* Who is in after a notice, and what they are. */
static void
move(struct sim *sim, int c, const struct told *t)
{
	uint32_t fanout = sim->fanout, users = t->users;
	int user;

	if (t->event == TOLD_CREATE || t->event == TOLD_JOIN) {
		sim->memberbook.convs[c].in |= users;
		sim->memberbook.convs[c].all |= t->all;
		sim->memberbook.convs[c].admins &= ~users;
		for (user = 0; user < LEDGER_USERS; user++) {
			if ((users & 1u << user) != 0)
				sim->memberbook.convs[c].since[user] = t->seq;
		}
	} else if (t->event == TOLD_ROLE) {
		sim->memberbook.convs[c].admins &= ~users;
		sim->memberbook.convs[c].admins |= t->admin ? users : 0;
	} else {
		sim->memberbook.convs[c].in &= ~users;
	}
	if (sim->memberbook.convs[c].large == 0 &&
	    count(sim->memberbook.convs[c].in) > (int)fanout)
		sim->memberbook.convs[c].large = t->seq;
}

static void
settle_group(struct sim *sim, int c)
{
	struct ledger_conv *conv = &sim->ledger.convs[c];
	struct ledger_entry *e;
	uint32_t before;
	uint64_t at;

	for (at = 1; at <= conv->top; at++) {
		e = &conv->entries[at];
		before = sim->memberbook.convs[c].in;
		if (e->known && e->told.kind == TOLD_NOTICE)
			move(sim, c, &e->told);
		/* Who comes or goes by it is told of it, too. */
		e->members = (uint8_t)(before | sim->memberbook.convs[c].in);
	}
}

void
memberbook_settle(struct sim *sim)
{
	struct ledger_conv *conv;
	uint64_t at;
	int c;

	memset(sim->memberbook.convs, 0, sizeof(sim->memberbook.convs));
	for (c = 0; c < sim->ledger.nconvs; c++) {
		conv = &sim->ledger.convs[c];
		if (conv->group) {
			settle_group(sim, c);
			continue;
		}
		sim->memberbook.convs[c].in =
		    1u << conv->members[0] | 1u << conv->members[1];
		for (at = 1; at <= conv->top; at++)
			conv->entries[at].members =
			    (uint8_t)sim->memberbook.convs[c].in;
	}
}

static bool
is_in(const struct sim *sim, int c, int user)
{
	return (sim->memberbook.convs[c].in & 1u << user) != 0;
}

bool
memberbook_stays(const struct sim *sim, int user, int c, uint64_t seq)
{
	return is_in(sim, c, user) &&
	    seq >= sim->memberbook.convs[c].since[user];
}

bool
memberbook_due(const struct sim *sim, int user, int c, uint64_t seq)
{
	const struct ledger_entry *e = &sim->ledger.convs[c].entries[seq];
	uint64_t large = sim->memberbook.convs[c].large;

	if ((e->members & 1u << user) == 0)
		return false;
	/* What a cursor has not reached before its user goes stays unread. */
	return large == 0 || seq <= large || names(e, user) ||
	    memberbook_stays(sim, user, c, seq);
}

static bool
counts(const struct told *t)
{
	return t->kind == TOLD_TEXT ||
	    (t->kind == TOLD_CALL &&
		(strcmp(t->outcome, "missed") == 0 ||
		    strcmp(t->outcome, "busy") == 0));
}

/* What the user has not read. */
static void
count_unread(const struct sim *sim, int user, int c, uint64_t read,
    int64_t *unread, int64_t *mentions)
{
	const struct ledger_conv *conv = &sim->ledger.convs[c];
	const struct told *t;
	uint64_t at;

	*unread = *mentions = 0;
	for (at = read + 1; at <= conv->top; at++) {
		t = &conv->entries[at].told;
		if (!counts(t) || t->from == user)
			continue;
		++*unread;
		*mentions += (t->mentions & (1u << user | TOLD_ALL)) != 0;
	}
}

/* How far the user has read it, by its own marks and its coming. */
static uint64_t
read_by(const struct sim *sim, int user, int c)
{
	uint64_t read = sim->ledger.convs[c].read[user];
	uint64_t since = sim->memberbook.convs[c].since[user];

	return since > read ? since - 1 : read;
}

static void
check_kind(struct sim *sim, int user, int c, struct json_in *row)
{
	const struct ledger_conv *conv = &sim->ledger.convs[c];
	int other;
	uint64_t peer;

	if (conv->group) {
		memberbook_check_group(sim, user, c, row);
		return;
	}
	other = conv->members[conv->members[0] == user];
	peer = (uint64_t)json_in_int(row, "peer_read", 0, INT64_MAX);
	if (peer > conv->read[other])
		sim_complain(sim, "%s of %s: the other has read to %d, not %d",
		    conv->name, sim_users[user], (int)peer,
		    (int)conv->read[other]);
}

void
memberbook_check_row(struct sim *sim, int user, struct json_in *row)
{
	int c = ledger_conv(sim, json_in_str(row, "conv", 1, SIG_CONV_MAX));
	const char *name = c < 0 ? "" : sim->ledger.convs[c].name;
	uint64_t read = (uint64_t)json_in_int(row, "read", 0, INT64_MAX);
	int64_t unread = json_in_int(row, "unread", 0, INT64_MAX);
	int64_t mentions = json_in_int_opt(row, "mentions", 0, INT64_MAX, 0);
	int64_t unread_is, mentions_is;

	if (c < 0)
		return;
	count_unread(sim, user, c, read, &unread_is, &mentions_is);
	if (unread != unread_is)
		sim_complain(sim, "%s of %s: %d unread, counted %d", name,
		    sim_users[user], (int)unread, (int)unread_is);
	if (mentions != mentions_is && sim->ledger.convs[c].group)
		sim_complain(sim, "%s of %s: %d mentions, counted %d", name,
		    sim_users[user], (int)mentions, (int)mentions_is);
	if (read > read_by(sim, user, c))
		sim_complain(sim, "%s of %s: read to %d, not %d", name,
		    sim_users[user], (int)read, (int)read_by(sim, user, c));
	if (!is_in(sim, c, user))
		sim_complain(sim, "%s is listed to %s", name, sim_users[user]);
	check_kind(sim, user, c, row);
	if (row->code != 0)
		sim_complain(sim, "a row: %s", row->err);
}

void
memberbook_check_rows(struct sim *sim, int user, uint32_t groups)
{
	uint32_t in = 0;
	int c;

	for (c = 0; c < sim->ledger.nconvs; c++)
		in += sim->ledger.convs[c].group && is_in(sim, c, user);
	if (in != groups)
		sim_complain(sim, "%s is in %u groups, and is told of %u",
		    sim_users[user], in, groups);
}

static const char *
role_of(const struct sim *sim, int c, int user)
{
	if (sim->ledger.convs[c].owner == user)
		return "owner";
	return (sim->memberbook.convs[c].admins & 1u << user) != 0 ? "admin"
								   : "member";
}

static void
check_role(struct sim *sim, int user, int c, struct json_in *in)
{
	const char *role = json_in_str(in, "role", 1, 16);

	if (role != NULL && strcmp(role, role_of(sim, c, user)) != 0)
		sim_complain(sim, "%s is %s of %s, not %s", sim_users[user],
		    role, sim->ledger.convs[c].name, role_of(sim, c, user));
}

void
memberbook_check_group(struct sim *sim, int user, int c, struct json_in *in)
{
	int members = count(sim->memberbook.convs[c].in);
	bool large = json_in_bool_opt(in, "large", false);

	if (json_in_int(in, "members", 0, INT64_MAX) != members)
		sim_complain(sim, "%s: not %d members to %s",
		    sim->ledger.convs[c].name, members, sim_users[user]);
	if (large != (sim->memberbook.convs[c].large != 0))
		sim_complain(sim, "%s: is it large to %s?",
		    sim->ledger.convs[c].name, sim_users[user]);
	check_role(sim, user, c, in);
}

void
memberbook_check_roster(struct sim *sim, int c, struct json_in *ok)
{
	const struct json *list = json_in_array(ok, "members", 0, 100);
	struct json_in one;
	uint32_t in = 0;
	size_t i;
	int user;

	for (i = 0; i < json_items(list); i++) {
		json_in_init(&one, json_item(list, i), "");
		user =
		    sim_user(sim, json_in_str(&one, "user", 1, SIG_NAME_MAX));
		if (user < 0)
			return;
		in |= 1u << user;
		check_role(sim, user, c, &one);
	}
	if (in != sim->memberbook.convs[c].in)
		sim_complain(sim, "%s has members %x, told %x",
		    sim->ledger.convs[c].name, sim->memberbook.convs[c].in, in);
}

/* On a link all that was said came, but for what has the user gone or come:
 * that is in its inbox. */
static void
check_holes(struct sim *sim)
{
	const struct memberbook *b = &sim->memberbook;
	const struct ledger_entry *e;
	uint64_t at, from;
	uint32_t i;
	int user;

	for (i = 0; i < b->nholes; i++) {
		user = b->holes[i].user;
		from = b->holes[i].from;
		e = sim->ledger.convs[b->holes[i].conv].entries;
		/* The first one follows what the user, or the group, came by:
		 * that is in the inbox, too. */
		if (from == 0 && e[b->holes[i].to - 1].known &&
		    e[b->holes[i].to - 1].told.kind == TOLD_NOTICE)
			from = b->holes[i].to - 1;
		for (at = from + 1; at < b->holes[i].to; at++) {
			if ((e[at].members & 1u << user) != 0 &&
			    !names(&e[at], user))
				sim_complain(sim,
				    "%s %d did not come to %s, %d and %d did",
				    sim->ledger.convs[b->holes[i].conv].name,
				    (int)at, sim_users[user],
				    (int)b->holes[i].from, (int)b->holes[i].to);
		}
	}
}

/* Whether it is among what the history tells the user, or did once. */
static bool
may_read(const struct sim *sim, int user, int c, uint64_t seq)
{
	const struct ledger_conv *conv = &sim->ledger.convs[c];

	if (!sim->memberbook.convs[c].all)
		return (conv->entries[seq].members & 1u << user) != 0;
	for (; seq <= conv->top; seq++) {
		if ((conv->entries[seq].members & 1u << user) != 0)
			return true;
	}
	return false;
}

static void
check_entry(struct sim *sim, int user, int c, uint64_t seq)
{
	const struct ledger_conv *conv = &sim->ledger.convs[c];
	const struct ledger_entry *e = &conv->entries[seq];
	uint32_t bit = 1u << user;
	bool finds = is_in(sim, c, user) &&
	    (sim->memberbook.convs[c].all ||
		seq >= sim->memberbook.convs[c].since[user]);

	if ((e->pushed & bit) != 0 && (e->members & bit) == 0)
		sim_complain(sim, "%s hears %d of %s, and is not in it",
		    sim_users[user], (int)seq, conv->name);
	if ((e->read & bit) != 0 && !may_read(sim, user, c, seq))
		sim_complain(sim, "%s reads %d of %s, and was not in it",
		    sim_users[user], (int)seq, conv->name);
	if (conv->group && finds && (e->read & bit) == 0)
		sim_complain(sim, "%s finds no %d in %s", sim_users[user],
		    (int)seq, conv->name);
	if (e->known && (e->members & 1u << e->told.from) == 0)
		sim_complain(sim, "%s speaks in %s, and is not in it",
		    sim_users[e->told.from], conv->name);
}

void
memberbook_check(struct sim *sim)
{
	uint64_t seq;
	int c, user;

	check_holes(sim);
	for (c = 0; c < sim->ledger.nconvs; c++) {
		for (seq = 1; seq <= sim->ledger.convs[c].top; seq++) {
			for (user = 0; user < LEDGER_USERS; user++)
				check_entry(sim, user, c, seq);
		}
	}
}
