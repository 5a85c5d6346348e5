/* SPDX-License-Identifier: Apache-2.0
 * Reading the cloud's answers, and writing our own refusals. Clients read different members for the
 * text of an error: error_msg (the SDKs), error_message (the API's own pages), message (OpenStack),
 * so that all three carry it. */
#include "modelarts/answer.h"

#include <stdio.h>

#include "base/attr.h"

enum { ERROR_CODE_MAX = 64, CODE_WORD_MAX = 20, CODE_DIGITS_MAX = 10, REASONS_MAX = 20 };

static struct view text_member(const struct jdoc *doc, struct view name, struct arena *arena)
{
    jref v = jdoc_member(doc, 0, name);

    if (v == JREF_NONE || jdoc_kind(doc, v) != JKIND_STRING)
        return VIEW_NONE;
    return jdoc_text(doc, v, arena);
}

static bool is_joint(char c)
{
    return c == '.' || c == '_' || c == '-';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What is no code may hold anything, such as the token that it complains of. */
static struct view usual_code(struct view text)
{
    size_t at = 0, word = 0, digits;

    for (; at < text.len && (is_letter(text.ptr[at]) || is_joint(text.ptr[at])); at++) {
        word = is_letter(text.ptr[at]) ? word + 1 : 0;
        if (word > CODE_WORD_MAX)
            return VIEW_NONE;
    }
    for (digits = 0; at + digits < text.len; digits++) {
        if (text.ptr[at + digits] < '0' || text.ptr[at + digits] > '9')
            return VIEW_NONE;
    }
    return text.len <= ERROR_CODE_MAX && digits <= CODE_DIGITS_MAX ? text : VIEW_NONE;
}

void modelarts_read_answer(const struct jdoc *doc, struct arena *arena, struct answer_facts *ret)
{
    *ret = (struct answer_facts){
        .id = text_member(doc, VIEW("id"), arena),
        .name = text_member(doc, VIEW("name"), arena),
        .status = text_member(doc, VIEW("status"), arena),
        .error_code = usual_code(text_member(doc, VIEW("error_code"), arena)),
    };
}

static void write_reason(struct jwriter *w, const struct reason *reason)
{
    jwriter_open_object(w);
    jwriter_member_text(w, "code", view_str(reason->row->code));
    jwriter_member_opt(w, "policy", reason->policy);
    jwriter_member_opt(w, "message", reason->message);
    jwriter_member_opt(w, "contact", reason->contact);
    jwriter_close_object(w);
}

void modelarts_write_reasons(struct jwriter *w, const struct reason *reasons, size_t count)
{
    jwriter_key(w, "reasons");
    jwriter_open_array(w);
    for (size_t i = 0; i < count && i < REASONS_MAX; i++)
        write_reason(w, &reasons[i]);
    jwriter_close_array(w);
}

void modelarts_open_refusal(struct jwriter *w, int status, struct view id, struct view message,
                            const struct reason *reasons, size_t count)
{
    static const char *const texts[] = {"error_msg", "error_message", "message"};
    char code[sizeof "Postern.0" + 11];

    jwriter_open_object(w);
    (void)snprintf(code, sizeof code, "Postern.0%d", status);
    jwriter_member_text(w, "error_code", view_str(code));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        jwriter_member_opt(w, texts[i], message);
    jwriter_member_opt(w, "request_id", id);
    modelarts_write_reasons(w, reasons, count);
}

static void add_part(struct buf *text, const char *before, struct view part)
{
    if (text->len > 0)
        buf_add_str(text, before);
    buf_add(text, part);
}

/* Whether an earlier reason says the same. */
static bool said_before(const struct reason *reasons, size_t at, bool contact)
{
    struct view own = contact ? reasons[at].contact : reasons[at].message;

    for (size_t i = 0; i < at; i++) {
        if (view_eq(contact ? reasons[i].contact : reasons[i].message, own))
            return true;
    }
    return false;
}

static void add_contacts(struct buf *text, const struct reason *reasons, size_t count)
{
    bool first = true;

    for (size_t i = 0; i < count; i++) {
        if (reasons[i].contact.len == 0 || said_before(reasons, i, true))
            continue;
        add_part(text, first ? "; ask " : ", ", reasons[i].contact);
        first = false;
    }
}

struct view modelarts_refusal_sentence(const struct reason *reasons, size_t count,
                                       struct arena *arena)
{
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, (size_t)1 << 20);
    if (count > REASONS_MAX)
        count = REASONS_MAX;
    for (size_t i = 0; i < count; i++) {
        struct view part = reasons[i].message;

        if (part.len == 0)
            part = view_str(reasons[i].row->code);
        else if (said_before(reasons, i, false))
            continue;
        add_part(&text, "; ", part);
    }
    add_contacts(&text, reasons, count);
    if (text.failed != STATUS_OK)
        return VIEW_NONE;
    return arena_copy(arena, buf_view(&text));
}
