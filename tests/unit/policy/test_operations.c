/* SPDX-License-Identifier: Apache-2.0
 * What is judged otherwise than on a create, and what only notebooks have: updates that are
 * completed, leases whose whole time counts, stored instances, types of auto_stop, hooks and
 * addresses. */
#include "unit/policy/support.h"

typedef void change(struct sample *s);

struct row {
    const char *name, *policies; /* one line each: "{name: a, ...}", from line 3 on */
    change *change;
    const char *decision;
};

static void check_rows(enum operation_id op, const struct row *rows, size_t count, bool messages)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        char text[2048];
        struct policy_set *set;
        struct sample s;
        const char *got;

        (void)snprintf(text, sizeof text, "version: 1\npolicies:\n  - %s\n", rows[i].policies);
        set = set_of(text);
        sample_init(&s);
        sample_as(&s, op);
        if (rows[i].change != NULL)
            rows[i].change(&s);
        got = decision_text(set, &s, messages);
        if (strcmp(got, rows[i].decision) != 0) {
            print_error("row \"%s\":\ngot  %s\nwant %s\n", rows[i].name, got, rows[i].decision);
            wrong++;
        }
        policy_set_unref(&set);
    }
    assert_int_equal(wrong, 0);
}

#define A(rules) "{name: a, " rules "}"
#define TWO(a, b) \
    "{name: a, match: {users: [alice]}, " a "}\n  - {name: b, match: {groups: [team-a]}, " b "}"
#define STOP(limits) "auto_stop: {" limits "}"

static const int64_t minute = 60000, hour = 3600000;

static void stop_2h(struct sample *s)
{
    sample_stop(s, 2 * hour);
}

static void stop_20m(struct sample *s)
{
    sample_stop(s, 20 * minute);
}

/* What an update may leave out. */
static void bare_2h(struct sample *s)
{
    stop_2h(s);
    s->stops[0].has_enable = false;
}

static void bare_8h(struct sample *s)
{
    bare_2h(s);
    s->stops[0].duration_ms = 8 * hour;
}

static void bare_20m(struct sample *s)
{
    bare_2h(s);
    s->stops[0].duration_ms = 20 * minute;
}

static void bare_odd(struct sample *s)
{
    bare_2h(s);
    s->stops[0].duration_ms += 500;
}

static void bare_endless(struct sample *s)
{
    bare_2h(s);
    s->stops[0].duration_ms = INT64_MAX;
}

static void bare_zero(struct sample *s)
{
    bare_2h(s);
    s->stops[0].duration_ms = 0;
}

static void bare_astray(struct sample *s)
{
    bare_2h(s);
    s->stops[0].misplaced = true;
}

static void on(struct sample *s)
{
    stop_2h(s);
    s->stops[0].has_duration = false;
}

static void on_astray(struct sample *s)
{
    on(s);
    s->stops[0].misplaced = true;
}

static void off(struct sample *s)
{
    on(s);
    s->stops[0].enable = false;
}

static void prompt_only(struct sample *s)
{
    off(s);
    s->stops[0].has_enable = false;
}

static void updates_are_completed(void **state)
{
    static const struct row rows[] = {
        {"nothing of it is named", A(STOP("required: true, default: 1h")), NULL, "allow"},
        {"both stand there", A(STOP("max: 4h")), stop_2h, "allow"},
        {"a duration alone", A(STOP("max: 4h")), bare_2h, "rewrite default 7200 by a"},
        {"a duration alone, whatever the rule", A(STOP("min: 1h")), bare_2h,
         "rewrite default 7200 by a"},
        {"a duration alone where no rule judges it", A("custom_spec: allow"), bare_2h, "allow"},
        {"credit goes to the first", TWO(STOP("max: 4h"), STOP("min: 1h")), bare_2h,
         "rewrite default 7200 by a"},
        {"too long is capped, which completes it", TWO(STOP("min: 1h"), STOP("max: 4h")), bare_8h,
         "rewrite cap 14400 by b"},
        {"too short", A(STOP("min: 1h")), bare_20m, "refuse auto_stop.below_min by a"},
        {"endless is capped", TWO(STOP("min: 1h"), STOP("max: 4h")), bare_endless,
         "rewrite cap 14400 by b"},
        {"endless, and nothing to cap it", A(STOP("min: 1h")), bare_endless,
         "refuse auto_stop.incomplete by a"},
        {"no whole second", A(STOP("max: 4h")), bare_odd, "refuse auto_stop.incomplete by a"},
        {"an end that is none is never", A(STOP("max: 4h")), bare_zero, "rewrite set 14400 by a"},
        {"an end that is none, nothing to set", A(STOP("min: 1h")), bare_zero,
         "refuse auto_stop.incomplete by a"},
        {"a misplaced duration", A(STOP("min: 1h")), bare_astray, "rewrite default 7200 by a"},
        {"on without a duration", A(STOP("default: 1h")), on, "rewrite set 3600 by a"},
        {"on without a duration, only max", A(STOP("max: 4h")), on, "rewrite set 14400 by a"},
        {"on without a duration, another policy knows one",
         TWO(STOP("min: 1h"), STOP("default: 2h")), on, "rewrite set 7200 by b"},
        {"on without a duration, and nobody knows one", TWO(STOP("min: 1h"), STOP("min: 2h")), on,
         "refuse auto_stop.incomplete by a"},
        {"on without a duration, refused", A(STOP("max: 4h, over_max: refuse")), on,
         "refuse auto_stop.over_max by a"},
        {"on and misplaced", A(STOP("min: 1h")), on_astray, "refuse auto_stop.incomplete by a"},
        {"neither", A(STOP("min: 1h")), prompt_only, "refuse auto_stop.incomplete by a"},
        {"neither, and a default", A(STOP("default: 1h")), prompt_only, "rewrite set 3600 by a"},
        {"off where it is required", A(STOP("required: true, default: 1h")), off,
         "rewrite set 3600 by a"},
        {"off where it is not", A(STOP("min: 1h, default: 2h")), off, "allow"},
        {"observed", A(STOP("max: 4h") ", mode: observe") "\n  - {name: b}", bare_2h,
         "allow | would rewrite default 7200 by a"},
    };
    static const struct row words[] = {
        {"incomplete", A(STOP("min: 1h")), on,
         "refuse auto_stop.incomplete by a (auto_stop at p.yaml:3:12): an update that switches "
         "auto_stop on must name its duration too"},
        {"odd", A(STOP("min: 1h")), bare_odd,
         "refuse auto_stop.incomplete by a (auto_stop at p.yaml:3:12): auto_stop of 7200500ms "
         "needs enable: true beside it"},
    };

    (void)state;
    check_rows(OP_DEMANAGER_UPDATE, rows, ARRAY_LEN(rows), false);
    check_rows(OP_DEMANAGER_UPDATE, words, ARRAY_LEN(words), true);
}

/* A notebook has one member for it, so nothing can be left out. */
static void updates_of_notebooks_need_no_completing(void **state)
{
    static const struct row rows[] = {
        {"a duration", A(STOP("max: 4h")), stop_2h, "allow"},
    };

    (void)state;
    check_rows(OP_NOTEBOOKS_UPDATE, rows, ARRAY_LEN(rows), false);
}

static void lease(struct sample *s, int64_t elapsed_ms, int64_t duration_ms)
{
    sample_stop(s, duration_ms);
    s->request.lease_elapsed_ms = elapsed_ms;
}

static void fresh_4h(struct sample *s)
{
    lease(s, 0, 4 * hour);
}

static void at_3h_1h(struct sample *s)
{
    lease(s, 3 * hour, hour);
}

static void at_3h_and_a_bit_1h(struct sample *s)
{
    lease(s, 3 * hour + 1, hour);
}

static void at_3h_missing(struct sample *s)
{
    lease(s, 3 * hour + 1, 0);
    s->request.stop_count = 0;
}

static void at_3h_never(struct sample *s)
{
    lease(s, 3 * hour, -1);
}

static void at_3h_20m(struct sample *s)
{
    lease(s, 3 * hour, 20 * minute);
}

static void at_3h_endless(struct sample *s)
{
    lease(s, 3 * hour, INT64_MAX);
}

static void at_4h_1h(struct sample *s)
{
    lease(s, 4 * hour, hour);
}

static void at_5h_missing(struct sample *s)
{
    at_3h_missing(s);
    s->request.lease_elapsed_ms = 5 * hour;
}

static void at_the_end_of_time(struct sample *s)
{
    lease(s, INT64_MAX, INT64_MAX);
}

static void before_it_began(struct sample *s)
{
    lease(s, -9 * hour, 4 * hour + 1);
}

static void a_lease_counts_whole(void **state)
{
    static const struct row rows[] = {
        {"at its beginning", A(STOP("max: 4h")), fresh_4h, "allow"},
        {"up to max", A(STOP("max: 4h")), at_3h_1h, "allow"},
        {"a bit more: whole seconds, elapsed ones rounded up", A(STOP("max: 4h")),
         at_3h_and_a_bit_1h, "rewrite cap 3599 by a"},
        {"overflow", A(STOP("max: 4h")), at_3h_endless, "rewrite cap 3600 by a"},
        {"missing gets the default", A(STOP("required: true, default: 30m, max: 4h")),
         at_3h_missing, "rewrite default 1800 by a"},
        {"missing gets what is left", A(STOP("required: true, default: 2h, max: 4h")),
         at_3h_missing, "rewrite cap 3599 by a"},
        {"what is left of the smallest max", TWO(STOP("default: 2h, max: 5h"), STOP("max: 4h")),
         at_3h_missing, "rewrite cap 3599 by b"},
        {"never gets what is left", A(STOP("max: 4h")), at_3h_never, "rewrite set 3600 by a"},
        {"a default that fits nobody", TWO(STOP("default: 3h"), STOP("max: 2h")), at_3h_missing,
         "refuse policy.conflict by a"},
        {"no max", A(STOP("default: 2h")), at_5h_missing, "rewrite default 7200 by a"},
        {"min judges what was received", A(STOP("min: 30m, max: 4h")), at_3h_20m,
         "refuse auto_stop.below_min by a"},
        {"min judges what is left", A(STOP("min: 2h, max: 4h")), at_3h_endless,
         "refuse auto_stop.over_max by a"},
        {"min of another", TWO(STOP("min: 2h"), STOP("max: 4h")), at_3h_endless,
         "refuse auto_stop.over_max by b"},
        {"nothing is left", A(STOP("max: 4h")), at_4h_1h, "refuse auto_stop.over_max by a"},
        {"nothing is left for a missing one", A(STOP("required: true, default: 1h, max: 4h")),
         at_5h_missing, "refuse auto_stop.over_max by a"},
        {"the end of time", A(STOP("max: 4h")), at_the_end_of_time,
         "refuse auto_stop.over_max by a"},
        {"a clock that is behind gives no time", A(STOP("max: 4h")), before_it_began,
         "rewrite cap 14400 by a"},
        {"refused", A(STOP("max: 4h, over_max: refuse")), at_3h_and_a_bit_1h,
         "refuse auto_stop.over_max by a"},
    };
    static const struct row words[] = {
        {"nothing left", A(STOP("max: 4h")), at_4h_1h,
         "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): 4h of the lease are used "
         "and up to 4h are allowed in all, so nothing is left"},
        {"too little left", A(STOP("min: 2h, max: 4h")), at_3h_endless,
         "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:41): 3h of the lease are used "
         "and up to 4h are allowed in all; what is left is shorter than 2h"},
        {"refused", A(STOP("max: 2h, over_max: refuse")), at_3h_1h,
         "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop of 1h is too "
         "long after 3h of the lease; allowed: up to 2h in all"},
    };

    (void)state;
    check_rows(OP_NOTEBOOKS_LEASE, rows, ARRAY_LEN(rows), false);
    check_rows(OP_NOTEBOOKS_LEASE, words, ARRAY_LEN(words), true);
}

/* Elapsed time is of leases only. */
static void only_a_lease_has_run(void **state)
{
    static const struct row rows[] = {{"create", A(STOP("max: 4h")), at_4h_1h, "allow"}};

    (void)state;
    check_rows(OP_NOTEBOOKS_CREATE, rows, ARRAY_LEN(rows), false);
    check_rows(OP_NOTEBOOKS_START, rows, ARRAY_LEN(rows), false);
}

static void short_of_1h(struct sample *s)
{
    sample_stop(s, hour - 1);
}

static void over_4h(struct sample *s)
{
    sample_stop(s, 4 * hour + 1);
}

static void milliseconds_count(void **state)
{
    static const struct row rows[] = {
        {"under min", A(STOP("min: 1h")), short_of_1h,
         "refuse auto_stop.below_min by a (auto_stop.min at p.yaml:3:32): auto_stop of 3599999ms "
         "is too short; allowed: from 1h"},
        {"over max", A(STOP("max: 4h, over_max: refuse")), over_4h,
         "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop of 14400001ms "
         "is too long; allowed: up to 4h"},
        {"capped", A(STOP("max: 4h")), over_4h, "rewrite cap 14400 by a"},
    };

    (void)state;
    check_rows(OP_NOTEBOOKS_CREATE, rows, ARRAY_LEN(rows), true);
}

static void gpu(struct sample *s)
{
    s->request.flavor.value = VIEW("gpu");
}

static void stop_missing(struct sample *s)
{
    s->request.stop_count = 0;
}

static void stop_off(struct sample *s)
{
    s->stops[0].enable = false;
}

static void gpu_and_off(struct sample *s)
{
    gpu(s);
    stop_off(s);
}

#define ADVICE "; change the instance by an update first, or make a new one"

static void what_is_stored_cannot_be_edited(void **state)
{
    static const struct row rows[] = {
        {"well", A("flavors: {allow: [\"*\"]}, " STOP("max: 4h")), NULL, "allow"},
        {"flavor", A("flavors: {allow: [x]}"), NULL,
         "refuse flavor.not_allowed by a (flavors.allow at p.yaml:3:32): flavor "
         "modelarts.kat1.xlarge is not allowed; allowed: x" ADVICE},
        {"missing, required", A(STOP("required: true, default: 1h, max: 4h")), stop_missing,
         "refuse auto_stop.required by a (auto_stop.required at p.yaml:3:37): auto_stop is "
         "missing; it would have to be 1h" ADVICE},
        {"off, required, only max", A(STOP("required: true, max: 4h")), stop_off,
         "refuse auto_stop.required by a (auto_stop.required at p.yaml:3:37): auto_stop is off or "
         "without an end; it would have to be up to 4h" ADVICE},
        {"off, only max", A(STOP("max: 4h")), stop_off,
         "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop is off or "
         "without an end; it would have to be up to 4h" ADVICE},
        {"missing, only a default", A(STOP("default: 1h")), stop_missing,
         "refuse auto_stop.required by a (auto_stop.default at p.yaml:3:36): auto_stop is missing; "
         "it would have to be 1h" ADVICE},
        {"too long", A(STOP("max: 1h")), stop_2h,
         "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop of 2h is too "
         "long; allowed: up to 1h" ADVICE},
        {"too short", A(STOP("min: 1h")), stop_20m,
         "refuse auto_stop.below_min by a (auto_stop.min at p.yaml:3:32): auto_stop of 20m is too "
         "short; allowed: from 1h" ADVICE},
        {"once in each message", A("flavors: {deny: [gpu]}, " STOP("max: 4h")), gpu_and_off,
         "refuse flavor.denied by a (flavors.deny at p.yaml:3:31): flavor gpu is denied; denied: "
         "gpu" ADVICE ", auto_stop.over_max by a (auto_stop.max at p.yaml:3:56): auto_stop is off "
         "or without an end; it would have to be up to 4h" ADVICE},
        {"no policy", A("match: {users: [bob]}"), NULL,
         "refuse policy.no_match (default at :0:0): no policy covers demanager.start in project "
         "0123456789abcdef0123456789abcdef for this caller"},
    };

    (void)state;
    check_rows(OP_DEMANAGER_START, rows, ARRAY_LEN(rows), true);
}

/* The query of a start names the time, so that can be edited, and asked for otherwise. */
static void a_start_of_a_notebook_names_its_time(void **state)
{
    static const struct row rows[] = {
        {"flavor", A("flavors: {allow: [x]}"), NULL,
         "refuse flavor.not_allowed by a (flavors.allow at p.yaml:3:32): flavor "
         "modelarts.kat1.xlarge is not allowed; allowed: x" ADVICE},
        {"too long", A(STOP("max: 1h")), stop_2h, "rewrite cap 3600 by a"},
        {"missing", A(STOP("required: true, default: 1h")), stop_missing,
         "rewrite default 3600 by a"},
        {"refused", A(STOP("max: 1h, over_max: refuse")), stop_2h,
         "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop of 2h is too "
         "long; allowed: up to 1h"},
    };

    (void)state;
    check_rows(OP_NOTEBOOKS_START, rows, ARRAY_LEN(rows), true);
    check_rows(OP_NOTEBOOKS_START_GET, rows, ARRAY_LEN(rows), true);
}

static void type(struct sample *s, struct view word)
{
    s->request.stop_type = (struct text_field){true, word};
}

static void idle(struct sample *s)
{
    type(s, VIEW("IDLE"));
}

static void idle_in_small(struct sample *s)
{
    type(s, VIEW("idle"));
}

static void timing(struct sample *s)
{
    type(s, VIEW("Timing"));
}

static void other_type(struct sample *s)
{
    type(s, VIEW("IDLES"));
}

#define TYPE_AT(column) \
    "refuse auto_stop.type_not_allowed by a (auto_stop.types at p.yaml:3:" column "): "

static void judges_types_of_auto_stop(void **state)
{
    static const struct row rows[] = {
        {"timing alone if left out", A(STOP("max: 4h")), idle,
         TYPE_AT("26") "auto_stop of type IDLE is not allowed; allowed: timing (idle stops an idle "
                       "instance only, and a busy loop keeps it alive)"},
        {"no type is timing", A(STOP("max: 4h")), NULL, "allow"},
        {"case doesn't count", A(STOP("types: [timing]")), timing, "allow"},
        {"in small letters", A(STOP("types: [timing]")), idle_in_small,
         TYPE_AT("34") "auto_stop of type idle is not allowed; allowed: timing (idle stops an idle "
                       "instance only, and a busy loop keeps it alive)"},
        {"idle", A(STOP("types: [timing, idle]")), idle, "allow"},
        {"idle alone", A(STOP("types: [idle]")), NULL,
         TYPE_AT("34") "auto_stop of type timing is not allowed; allowed: idle"},
        {"another word", A(STOP("types: [idle, timing]")), other_type,
         TYPE_AT("34") "auto_stop of type IDLES is not allowed; allowed: timing, idle"},
        {"every policy judges", TWO(STOP("max: 4h"), STOP("types: [timing, idle]")), idle,
         TYPE_AT("51") "auto_stop of type IDLE is not allowed; allowed: timing (idle stops an idle "
                       "instance only, and a busy loop keeps it alive)"},
        {"no group", A("custom_spec: allow"), idle, "allow"},
    };
    static const struct row other_family[] = {
        {"demanager has none", A(STOP("types: [timing]")), idle, "allow"}};

    (void)state;
    check_rows(OP_NOTEBOOKS_CREATE, rows, ARRAY_LEN(rows), true);
    check_rows(OP_DEMANAGER_CREATE, other_family, ARRAY_LEN(other_family), true);
}

static void hooks(struct sample *s)
{
    s->request.has_hooks = true;
}

static void judges_hooks(void **state)
{
    static const struct row rows[] = {
        {"none", A("hooks: refuse"), NULL, "allow"},
        {"refused", A("hooks: refuse"), hooks,
         "refuse hooks.refused by a (hooks at p.yaml:3:22): hooks are not allowed; leave them out, "
         "they run scripts in the container"},
        {"allowed", A("hooks: allow"), hooks, "allow"},
        {"no rule", A("custom_spec: allow"), hooks, "allow"},
        {"all must agree", TWO("hooks: allow", "hooks: refuse"), hooks,
         "refuse hooks.refused by b (hooks at p.yaml:4:49): hooks are not allowed; leave them out, "
         "they run scripts in the container"},
    };

    (void)state;
    check_rows(OP_NOTEBOOKS_CREATE, rows, ARRAY_LEN(rows), true);
}

static void ssh_from_office(struct sample *s)
{
    sample_endpoint(s, true, "10.1.2.3");
}

static void ssh_from_6(struct sample *s)
{
    sample_endpoint(s, true, "2001:db8:1::/48");
}

static void ssh_from_the_wide_net(struct sample *s)
{
    sample_endpoint(s, true, "10.0.0.0/7");
}

static void ssh_from_anywhere(struct sample *s)
{
    sample_endpoint(s, true, NULL);
}

static void web_from_anywhere(struct sample *s)
{
    sample_endpoint(s, false, NULL);
}

static void web_from_elsewhere(struct sample *s)
{
    sample_endpoint(s, false, "192.0.2.1");
}

static void ssh_from_nonsense(struct sample *s)
{
    sample_endpoint(s, true, "10.1.2.3/8");
}

static void ssh_twice(struct sample *s)
{
    ssh_from_office(s);
    ssh_from_anywhere(s);
    s->ips[0][1] = VIEW("192.0.2.1");
    s->ips[0][2] = VIEW("junk");
    s->endpoints[0].ip_count = 3;
}

#define IPS    "allowed_access_ips: {allow: [10.0.0.0/8, \"2001:db8::/32\"]}"
#define WITHIN "allowed within: 10.0.0.0/8, 2001:db8::/32"

static void judges_addresses(void **state)
{
    static const struct row rows[] = {
        {"no endpoint", A(IPS), NULL, "allow"},
        {"within", A(IPS), ssh_from_office, "allow"},
        {"within, IPv6", A(IPS), ssh_from_6, "allow"},
        {"wider", A(IPS), ssh_from_the_wide_net,
         "refuse access_ips.not_allowed by a (allowed_access_ips.allow at p.yaml:3:43): address "
         "10.0.0.0/7 of /endpoints/0 is not allowed; " WITHIN},
        {"also of a web endpoint", A(IPS), web_from_elsewhere,
         "refuse access_ips.not_allowed by a (allowed_access_ips.allow at p.yaml:3:43): address "
         "192.0.2.1 of /endpoints/0 is not allowed; " WITHIN},
        {"ssh from anywhere", A(IPS), ssh_from_anywhere,
         "refuse access_ips.missing by a (allowed_access_ips.required at p.yaml:3:35): "
         "/endpoints/0 names no allowed_access_ips, so every address could come in over "
         "SSH; " WITHIN},
        {"ssh from anywhere, allowed",
         A("allowed_access_ips: {allow: [10.0.0.0/8], required: false}"), ssh_from_anywhere,
         "allow"},
        {"web from anywhere", A(IPS), web_from_anywhere, "allow"},
        {"unreadable", A(IPS), ssh_from_nonsense,
         "refuse access_ips.unreadable by a (allowed_access_ips.allow at p.yaml:3:43): address "
         "10.1.2.3/8 of /endpoints/0 has bits set behind its prefix; " WITHIN},
        {"one reason for each endpoint", A(IPS), ssh_twice,
         "refuse access_ips.not_allowed by a (allowed_access_ips.allow at p.yaml:3:43): address "
         "192.0.2.1 of /endpoints/0 is not allowed; " WITHIN ", access_ips.missing by a "
         "(allowed_access_ips.required at p.yaml:3:35): /endpoints/1 names no allowed_access_ips, "
         "so every address could come in over SSH; " WITHIN},
        {"none is allowed", A("allowed_access_ips: {allow: []}"), ssh_from_office,
         "refuse access_ips.not_allowed by a (allowed_access_ips.allow at p.yaml:3:43): address "
         "10.1.2.3 of /endpoints/0 is not allowed; allowed within: none"},
        {"no rule", A("custom_spec: allow"), ssh_from_anywhere, "allow"},
    };
    static const struct row stored[] = {
        {"stored", A(IPS), ssh_from_anywhere,
         "refuse access_ips.missing by a (allowed_access_ips.required at p.yaml:3:35): "
         "/endpoints/0 names no allowed_access_ips, so every address could come in over "
         "SSH; " WITHIN ADVICE},
    };

    (void)state;
    check_rows(OP_NOTEBOOKS_CREATE, rows, ARRAY_LEN(rows), true);
    check_rows(OP_NOTEBOOKS_START, stored, ARRAY_LEN(stored), true);
}

static void exceptions_reach_the_new_groups(void **state)
{
#define EXCEPT(rules, gives)                                                       \
    A(rules)                                                                       \
    "\nexceptions:\n  - {name: e, policy: a, match: {users: [alice]}, " gives ", " \
    "expires: 2026-12-31}"
    static const struct row rows[] = {
        {"lift hooks", EXCEPT("hooks: refuse", "lift: [hooks]"), hooks, "allow except e"},
        {"lift addresses", EXCEPT(IPS, "lift: [allowed_access_ips]"), ssh_from_anywhere,
         "allow except e"},
        {"add a network", EXCEPT(IPS, "allow: {allowed_access_ips: [192.0.2.0/24]}"),
         web_from_elsewhere, "allow except e"},
        {"add another network", EXCEPT(IPS, "allow: {allowed_access_ips: [192.0.3.0/24]}"),
         web_from_elsewhere, "refuse access_ips.not_allowed by a"},
        {"a network is no reason to leave addresses out",
         EXCEPT(IPS, "allow: {allowed_access_ips: [0.0.0.0/0]}"), ssh_from_anywhere,
         "refuse access_ips.missing by a"},
        {"lift the type with auto_stop", EXCEPT(STOP("max: 4h"), "lift: [auto_stop]"), idle,
         "allow except e"},
    };

    (void)state;
    check_rows(OP_NOTEBOOKS_CREATE, rows, ARRAY_LEN(rows), false);
}

static void volume(struct sample *s, struct view category)
{
    s->storages[0] = (struct storage_request){.own = true,
                                              .type = category,
                                              .path = {true, VIEW("obs://team-a/x")},
                                              .has_obs = true,
                                              .obs = {VIEW("team-a"), VIEW("x")},
                                              .pointer = "/data_volumes/0"};
    s->request.storage_count = 1;
}

static void obs_upper(struct sample *s)
{
    volume(s, VIEW("OBS"));
}

static void obs_mixed(struct sample *s)
{
    volume(s, VIEW("Obs"));
}

static void share(struct sample *s)
{
    volume(s, VIEW("EFS"));
    s->storages[0].is_share = true;
    s->storages[0].has_obs = false;
    s->storages[0].path.value = VIEW("share.example:/x");
}

static void grows(struct sample *s)
{
    volume(s, VIEW("OBS"));
    s->storages[0].grows = s->storages[0].has_size = true;
    s->storages[0].size_gb = 200;
}

static void sizeless(struct sample *s)
{
    volume(s, VIEW("OBS"));
    s->storages[0].size_gb = 999;
}

static void long_type(struct sample *s)
{
    static char text[1025];

    memset(text, 'a', sizeof text);
    volume(s, view_of(text, sizeof text));
}

static void judges_volumes_of_notebooks(void **state)
{
    static const struct row rows[] = {
        {"types in either case", A("storage: {types: [obs]}"), obs_upper, "allow"},
        {"types in either case, the other way", A("storage: {types: [OBS]}"), obs_mixed, "allow"},
        {"another type", A("storage: {types: [evs]}"), obs_upper,
         "refuse storage.type_not_allowed by a"},
        {"path", A("storage: {obs_prefixes: [/team-a/]}"), obs_upper, "allow"},
        {"another path", A("storage: {obs_prefixes: [/team-b/]}"), obs_upper,
         "refuse obs.prefix_not_allowed by a"},
        {"a share is not in OBS", A("storage: {obs_prefixes: [/team-b/]}"), share, "allow"},
        {"but has a type", A("storage: {types: [obs]}"), share,
         "refuse storage.type_not_allowed by a"},
        {"growth has a size only",
         A("storage: {types: [evs], obs_prefixes: [/team-b/], max_size_gb: 200}"), grows, "allow"},
        {"no size to judge", A("storage: {max_size_gb: 1}"), sizeless, "allow"},
        {"a type that is too long is on no list", A("storage: {types: [\"*\"]}"), long_type,
         "refuse storage.type_not_allowed by a"},
        {"growth is too large", A("storage: {max_size_gb: 199}"), grows,
         "refuse storage.too_large by a"},
    };
    static const struct row other_family[] = {{"demanager's types are bytes",
                                               A("storage: {types: [obs]}"), obs_upper,
                                               "refuse storage.type_not_allowed by a"}};

    (void)state;
    check_rows(OP_NOTEBOOKS_CREATE, rows, ARRAY_LEN(rows), false);
    check_rows(OP_NOTEBOOKS_UPDATE, rows, ARRAY_LEN(rows), false);
    check_rows(OP_NOTEBOOKS_MOUNT, rows, ARRAY_LEN(rows), false);
    check_rows(OP_DEMANAGER_CREATE, other_family, ARRAY_LEN(other_family), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_are_completed),
        cmocka_unit_test(updates_of_notebooks_need_no_completing),
        cmocka_unit_test(a_lease_counts_whole),
        cmocka_unit_test(only_a_lease_has_run),
        cmocka_unit_test(milliseconds_count),
        cmocka_unit_test(what_is_stored_cannot_be_edited),
        cmocka_unit_test(a_start_of_a_notebook_names_its_time),
        cmocka_unit_test(judges_types_of_auto_stop),
        cmocka_unit_test(judges_hooks),
        cmocka_unit_test(judges_addresses),
        cmocka_unit_test(exceptions_reach_the_new_groups),
        cmocka_unit_test(judges_volumes_of_notebooks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
