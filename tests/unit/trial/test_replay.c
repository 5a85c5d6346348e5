/* SPDX-License-Identifier: Apache-2.0
 * A pass over a journal: many sets, sets that are missing, periods, lines that can't be read, and
 * the end by who is told. */
#include "support/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "trial/replay.h"

#define PROJECT "0123456789abcdef0123456789abcdef"
#define CREATE                                                                                 \
    "\"operation\":\"demanager.create\",\"class\":\"create\",\"method\":\"POST\",\"path\":\"/" \
    "v1/" PROJECT "/demanager/instances\",\"project\":\"" PROJECT                              \
    "\",\"user\":{\"name\":\"alice\"},"
#define BODY                                                                                    \
    "\"request\":{\"name\":\"n\",\"profile_id\":\"p\",\"flavor\":\"f\",\"spec\":{\"storage\":{" \
    "\"type\":\"obs\",\"location\":{\"path\":\"/a/b/\"}}},\"workspace\":{\"id\":\"0\"}}"

enum { SETS = REPLAY_SETS_MAX + 2 };

static const struct judging_settings judging = {
    .body = {.bytes = 1 << 18, .depth = 64, .members = 8192},
    .answer = {.bytes = 1 << 20, .depth = 64, .members = 8192}};

/* A journal of one's own, and the sets that are "kept". */
struct place {
    char folder[64];
    unsigned seq;
    struct policy_set *sets[SETS], *strict;
    unsigned loads, changes, end_after;
    char last_id[8];
};

static struct policy_set *set_of(const char *rules, unsigned number)
{
    const struct policy_options options = {.now_us = 1};
    struct policy_set *set = NULL;
    struct policy_file file = {.name = "p.yaml"};
    struct arena arena;
    struct diag diag;

    arena_init(&arena, 65536, (size_t)64 << 20);
    diag_init(&diag, &arena);
    file.bytes =
        arena_printf(&arena, "# %u\nversion: 1\npolicies:\n  - name: p\n%s", number, rules);
    assert_int_equal(policy_set_load(&file, 1, &options, &diag, &set), STATUS_OK);
    arena_done(&arena);
    return set;
}

static void place_new(struct place *p)
{
    *p = (struct place){.folder = "/tmp/postern-replay-XXXXXX"};
    assert_non_null(mkdtemp(p->folder));
    for (unsigned i = 0; i < SETS; i++)
        p->sets[i] = set_of("", i);
    p->strict = set_of("    flavors: {deny: [f]}\n", 0);
}

static void path_of(const struct place *p, unsigned segment, char out[128])
{
    (void)snprintf(out, 128, "%s/%020u.jsonl", p->folder, segment);
}

static void place_remove(struct place *p)
{
    char path[128];

    for (unsigned i = 1; i <= p->seq; i++) {
        path_of(p, i, path);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(p->folder), 0);
    for (unsigned i = 0; i < SETS; i++)
        policy_set_unref(&p->sets[i]);
    policy_set_unref(&p->strict);
}

/* Another line of the segment, which begins with it if segment is its number. */
static void add(struct place *p, unsigned segment, const char *members)
{
    char path[128];
    FILE *file;

    path_of(p, segment, path);
    file = fopen(path, "ae");
    assert_non_null(file);
    (void)fprintf(file, "{\"v\":1,\"seq\":%u,\"prev\":\"\",%s}\n", ++p->seq, members);
    assert_int_equal(fclose(file), 0);
}

static void add_intent(struct place *p, unsigned segment, unsigned hour, const char *set)
{
    char line[1024];

    (void)snprintf(line, sizeof line,
                   "\"time\":\"2026-01-02T%02u:00:00Z\",\"event\":\"intent\",\"id\":\"%u\"," CREATE
                   "\"decision\":\"allow\",\"policy_set\":\"%s\"," BODY,
                   hour, p->seq + 1, set);
    add(p, segment, line);
}

static struct policy_set *load_set(void *user, const char *digest)
{
    struct place *p = user;

    p->loads++;
    for (unsigned i = 0; i < SETS; i++) {
        if (strcmp(policy_set_digest(p->sets[i]), digest) == 0)
            return policy_set_ref(p->sets[i]);
    }
    return NULL;
}

static bool on_change(void *user, const struct replay_change *change)
{
    struct place *p = user;

    p->changes++;
    assert_view(change->user.name, "alice");
    (void)snprintf(p->last_id, sizeof p->last_id, "%.*s", VIEW_ARGS(change->id));
    return p->changes != p->end_after;
}

static enum status run(struct place *p, const char *from, const char *until,
                       struct replay_totals *totals)
{
    struct replay_plan plan = {.directory = p->folder,
                               .period = period_always(),
                               .judging = &judging,
                               .candidate = p->strict,
                               .load_set = load_set,
                               .on_change = on_change,
                               .user = p};
    struct err err = {0};

    p->loads = p->changes = 0;
    if (from != NULL)
        assert_true(period_parse_time(view_str(from), &plan.period.from_us));
    if (until != NULL)
        assert_true(period_parse_time(view_str(until), &plan.period.until_us));
    return replay_run(&plan, totals, &err);
}

static void sets_stay_loaded(void **state)
{
    static struct replay_totals totals;
    struct place p;

    (void)state;
    place_new(&p);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < REPLAY_SETS_MAX; i++)
            add_intent(&p, 1, 3, policy_set_digest(p.sets[i]));
    }
    assert_int_equal(run(&p, NULL, NULL, &totals), STATUS_OK);
    assert_int_equal(totals.judged, 3 * REPLAY_SETS_MAX);
    assert_int_equal(totals.kinds[REPLAY_NEWLY_REFUSED], 3 * REPLAY_SETS_MAX);
    assert_int_equal(totals.not_reproducible, 0);
    assert_int_equal(p.loads, REPLAY_SETS_MAX);
    /* One more than there is room for: the one that was used longest ago goes. */
    add_intent(&p, 1, 3, policy_set_digest(p.sets[REPLAY_SETS_MAX]));
    add_intent(&p, 1, 3, policy_set_digest(p.sets[1]));
    add_intent(&p, 1, 3, policy_set_digest(p.sets[0]));
    assert_int_equal(run(&p, NULL, NULL, &totals), STATUS_OK);
    assert_int_equal(p.loads, REPLAY_SETS_MAX + 2);
    place_remove(&p);
}

static void missing_sets_are_looked_for_once(void **state)
{
    static struct replay_totals totals;
    struct place p;
    char digest[65];

    (void)state;
    place_new(&p);
    for (unsigned i = 0; i < 2 * (REPLAY_MISSING_MAX + 1); i++) {
        (void)snprintf(digest, sizeof digest, "%064x", i % (REPLAY_MISSING_MAX + 1));
        add_intent(&p, 1, 3, digest);
    }
    add_intent(&p, 1, 3, "../../etc");
    assert_int_equal(run(&p, NULL, NULL, &totals), STATUS_OK);
    assert_int_equal(totals.obstacles[REPLAY_NO_SET], 2 * (REPLAY_MISSING_MAX + 1) + 1);
    assert_int_equal(totals.missing_count, REPLAY_MISSING_MAX);
    assert_int_equal(p.loads, REPLAY_MISSING_MAX + 2);
    assert_int_equal(totals.judged + totals.changed, 0);
    place_remove(&p);
}

static void odd_lines_are_counted(void **state)
{
    static struct replay_totals totals;
    struct place p;
    char line[512];

    (void)state;
    place_new(&p);
    add(&p, 1, "\"time\":\"2026-01-02T03:00:00Z\",\"event\":\"checkpoint\",\"open\":[]");
    add(&p, 1, "\"time\":\"2026-01-02T03:00:00Z\",\"event\":\"intent\",\"id\":\"1\",\"id\":\"2\"");
    add(&p, 1, "\"time\":\"2026-01-02T03:00:00Z\",\"event\":\"refusal\",\"reasons\":[]," BODY);
    add(&p, 1, "\"time\":\"2026-01-02T03:00:00Z\",\"event\":\"outcome\",\"request\":{}");
    (void)snprintf(line, sizeof line,
                   "\"time\":\"2026-01-02T03:00:00Z\",\"event\":\"intent\",\"policy_set\":\"%s\"",
                   policy_set_digest(p.sets[0]));
    add(&p, 1, line); /* a digest */
    (void)snprintf(line + strlen(line), sizeof line - strlen(line), ",\"request\":{}");
    add(&p, 1, line); /* of an operation that isn't told */
    assert_int_equal(run(&p, NULL, NULL, &totals), STATUS_OK);
    assert_int_equal(totals.bad_lines, 1);
    assert_int_equal(totals.unjudged, 1);
    assert_int_equal(totals.lines, 2);
    assert_int_equal(totals.kept, 1);
    assert_int_equal(totals.obstacles[REPLAY_UNREADABLE], 1);
    assert_int_equal(totals.judged, 0);
    place_remove(&p);
}

static void a_period_is_sought(void **state)
{
    static struct replay_totals totals;
    struct place p;
    unsigned segment = 1;

    (void)state;
    place_new(&p);
    for (unsigned hour = 0; hour < 24; hour++) {
        add_intent(&p, segment, hour, policy_set_digest(p.sets[0]));
        add_intent(&p, segment, hour, policy_set_digest(p.sets[0]));
        segment = p.seq + 1;
    }
    assert_int_equal(run(&p, NULL, NULL, &totals), STATUS_OK);
    assert_int_equal(totals.judged, 48);
    assert_int_equal(run(&p, "2026-01-02T20:00:00Z", "2026-01-02T22:00:00Z", &totals), STATUS_OK);
    assert_int_equal(totals.judged, 4);
    assert_string_equal(p.last_id, "44");
    assert_int_equal(run(&p, "2026-01-02T00:00:00Z", "2026-01-02T00:00:01Z", &totals), STATUS_OK);
    assert_int_equal(totals.judged, 2);
    assert_int_equal(run(&p, "2026-01-03", NULL, &totals), STATUS_OK);
    assert_int_equal(totals.lines, 0);
    place_remove(&p);
}

static void who_is_told_may_end_it(void **state)
{
    static struct replay_totals totals;
    struct err err = {0};
    struct place p;

    (void)state;
    place_new(&p);
    for (unsigned i = 0; i < 4; i++)
        add_intent(&p, 1, 3, policy_set_digest(p.sets[0]));
    p.end_after = 2;
    assert_int_equal(run(&p, NULL, NULL, &totals), STATUS_IO);
    assert_int_equal(p.changes, 2);
    place_remove(&p);
    assert_int_equal(replay_run(&(struct replay_plan){.directory = "/nowhere"}, &totals, &err),
                     STATUS_IO);
    assert_non_null(strstr(err.text, "/nowhere"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_stay_loaded),
        cmocka_unit_test(missing_sets_are_looked_for_once),
        cmocka_unit_test(odd_lines_are_counted),
        cmocka_unit_test(a_period_is_sought),
        cmocka_unit_test(who_is_told_may_end_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
