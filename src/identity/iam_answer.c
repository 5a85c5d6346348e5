/* SPDX-License-Identifier: Apache-2.0
 * IAM's answers about tokens. */
#include "identity/iam_answer.h"

#include "json/doc.h"

enum status iam_answer_read(struct view body, struct arena *arena, struct token_facts *ret)
{
    return token_read_document(body, IAM_ANSWER_BYTES_MAX, arena, ret);
}

bool iam_answer_is_about(struct view token, unsigned echoes, struct view echo)
{
    return echoes == 0 || (echoes == 1 && view_eq(echo, token));
}

/* What the service in front of IAM answers where there is no such path has a code of its own. */
static bool is_front_door(const struct jdoc *doc, jref code, struct arena *arena)
{
    struct view text = jdoc_text(doc, code, arena);

    return text.ptr == NULL || view_starts(text, VIEW("APIG."));
}

bool iam_answer_is_verdict(struct view body, struct arena *arena)
{
    const struct jlimits limits = {.bytes = IAM_ANSWER_BYTES_MAX, .depth = 8, .members = 64};
    struct jdoc doc;
    struct jfault fault;
    jref error, code;

    if (jdoc_read(body, &limits, arena, &doc, &fault) != STATUS_OK)
        return false;
    error = jdoc_member(&doc, 0, VIEW("error"));
    code = jdoc_member(&doc, 0, VIEW("error_code"));
    if (error != JREF_NONE)
        return jdoc_kind(&doc, error) == JKIND_OBJECT;
    return code != JREF_NONE && jdoc_kind(&doc, code) == JKIND_STRING &&
           !is_front_door(&doc, code, arena);
}
