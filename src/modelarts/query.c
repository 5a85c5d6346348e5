/* SPDX-License-Identifier: Apache-2.0
 * The judged query, pair by pair. */
#include "modelarts/query.h"

#include "base/number.h"
#include "modelarts/unicode.h"

enum { SHOWN_MAX = 64 };

static void fault_twice(struct faults *faults, const char *name)
{
    faults_say(faults, MODELARTS_QUERY, "the query names %s twice; name it once", name);
}

static void read_duration(struct view text, struct faults *faults, struct stop_query *query)
{
    if (query->has_duration)
        fault_twice(faults, "duration");
    else if (!num_parse_i64(text, INT64_MIN, INT64_MAX, &query->duration_ms))
        faults_say(faults, MODELARTS_QUERY,
                   "duration of the query needs to be milliseconds: digits without a leading zero, "
                   "perhaps behind a '-'");
    query->has_duration = true;
}

static bool is_word(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if ((c < 'A' || c > 'Z') && (c < 'a' || c > 'z'))
            return false;
    }
    return text.len > 0;
}

static void read_type(struct view text, struct faults *faults, struct stop_query *query)
{
    if (query->type.ptr != NULL)
        fault_twice(faults, "type");
    else if (!is_word(text))
        faults_say(faults, MODELARTS_QUERY, "type of the query needs to be letters");
    query->type = text;
}

static void read_pair(struct view pair, struct faults *faults, struct stop_query *query)
{
    struct view name = view_of(pair.ptr, view_find(pair, '='));
    struct view value = view_from(pair, name.len < pair.len ? name.len + 1 : name.len);
    /* Never a value: what isn't asked for may be a token. */
    struct view shown = name.len < pair.len ? utf8_cut(name, SHOWN_MAX) : VIEW("a word alone");

    if (name.len < pair.len && view_eq(name, VIEW("duration")))
        read_duration(value, faults, query);
    else if (name.len < pair.len && view_eq(name, VIEW("type")))
        read_type(value, faults, query);
    else
        faults_say(faults, MODELARTS_QUERY,
                   "the query of this call may hold duration=NUMBER and type=WORD, joined by '&', "
                   "and nothing else; \"%.*s\" is neither",
                   VIEW_ARGS(shown));
}

struct stop_query query_read(struct view text, struct faults *faults)
{
    struct stop_query query = {0};
    bool more = text.len > 0;

    while (more && !faults_full(faults)) {
        struct view pair = view_of(text.ptr, view_find(text, '&'));

        more = pair.len < text.len;
        text = view_from(text, more ? pair.len + 1 : pair.len);
        read_pair(pair, faults, &query);
    }
    return query;
}

void query_write(const struct stop_query *query, struct buf *out)
{
    if (query->has_duration)
        buf_printf(out, "duration=%lld", (long long)query->duration_ms);
    if (query->type.ptr == NULL)
        return;
    buf_add_str(out, query->has_duration ? "&type=" : "type=");
    buf_add(out, query->type);
}
