/* SPDX-License-Identifier: Apache-2.0
 * Policies and requests that a seed decides. */
#include "unit/policy/random.h"

unsigned random_next(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

static const char *pick(unsigned *seed, const char *const *words, size_t count)
{
    return words[random_next(seed) % count];
}

static const char *const times[] = {"30m", "1h", "2h", "3h", "8h"};

/* "auto_stop: {...}", valid by itself. */
static void random_stop(unsigned *seed, struct buf *out)
{
    unsigned low = random_next(seed) % 3, high = low + random_next(seed) % (5 - low);
    bool has_min = random_next(seed) % 2 == 0, has_max = random_next(seed) % 3 > 0;
    bool has_default = random_next(seed) % 2 == 0 || !(has_min || has_max);

    buf_add_str(out, "    auto_stop: {");
    if (random_next(seed) % 3 == 0)
        buf_add_str(out,
                    random_next(seed) % 2 == 0 ? "types: [timing, idle], " : "types: [idle], ");
    if (has_min)
        buf_printf(out, "min: %s, ", times[low]);
    if (has_max)
        buf_printf(out, "max: %s, over_max: %s, ", times[high],
                   random_next(seed) % 4 == 0 ? "refuse" : "cap");
    if (has_default)
        buf_printf(out, "default: %s, ", times[low + random_next(seed) % (high - low + 1)]);
    if (has_default || has_max)
        buf_printf(out, "required: %s", random_next(seed) % 2 == 0 ? "true" : "false");
    buf_add_str(out, "}\n");
}

static void random_match(unsigned *seed, struct buf *out)
{
    static const char *const matches[] = {
        "",
        "    match: {users: [alice]}\n",
        "    match: {groups: [team-a]}\n",
        "    match: {roles: [\"te*\", x]}\n",
        "    match: {projects: [\"0*\"]}\n",
        "    match: {users: [bob]}\n",
        "    match: {domains: [acme], operations: [create]}\n",
        "    match: {user_ids: [u-1], families: [demanager]}\n",
        "    match: {operations: [change, notebooks.start]}\n",
        "    match: {families: [notebooks], groups: [team-a]}\n",
    };

    buf_add_str(out, pick(seed, matches, ARRAY_LEN(matches)));
}

static void random_quotas(unsigned *seed, unsigned no, struct buf *out)
{
    static const char *const more[] = {"limit: 3", "limit: 0, flavors: [\"*cpu*\"], per: [user]",
                                       "limit: 2, counts: running, families: [notebooks]",
                                       "hours: 9, window: 1d, pools: [p]"};
    unsigned count = 1 + random_next(seed) % 2;

    buf_add_str(out, "    quotas:\n");
    for (unsigned i = 0; i < count; i++)
        buf_printf(out, "      - {name: q%u-%u, %s}\n", i, no, pick(seed, more, ARRAY_LEN(more)));
}

void random_policy(unsigned *seed, unsigned no, struct buf *out)
{
    static const char *const modes[] = {"enforce", "enforce", "enforce", "warn", "observe"};
    static const char *const rules[] = {
        "    flavors: {allow: [\"*kat1*\"], deny: [\"*gpu*\"]}\n",
        "    storage: {types: [obs, evs], obs_prefixes: [/aaaaaaaaa, \"/x-${user.id}\"]}\n",
        "    workspaces: {allow: [\"0\"]}\n",
        "    pools: {allow: [pool-a], public: true}\n",
        "    name: {pattern: \"[a-z0-9-]+\"}\n",
        "    profiles: {allow: [\"*python3*\"]}\n",
        "    images: {allow: [\"i-*\"]}\n",
        "    custom_spec: refuse\n",
        "    hooks: refuse\n",
        "    allowed_access_ips: {allow: [10.0.0.0/8]}\n",
    };
    static const char *const values[] = {"x", "y"};

    buf_printf(out, "  - name: p%u\n    mode: %s\n", no, pick(seed, modes, ARRAY_LEN(modes)));
    random_match(seed, out);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (random_next(seed) % 4 == 0)
            buf_add_str(out, rules[i]);
    }
    if (random_next(seed) % 2 == 0)
        random_stop(seed, out);
    if (random_next(seed) % 3 == 0)
        random_quotas(seed, no, out);
    if (random_next(seed) % 3 == 0)
        buf_printf(out, "    annotations: {set: {k%u: %s}%s}\n", random_next(seed) % 3,
                   pick(seed, values, 2), random_next(seed) % 4 == 0 ? ", require: [owner]" : "");
}

static void random_exception(unsigned *seed, unsigned no, unsigned policies, struct buf *out)
{
    static const char *const gives[] = {
        "lift: [auto_stop]",
        "lift: [annotations]",
        "lift: [quotas]",
        "lift: [quotas, auto_stop]",
        "lift: [flavors, auto_stop]",
        "lift: [auto_stop, annotations]",
        "lift: [\"*\"]",
        "allow: {flavors: [\"*cpu*\"]}",
        "allow: {flavors: [\"*\"], storage: {obs_prefixes: [/other]}}, lift: [name]",
    };
    static const char *const matches[] = {"users: [alice]", "groups: [\"team*\"]", "users: [bob]"};

    buf_printf(out, "  - {name: e%u, policy: p%u, match: {%s}, %s, expires: 2026-12-31}\n", no,
               random_next(seed) % policies, pick(seed, matches, ARRAY_LEN(matches)),
               pick(seed, gives, ARRAY_LEN(gives)));
}

static void keep(struct buf *from, char *to)
{
    assert_int_equal(from->failed, STATUS_OK);
    memcpy(to, from->ptr == NULL ? "" : from->ptr, from->len);
    to[from->len] = '\0';
    buf_clear(from);
}

void random_pieces(unsigned *seed, struct pieces *ret)
{
    unsigned exceptions = random_next(seed) % 4;
    struct buf out;

    buf_init(&out, TEXT_BYTES - 1);
    ret->count = 1 + random_next(seed) % POLICIES_MAX;
    for (unsigned i = 0; i < ret->count; i++) {
        random_policy(seed, i, &out);
        keep(&out, ret->policies[i]);
    }
    for (unsigned i = 0; i < exceptions; i++)
        random_exception(seed, i, ret->count, &out);
    keep(&out, ret->exceptions);
    buf_done(&out);
}

void write_pieces(const struct pieces *pieces, unsigned turn, unsigned file, struct buf *out)
{
    buf_add_str(out, "version: 1\npolicies:\n");
    for (unsigned i = 0; i < POLICIES_MAX; i++) {
        unsigned at = (i * 3 + turn) % POLICIES_MAX; /* every one once: 3 and 5 are coprime */

        if (at < pieces->count && (at + turn) % 2 == file)
            buf_add_str(out, pieces->policies[at]);
    }
    if (file != turn % 2 || pieces->exceptions[0] == '\0')
        return;
    buf_add_str(out, "exceptions:\n");
    buf_add_str(out, pieces->exceptions);
}

/* Also copies that differ, which the API's room refuses. Where there is one member only, as in
 * notebooks, nothing says `enable`. */
static void random_stops(unsigned *seed, struct sample *s)
{
    static const int64_t times_ms[] = {-1,      0,       60000,    1800000,  3600000,  3600001,
                                       7199999, 7200000, 10800000, 36000000, 90000000, INT64_MAX};
    bool single = s->request.op->family == FAMILY_NOTEBOOKS;

    s->request.stop_count = random_next(seed) % (single ? 2 : 3);
    for (size_t i = 0; i < s->request.stop_count; i++) {
        bool says = !single && random_next(seed) % 3 > 0;

        s->stops[i] =
            (struct stop_request){.misplaced = i > 0 || (!single && random_next(seed) % 5 == 0),
                                  .has_enable = says,
                                  .enable = !says || random_next(seed) % 5 > 0,
                                  .has_duration = single || random_next(seed) % 5 > 0,
                                  .duration_ms = times_ms[random_next(seed) % ARRAY_LEN(times_ms)],
                                  .pointer = "/stop"};
    }
    if (single && random_next(seed) % 4 == 0)
        s->request.stop_type =
            (struct text_field){true, random_next(seed) % 2 == 0 ? VIEW("IDLE") : VIEW("timing")};
    if (s->request.op->id == OP_NOTEBOOKS_LEASE)
        s->request.lease_elapsed_ms = (int64_t)(random_next(seed) % 12) * 1799999;
}

static void random_labels(unsigned *seed, struct sample *s)
{
    if (random_next(seed) % 2 == 0)
        s->annotations[s->request.annotation_count++] = (struct pair){VIEW("owner"), VIEW("me")};
    if (random_next(seed) % 3 == 0)
        s->annotations[s->request.annotation_count++] = (struct pair){VIEW("k1"), VIEW("x")};
    if (random_next(seed) % 4 == 0)
        s->strays[s->request.stray_annotation_count++] = (struct pair){VIEW("k1"), VIEW("y")};
}

static const struct operation *random_operation(unsigned *seed)
{
    for (;;) {
        const struct operation *op = &operations[random_next(seed) % OP_COUNT];

        if (operation_is_judged(op))
            return op;
    }
}

void random_request(unsigned *seed, struct sample *s)
{
    sample_init(s);
    sample_as(s, random_operation(seed)->id);
    if (random_next(seed) % 4 == 0)
        s->request.flavor = (struct text_field){true, VIEW("modelarts.vm.cpu.2u")};
    if (random_next(seed) % 6 == 0)
        s->subject.known = random_next(seed) % 32;
    if (random_next(seed) % 3 == 0)
        s->request.storage_count = 1;
    s->request.has_hooks = random_next(seed) % 6 == 0;
    s->request.has_custom_spec = random_next(seed) % 8 == 0;
    if (random_next(seed) % 4 == 0)
        sample_endpoint(s, random_next(seed) % 2 == 0,
                        random_next(seed) % 2 == 0 ? "10.0.0.1" : "192.0.2.1");
    random_stops(seed, s);
    if (s->request.op->family == FAMILY_DEMANAGER)
        random_labels(seed, s);
}
