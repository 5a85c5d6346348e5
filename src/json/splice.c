/* SPDX-License-Identifier: Apache-2.0
 * Edits become cuts: at a place, so many bytes go and others come. The cuts are sorted by place and
 * the document is copied around them. */
#include "json/splice.h"

#include "json/write.h"

struct cut {
    uint32_t from, to; /* bytes that go */
    const struct jsplice *edit;
};

static jref last_child(const struct jdoc *doc, jref v)
{
    jref last = JREF_NONE;

    JDOC_EACH(doc, v, child)
    last = child;
    return last;
}

/* An append stands right behind the last member, or behind the brace of an empty object: no other
 * edit can want the same place but one to the same object. */
static struct cut cut_of(const struct jdoc *doc, const struct jsplice *edit)
{
    const struct jvalue *v = &doc->values[edit->at];
    uint32_t place;

    if (edit->op == JSPLICE_REPLACE)
        return (struct cut){v->start, v->end, edit};
    place = v->count == 0 ? v->start + 1 : doc->values[last_child(doc, edit->at)].end;
    return (struct cut){place, place, edit};
}

static bool is_possible(const struct jdoc *doc, const struct jsplice *edit)
{
    return edit->at < doc->count &&
           (edit->op == JSPLICE_REPLACE || doc->values[edit->at].kind == JKIND_OBJECT);
}

/* Keeps the order of cuts at one place. */
static void insert_sorted(struct cut *cuts, size_t count, struct cut cut)
{
    size_t at = count;

    for (; at > 0 && cuts[at - 1].from > cut.from; at--)
        cuts[at] = cuts[at - 1];
    cuts[at] = cut;
}

static void put_cut(const struct jdoc *doc, const struct cut *cut, bool first_at_place,
                    struct jwriter *w)
{
    if (cut->edit->op == JSPLICE_APPEND) {
        w->comma = doc->values[cut->edit->at].count > 0 || !first_at_place;
        jwriter_key_view(w, cut->edit->name);
    }
    buf_add(w->out, cut->edit->text); /* byte for byte, which jwriter_raw is not */
}

enum status jsplice_apply(const struct jdoc *doc, const struct jsplice *edits, size_t count,
                          struct buf *out)
{
    struct cut cuts[JSPLICE_MAX];
    struct jwriter w;
    size_t done = 0;

    buf_clear(out);
    if (count > JSPLICE_MAX)
        return STATUS_LIMIT;
    for (size_t i = 0; i < count; i++) {
        if (!is_possible(doc, &edits[i]))
            return STATUS_INVALID;
        insert_sorted(cuts, i, cut_of(doc, &edits[i]));
    }
    jwriter_init(&w, out);
    for (size_t i = 0; i < count; i++) {
        if (cuts[i].from < done)
            return STATUS_INVALID;
        buf_add(out, view_of(doc->bytes.ptr + done, cuts[i].from - done));
        put_cut(doc, &cuts[i], i == 0 || cuts[i - 1].from != cuts[i].from, &w);
        done = cuts[i].to;
    }
    buf_add(out, view_from(doc->bytes, done));
    return out->failed;
}
