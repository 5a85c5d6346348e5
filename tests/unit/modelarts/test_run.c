/* SPDX-License-Identifier: Apache-2.0
 * How long an instance runs at most, by what a request says. */
#include "support/test.h"

#include "modelarts/request.h"

#define FOR(ms)                                                   \
    {                                                             \
        .enable = true, .has_duration = true, .duration_ms = (ms) \
    }
#define STRAY(ms)                                                                    \
    {                                                                                \
        .misplaced = true, .enable = true, .has_duration = true, .duration_ms = (ms) \
    }

static void what_stops_it_says_how_long_it_runs(void **state)
{
    static const struct {
        const char *name;
        struct stop_request stops[2];
        size_t count;
        const char *type;
        int64_t want;
    } rows[] = {
        {"an hour", {FOR(3600000)}, 1, NULL, 3600},
        {"a part of a second counts whole", {FOR(5001)}, 1, NULL, 6},
        {"less than a second", {FOR(1)}, 1, NULL, 1},
        {"the longest there is", {FOR(INT64_MAX)}, 1, NULL, INT64_MAX / 1000 + 1},
        {"nothing named", {{0}}, 0, NULL, -1},
        {"off", {{.has_enable = true, .has_duration = true, .duration_ms = 1000}}, 1, NULL, -1},
        {"without a duration", {{.enable = true, .has_enable = true}}, 1, NULL, -1},
        {"0", {FOR(0)}, 1, NULL, -1},
        {"negative", {FOR(-1)}, 1, NULL, -1},
        {"the longer of two", {FOR(1000), STRAY(2000)}, 2, NULL, 2},
        {"a copy that never ends", {FOR(1000), STRAY(0)}, 2, NULL, -1},
        {"at the wrong place only", {STRAY(1000)}, 1, NULL, -1},
        {"timed", {FOR(1000)}, 1, "TIMING", 1},
        {"timed, in small letters", {FOR(1000)}, 1, "timing", 1},
        {"only when idle", {FOR(1000)}, 1, "IDLE", -1},
        {"of a type that nobody knows", {FOR(1000)}, 1, "LATER", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct instance_request request = {
            .stops = rows[i].stops,
            .stop_count = rows[i].count,
            .stop_type = {rows[i].type != NULL, view_str(rows[i].type)},
        };

        assert_row(modelarts_run_s(&request) == rows[i].want, rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_stops_it_says_how_long_it_runs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
