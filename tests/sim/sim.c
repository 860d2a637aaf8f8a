/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/changebook.h"
#include "tests/sim/device.h"

#define REST_MS  120000 /* by then all has come to rest */
#define LOOK_MS  500
#define LEAVE_MS 60000

const char *const sim_users[LEDGER_USERS] = { "alice", "bob", "carol", "dave" };

void
sim_note(struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (!sim->trace)
		return;
	printf("%9.3f ", (double)world_now(sim->w) / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void
sim_complain(struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (sim->why[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(sim->why, sizeof(sim->why), fmt, ap);
	va_end(ap);
	sim_note(sim, "WRONG: %s", sim->why);
}

bool
sim_failed(const struct sim *sim)
{
	return sim->why[0] != '\0';
}

uint32_t
sim_dice(struct sim *sim, uint32_t n)
{
	return world_random(sim->w, n);
}

bool
sim_chance(struct sim *sim, uint32_t in_hundred)
{
	return sim_dice(sim, 100) < in_hundred;
}

int
sim_user(struct sim *sim, const char *name)
{
	int i;

	for (i = 0; name != NULL && i < LEDGER_USERS; i++) {
		if (strcmp(sim_users[i], name) == 0)
			return i;
	}
	sim_complain(sim, "a user %s", name == NULL ? "without a name" : name);
	return -1;
}

int
sim_user_of(const struct sim *sim, int device)
{
	return sim->devices[device]->user;
}

static struct device *
device_of(struct sim *sim, int link)
{
	uint32_t i;

	for (i = 0; i < sim->ndevices; i++) {
		if (sim->devices[i]->link == link)
			return sim->devices[i];
	}
	return NULL;
}

static void
on_heard(void *arg, int link)
{
	struct sim *sim = arg;
	struct device *d = device_of(sim, link);

	if (d != NULL && !sim_failed(sim))
		wire_heard(d);
	world_hear_all(sim->w, link);
}

static void
on_shut(void *arg, int link, int code)
{
	struct sim *sim = arg;
	struct device *d = device_of(sim, link);

	if (d != NULL && !sim_failed(sim))
		wire_shut(d, code);
}

/* Whether this schedule knows the trouble, and how much of it. */
static uint32_t
some(struct sim *sim, uint32_t most)
{
	return sim_chance(sim, 50) ? 0 : 1 + sim_dice(sim, most);
}

/* What one seed has, another has not, so that each trouble is met alone, too,
 * and in every mixture. */
static void
draw_climate(struct sim *sim)
{
	struct sim_climate *c = &sim->climate;

	c->users = 2 + sim_dice(sim, 3);
	c->devices = 1 + sim_dice(sim, 2);
	c->actions = 25 + sim_dice(sim, 40);
	c->pause_ms = 50 << sim_dice(sim, 5);
	c->slow_ms = sim_chance(sim, 50) ? 0 : 10 << sim_dice(sim, 7);
	c->stall = some(sim, 8);
	c->lose = some(sim, 8);
	c->die = some(sim, 5);
	c->reload = some(sim, 8);
	c->close = some(sim, 6);
	c->replace = some(sim, 3);
	c->kill = some(sim, 4);
	c->stop = some(sim, 2);
	c->fail = some(sim, 3);
	c->read = 5 + sim_dice(sim, 15);
	c->room = some(sim, 10);
	c->call = sim_chance(sim, 40) ? 0 : 5 + sim_dice(sim, 30);
	c->group = sim_chance(sim, 40) ? 0 : 5 + sim_dice(sim, 20);
	c->narrow = some(sim, 60);
	c->change = sim_chance(sim, 40) ? 0 : 5 + sim_dice(sim, 15);
}

static struct world_opts
draw_opts(uint64_t seed)
{
	static const uint32_t fanouts[] = { 100, 1, 2 };
	struct world_opts opts = world_defaults();

	opts.seed = seed;
	opts.mail_ms = seed % 3 == 0 ? 0 : 1u << (seed % 9);
	opts.log_ms = (uint32_t)(seed % 5) * 15;
	opts.lazy_ms = seed % 7 == 0 ? 200 : 0;
	opts.cfg.shards = (uint32_t)(seed % 4) + 1;
	opts.cfg.window = seed % 2 == 0 ? 4 : 256;
	opts.cfg.resume_ms = seed % 11 == 0 ? 2000 : 20000;
	opts.cfg.ring_ms = 20000;
	opts.cfg.group_fanout = fanouts[seed % 3];
	return opts;
}

static struct device *
any_device(struct sim *sim)
{
	struct device *d;

	do
		d = sim->devices[sim_dice(sim, sim->ndevices)];
	while (d->retired);
	return d;
}

static void
replace(struct sim *sim, struct device *d)
{
	if (sim->ndevices == SIM_DEVICES)
		return;
	sim_note(sim, "%s is replaced", d->name);
	device_retire(d);
	device_open(device_new(sim, d->user));
}

static void
stall(struct sim *sim, struct device *d)
{
	uint32_t ms = 100u << sim_dice(sim, 8);

	if (d->link == 0)
		return;
	sim_note(sim, "%s: its link stands still for %u ms", d->name, ms);
	world_stall(sim->w, d->link, ms);
}

static void
kill_server(struct sim *sim)
{
	uint32_t ms = sim_dice(sim, 3000);

	sim_note(sim, "the server is killed, for %u ms", ms);
	callbook_killed(sim);
	world_kill(sim->w, ms);
}

static void
stop_server(struct sim *sim)
{
	sim_note(sim, "the server stops");
	world_stop(sim->w);
	world_run(sim->w, sim_dice(sim, 300));
	kill_server(sim);
}

static void
fail_disk(struct sim *sim)
{
	uint32_t n = 1 + sim_dice(sim, 3);

	sim_note(sim, "%u appends will fail", n);
	sim->callbook.append_failed = true;
	world_fail_appends(sim->w, sim_chance(sim, 50) ? -EIO : -EAGAIN, n);
}

/* The dice fall into the chance of this one; else they go on. */
static bool
falls(uint32_t *dice, uint32_t chance)
{
	if (*dice < chance)
		return true;
	*dice -= chance;
	return false;
}

static void
act(struct sim *sim)
{
	const struct sim_climate *c = &sim->climate;
	struct device *d = any_device(sim);
	uint32_t dice = sim_dice(sim, 100);

	if (!d->open && dice < 60)
		device_open(d);
	else if (falls(&dice, c->stall))
		stall(sim, d);
	else if (falls(&dice, c->lose))
		wire_lose(d);
	else if (falls(&dice, c->die))
		device_die(d);
	else if (falls(&dice, c->reload))
		device_reload(d);
	else if (falls(&dice, c->close))
		device_close(d);
	else if (falls(&dice, c->replace))
		replace(sim, d);
	else if (falls(&dice, c->kill))
		kill_server(sim);
	else if (falls(&dice, c->stop))
		stop_server(sim);
	else if (falls(&dice, c->fail))
		fail_disk(sim);
	else if (!d->open)
		return;
	else if (falls(&dice, c->call))
		calls_act(d);
	else if (falls(&dice, c->read))
		marks_read(d);
	else if (falls(&dice, c->room))
		rooms_act(d);
	else if (falls(&dice, c->group))
		groups_act(d);
	else if (falls(&dice, c->change))
		changes_act(d);
	else
		chat_write(d);
}

static void
begin(struct sim *sim, const struct world_opts *opts)
{
	uint32_t i, n;

	sim->ears = (struct world_ears){ sim, on_heard, on_shut };
	sim->w = world_new(opts);
	sim->fanout = opts->cfg.group_fanout;
	world_ignore_presence(sim->w, true);
	world_listen(sim->w, &sim->ears);
	world_plant(sim->w, sim->plant);
	ledger_init(&sim->ledger);
	draw_climate(sim);
	for (i = 0; i < LEDGER_USERS; i++)
		disk_add_user(world_disk(sim->w), sim_users[i], sim_users[i]);
	for (n = 0; n < sim->climate.devices; n++) {
		for (i = 0; i < sim->climate.users; i++)
			device_open(device_new(sim, (int)i));
	}
}

static bool
quiet(const struct sim *sim)
{
	const struct device *d;
	uint32_t i;

	for (i = 0; i < sim->ndevices; i++) {
		d = sim->devices[i];
		if (!d->retired &&
		    (d->state != ONLINE || request_waits(d) || !chat_quiet(d) ||
			!calls_quiet(d) || !large_quiet(d)))
			return false;
	}
	return true;
}

/* What is not at rest, in words. */
static void
complain_of_unrest(struct sim *sim)
{
	const struct device *d;
	uint32_t i;

	for (i = 0; i < sim->ndevices; i++) {
		d = sim->devices[i];
		if (d->retired)
			continue;
		if (d->state != ONLINE)
			sim_complain(sim, "%s does not get in", d->name);
		if (!calls_quiet(d))
			sim_complain(sim, "%s is still in a call", d->name);
		if (!chat_quiet(d))
			sim_complain(sim, "%s has %d of %d and still sends %d",
			    d->name, (int)d->kept,
			    (int)sim->ledger.head[d->user], (int)d->nout);
		if (request_waits(d))
			sim_complain(sim, "%s gets no answer", d->name);
		if (!large_quiet(d))
			sim_complain(sim, "%s does not read on", d->name);
	}
	sim_complain(sim, "no rest");
}

/* Everybody comes and stays until nothing happens any more. */
static void
come_to_rest(struct sim *sim)
{
	uint64_t until = world_now(sim->w) + REST_MS;
	bool rested = false;
	uint32_t i;

	while (!sim_failed(sim) && !rested) {
		for (i = 0; i < sim->ndevices; i++) {
			device_open(sim->devices[i]);
			calls_hang_up(sim->devices[i]);
		}
		/* Twice, for what was on its way. */
		rested = quiet(sim);
		world_run(sim->w, LOOK_MS);
		rested = rested && quiet(sim);
		if (!rested && world_now(sim->w) > until)
			complain_of_unrest(sim);
	}
}

/* All go, for good as far as the server can tell. */
static void
leave(struct sim *sim)
{
	uint32_t i;

	for (i = 0; i < sim->ndevices; i++)
		device_close(sim->devices[i]);
	world_run(sim->w, LEAVE_MS);
	if (WORLD_STAT(sim->w, links) != 0 ||
	    WORLD_STAT(sim->w, sessions) != 0 ||
	    WORLD_STAT(sim->w, users_online) != 0 ||
	    WORLD_STAT(sim->w, calls) != 0)
		sim_complain(sim,
		    "left behind: %d links, %d sessions, %d users, %d calls",
		    (int)WORLD_STAT(sim->w, links),
		    (int)WORLD_STAT(sim->w, sessions),
		    (int)WORLD_STAT(sim->w, users_online),
		    (int)WORLD_STAT(sim->w, calls));
}

/* Every device does it, and has its answers. */
static void
all(struct sim *sim, void (*fn)(struct device *))
{
	uint32_t i;

	for (i = 0; i < sim->ndevices; i++) {
		if (!sim->devices[i]->retired)
			fn(sim->devices[i]);
	}
	world_run(sim->w, 5 * LOOK_MS);
	if (!quiet(sim))
		complain_of_unrest(sim);
}

static void
close_books(struct sim *sim)
{
	sim->last = true;
	all(sim, review_history);
	memberbook_settle(sim);
	all(sim, review_rest);
	if (sim_failed(sim))
		return;
	ledger_check(sim);
	memberbook_check(sim);
	changebook_check(sim);
	callbook_check(sim);
}

static void
play(struct sim *sim)
{
	uint32_t i;

	for (i = 0; i < sim->climate.actions && !sim_failed(sim); i++) {
		act(sim);
		world_run(sim->w, 1 + sim_dice(sim, sim->climate.pause_ms));
	}
	sim_note(sim, "nothing goes wrong any more");
	sim->calm = true;
	world_fail_appends(sim->w, 0, 0);
	for (i = 0; i < sim->ndevices; i++) {
		if (sim->devices[i]->link != 0)
			world_narrow(sim->w, sim->devices[i]->link, 0, 0);
	}
	come_to_rest(sim);
	if (!sim_failed(sim))
		leave(sim);
	if (!sim_failed(sim))
		come_to_rest(sim);
	if (!sim_failed(sim))
		close_books(sim);
}

bool
sim_run(struct sim *sim)
{
	struct world_opts opts = draw_opts(sim->seed);
	uint32_t i;

	begin(sim, &opts);
	play(sim);
	for (i = 0; i < sim->ndevices; i++)
		device_free(sim->devices[i]);
	world_free(sim->w);
	return !sim_failed(sim);
}
