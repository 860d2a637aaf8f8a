/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/signald/core/client.h"

void
client_want(
    struct world *w, int link, const char *text, const char *file, int line)
{
	const char *why = world_match(w, text, world_hear(w, link));

	if (why != NULL) {
		print_error("%s\n", why);
		_fail(file, line);
	}
}

void
client_want_nothing(struct world *w, int link, const char *file, int line)
{
	const char *text = world_hear(w, link);

	if (text != NULL) {
		print_error("want nothing, heard %s\n", text);
		_fail(file, line);
	}
}

void
client_want_closed(
    struct world *w, int link, int code, const char *file, int line)
{
	if (world_closed(w, link) != code) {
		print_error("closed with %d\n", world_closed(w, link));
		_fail(file, line);
	}
}

void
client_ask(struct world *w, int link, const char *text, const char *answer,
    const char *file, int line)
{
	world_say(w, link, text);
	client_want(w, link, answer, file, line);
}

int
client_login(struct world *w, const char *user, const char *device,
    const char *more, const char *file, int line)
{
	int link = world_open(w);
	char text[1024], answer[1024];

	client_want(
	    w, link, "{'push':'welcome','protocol':'floe.v1'}", file, line);
	if (more == NULL)
		snprintf(text, sizeof(text),
		    "{'id':1,'op':'hello','token':'$token.%s',"
		    "'device':'%s'}",
		    user, device);
	else
		snprintf(text, sizeof(text),
		    "{'id':1,'op':'hello','token':'$token.%s','device':'%s',"
		    "'session':'$%s.%s.s','secret':'$%s.%s.k'%s}",
		    user, device, user, device, user, device, more);
	snprintf(answer, sizeof(answer),
	    "{'id':1,'ok':{'user':'%s','device':'%s','resumed':%s,"
	    "'session':'$%s.%s.s','secret':'$%s.%s.k'}}",
	    user, device, more == NULL ? "false" : "true", user, device, user,
	    device);
	client_ask(w, link, text, answer, file, line);
	if (more == NULL)
		world_hear_all(w, link);
	return link;
}

struct world *
client_world(const struct world_opts *opts)
{
	static const char *const names[] = { "alice", "bob", "carol", "dave",
		"erin" };
	struct world *w = world_new(opts);
	char nick[16];
	size_t i;

	for (i = 0; i < LEN(names); i++) {
		snprintf(nick, sizeof(nick), "The %s", names[i]);
		disk_add_user(world_disk(w), names[i], nick);
	}
	world_ignore_presence(w, true);
	return w;
}

static int
setup(void **state, uint32_t shards)
{
	struct world_opts opts = world_defaults();

	opts.cfg.shards = shards;
	crypto_init();
	*state = client_world(&opts);
	return 0;
}

int
client_setup(void **state)
{
	return setup(state, world_defaults().cfg.shards);
}

int
client_setup_one_shard(void **state)
{
	return setup(state, 1);
}

int
client_teardown(void **state)
{
	world_free(*state);
	crypto_fini();
	return 0;
}

void
client_text(struct world *w, int from, const char *to, const char *mid)
{
	char text[256], answer[128];

	snprintf(text, sizeof(text),
	    "{'id':99,'op':'message.send','to':'%s','mid':'%s',"
	    "'type':'text','body':{'text':'%s'}}",
	    to, mid, mid);
	snprintf(answer, sizeof(answer), "{'id':99,'ok':{'mid':'%s'}}", mid);
	ask(w, from, text, answer);
}
