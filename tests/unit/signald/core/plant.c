/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/signald/core/plant.h"
#include "tests/unit/signald/core/world.h"

#define EARLY_MAX 64

static const char *const plants[PLANTS] = { "nothing", "early-ack",
	"forget-mids", "late-close", "lost-end", "bad-unread", "kicked-hears",
	"told-twice", "lost-edit", "sticky-mentions", "open-history",
	"dropped" };

enum world_plant
world_plant_named(const char *name)
{
	int i;

	for (i = 0; i < PLANTS; i++) {
		if (strcmp(plants[i], name) == 0)
			return (enum world_plant)i;
	}
	return PLANT_NOTHING;
}

void
world_plant(struct world *w, enum world_plant plant)
{
	w->plant = plant;
	if (plant == PLANT_FORGET_MIDS)
		disk_keep_mids(w->disk, 0);
}

/* All that waits is answered as if it were on the disk. */
void
plant_early_ack(struct world *w)
{
	const struct sig_append *appends[EARLY_MAX];
	struct sig_appended done[EARLY_MAX];
	struct event *e, *told;
	size_t n = 0;

	TAILQ_FOREACH (e, &w->waiting, next) {
		if (n == EARLY_MAX)
			return;
		appends[n++] = e->append;
	}
	disk_commit(w->disk, appends, n, done, true);
	e = TAILQ_LAST(&w->waiting, events);
	e->told = true;
	told = event_new(APPENDED, e->shard);
	told->ticket = e->ticket;
	shell_appended(w, told, &done[n - 1]);
}

/* The newest open link of whose link this is. */
int
plant_newer(const struct world *w, int link)
{
	const struct link *old = world_link(w, link), *l;
	int i;

	for (i = w->nlinks; i > link; i--) {
		l = world_link(w, i);
		if (l->owner == old->owner && l->code == 0 && !l->moving)
			return i;
	}
	return link;
}

bool
plant_loses(const struct world *w, const struct sig_mail *mail)
{
	static const char ended[] = "{\"push\":\"call.ended\"";

	return w->plant == PLANT_LOST_END && mail->kind == SIG_MAIL_CALL_PUSH &&
	    mail->session[0] == '\0' && mail->text_len >= sizeof(ended) &&
	    memcmp(mail->text, ended, sizeof(ended) - 1) == 0;
}

/* The place of a word in a text that has no NUL at its end. */
static char *
find(const char *text, size_t len, const char *word)
{
	return text == NULL ? NULL : memmem(text, len, word, strlen(word));
}

/* The news of a kick does not look like one to the audience ... */
void
plant_mail(struct world *w, struct sig_mail *mail)
{
	char *kick = NULL;

	if (w->plant == PLANT_KICKED_HEARS && mail->kind == SIG_MAIL_AUDIENCE)
		kick = find(mail->text, mail->text_len, "\"event\":\"kick\"");
	if (kick != NULL)
		kick[strlen("\"event\":\"kic")] = 'K';
}

/* ... and to its members again. */
static void
mend(struct sig_effect *effect)
{
	char *kick = find(effect->text, effect->len, "\"event\":\"kicK\"");

	if (kick != NULL)
		kick[strlen("\"event\":\"kic")] = 'k';
}

bool
plant_send(struct world *w, struct sig_effect *effect)
{
	static const char push[] = "{\"push\":\"message\",\"conv\"";
	struct link *l = world_link(w, (int)effect->link);
	bool twice;

	if (w->plant == PLANT_KICKED_HEARS)
		mend(effect);
	if (w->plant != PLANT_TOLD_TWICE)
		return false;
	if (find(effect->text, effect->len, "\"resumed\":true") != NULL)
		l->resumed = true;
	twice = l->resumed && effect->len > sizeof(push) &&
	    memcmp(effect->text, push, sizeof(push) - 1) == 0;
	if (twice)
		l->resumed = false;
	return twice;
}

void
plant_append(struct world *w, struct sig_append *append)
{
	if (w->plant == PLANT_LOST_EDIT && append->change == SIG_CHANGE_EDIT &&
	    world_random(w, 2) == 0)
		append->change = SIG_CHANGE_NONE;
}

void
plant_read(struct world *w, struct sig_read *read)
{
	if (w->plant != PLANT_OPEN_HISTORY || read->kind != SIG_READ_HISTORY ||
	    strncmp(read->conv, "main:g:", 7) != 0)
		return;
	read->kind = SIG_READ_ENTRIES;
	if (!read->newer)
		read->from = 0;
}

/* The most that was ever told of a group to one user is told again. */
static void
stick(struct world *w, const char *user, struct sig_row *row)
{
	size_t at = strlen(user);
	const char *c;

	for (c = row->conv; *c != '\0'; c++)
		at = at * 31 + (size_t)*c;
	for (c = user; *c != '\0'; c++)
		at = at * 31 + (size_t)*c;
	at %= PLANT_MARKS;
	if (w->mentioned[at] < row->mentions)
		w->mentioned[at] = row->mentions;
	row->mentions = w->mentioned[at];
}

void
plant_rows(
    struct world *w, const struct sig_read *read, const struct sig_rows *rows)
{
	struct sig_row *row = (struct sig_row *)rows->rows;
	size_t i;

	if (read->kind != SIG_READ_CONVS || rows->nrows == 0)
		return;
	if (w->plant == PLANT_BAD_UNREAD && world_random(w, 8) == 0)
		row->unread++;
	for (i = 0; w->plant == PLANT_STICKY_MENTIONS && i < rows->nrows; i++) {
		if (row[i].title != NULL)
			stick(w, read->user, &row[i]);
	}
}
