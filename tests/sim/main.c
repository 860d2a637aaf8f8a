/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signald_sim: many schedules of the simulation, or one with its trace.
 * Ends with 1 when one of them failed, and tells how to see it again.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "tests/sim/sim.h"

#define SCHEDULES 60 /* of make check */

struct job {
	unsigned long from, schedules;
	const char *plant;
	bool trace;
};

static const char usage[] =
    "usage: signald_sim [--from N] [--schedules N] [--plant NAME]\n"
    "       signald_sim --seed N [--plant NAME]\n"
    "\n"
    "  --schedules N  so many seeds, from --from on (1)\n"
    "  --seed N       this one alone, with a trace of all that happens\n"
    "  --plant NAME   with a fault in the shell that is to be noticed:\n"
    "                 early-ack, forget-mids, late-close, lost-end,\n"
    "                 bad-unread, kicked-hears, told-twice, lost-edit,\n"
    "                 sticky-mentions, open-history, dropped\n";

static void
bad_usage(void)
{
	fputs(usage, stderr);
	exit(2);
}

static unsigned long
number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0')
		bad_usage();
	return n;
}

static struct job
read_job(int argc, char **argv)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' },
		{ "schedules", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "plant", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	struct job job = { 1, SCHEDULES, "nothing", false };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'f') {
			job.from = number(optarg);
		} else if (c == 'n') {
			job.schedules = number(optarg);
		} else if (c == 's') {
			job.from = number(optarg);
			job.schedules = 1;
			job.trace = true;
		} else if (c == 'p' && world_plant_named(optarg) != 0) {
			job.plant = optarg;
		} else {
			bad_usage();
		}
	}
	if (optind != argc)
		bad_usage();
	return job;
}

/* Whether it went well. */
static bool
run(const struct job *job, unsigned long seed, const char *program)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	bool ok;

	sim->seed = seed;
	sim->trace = job->trace;
	sim->plant = world_plant_named(job->plant);
	ok = sim_run(sim);
	if (!ok)
		printf("seed %lu: %s\n", seed, sim->why);
	if (!ok && !job->trace && sim->plant == PLANT_NOTHING)
		printf("again, with a trace: %s --seed %lu\n", program, seed);
	else if (!ok && !job->trace)
		printf("again, with a trace: %s --seed %lu --plant %s\n",
		    program, seed, job->plant);
	free(sim);
	return ok;
}

int
main(int argc, char **argv)
{
	struct job job = read_job(argc, argv);
	unsigned long i, failed = 0;

	if (crypto_init() != 0)
		return 2;
	setlinebuf(stdout);
	for (i = 0; i < job.schedules && failed == 0; i++)
		failed += !run(&job, job.from + i, argv[0]);
	printf("%lu schedules, %lu failed\n", i, failed);
	crypto_fini();
	return failed != 0;
}
