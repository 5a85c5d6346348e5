/* SPDX-License-Identifier: Apache-2.0
 * Values are marked first, then the text is copied around the marked ones. */
#include "journal/keep.h"

#include "base/buffer.h"
#include "base/redact.h"
#include "journal/secret.h"
#include "modelarts/fields.h"

/* ---- paths ---- */

static bool is_any(struct view step)
{
    return step.ptr == NULL;
}

/* RFC 6901 section 4: first ~1, then ~0. False: another byte follows a '~'. */
static bool unescape_step(struct view raw, char *out, size_t *ret_len)
{
    size_t len = 0;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];

        if (c == '~') {
            if (++i == raw.len || (raw.ptr[i] != '0' && raw.ptr[i] != '1'))
                return false;
            c = raw.ptr[i] == '0' ? '~' : '/';
        }
        out[len++] = c;
    }
    *ret_len = len;
    return true;
}

static enum status parse_step(struct view raw, struct arena *arena, struct view *ret,
                              const char **ret_why)
{
    char *text = arena_array(arena, raw.len + 1, 1);
    size_t len;

    if (text == NULL)
        return STATUS_NOMEM;
    *ret_why = "~0 for each ~ and ~1 for each / in a name (RFC 6901)";
    if (!unescape_step(raw, text, &len))
        return STATUS_INVALID;
    *ret = view_eq(raw, VIEW("*")) ? VIEW_NONE : view_of(text, len);
    return STATUS_OK;
}

enum status keep_path_parse(struct view text, struct arena *arena, struct keep_path *ret,
                            const char **ret_why)
{
    struct view *steps = arena_array(arena, KEEP_STEPS_MAX, sizeof *steps);
    size_t count = 0;

    if (steps == NULL)
        return STATUS_NOMEM;
    *ret_why = "a JSON Pointer that begins with '/', such as /spec/annotations/*";
    if (text.len == 0 || text.ptr[0] != '/')
        return STATUS_INVALID;
    while (text.len > 0) {
        struct view rest = view_from(text, 1);
        size_t end = view_find(rest, '/');
        enum status status;

        *ret_why = "a JSON Pointer of at most 32 steps";
        if (count == KEEP_STEPS_MAX)
            return STATUS_INVALID;
        status = parse_step(view_of(rest.ptr, end), arena, &steps[count++], ret_why);
        if (status != STATUS_OK)
            return status;
        text = view_from(rest, end);
    }
    *ret = (struct keep_path){steps, count};
    return STATUS_OK;
}

/* ---- names ---- */

static bool is_judged(struct view name)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if ((field->value_at != FIELD_NOWHERE || field->flag_at != FIELD_NOWHERE) &&
            view_eq(view_str(field->name), name))
            return true;
    }
    return false;
}

enum status keep_name_is_secret(struct view name, struct arena *arena, bool *ret)
{
    char *folded = arena_array(arena, name.len + 1, 1);

    *ret = false;
    if (folded == NULL)
        return STATUS_NOMEM;
    *ret = secret_is_name(name, folded) && !is_judged(name);
    return STATUS_OK;
}

/* ---- marks ---- */

struct marks {
    const struct jdoc *doc;
    struct arena *arena;
    char *scratch; /* for any text of the document */
    bool *taken;   /* by jref */
    bool any;
    enum status failed;
};

static void take(struct marks *m, jref v)
{
    m->taken[v] = m->any = true;
}

static jref element_of(const struct jdoc *doc, jref list, struct view step)
{
    size_t wanted = 0;

    if (step.len == 0 || step.len > 9 || (step.ptr[0] == '0' && step.len > 1))
        return JREF_NONE;
    for (size_t i = 0; i < step.len; i++) {
        if (step.ptr[i] < '0' || step.ptr[i] > '9')
            return JREF_NONE;
        wanted = wanted * 10 + (size_t)(step.ptr[i] - '0');
    }
    JDOC_EACH(doc, list, child)
    {
        if (wanted-- == 0)
            return child;
    }
    return JREF_NONE;
}

/* Depth: the steps that are left, KEEP_STEPS_MAX at most. */
// NOLINTNEXTLINE(misc-no-recursion)
static void mark_path(struct marks *m, jref v, struct keep_path rest)
{
    const struct keep_path next = {rest.steps + 1, rest.count - 1};
    jref child;

    if (rest.count == 0) {
        take(m, v);
    } else if (is_any(rest.steps[0])) {
        JDOC_EACH(m->doc, v, each)
        mark_path(m, each, next);
    } else {
        child = jdoc_kind(m->doc, v) == JKIND_ARRAY ? element_of(m->doc, v, rest.steps[0])
                                                    : jdoc_member(m->doc, v, rest.steps[0]);
        if (child != JREF_NONE)
            mark_path(m, child, next);
    }
}

static bool has_key(const struct jdoc *doc, jref v)
{
    return doc->values[v].key_end > 0;
}

/* Keys in PEM begin in as many ways as there are kinds of them. */
static bool is_secret_text(struct view text)
{
    static const char pem[] = "PRIVATE KEY-----";

    return text.ptr != NULL && (redact_finds(text.ptr, text.len) ||
                                memmem(text.ptr, text.len, pem, sizeof pem - 1) != NULL);
}

/* As it stands, which is how the line goes out, or as a reader has it: escapes take a word apart.
 */
static bool looks_secret(struct marks *m, struct view raw, struct view decoded)
{
    if (decoded.ptr == NULL)
        m->failed = STATUS_NOMEM;
    return is_secret_text(raw) ||
           (decoded.len + 2 < raw.len && decoded.ptr != NULL && is_secret_text(decoded));
}

static bool is_scalar_secret(struct marks *m, jref v)
{
    const struct view raw = jdoc_raw(m->doc, v);
    const bool escaped = jdoc_kind(m->doc, v) == JKIND_STRING && view_find(raw, '\\') < raw.len;

    if (m->doc->values[v].count > 0)
        return false;
    return looks_secret(m, raw, escaped ? jdoc_text(m->doc, v, m->arena) : raw);
}

/* A name can't be taken out: two of them would be one. */
static bool is_secret_name(struct marks *m, jref v, struct view key)
{
    const struct jvalue *value = &m->doc->values[v];

    return looks_secret(
        m, view_of(m->doc->bytes.ptr + value->key_start, value->key_end - value->key_start), key);
}

/* There is nothing in null, true and false to hide. */
static void take_value(struct marks *m, jref v)
{
    if (jdoc_kind(m->doc, v) > JKIND_TRUE)
        take(m, v);
}

/* {"name": "DB_PASSWORD", "value": "x"}: the label of a value stands beside it. */
static void mark_labelled(struct marks *m, jref label, struct view key, struct view text)
{
    static const char *const labels[] = {"name", "Name", "NAME", "key", "Key", "KEY"};
    static const char *const values[] = {"value", "Value", "VALUE"};
    bool is_label = false;

    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        is_label = is_label || view_eq(key, view_str(labels[i]));
    for (size_t i = 0; i < ARRAY_LEN(values) && is_label; i++) {
        const jref v = jdoc_member(m->doc, m->doc->values[label].parent, view_str(values[i]));

        if (v != JREF_NONE && secret_is_name(text, m->scratch))
            take_value(m, v);
    }
}

/* ["--password", "x"]: the value of an option is the next element. */
static void mark_option(struct marks *m, jref option)
{
    const jref next = jdoc_sibling(m->doc, option);

    if (next != JREF_NONE && !view_starts(jdoc_raw(m->doc, next), VIEW("\"--")))
        take_value(m, next);
}

/* Whether a rule judges the member that the text is, or stands in the list of. */
static bool is_of_judged(struct marks *m, jref v)
{
    struct view key;

    while (!has_key(m->doc, v) && m->doc->values[v].parent != JREF_NONE)
        v = m->doc->values[v].parent;
    if (!has_key(m->doc, v))
        return false;
    key = jdoc_key(m->doc, v, m->arena);
    if (key.ptr == NULL)
        m->failed = STATUS_NOMEM;
    return key.ptr != NULL && is_judged(key);
}

/* What a text says of secrets: of one in it, or of one beside it. */
static void mark_by_words(struct marks *m, jref v)
{
    struct view text, key = VIEW_NONE;

    if (jdoc_kind(m->doc, v) != JKIND_STRING)
        return;
    text = jdoc_text(m->doc, v, m->arena);
    if (has_key(m->doc, v))
        key = jdoc_key(m->doc, v, m->arena);
    if (text.ptr == NULL || (has_key(m->doc, v) && key.ptr == NULL)) {
        m->failed = STATUS_NOMEM;
        return;
    }
    if (secret_is_assigned(text, m->scratch) && !is_of_judged(m, v))
        take(m, v);
    if (key.ptr != NULL)
        mark_labelled(m, v, key, text);
    else if (secret_is_option(text, m->scratch))
        mark_option(m, v);
}

static void mark_by_looks(struct marks *m, jref v)
{
    struct view key;
    bool secret = false;

    if (is_scalar_secret(m, v))
        take(m, v);
    if (!has_key(m->doc, v))
        return;
    key = jdoc_key(m->doc, v, m->arena);
    if (is_secret_name(m, v, key) || (key.ptr != NULL && secret_is_assigned(key, m->scratch)))
        take(m, m->doc->values[v].parent);
    if (key.ptr == NULL || keep_name_is_secret(key, m->arena, &secret) != STATUS_OK)
        m->failed = STATUS_NOMEM;
    if (secret)
        take_value(m, v);
}

/* ---- the text ---- */

static enum status tell(struct marks *m, const char *root, jref v, struct kept_list *told)
{
    struct view pointer;

    if (told->count == KEEP_TOLD_MAX) /* a pointer into a long list is not made for nothing */
        return STATUS_OK;
    pointer = jdoc_pointer(m->doc, v, m->arena);
    if (pointer.ptr == NULL)
        return STATUS_NOMEM;
    pointer = arena_printf(m->arena, "%s%.*s", root, VIEW_ARGS(pointer));
    if (pointer.ptr == NULL)
        return STATUS_NOMEM;
    told->items[told->count++] = pointer;
    return STATUS_OK;
}

/* Nothing gets longer than "[redacted]" in quotes for each value. */
static enum status copy_around(struct marks *m, const char *root, struct view *ret,
                               struct kept_list *told)
{
    const struct jdoc *doc = m->doc;
    CLEANUP(buf_done) struct buf out;
    size_t done = 0;

    buf_init(&out, doc->bytes.len + doc->count * sizeof KEEP_REDACTED * 2);
    for (jref v = 0; v < doc->count;) {
        const struct jvalue *value = &doc->values[v];

        if (!m->taken[v]) {
            v++;
            continue;
        }
        buf_add(&out, view_of(doc->bytes.ptr + done, value->start - done));
        buf_add(&out, VIEW("\"" KEEP_REDACTED "\""));
        done = value->end;
        if (tell(m, root, v, told) != STATUS_OK)
            return STATUS_NOMEM;
        v = value->next;
    }
    buf_add(&out, view_from(doc->bytes, done));
    if (out.failed != STATUS_OK)
        return STATUS_NOMEM;
    *ret = arena_copy(m->arena, buf_view(&out));
    return ret->ptr == NULL ? STATUS_NOMEM : STATUS_OK;
}

enum status keep_document(const struct jdoc *doc, const struct keep_rules *rules, const char *root,
                          struct arena *arena, struct view *ret, struct kept_list *told)
{
    struct marks m = {.doc = doc, .arena = arena, .failed = STATUS_OK};

    m.taken = arena_array(arena, doc->count, sizeof *m.taken);
    m.scratch = arena_array(arena, doc->bytes.len + 1, 1);
    if (m.taken == NULL || m.scratch == NULL)
        return STATUS_NOMEM;
    for (jref v = 0; v < doc->count; v++) {
        mark_by_looks(&m, v);
        mark_by_words(&m, v);
    }
    for (size_t i = 0; i < rules->count; i++)
        mark_path(&m, 0, rules->paths[i]);
    if (m.failed != STATUS_OK)
        return m.failed;
    if (m.taken[0])
        return STATUS_INVALID;
    if (m.any)
        return copy_around(&m, root, ret, told);
    *ret = doc->bytes;
    return STATUS_OK;
}
