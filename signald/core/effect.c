/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/effect.h"
#include "signald/core/link.h"
#include "signald/core/name.h"

/* Kept for the next effects: most events have fewer. */
#define SPARES 32

void
sig_effect_fini(struct sig_effect *e)
{
	free(e->text);
	sig_mail_free(e->mail);
	sig_append_free(e->append);
	free(e->read);
	e->text = NULL;
	e->mail = NULL;
	e->append = NULL;
	e->read = NULL;
}

static struct sig_node *
node_new(struct sig_core *core)
{
	struct sig_node *node = STAILQ_FIRST(&core->spare);

	if (node == NULL)
		return malloc(sizeof(*node));
	STAILQ_REMOVE_HEAD(&core->spare, next);
	core->spares--;
	return node;
}

static void
node_free(struct sig_core *core, struct sig_node *node)
{
	if (core->spares == SPARES) {
		free(node);
		return;
	}
	STAILQ_INSERT_HEAD(&core->spare, node, next);
	core->spares++;
}

/* Queues an effect; on failure it is gone, with all it holds. */
static int
effect_put(struct sig_core *core, struct sig_effect effect)
{
	struct sig_node *node = node_new(core);

	if (node == NULL) {
		sig_effect_fini(&effect);
		core->stats.errors++;
		return -ENOMEM;
	}
	node->effect = effect;
	STAILQ_INSERT_TAIL(&core->effects, node, next);
	return 0;
}

bool
sig_core_effect(struct sig_core *core, struct sig_effect *out)
{
	struct sig_node *node = STAILQ_FIRST(&core->effects);

	if (node == NULL)
		return false;
	STAILQ_REMOVE_HEAD(&core->effects, next);
	*out = node->effect;
	node_free(core, node);
	return true;
}

void
sig_effects_free(struct sig_core *core)
{
	struct sig_effect effect;
	struct sig_node *node;

	while (sig_core_effect(core, &effect))
		sig_effect_fini(&effect);
	while ((node = STAILQ_FIRST(&core->spare)) != NULL) {
		STAILQ_REMOVE_HEAD(&core->spare, next);
		free(node);
	}
}

void
sig_send(struct sig_core *core, uint64_t link, struct buf *b, bool droppable)
{
	int err = b->err;

	if (err == 0) {
		err = effect_put(core,
		    (struct sig_effect){ .kind = SIG_SEND,
			.link = link,
			.text = (char *)b->data,
			.len = b->len,
			.droppable = droppable });
		buf_init(b, 0); /* the effect has the bytes */
	} else {
		core->stats.errors++;
		buf_fini(b);
	}
	/* A hole in the stream would be a lie; a new link starts clean. */
	if (err != 0)
		sig_link_break(core, link);
}

void
sig_close(
    struct sig_core *core, uint64_t link, uint16_t code, const char *reason)
{
	effect_put(core,
	    (struct sig_effect){ .kind = SIG_CLOSE,
		.link = link,
		.code = code,
		.reason = reason });
}

void
sig_move(struct sig_core *core, uint64_t link, uint32_t shard, const char *text,
    size_t len)
{
	char *copy = malloc(len);

	if (copy == NULL) {
		core->stats.errors++;
		sig_close(core, link, 4003, "no memory");
		return;
	}
	memcpy(copy, text, len);
	effect_put(core,
	    (struct sig_effect){ .kind = SIG_MOVE,
		.link = link,
		.shard = shard,
		.text = copy,
		.len = len });
}

/* Where a mail's receiver lives: calls are placed by their conversation. */
static const char *
mail_place(const struct sig_mail *mail)
{
	const char *conv;

	switch (mail->kind) {
	case SIG_MAIL_CALL:
	case SIG_MAIL_CALL_LOST:
	case SIG_MAIL_CALL_AWAY:
	case SIG_MAIL_CALL_BACK:
	case SIG_MAIL_CALL_BUSY:
		conv = sig_name_call_conv(mail->to);
		return conv != NULL ? conv : mail->to;
	default:
		return mail->to;
	}
}

void
sig_post_to(struct sig_core *core, uint32_t shard, struct sig_mail *mail)
{
	if (shard == core->cfg.shard)
		STAILQ_INSERT_TAIL(&core->local, mail, next);
	else
		effect_put(core,
		    (struct sig_effect){
			.kind = SIG_POST, .mail = mail, .shard = shard });
}

void
sig_post(struct sig_core *core, struct sig_mail *mail)
{
	if (mail == NULL) {
		core->stats.errors++;
		return;
	}
	sig_post_to(core, sig_shard_of(&core->cfg, mail_place(mail)), mail);
}

void
sig_tell(struct sig_core *core, struct buf *b)
{
	if (b->err != 0) {
		core->stats.errors++;
		buf_fini(b);
		return;
	}
	effect_put(core,
	    (struct sig_effect){
		.kind = SIG_TELL, .text = (char *)b->data, .len = b->len });
	buf_init(b, 0); /* the effect has the bytes */
}

/* Asks the log: the ticket is kept for its answer. 0, or -errno and both are
 * gone. */
static int
effect_ask(
    struct sig_core *core, struct sig_ticket *ticket, struct sig_effect effect)
{
	int err = sig_ticket_keep(core, ticket);

	if (err != 0) {
		sig_effect_fini(&effect);
		return err;
	}
	effect.ticket = ticket->id;
	err = effect_put(core, effect);
	if (err != 0)
		sig_ticket_free(sig_ticket_take(core, effect.ticket));
	return err;
}

int
sig_append(
    struct sig_core *core, struct sig_ticket *ticket, struct sig_append *append)
{
	if (ticket == NULL || append == NULL) {
		sig_ticket_free(ticket);
		sig_append_free(append);
		return -ENOMEM;
	}
	return effect_ask(core, ticket,
	    (struct sig_effect){ .kind = SIG_APPEND, .append = append });
}

int
sig_read(struct sig_core *core, struct sig_ticket *ticket,
    const struct sig_read *read)
{
	struct sig_read *copy = malloc(sizeof(*copy));

	if (ticket == NULL || copy == NULL) {
		sig_ticket_free(ticket);
		free(copy);
		return -ENOMEM;
	}
	*copy = *read;
	return effect_ask(core, ticket,
	    (struct sig_effect){ .kind = SIG_READ, .read = copy });
}

void
sig_timer_set(struct sig_core *core, struct sig_timer *t, uint64_t due_ms,
    void (*fire)(struct sig_core *, struct sig_timer *))
{
	t->fire = fire;
	wheel_set(&core->wheel, &t->wheel, due_ms);
}

void
sig_timer_clear(struct sig_core *core, struct sig_timer *t)
{
	wheel_clear(&core->wheel, &t->wheel);
}

struct sig_ticket *
sig_ticket_new(const struct sig_link *link, uint64_t request)
{
	struct sig_ticket *ticket = calloc(1, sizeof(*ticket));

	if (ticket == NULL || link == NULL)
		return ticket;
	ticket->link = link->id;
	ticket->request = request;
	if (link->session != NULL) {
		memcpy(ticket->session, link->session->id,
		    sizeof(ticket->session));
		memcpy(ticket->user, link->session->user->name,
		    sizeof(ticket->user));
	}
	return ticket;
}

void
sig_ticket_free(struct sig_ticket *ticket)
{
	if (ticket == NULL)
		return;
	free(ticket->text);
	free(ticket);
}

static bool
ticket_is(const void *obj, const void *key)
{
	return ((const struct sig_ticket *)obj)->id == *(const uint64_t *)key;
}

int
sig_ticket_keep(struct sig_core *core, struct sig_ticket *ticket)
{
	int err;

	ticket->id = ++core->last_ticket;
	err = htab_put(&core->tickets, sig_hash_id(core, ticket->id), ticket);
	if (err != 0)
		sig_ticket_free(ticket);
	return err;
}

struct sig_ticket *
sig_ticket_take(struct sig_core *core, uint64_t id)
{
	uint64_t hash = sig_hash_id(core, id);
	struct sig_ticket *ticket;

	ticket = htab_find(&core->tickets, hash, ticket_is, &id);
	if (ticket != NULL)
		htab_del(&core->tickets, hash, ticket);
	return ticket;
}

uint64_t
sig_hash(const struct sig_core *core, const char *key)
{
	return hash_bytes(&core->key, key, strlen(key));
}

uint64_t
sig_hash_id(const struct sig_core *core, uint64_t id)
{
	return hash_bytes(&core->key, &id, sizeof(id));
}
