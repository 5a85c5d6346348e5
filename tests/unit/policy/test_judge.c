/* SPDX-License-Identifier: Apache-2.0
 * Judging, a table for each group of rules: what a policy does to a request, and the exact words.
 */
#include "base/clock.h"
#include "unit/policy/support.h"

/* Changes the sample; NULL: judge it as it is. */
typedef void change(struct sample *s);

struct judge_row {
    const char *name, *rules;
    change *change;
    const char *decision;
};

/* One policy "a" at line 3 with these rules. */
static void check_rows(const struct judge_row *rows, size_t count, bool messages)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        char text[2048];
        struct policy_set *set;
        struct sample s;
        const char *got;

        (void)snprintf(text, sizeof text, "version: 1\npolicies:\n  - {name: a, %s}\n",
                       rows[i].rules);
        set = set_of(text);
        sample_init(&s);
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

static void gpu(struct sample *s)
{
    s->request.flavor.value = VIEW("modelarts.vm.gpu.v100");
}

static void no_flavor(struct sample *s)
{
    s->request.flavor.set = false;
}

static void custom_only(struct sample *s)
{
    s->request.flavor.set = false;
    s->request.has_custom_spec = true;
}

static void custom_too(struct sample *s)
{
    s->request.has_custom_spec = true;
}

/* A right-to-left override among them: NOLINTBEGIN(misc-misleading-bidirectional) */
static void nasty_flavor(struct sample *s)
{
    s->request.flavor.value = VIEW("a\r\nX: \x1b[31m\xE2\x80\xAE\xC2\x85\xFF \xC3\xA4");
}
/* NOLINTEND(misc-misleading-bidirectional) */

static void long_flavor(struct sample *s)
{
    s->request.flavor.value =
        VIEW("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
             "5678901234567890123456789");
}

static const struct judge_row flavor_rows[] = {
    {"allowed", "flavors: {allow: [modelarts.kat1.xlarge]}", NULL, "allow"},
    {"allowed by a glob", "flavors: {allow: [x, \"modelarts.*\"]}", NULL, "allow"},
    {"not allowed: the contract's words", "flavors: {allow: [\"modelarts.vm.cpu.*\"]}", gpu,
     "refuse flavor.not_allowed by a (flavors.allow at p.yaml:3:32): flavor "
     "modelarts.vm.gpu.v100 is not allowed; allowed: modelarts.vm.cpu.*"},
    {"case counts", "flavors: {allow: [MODELARTS.kat1.xlarge]}", NULL,
     "refuse flavor.not_allowed by a (flavors.allow at p.yaml:3:32): flavor "
     "modelarts.kat1.xlarge is not allowed; allowed: MODELARTS.kat1.xlarge"},
    {"nothing is allowed", "flavors: {allow: []}", NULL,
     "refuse flavor.not_allowed by a (flavors.allow at p.yaml:3:32): flavor "
     "modelarts.kat1.xlarge is not allowed; allowed: none"},
    {"ten are named", "flavors: {allow: [a, b, c, d, e, f, g, h, i, j]}", gpu,
     "refuse flavor.not_allowed by a (flavors.allow at p.yaml:3:32): flavor "
     "modelarts.vm.gpu.v100 is not allowed; allowed: a, b, c, d, e, f, g, h, i, j"},
    {"more are counted", "flavors: {allow: [a, b, c, d, e, f, g, h, i, j, k, l]}", gpu,
     "refuse flavor.not_allowed by a (flavors.allow at p.yaml:3:32): flavor "
     "modelarts.vm.gpu.v100 is not allowed; allowed: a, b, c, d, e, f, g, h, i, j and 2 more"},
    {"denied", "flavors: {deny: [\"*gpu*\"]}", gpu,
     "refuse flavor.denied by a (flavors.deny at p.yaml:3:31): flavor modelarts.vm.gpu.v100 is "
     "denied; denied: *gpu*"},
    {"not denied", "flavors: {deny: [\"*gpu*\"]}", NULL, "allow"},
    {"deny wins", "flavors: {allow: [\"*\"], deny: [\"*gpu*\"]}", gpu,
     "refuse flavor.denied by a (flavors.deny at p.yaml:3:45): flavor modelarts.vm.gpu.v100 is "
     "denied; denied: *gpu*"},
    {"missing", "flavors: {allow: [x]}", no_flavor,
     "refuse flavor.missing by a (flavors.allow at p.yaml:3:32): flavor is missing; allowed: "
     "x"},
    {"missing where some are denied", "flavors: {deny: [x]}", no_flavor,
     "refuse flavor.missing by a (flavors.deny at p.yaml:3:31): flavor is missing"},
    {"contact", "contact: me@example.org, flavors: {allow: [x]}", no_flavor,
     "refuse flavor.missing by a (flavors.allow at p.yaml:3:57): flavor is missing; allowed: "
     "x"},
    {"a caller's text is made harmless", "flavors: {allow: [x]}", nasty_flavor,
     "refuse flavor.not_allowed by a (flavors.allow at p.yaml:3:32): flavor a??X: ?[31m??? "
     "\xC3\xA4 is not allowed; allowed: x"},
    {"a caller's text is cut", "flavors: {allow: [x]}", long_flavor,
     "refuse flavor.not_allowed by a (flavors.allow at p.yaml:3:32): flavor "
     "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
     "9"
     "012345... is not allowed; allowed: x"},
    {"custom_spec is no way past", "flavors: {allow: [\"*\"]}", custom_only,
     "refuse custom_spec.refused by a (custom_spec at p.yaml:3:24): custom_spec is not "
     "allowed; "
     "name a flavor instead"},
    {"nor beside a flavor", "flavors: {allow: [\"*\"]}", custom_too,
     "refuse custom_spec.refused by a (custom_spec at p.yaml:3:24): custom_spec is not "
     "allowed; "
     "name a flavor instead"},
    {"nor where some are denied", "flavors: {deny: [x]}", custom_only,
     "refuse custom_spec.refused by a (custom_spec at p.yaml:3:24): custom_spec is not "
     "allowed; "
     "name a flavor instead"},
    {"custom_spec allowed", "flavors: {allow: [x]}, custom_spec: allow", custom_only, "allow"},
    {"custom_spec refused alone", "custom_spec: refuse", custom_too,
     "refuse custom_spec.refused by a (custom_spec at p.yaml:3:28): custom_spec is not "
     "allowed; "
     "name a flavor instead"},
    {"custom_spec where nobody judges it", "workspaces: {allow: [\"0\"]}", custom_too, "allow"},
};

static void judges_flavors(void **state)
{

    (void)state;
    check_rows(flavor_rows, ARRAY_LEN(flavor_rows), true);
}

static void no_profile(struct sample *s)
{
    s->request.profile.set = false;
}

static void workspace_1(struct sample *s)
{
    s->request.workspace.value = VIEW("1");
}

static void no_workspace(struct sample *s)
{
    s->request.workspace.set = false;
}

static void pool_a(struct sample *s)
{
    s->request.has_pool = true;
    s->request.pool = (struct text_field){true, VIEW("pool-a")};
}

static void pool_b(struct sample *s)
{
    pool_a(s);
    s->request.pool.value = VIEW("pool-b");
}

static void pool_without_id(struct sample *s)
{
    s->request.has_pool = true;
}

static void pool_of_another_project(struct sample *s)
{
    pool_a(s);
    s->request.pool_owner = (struct text_field){true, VIEW("other")};
}

static void pool_of_this_project(struct sample *s)
{
    pool_a(s);
    s->request.pool_owner = (struct text_field){true, s->request.project};
}

static void long_name(struct sample *s)
{
    static char name[1025];

    memset(name, 'a', sizeof name);
    s->request.name.value = view_of(name, sizeof name);
}

static void longest_name(struct sample *s)
{
    long_name(s);
    s->request.name.value.len--;
}

static void no_name(struct sample *s)
{
    s->request.name.set = false;
}

static void judges_single_values(void **state)
{
    static const struct judge_row rows[] = {
        {"profile", "profiles: {allow: [\"Ascend-Power-Engine 1.0(python3)\"]}", NULL, "allow"},
        {"another profile", "profiles: {allow: [\"Ascend-Powered-Engine*\"]}", NULL,
         "refuse profile.not_allowed by a (profiles.allow at p.yaml:3:33): profile "
         "Ascend-Power-Engine 1.0(python3) is not allowed; allowed: Ascend-Powered-Engine*"},
        {"no profile", "profiles: {allow: [\"*\"]}", no_profile,
         "refuse profile.missing by a (profiles.allow at p.yaml:3:33): profile is missing; "
         "allowed: "
         "*"},
        {"this family has no image", "images: {allow: [x]}", NULL, "allow"},
        {"workspace", "workspaces: {allow: [\"0\"]}", NULL, "allow"},
        {"plain numbers are text", "workspaces: {allow: [0]}", NULL, "allow"},
        {"another workspace", "workspaces: {allow: [\"0\"]}", workspace_1,
         "refuse workspace.not_allowed by a (workspaces.allow at p.yaml:3:35): workspace 1 is not "
         "allowed; allowed: 0"},
        {"no workspace", "workspaces: {allow: [\"0\"]}", no_workspace,
         "refuse workspace.missing by a (workspaces.allow at p.yaml:3:35): workspace is missing; "
         "allowed: 0"},
        {"name", "name: {pattern: \"[a-z]+-d[0-9]{3}\"}", NULL, "allow"},
        {"another name", "name: {pattern: \"[a-z]+\"}", NULL,
         "refuse name.pattern by a (name.pattern at p.yaml:3:31): name notebook-d115 does not "
         "match "
         "[a-z]+"},
        {"no name", "name: {pattern: \"a\"}", no_name,
         "refuse name.missing by a (name.pattern at p.yaml:3:31): name is missing; it must match "
         "a"},
        {"name at the limit", "name: {pattern: \"a*\"}", longest_name, "allow"},
        {"name over the limit", "name: {pattern: \"a*\"}", long_name,
         "refuse name.pattern by a (name.pattern at p.yaml:3:31): name is longer than 1024 bytes"},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), true);
}

static void judges_pools(void **state)
{
    static const struct judge_row rows[] = {
        {"public", "pools: {public: true}", NULL, "allow"},
        {"a pool where any may be", "pools: {public: false}", pool_b, "allow"},
        {"no pool where one must be", "pools: {public: false}", NULL,
         "refuse pool.public_not_allowed by a (pools.public at p.yaml:3:31): a dedicated pool must "
         "be named; allowed: any"},
        {"public is false if left out", "pools: {allow: [pool-a]}", NULL,
         "refuse pool.public_not_allowed by a (pools.public at p.yaml:3:22): a dedicated pool must "
         "be named; allowed: pool-a"},
        {"pool", "pools: {allow: [pool-a]}", pool_a, "allow"},
        {"another pool", "pools: {allow: [pool-a], public: true}", pool_b,
         "refuse pool.not_allowed by a (pools.allow at p.yaml:3:30): pool pool-b is not allowed; "
         "allowed: pool-a"},
        {"only public", "pools: {allow: [], public: true}", pool_a,
         "refuse pool.not_allowed by a (pools.allow at p.yaml:3:30): pool pool-a is not allowed; "
         "allowed: none"},
        {"a pool without an id", "pools: {allow: [\"*\"], public: true}", pool_without_id,
         "refuse pool.id_missing by a (pools.allow at p.yaml:3:30): pool is missing; allowed: *"},
        {"owner", "pools: {allow: [pool-a]}", pool_of_this_project, "allow"},
        {"another owner", "pools: {allow: [pool-a]}", pool_of_another_project,
         "refuse pool.foreign_owner by a (pools.allow at p.yaml:3:30): the pool's owner other is "
         "not the project of this request"},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), true);
}

static void path(struct sample *s, struct view text)
{
    s->storages[0].path = (struct text_field){true, text};
    s->storages[0].obs_fault = obs_parse_path(text, &s->storages[0].obs);
    s->storages[0].has_obs = s->storages[0].obs_fault == OBS_OK;
}

static void evs(struct sample *s)
{
    s->storages[0] = (struct storage_request){.own = true,
                                              .type = VIEW("evs"),
                                              .has_size = true,
                                              .size_gb = 5,
                                              .pointer = "/spec/storage"};
}

static void evs_101(struct sample *s)
{
    evs(s);
    s->storages[0].size_gb = 101;
}

static void evs_100(struct sample *s)
{
    evs_101(s);
    s->storages[0].size_gb = 100;
}

static void evs_with_path(struct sample *s)
{
    path(s, VIEW("/other/x/"));
    s->storages[0].type = VIEW("evs");
}

static void no_type(struct sample *s)
{
    s->storages[0].type = VIEW_NONE;
}

static void no_path(struct sample *s)
{
    s->storages[0].path.set = s->storages[0].has_obs = false;
}

static void bad_path(struct sample *s)
{
    path(s, VIEW("/team-a/../x/"));
}

static void upper_obs_without_path(struct sample *s)
{
    no_path(s);
    s->storages[0].type = VIEW("OBSFS");
}

static void team_ab(struct sample *s)
{
    path(s, VIEW("/team-ab/x/"));
}

static void team_a(struct sample *s)
{
    path(s, VIEW("/team-a/x/y/"));
}

static void bucket_only(struct sample *s)
{
    s->storages[0] = (struct storage_request){.own = true,
                                              .type = VIEW("obsfs"),
                                              .path = {true, VIEW("team-a")},
                                              .has_obs = true,
                                              .obs = {VIEW("team-a"), VIEW("")},
                                              .pointer = "/spec/extend_storage/0"};
}

static void second_storage(struct sample *s)
{
    team_a(s);
    s->storages[1] = s->storages[0];
    s->storages[1].pointer = "/spec/extend_storage/0";
    s->storages[1].path.value = VIEW("/other/x/");
    assert_int_equal(obs_parse_path(s->storages[1].path.value, &s->storages[1].obs), OBS_OK);
    s->request.storage_count = 2;
}

static void no_storage(struct sample *s)
{
    s->request.storage_count = 0;
}

static const struct judge_row storage_rows[] = {
    {"type", "storage: {types: [obs, evs]}", evs, "allow"},
    {"another type", "storage: {types: [obs]}", evs,
     "refuse storage.type_not_allowed by a (storage.types at p.yaml:3:32): storage type evs is "
     "not allowed; allowed: obs"},
    {"no type", "storage: {types: [\"*\"]}", no_type,
     "refuse storage.type_missing by a (storage.types at p.yaml:3:32): the type of "
     "/spec/storage is missing; allowed: *"},
    {"no storage", "storage: {types: [obs]}", no_storage,
     "refuse storage.missing by a (storage at p.yaml:3:32): storage is missing; allowed: obs"},
    {"no storage where only size counts", "storage: {max_size_gb: 1}", no_storage, "allow"},
    {"size", "storage: {max_size_gb: 100}", evs_100, "allow"},
    {"too large", "storage: {max_size_gb: 100}", evs_101,
     "refuse storage.too_large by a (storage.max_size_gb at p.yaml:3:38): a volume of 101 GB "
     "is "
     "too large; allowed: up to 100 GB"},
    {"no size is the documented default", "storage: {max_size_gb: 4}", evs,
     "refuse storage.too_large by a (storage.max_size_gb at p.yaml:3:38): a volume of 5 GB is "
     "too large; allowed: up to 4 GB"},
    {"the default fits", "storage: {max_size_gb: 5}", evs, "allow"},
    {"obs has no size", "storage: {max_size_gb: 1}", NULL, "allow"},
    {"prefix", "storage: {obs_prefixes: [/team-a/]}", team_a, "allow"},
    {"final slash is optional", "storage: {obs_prefixes: [/team-a]}", team_a, "allow"},
    {"whole segments", "storage: {obs_prefixes: [/team-a, /team-a/]}", team_ab,
     "refuse obs.prefix_not_allowed by a (storage.obs_prefixes at p.yaml:3:39): OBS path "
     "/team-ab/x/ is not allowed; allowed below: /team-a, /team-a/"},
    {"glob", "storage: {obs_prefixes: [\"/team-*/x/\"]}", team_a, "allow"},
    {"another glob", "storage: {obs_prefixes: [\"/team-*/y/\"]}", team_ab,
     "refuse obs.prefix_not_allowed by a (storage.obs_prefixes at p.yaml:3:39): OBS path "
     "/team-ab/x/ is not allowed; allowed below: /team-*/y/"},
    {"a bucket", "storage: {obs_prefixes: [/team-a/]}", bucket_only, "allow"},
    {"a bucket above the prefix", "storage: {obs_prefixes: [/team-a/x/]}", bucket_only,
     "refuse obs.prefix_not_allowed by a (storage.obs_prefixes at p.yaml:3:39): OBS path "
     "team-a "
     "is not allowed; allowed below: /team-a/x/"},
    {"the second storage", "storage: {obs_prefixes: [/team-a/]}", second_storage,
     "refuse obs.prefix_not_allowed by a (storage.obs_prefixes at p.yaml:3:39): OBS path "
     "/other/x/ is not allowed; allowed below: /team-a/"},
    {"evs has no path", "storage: {obs_prefixes: [/team-a/]}", evs, "allow"},
    {"a path is judged whatever the type", "storage: {obs_prefixes: [/team-a/]}", evs_with_path,
     "refuse obs.prefix_not_allowed by a (storage.obs_prefixes at p.yaml:3:39): OBS path "
     "/other/x/ is not allowed; allowed below: /team-a/"},
    {"no path", "storage: {obs_prefixes: [/team-a/]}", no_path,
     "refuse obs.path_missing by a (storage.obs_prefixes at p.yaml:3:39): the OBS path of "
     "/spec/storage is missing; allowed: /team-a/"},
    {"no path, other case", "storage: {obs_prefixes: [/team-a/]}", upper_obs_without_path,
     "refuse obs.path_missing by a (storage.obs_prefixes at p.yaml:3:39): the OBS path of "
     "/spec/storage is missing; allowed: /team-a/"},
    {"an unreadable path", "storage: {obs_prefixes: [/team-a/]}", bad_path,
     "refuse obs.path_unreadable by a (storage.obs_prefixes at p.yaml:3:39): OBS path "
     "/team-a/../x/ may not hold a segment \".\" or \"..\"; allowed below: /team-a/"},
    {"nobody judges paths", "storage: {types: [obs]}", bad_path, "allow"},
    {"no prefix is allowed", "storage: {obs_prefixes: []}", NULL,
     "refuse obs.prefix_not_allowed by a (storage.obs_prefixes at p.yaml:3:39): OBS path "
     "/aaaaaaaaa/output/ is not allowed; allowed below: none"},
};

static void judges_storage(void **state)
{

    (void)state;
    check_rows(storage_rows, ARRAY_LEN(storage_rows), true);
}

static void shared_alice(struct sample *s)
{
    path(s, VIEW("/shared/alice/x/"));
}

static void shared_dotted(struct sample *s)
{
    path(s, VIEW("/shared/a.b/x/"));
    s->subject.user_name = VIEW("a.b");
}

static void named_star(struct sample *s)
{
    path(s, VIEW("/shared/bob/x/"));
    s->subject.user_name = VIEW("*");
}

static void named_dot(struct sample *s)
{
    path(s, VIEW("/shared/bob/x/"));
    s->subject.user_name = VIEW(".a");
}

static void named_end_dot(struct sample *s)
{
    path(s, VIEW("/shared/bob/x/"));
    s->subject.user_name = VIEW("a.");
}

static void named_path(struct sample *s)
{
    path(s, VIEW("/shared/a/b/"));
    s->subject.user_name = VIEW("a/b");
}

static void named_nothing(struct sample *s)
{
    path(s, VIEW("/shared/x/"));
    s->subject.user_name = VIEW("");
}

static void named_by_nobody(struct sample *s)
{
    shared_alice(s);
    s->subject.known &= ~(unsigned)SUBJECT_USER;
}

static void evs_of_nobody(struct sample *s)
{
    named_by_nobody(s);
    evs(s);
}

static void under_project(struct sample *s)
{
    path(s, VIEW("/shared/0123456789abcdef0123456789abcdef/x/"));
    s->subject.known = 0;
}

static void under_project_name(struct sample *s)
{
    path(s, VIEW("/shared/eu-de_ml/"));
}

static void under_another_projects_name(struct sample *s)
{
    under_project_name(s);
    s->subject.project_id = VIEW("other");
}

static void under_user_id(struct sample *s)
{
    path(s, VIEW("/shared/u-1-alice/"));
}

static void fills_placeholders(void **state)
{
#define FILLED(prefix) "storage: {obs_prefixes: [\"" prefix "\"]}"
#define BAD(name)                                                                                  \
    "refuse obs.placeholder by a (storage.obs_prefixes at p.yaml:3:39): ${" name                   \
    "} cannot be filled for this caller; it needs to be known and to consist of letters, digits, " \
    "'_', '-' and '.' inside"
    static const struct judge_row rows[] = {
        {"user", FILLED("/shared/${user.name}/"), shared_alice, "allow"},
        {"another user", FILLED("/shared/${user.id}/"), shared_alice,
         "refuse obs.prefix_not_allowed by a (storage.obs_prefixes at p.yaml:3:39): OBS path "
         "/shared/alice/x/ is not allowed; allowed below: /shared/u-1/"},
        {"dot inside", FILLED("/shared/${user.name}/"), shared_dotted, "allow"},
        {"star", FILLED("/shared/${user.name}/"), named_star, BAD("user.name")},
        {"dot in front", FILLED("/shared/${user.name}/"), named_dot, BAD("user.name")},
        {"dot at the end", FILLED("/shared/${user.name}/"), named_end_dot, BAD("user.name")},
        {"slash", FILLED("/shared/${user.name}/"), named_path, BAD("user.name")},
        {"empty", FILLED("/shared/${user.name}/"), named_nothing, BAD("user.name")},
        {"unknown", FILLED("/shared/${user.name}/"), named_by_nobody, BAD("user.name")},
        {"unknown, but another prefix fits",
         "storage: {obs_prefixes: [/shared, \"/x-${user.id}/\"]}", named_by_nobody, BAD("user.id")},
        {"unknown, but no path is judged", FILLED("/shared/${user.name}/"), evs_of_nobody, "allow"},
        {"project", FILLED("/shared/${project.id}/"), under_project, "allow"},
        {"project's name", FILLED("/shared/${project.name}/"), under_project_name, "allow"},
        {"another project's name", FILLED("/shared/${project.name}/"), under_another_projects_name,
         BAD("project.name")},
        {"two", FILLED("/shared/${user.id}-${user.name}"), under_user_id, "allow"},
        {"with a glob", FILLED("/*/${user.name}"), shared_alice, "allow"},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), true);
}

static void stop(struct sample *s, int64_t seconds)
{
    s->stops[0].duration_ms = seconds == INT64_MAX ? INT64_MAX : seconds * 1000;
}

static void stop_1h(struct sample *s)
{
    stop(s, 3600);
}

static void stop_4h(struct sample *s)
{
    stop(s, 4L * 3600);
}

static void stop_over_4h(struct sample *s)
{
    stop(s, 4L * 3600 + 1);
}

static void stop_under_1h(struct sample *s)
{
    stop(s, 3599);
}

static void stop_never(struct sample *s)
{
    stop(s, -1);
}

static void stop_zero(struct sample *s)
{
    stop(s, 0);
}

static void stop_huge(struct sample *s)
{
    stop(s, INT64_MAX);
}

static void stop_missing(struct sample *s)
{
    s->request.stop_count = 0;
}

static void stop_off(struct sample *s)
{
    s->stops[0].enable = false;
}

static void stop_open(struct sample *s)
{
    s->stops[0].has_duration = false;
}

static void stray(struct sample *s)
{
    s->stops[0].misplaced = true;
    s->stops[0].pointer = "/auto_stop";
}

static void stray_long(struct sample *s)
{
    stray(s);
    stop(s, 5L * 3600);
}

static void stray_short(struct sample *s)
{
    stray(s);
    stop(s, 60);
}

static void stray_off(struct sample *s)
{
    s->stops[1] = s->stops[0];
    s->stops[1].misplaced = true;
    s->stops[1].enable = false;
    s->request.stop_count = 2;
}

#define ALL  "auto_stop: {required: true, default: 1h, min: 1h, max: 4h}"
#define ASK  "auto_stop: {required: true, on_missing: refuse, default: 1h, max: 4h}"
#define MAX  "auto_stop: {max: 4h}"
#define HARD "auto_stop: {max: 4h, over_max: refuse}"

static const struct judge_row stop_rows[] = {
    {"as it is", ALL, stop_1h, "allow"},
    {"at max", ALL, stop_4h, "allow"},
    {"over max", ALL, stop_over_4h, "rewrite cap 14400 by a"},
    {"below min", ALL, stop_under_1h,
     "refuse auto_stop.below_min by a (auto_stop.min at p.yaml:3:61): auto_stop of 3599s is "
     "too "
     "short; allowed: from 1h"},
    {"missing", ALL, stop_missing, "rewrite default 3600 by a"},
    {"off", ALL, stop_off, "rewrite set 3600 by a"},
    {"without an end", ALL, stop_open, "rewrite set 3600 by a"},
    {"-1", ALL, stop_never, "rewrite set 3600 by a"},
    {"0", ALL, stop_zero, "rewrite set 3600 by a"},
    {"huge", ALL, stop_huge, "rewrite cap 14400 by a"},
    {"missing, refused", ASK, stop_missing,
     "refuse auto_stop.required by a (auto_stop.required at p.yaml:3:37): auto_stop is "
     "missing, "
     "but required; allowed: up to 4h"},
    {"off, refused", ASK, stop_off,
     "refuse auto_stop.required by a (auto_stop.required at p.yaml:3:37): auto_stop is off or "
     "without an end, but required; allowed: up to 4h"},
    {"missing, required, only max", "auto_stop: {required: true, max: 4h}", stop_missing,
     "rewrite cap 14400 by a"},
    {"off, required, only max", "auto_stop: {required: true, max: 4h}", stop_off,
     "rewrite set 14400 by a"},
    {"missing, only max", MAX, stop_missing, "rewrite cap 14400 by a"},
    {"off, only max", MAX, stop_off, "rewrite set 14400 by a"},
    {"over, only max", MAX, stop_over_4h, "rewrite cap 14400 by a"},
    {"missing, max and default", "auto_stop: {max: 4h, default: 2h}", stop_missing,
     "rewrite default 7200 by a"},
    {"over max is refused", HARD, stop_over_4h,
     "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop of 14401s is "
     "too "
     "long; allowed: up to 4h"},
    {"huge is refused", HARD, stop_huge,
     "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop of a very long "
     "time is too long; allowed: up to 4h"},
    {"missing exceeds every max", HARD, stop_missing,
     "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop is missing, so "
     "the instance would never stop; allowed: up to 4h"},
    {"off exceeds every max", HARD, stop_off,
     "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop is off or "
     "without an end, so the instance would never stop; allowed: up to 4h"},
    {"missing is set where it is required, also with a hard max",
     "auto_stop: {required: true, default: 1h, max: 4h, over_max: refuse}", stop_missing,
     "rewrite default 3600 by a"},
    {"missing, only a default", "auto_stop: {default: 1h}", stop_missing,
     "rewrite default 3600 by a"},
    {"off, only a default", "auto_stop: {default: 1h}", stop_off, "allow"},
    {"missing, only a min", "auto_stop: {min: 1h}", stop_missing, "allow"},
    {"misplaced does not satisfy", ALL, stray, "rewrite default 3600 by a"},
    {"misplaced does not satisfy a max", MAX, stray, "rewrite cap 14400 by a"},
    {"misplaced can offend", HARD, stray_long,
     "refuse auto_stop.over_max by a (auto_stop.max at p.yaml:3:32): auto_stop is missing, so "
     "the instance would never stop; allowed: up to 4h, auto_stop.over_max by a (auto_stop.max "
     "at p.yaml:3:32): auto_stop of 5h is too long; allowed: up to 4h"},
    {"misplaced can be too short", "auto_stop: {min: 1h}", stray_short,
     "refuse auto_stop.below_min by a (auto_stop.min at p.yaml:3:32): auto_stop of 1m is too "
     "short; allowed: from 1h"},
    {"misplaced off offends", ALL, stray_off, "rewrite set 3600 by a"},
};

static void judges_auto_stop(void **state)
{

    (void)state;
    check_rows(stop_rows, ARRAY_LEN(stop_rows), true);
}

static void owner(struct sample *s)
{
    s->annotations[0] = (struct pair){VIEW("owner"), VIEW("alice")};
    s->request.annotation_count = 1;
}

static void empty_owner(struct sample *s)
{
    owner(s);
    s->annotations[0].value = VIEW("");
}

static void stray_owner(struct sample *s)
{
    s->strays[0] = (struct pair){VIEW("owner"), VIEW("alice")};
    s->request.stray_annotation_count = 1;
}

static void stray_other_owner(struct sample *s)
{
    owner(s);
    s->strays[0] = (struct pair){VIEW("owner"), VIEW("bob")};
    s->request.stray_annotation_count = 1;
}

static void judges_annotations(void **state)
{
#define REQUIRE_OWNER "workspaces: {allow: [\"0\"]}, annotations: {require: [owner]}"
#define SET_OWNER     "workspaces: {allow: [\"0\"]}, annotations: {set: {owner: alice, b: x}}"
    static const struct judge_row rows[] = {
        {"there", REQUIRE_OWNER, owner, "allow"},
        {"missing", REQUIRE_OWNER, NULL,
         "refuse annotation.missing by a (annotations.require at p.yaml:3:67): annotation owner is "
         "missing or empty; it must be set"},
        {"empty", REQUIRE_OWNER, empty_owner,
         "refuse annotation.missing by a (annotations.require at p.yaml:3:67): annotation owner is "
         "missing or empty; it must be set"},
        {"misplaced does not satisfy", REQUIRE_OWNER, stray_owner,
         "refuse annotation.missing by a (annotations.require at p.yaml:3:67): annotation owner is "
         "missing or empty; it must be set"},
        {"glob", "workspaces: {allow: [\"0\"]}, annotations: {require: [\"own*\"]}", owner,
         "allow"},
        {"set", SET_OWNER, NULL, "rewrite set b=x by a, set owner=alice by a"},
        {"set what is there", SET_OWNER, owner, "rewrite set b=x by a"},
        {"set what is empty", SET_OWNER, empty_owner, "rewrite set b=x by a, set owner=alice by a"},
        {"misplaced does not satisfy set", SET_OWNER, stray_owner,
         "rewrite set b=x by a, set owner=alice by a"},
        {"misplaced offends set", SET_OWNER, stray_other_owner,
         "rewrite set b=x by a, set owner=alice by a"},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_flavors),     cmocka_unit_test(judges_single_values),
        cmocka_unit_test(judges_pools),       cmocka_unit_test(judges_storage),
        cmocka_unit_test(fills_placeholders), cmocka_unit_test(judges_auto_stop),
        cmocka_unit_test(judges_annotations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
