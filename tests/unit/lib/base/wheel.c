/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/base/wheel.h"
#include "tests/unit/lib/base/random.h"
#include "tests/unit/test.h"

#define TICK_MS ((uint64_t)1 << WHEEL_TICK_SHIFT)
#define HOUR_MS ((uint64_t)3600 * 1000)
#define TIMERS  200

static struct wheel_timer timers[TIMERS];
static uint64_t model[TIMERS]; /* due_ms, WHEEL_NEVER when not set */

static uint64_t
model_first(void)
{
	uint64_t first = WHEEL_NEVER;
	size_t i;

	for (i = 0; i < TIMERS; i++) {
		if (model[i] < first)
			first = model[i];
	}
	return first;
}

/* Pops all that is due: nothing early, nothing left a tick behind. */
static void
pop_all(struct wheel *w, uint64_t now)
{
	struct wheel_timer *t;
	size_t i;

	while ((t = wheel_pop(w, now)) != NULL) {
		i = (size_t)(t - timers);
		assert_false(t->set);
		assert_int_equal(t->due_ms, model[i]);
		assert_true(model[i] <= now);
		model[i] = WHEEL_NEVER;
	}
	assert_true(
	    model_first() == WHEEL_NEVER || model_first() + TICK_MS > now);
}

static void
check_next(const struct wheel *w, uint64_t now)
{
	uint64_t first = model_first(), next = wheel_next_ms(w);

	if (first == WHEEL_NEVER) {
		assert_int_equal(next, WHEEL_NEVER);
		return;
	}
	assert_true(next != WHEEL_NEVER);
	assert_true(next < first + TICK_MS || next <= now);
	/* After popping it is in the future: a loop that waits for it moves. */
	assert_true(next > now);
}

/* A wait of any order of magnitude, up to a year. */
static uint64_t
random_span(uint64_t *seed)
{
	return random_below(seed, (uint64_t)1 << random_below(seed, 35));
}

static void
set_or_clear_some(struct wheel *w, uint64_t *seed, uint64_t now)
{
	uint64_t n = random_below(seed, 20);
	size_t i;

	while (n-- > 0) {
		i = random_below(seed, TIMERS);
		if (random_below(seed, 3) == 0) {
			wheel_clear(w, &timers[i]);
			model[i] = WHEEL_NEVER;
		} else {
			model[i] = now + random_span(seed);
			wheel_set(w, &timers[i], model[i]);
		}
	}
}

static void
run_model(uint64_t seed)
{
	uint64_t now = random_below(&seed, 1 << 30), next;
	struct wheel w;
	int i;

	memset(timers, 0, sizeof(timers));
	memset(model, 0xff, sizeof(model));
	wheel_init(&w, now);
	for (i = 0; i < 2000; i++) {
		set_or_clear_some(&w, &seed, now);
		next = wheel_next_ms(&w);
		/* Mostly as a loop would, sometimes late by anything. */
		if (random_below(&seed, 3) == 0 || next == WHEEL_NEVER)
			now += random_span(&seed);
		else if (next > now)
			now = next;
		pop_all(&w, now);
		check_next(&w, now);
	}
	for (i = 0; i < TIMERS; i++)
		wheel_clear(&w, &timers[i]);
	assert_int_equal(w.count, 0);
	for (i = 0; i < WHEEL_LEVELS; i++)
		assert_int_equal(w.filled[i], 0);
}

static void
agrees_with_a_model(void **state)
{
	uint64_t seed;

	for (seed = 1; seed <= 20; seed++)
		run_model(seed * 0x9e3779b9);
}

static void
waits_by_the_tick(void **state)
{
	struct wheel w;
	uint64_t now;

	memset(timers, 0, sizeof(timers));
	wheel_init(&w, 1003);
	wheel_set(&w, &timers[0], 1603);
	for (now = 1003; now < 1603; now++)
		assert_null(wheel_pop(&w, now));
	while (wheel_pop(&w, now) == NULL)
		now++;
	assert_in_range(now, 1603, 1603 + TICK_MS - 1);
}

static void
past_and_present_are_due_at_once(void **state)
{
	struct wheel w;

	memset(timers, 0, sizeof(timers));
	wheel_init(&w, 16000);
	wheel_set(&w, &timers[0], 0);
	wheel_set(&w, &timers[1], 16000);
	assert_int_equal(wheel_next_ms(&w), 16000);
	assert_non_null(wheel_pop(&w, 16000));
	assert_non_null(wheel_pop(&w, 16000));
	assert_null(wheel_pop(&w, 16000));
	assert_int_equal(wheel_next_ms(&w), WHEEL_NEVER);
}

/* Beyond the last level (74 hours), and after a sleep of the machine. */
static void
far_timers_and_long_jumps(void **state)
{
	static const uint64_t dues[] = { 70 * HOUR_MS, 75 * HOUR_MS,
		200 * HOUR_MS, 8760 * HOUR_MS };
	struct wheel w;
	uint64_t now;
	size_t i, step;

	memset(timers, 0, sizeof(timers));
	for (i = 0; i < LEN(dues); i++) {
		wheel_init(&w, 0);
		wheel_set(&w, &timers[i], dues[i]);
		assert_null(wheel_pop(&w, dues[i] - 1));
		assert_ptr_equal(wheel_pop(&w, dues[i]), &timers[i]);
		wheel_init(&w, 12345);
		wheel_set(&w, &timers[i], dues[i]);
		for (step = 0, now = 12345; timers[i].set; step++) {
			now = wheel_next_ms(&w);
			wheel_pop(&w, now);
		}
		assert_int_equal(now, dues[i]);
		assert_true(step < 200);
	}
	wheel_init(&w, 0);
	wheel_set(&w, &timers[0], UINT64_MAX);
	assert_null(wheel_pop(&w, 100000 * HOUR_MS));
	wheel_clear(&w, &timers[0]);
}

/* A callback may set and clear others, also those that are due with it. */
static void
changes_between_pops(void **state)
{
	struct wheel_timer *t;
	struct wheel w;
	int i;

	memset(timers, 0, sizeof(timers));
	wheel_init(&w, 0);
	for (i = 0; i < 10; i++)
		wheel_set(&w, &timers[i], 1000);
	t = wheel_pop(&w, 1008);
	assert_non_null(t);
	wheel_set(&w, t, 500);
	for (i = 0; i < 9; i++)
		wheel_clear(&w, &timers[(t - timers + 1 + i) % 10]);
	assert_ptr_equal(wheel_pop(&w, 1008), t);
	wheel_set(&w, t, 2000);
	assert_null(wheel_pop(&w, 1008));
	assert_int_equal(w.count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(waits_by_the_tick),
		cmocka_unit_test(past_and_present_are_due_at_once),
		cmocka_unit_test(far_timers_and_long_jumps),
		cmocka_unit_test(changes_between_pops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
