/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/base/buf.h"
#include "signald/core/relation.h"
#include "tests/unit/test.h"

#define DAY SIG_REFUSED_MS

/* Two users and what each keeps of the other. */
struct pair {
	struct sig_tie side[2];
	uint64_t ts;
};

static struct pair
strangers(void)
{
	struct pair p = { .ts = 1000 };

	p.side[0].relation.memo = p.side[0].relation.remark = "";
	p.side[1] = p.side[0];
	return p;
}

static int
deed(struct pair *p, int who, enum sig_contact contact, const char *text)
{
	return sig_relation_apply(
	    contact, text, p->ts++, &p->side[who], &p->side[!who]);
}

static void
check(
    const struct pair *p, enum sig_relation_state a, enum sig_relation_state b)
{
	assert_int_equal(p->side[0].relation.state, a);
	assert_int_equal(p->side[1].relation.state, b);
}

static void
test_asked_and_accepted(void **state)
{
	struct pair p = strangers();

	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, "hi"), 0);
	check(&p, SIG_OUTGOING, SIG_INCOMING);
	assert_string_equal(p.side[1].relation.memo, "hi");
	assert_int_equal(p.side[0].contacts.outgoing, 1);
	assert_int_equal(p.side[1].contacts.incoming, 1);
	assert_int_equal(p.side[1].contacts.kept, 0);
	/* The one who asked cannot answer. */
	assert_int_equal(deed(&p, 0, SIG_CONTACT_ACCEPT, ""), -ENOENT);
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REFUSE, ""), -ENOENT);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_CANCEL, ""), -ENOENT);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_ACCEPT, ""), 0);
	check(&p, SIG_FRIEND, SIG_FRIEND);
	assert_int_equal(p.side[0].contacts.outgoing, 0);
	assert_int_equal(p.side[1].contacts.incoming, 0);
	assert_int_equal(p.side[0].contacts.kept, 1);
	assert_int_equal(p.side[1].contacts.kept, 1);
	assert_int_equal(p.side[0].contacts.version, 2);
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), -EEXIST);
	/* Said again it changes nothing. */
	assert_int_equal(deed(&p, 1, SIG_CONTACT_ACCEPT, ""), 0);
	assert_false(p.side[1].changed);
	assert_int_equal(p.side[1].contacts.version, 2);
}

static void
test_crossed(void **state)
{
	struct pair p = strangers();

	deed(&p, 0, SIG_CONTACT_REQUEST, "a");
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REQUEST, "b"), 0);
	check(&p, SIG_FRIEND, SIG_FRIEND);
	assert_string_equal(p.side[0].relation.memo, "");
}

static void
test_refused(void **state)
{
	struct pair p = strangers();
	uint64_t refused;

	deed(&p, 0, SIG_CONTACT_REQUEST, "please");
	refused = p.ts;
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REFUSE, ""), 0);
	check(&p, SIG_REFUSED, SIG_NOBODY);
	assert_int_equal(p.side[0].contacts.outgoing, 0);
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), -EBUSY);
	/* Nor by forgetting it first. */
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REMOVE, ""), -EBUSY);
	/* The other may change its mind. */
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REQUEST, ""), 0);
	check(&p, SIG_INCOMING, SIG_OUTGOING);
	deed(&p, 1, SIG_CONTACT_CANCEL, "");
	check(&p, SIG_NOBODY, SIG_NOBODY);

	p = strangers();
	deed(&p, 0, SIG_CONTACT_REQUEST, "");
	deed(&p, 1, SIG_CONTACT_REFUSE, "");
	p.ts = refused + DAY - 1;
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), -EBUSY);
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), 0);
	check(&p, SIG_OUTGOING, SIG_INCOMING);
}

static void
test_cancelled(void **state)
{
	struct pair p = strangers();

	deed(&p, 0, SIG_CONTACT_REQUEST, "");
	assert_int_equal(deed(&p, 0, SIG_CONTACT_CANCEL, ""), 0);
	check(&p, SIG_NOBODY, SIG_NOBODY);
	assert_int_equal(p.side[0].contacts.kept, 0);
	assert_int_equal(p.side[1].contacts.incoming, 0);
	assert_int_equal(deed(&p, 0, SIG_CONTACT_CANCEL, ""), -ENOENT);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_ACCEPT, ""), -ENOENT);
}

static void
test_removed(void **state)
{
	struct pair p = strangers();

	deed(&p, 0, SIG_CONTACT_JOIN, "");
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REMARK, "Al"), 0);
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REMOVE, ""), 0);
	check(&p, SIG_REMOVED, SIG_ONE_SIDED);
	assert_string_equal(p.side[1].relation.remark, "Al");
	assert_true(sig_relation_listed(&p.side[1].relation, SIG_LIST_FRIENDS));
	assert_true(sig_relation_listed(&p.side[0].relation, SIG_LIST_REMOVED));
	/* The one who removed need not ask one who never did. */
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), 0);
	check(&p, SIG_FRIEND, SIG_FRIEND);
	/* The other one has to. */
	deed(&p, 0, SIG_CONTACT_REMOVE, "");
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REQUEST, ""), 0);
	check(&p, SIG_INCOMING, SIG_OUTGOING);
	deed(&p, 0, SIG_CONTACT_ACCEPT, "");
	/* Removed by both, then forgotten by one. */
	deed(&p, 0, SIG_CONTACT_REMOVE, "");
	deed(&p, 1, SIG_CONTACT_REMOVE, "");
	check(&p, SIG_REMOVED, SIG_REMOVED);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REMOVE, ""), 0);
	check(&p, SIG_REMOVED, SIG_NOBODY);
	assert_string_equal(p.side[1].relation.remark, "");
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REMOVE, ""), -ENOENT);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REMARK, "x"), -ENOENT);
}

/* Who is full refuses no deed that makes room, and only those that need it. */
static void
test_limits(void **state)
{
	struct pair p = strangers();

	p.side[0].contacts.outgoing = SIG_OUTGOING_MAX;
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), -E2BIG);
	check(&p, SIG_NOBODY, SIG_NOBODY);
	p.side[0].contacts.outgoing--;
	p.side[1].contacts.incoming = SIG_INCOMING_MAX;
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), -E2BIG);
	p.side[1].contacts.incoming--;
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), 0);
	assert_int_equal(p.side[0].contacts.outgoing, SIG_OUTGOING_MAX);
	p.side[1].contacts.kept = SIG_CONTACTS_MAX;
	assert_int_equal(deed(&p, 1, SIG_CONTACT_ACCEPT, ""), -E2BIG);
	check(&p, SIG_OUTGOING, SIG_INCOMING);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REFUSE, ""), 0);
	p = strangers();
	p.side[0].contacts.kept = SIG_CONTACTS_MAX;
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), -E2BIG);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_JOIN, ""), -E2BIG);
	check(&p, SIG_NOBODY, SIG_NOBODY);
	assert_int_equal(p.side[0].contacts.version, 0);
}

static void
test_told(void **state)
{
	uint8_t mem[512];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct pair p = strangers();
	struct json_out o;

	deed(&p, 0, SIG_CONTACT_REQUEST, "it's me");
	deed(&p, 0, SIG_CONTACT_REMARK, "B.");
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	sig_relation_write(&o, "bob", "Bob", &p.side[0].relation);
	assert_int_equal(json_out_end(&o), 0);
	buf_u8(&b, 0);
	assert_string_equal((char *)mem,
	    "{\"user\":\"bob\",\"nick\":\"Bob\",\"state\":\"outgoing\","
	    "\"ts\":1000,\"memo\":\"it's me\",\"remark\":\"B.\"}");
}

/* What one does who is blocked changes its own row, as if it were not. */
static void
test_blocked(void **state)
{
	struct pair p = strangers();
	uint64_t version;

	deed(&p, 0, SIG_CONTACT_JOIN, "");
	assert_int_equal(deed(&p, 1, SIG_CONTACT_UNBLOCK, ""), -ENOENT);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_BLOCK, ""), 0);
	check(&p, SIG_FRIEND, SIG_FRIEND);
	assert_true(sig_relation_listed(&p.side[1].relation, SIG_LIST_BLOCKED));
	assert_false(p.side[0].changed);
	version = p.side[1].contacts.version;
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REMOVE, ""), 0);
	check(&p, SIG_REMOVED, SIG_FRIEND);
	assert_false(p.side[1].changed);
	assert_true(p.side[1].veiled);
	assert_int_equal(p.side[1].contacts.version, version);
	/* One who never removed it need not be asked. */
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), 0);
	check(&p, SIG_FRIEND, SIG_FRIEND);
	deed(&p, 0, SIG_CONTACT_REMOVE, "");
	assert_int_equal(deed(&p, 1, SIG_CONTACT_UNBLOCK, ""), 0);
	check(&p, SIG_REMOVED, SIG_ONE_SIDED);

	p = strangers();
	deed(&p, 1, SIG_CONTACT_BLOCK, "");
	assert_true(sig_relation_kept(&p.side[1].relation));
	assert_int_equal(p.side[1].contacts.kept, 1);
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, "hi"), 0);
	check(&p, SIG_OUTGOING, SIG_NOBODY);
	assert_int_equal(p.side[1].contacts.incoming, 0);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_UNBLOCK, ""), 0);
	check(&p, SIG_OUTGOING, SIG_NOBODY);
	assert_int_equal(p.side[1].contacts.kept, 0);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_REQUEST, ""), 0);
	check(&p, SIG_FRIEND, SIG_FRIEND);

	/* An answer that came behind the block, and a request gone so. */
	p = strangers();
	deed(&p, 1, SIG_CONTACT_REQUEST, "");
	deed(&p, 1, SIG_CONTACT_BLOCK, "");
	assert_int_equal(deed(&p, 0, SIG_CONTACT_ACCEPT, ""), 0);
	check(&p, SIG_FRIEND, SIG_OUTGOING);
	deed(&p, 1, SIG_CONTACT_UNBLOCK, "");
	check(&p, SIG_ONE_SIDED, SIG_NOBODY);
	assert_int_equal(p.side[1].contacts.outgoing, 0);
	p = strangers();
	deed(&p, 0, SIG_CONTACT_REQUEST, "");
	deed(&p, 1, SIG_CONTACT_BLOCK, "");
	assert_int_equal(deed(&p, 0, SIG_CONTACT_CANCEL, ""), 0);
	check(&p, SIG_NOBODY, SIG_INCOMING);
	assert_int_equal(deed(&p, 1, SIG_CONTACT_ACCEPT, ""), -ENOENT);
	deed(&p, 1, SIG_CONTACT_UNBLOCK, "");
	check(&p, SIG_NOBODY, SIG_NOBODY);

	/* A full list is full to everybody. */
	p = strangers();
	deed(&p, 1, SIG_CONTACT_BLOCK, "");
	p.side[1].contacts.incoming = SIG_INCOMING_MAX;
	assert_int_equal(deed(&p, 0, SIG_CONTACT_REQUEST, ""), -E2BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked_and_accepted),
		cmocka_unit_test(test_crossed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
