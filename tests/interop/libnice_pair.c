/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libnice_pair: two libnice agents that may use nothing but relayed
 * candidates.  libnice_pair URI USER PASSWORD, as relays.py has it.
 *
 * To a turns: URI this library sends TURN over plain TCP all the same, for
 * it has no TLS of its own.
 */
#include <gio/gio.h>
#include <nice/agent.h>
#include <nice/nice-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS     50
#define PATIENCE_S 20
#define COMPONENT  1

struct side {
	NiceAgent *agent;
	guint stream;
	gboolean gathered, ready;
};

static struct side sides[2];
static GMainLoop *loop;
static int rounds, closed, status = EXIT_FAILURE;

/* It gives its allocations back first. */
static void
side_closed(GObject *agent, GAsyncResult *result, gpointer arg)
{
	if (++closed == 2)
		g_main_loop_quit(loop);
}

static const char *
kind(const NiceCandidate *candidate)
{
	return candidate->type == NICE_CANDIDATE_TYPE_RELAYED ? "relay"
							      : "other";
}

static void
say(struct side *side, const char *word)
{
	char text[32];

	snprintf(text, sizeof(text), "%s %d", word, rounds);
	nice_agent_send(
	    side->agent, side->stream, COMPONENT, strlen(text), text);
}

static void
heard(NiceAgent *agent, guint stream, guint component, guint len, char *data,
    gpointer arg)
{
	struct side *side = arg;

	if (side == &sides[1]) {
		say(side, "pong");
		return;
	}
	printf("%.*s\n", (int)len, data);
	if (++rounds < ROUNDS) {
		say(side, "ping");
		return;
	}
	status = EXIT_SUCCESS;
	nice_agent_close_async(sides[0].agent, side_closed, NULL);
	nice_agent_close_async(sides[1].agent, side_closed, NULL);
}

static void
state_changed(
    NiceAgent *agent, guint stream, guint component, guint state, gpointer arg)
{
	NiceCandidate *local, *remote;

	((struct side *)arg)->ready = state == NICE_COMPONENT_STATE_READY;
	if (!sides[0].ready || !sides[1].ready || rounds > 0)
		return;
	if (!nice_agent_get_selected_pair(
		sides[0].agent, sides[0].stream, COMPONENT, &local, &remote))
		return;
	printf("pair %s %s\n", kind(local), kind(remote));
	say(&sides[0], "ping");
}

static void
introduce(struct side *to, struct side *who)
{
	char *sdp = nice_agent_generate_local_sdp(who->agent);

	if (nice_agent_parse_remote_sdp(to->agent, sdp) < 1)
		fprintf(stderr, "no candidate in:\n%s", sdp);
	g_free(sdp);
}

static void
gathered(NiceAgent *agent, guint stream, gpointer arg)
{
	((struct side *)arg)->gathered = TRUE;
	if (!sides[0].gathered || !sides[1].gathered)
		return;
	introduce(&sides[0], &sides[1]);
	introduce(&sides[1], &sides[0]);
}

static void
side_open(struct side *side, gboolean controlling)
{
	side->agent = nice_agent_new(NULL, NICE_COMPATIBILITY_RFC5245);
	g_object_set(side->agent, "force-relay", TRUE, "upnp", FALSE, "ice-tcp",
	    FALSE, "controlling-mode", controlling, NULL);
	g_signal_connect(side->agent, "candidate-gathering-done",
	    G_CALLBACK(gathered), side);
	g_signal_connect(side->agent, "component-state-changed",
	    G_CALLBACK(state_changed), side);
	side->stream = nice_agent_add_stream(side->agent, 1);
	nice_agent_set_stream_name(side->agent, side->stream, "application");
	nice_agent_attach_recv(
	    side->agent, side->stream, COMPONENT, NULL, heard, side);
}

static gboolean
side_relay(struct side *side, char *argv[])
{
	char scheme[6], host[64], transport[4];
	unsigned port;
	NiceRelayType type = NICE_RELAY_TYPE_TURN_UDP;

	if (sscanf(argv[1], "%5[turns]:%63[^:]:%u?transport=%3[a-z]", scheme,
		host, &port, transport) != 4)
		return FALSE;
	if (strcmp(scheme, "turns") == 0)
		type = NICE_RELAY_TYPE_TURN_TLS;
	else if (strcmp(transport, "tcp") == 0)
		type = NICE_RELAY_TYPE_TURN_TCP;
	return nice_agent_set_relay_info(side->agent, side->stream, COMPONENT,
		   host, port, argv[2], argv[3], type) &&
	    nice_agent_gather_candidates(side->agent, side->stream);
}

static gboolean
give_up(gpointer arg)
{
	fprintf(stderr, "not within %d s\n", PATIENCE_S);
	status = EXIT_FAILURE;
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

int
main(int argc, char *argv[])
{
	int n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("libnice %d.%d.%d\n", NICE_VERSION_MAJOR, NICE_VERSION_MINOR,
	    NICE_VERSION_MICRO);
	loop = g_main_loop_new(NULL, FALSE);
	g_timeout_add_seconds(PATIENCE_S, give_up, NULL);
	for (n = 0; n < 2; n++)
		side_open(&sides[n], n == 0);
	if (argc != 4 || !side_relay(&sides[0], argv) ||
	    !side_relay(&sides[1], argv)) {
		fprintf(stderr, "usage: libnice_pair URI USER PASSWORD\n");
		return 2;
	}
	g_main_loop_run(loop);
	for (n = 0; n < 2; n++)
		g_object_unref(sides[n].agent);
	g_main_loop_unref(loop);
	return status;
}
