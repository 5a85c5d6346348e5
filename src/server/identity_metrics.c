/* SPDX-License-Identifier: Apache-2.0
 * What the server says of IAM, of the OpenID provider and of its callers' keys. */
#include "base/clock.h"
#include "server/internal.h"

struct series {
    const char *name, *labels, *type;
    const char *help; /* NULL: it belongs to the one before */
    uint64_t value;
};

static void print(struct buf *out, const struct series *series, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct series *one = &series[i];

        if (one->help != NULL)
            buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", one->name, one->help, one->name,
                       one->type);
        buf_printf(out, "%s%s %llu\n", one->name, one->labels, (unsigned long long)one->value);
    }
}

/* 0: it answers. While it is away at least 1, also where the clock was set back since. */
static uint64_t away_s(int64_t since_us)
{
    int64_t passed_s = (clock_now_us() - since_us) / 1000000;

    if (since_us == 0)
        return 0;
    return passed_s < 1 ? 1 : (uint64_t)passed_s;
}

static void print_iam(struct iam *iam, struct buf *out)
{
    struct iam_state state;

    iam_get_state(iam, &state);
    {
        const struct series series[] = {
            {"postern_iam_lookups_total", "", "counter", "Tokens that IAM was asked about.",
             state.lookups},
            {"postern_iam_hits_total", "", "counter", "Tokens that were known without asking.",
             state.hits},
            {"postern_iam_failures_total", "", "counter", "Look-ups without an answer to go by.",
             state.failures},
            {"postern_iam_away_seconds", "", "gauge",
             "How long IAM has not answered, 0 if it answers.", away_s(state.away_since_us)},
            {"postern_iam_cache_entries", "", "gauge", "Tokens of which IAM's answer is kept.",
             state.entries},
            {"postern_iam_waiting", "", "gauge", "Requests that wait for IAM.", state.waiting},
        };

        print(out, series, ARRAY_LEN(series));
    }
}

static void print_jwks(struct jwks_source *source, struct buf *out)
{
    struct jwks_state state;

    jwks_source_get_state(source, &state);
    {
        const struct series series[] = {
            {"postern_jwks_fetches_total", "{result=\"good\"}", "counter",
             "Questions for the OpenID provider's keys.", state.fetches - state.failures},
            {"postern_jwks_fetches_total", "{result=\"failed\"}", "counter", NULL, state.failures},
            {"postern_jwks_away_seconds", "", "gauge",
             "How long its keys could not be fetched, 0 if the last time was well.",
             away_s(state.away_since_us)},
            {"postern_jwks_keys", "", "gauge", "Keys of the OpenID provider in use.", state.keys},
        };

        print(out, series, ARRAY_LEN(series));
    }
}

static void print_keys(struct server *s, struct buf *out)
{
    struct identity_sources *sources = source_slot_get(&s->shared.sources);
    size_t count = sources == NULL || sources->keys == NULL ? 0 : access_keys_count(sources->keys);
    const struct series series[] = {
        {"postern_access_keys", "", "gauge", "Access keys of callers that are known.", count},
        {"postern_replay_entries", "", "gauge", "Signatures that must not come again.",
         replay_count(s->shared.replay)},
    };

    print(out, series, ARRAY_LEN(series));
    sources_unref(&sources);
}

void server_print_identity(struct server *s, struct buf *out)
{
    if (s->shared.iam != NULL)
        print_iam(s->shared.iam, out);
    if (s->shared.jwks_source != NULL)
        print_jwks(s->shared.jwks_source, out);
    if (s->shared.replay != NULL)
        print_keys(s, out);
}

static void write_since(struct jwriter *w, const char *key, int64_t us)
{
    char text[CLOCK_TEXT_BYTES];

    if (us != 0)
        jwriter_member_text(w, key, clock_format(us, text));
}

static void write_iam(struct iam *iam, struct jwriter *w)
{
    struct iam_state state;

    iam_get_state(iam, &state);
    jwriter_key(w, "iam");
    jwriter_open_object(w);
    write_since(w, "away_since", state.away_since_us);
    jwriter_member_int(w, "lookups", (int64_t)state.lookups);
    jwriter_member_int(w, "failures", (int64_t)state.failures);
    jwriter_member_int(w, "cached", (int64_t)state.entries);
    jwriter_member_int(w, "waiting", (int64_t)state.waiting);
    jwriter_close_object(w);
}

static void write_jwks(struct jwks_source *source, struct jwriter *w)
{
    struct jwks_state state;

    jwks_source_get_state(source, &state);
    jwriter_key(w, "jwks");
    jwriter_open_object(w);
    write_since(w, "fetched", state.fetched_us);
    write_since(w, "away_since", state.away_since_us);
    jwriter_member_int(w, "keys", (int64_t)state.keys);
    jwriter_close_object(w);
}

void server_write_identity(struct server *s, struct jwriter *w)
{
    jwriter_key(w, "identity");
    jwriter_open_object(w);
    if (s->shared.iam != NULL)
        write_iam(s->shared.iam, w);
    if (s->shared.jwks_source != NULL)
        write_jwks(s->shared.jwks_source, w);
    jwriter_close_object(w);
}

const char *server_identity_away(struct server *s)
{
    struct iam_state iam = {0};
    struct jwks_state jwks = {0};

    if (s->shared.iam != NULL)
        iam_get_state(s->shared.iam, &iam);
    if (iam.away_since_us != 0)
        return "IAM does not answer, tokens that are not known yet are refused";
    if (s->shared.jwks_source == NULL)
        return NULL;
    jwks_source_get_state(s->shared.jwks_source, &jwks);
    if (jwks.away_since_us == 0)
        return NULL;
    return jwks.fetched_us == 0 ? "the OpenID provider's keys were not fetched yet, its tokens are "
                                  "refused"
                                : "the OpenID provider's keys can't be fetched, those fetched last "
                                  "are in use";
}
