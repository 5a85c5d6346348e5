/* SPDX-License-Identifier: Apache-2.0
 * Placeholders: one walk over the prefix serves sampling and filling. */
#include "policy/placeholder.h"

#include "base/nearest.h"

enum { FILLED_MAX = 255 }; /* bytes of a value that fills one */

enum placeholder { USER_NAME, USER_ID, PROJECT_ID, PROJECT_NAME, PLACEHOLDERS };

const char *const placeholder_names[PLACEHOLDERS + 1] = {
    [USER_NAME] = "user.name",
    [USER_ID] = "user.id",
    [PROJECT_ID] = "project.id",
    [PROJECT_NAME] = "project.name",
};

/* What stands for the placeholders, ptr NULL where nothing safe does, and for stars. */
struct fillings {
    struct view of[PLACEHOLDERS];
    struct view star;
};

static bool at_placeholder(struct view v, size_t i)
{
    return i + 1 < v.len && v.ptr[i] == '$' && v.ptr[i + 1] == '{';
}

/* The name between the braces; ptr NULL when the closing one is missing. */
static struct view name_at(struct view v, size_t i)
{
    struct view rest = view_from(v, i + 2);
    size_t end = view_find(rest, '}');

    return end == rest.len ? VIEW_NONE : view_of(rest.ptr, end);
}

static enum placeholder find(struct view name)
{
    enum placeholder p = USER_NAME;

    while (p < PLACEHOLDERS && !view_eq(name, view_str(placeholder_names[p])))
        p++;
    return p;
}

static size_t filled_size(struct view prefix, const struct fillings *fillings)
{
    size_t longest = fillings->star.len > 1 ? fillings->star.len : 1;

    for (size_t p = 0; p < PLACEHOLDERS; p++)
        longest = fillings->of[p].len > longest ? fillings->of[p].len : longest;
    return prefix.len * longest;
}

static size_t append(char *out, size_t at, struct view v)
{
    if (v.len > 0)
        memcpy(out + at, v.ptr, v.len);
    return at + v.len;
}

/* STATUS_INVALID: the placeholder at *ret_wrong is unknown or has no filling. */
static enum status fill(struct view prefix, const struct fillings *fillings, struct arena *arena,
                        struct view *ret, size_t *ret_wrong)
{
    char *out = arena_array(arena, filled_size(prefix, fillings) + 1, 1);
    size_t len = 0;

    if (out == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < prefix.len; i++) {
        struct view name;
        enum placeholder p;

        if (!at_placeholder(prefix, i)) {
            bool star = prefix.ptr[i] == '*';

            len = append(out, len, star ? fillings->star : view_of(prefix.ptr + i, 1));
            continue;
        }
        name = name_at(prefix, i);
        p = name.ptr == NULL ? PLACEHOLDERS : find(name);
        if (p == PLACEHOLDERS || fillings->of[p].ptr == NULL) {
            *ret_wrong = i;
            return STATUS_INVALID;
        }
        len = append(out, len, fillings->of[p]);
        i += name.len + 2;
    }
    *ret = view_of(out, len);
    return STATUS_OK;
}

enum status placeholder_sample(struct view prefix, struct arena *arena,
                               struct placeholder_fault *fault, struct view *ret)
{
    /* Three bytes: the shortest bucket name. */
    const struct view sample = VIEW("xxx");
    const struct fillings fillings = {{sample, sample, sample, sample}, sample};
    size_t wrong = 0;
    enum status status = fill(prefix, &fillings, arena, ret, &wrong);

    if (status == STATUS_INVALID) {
        fault->name = name_at(prefix, wrong);
        fault->text = fault->name.ptr == NULL ? view_from(prefix, wrong)
                                              : view_of(prefix.ptr + wrong, fault->name.len + 3);
        fault->nearest = nearest_name(fault->name, placeholder_names);
    }
    return status;
}

bool placeholder_needs_identity(struct view prefix)
{
    for (size_t i = 0; i < prefix.len; i++) {
        if (at_placeholder(prefix, i) && find(name_at(prefix, i)) != PROJECT_ID)
            return true;
    }
    return false;
}

/* The value if it is safe in a path, else VIEW_NONE. */
static struct view safe(struct view v)
{
    if (v.len == 0 || v.len > FILLED_MAX || v.ptr[0] == '.' || v.ptr[v.len - 1] == '.')
        return VIEW_NONE;
    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '.')
            return VIEW_NONE;
    }
    return v;
}

enum status placeholder_fill(struct view prefix, const struct instance_request *request,
                             const struct subject *subject, struct arena *arena, struct view *ret,
                             const char **ret_name)
{
    struct fillings fillings = {.star = VIEW("*")};
    size_t wrong = 0;
    enum status status;

    if ((subject->known & SUBJECT_USER) != 0) {
        fillings.of[USER_NAME] = safe(subject->user_name);
        fillings.of[USER_ID] = safe(subject->user_id);
    }
    fillings.of[PROJECT_ID] = safe(request->project);
    /* The name belongs to the credential's project, which is the request's only if the ids agree.
     */
    if ((subject->known & SUBJECT_PROJECT) != 0 && view_eq(subject->project_id, request->project))
        fillings.of[PROJECT_NAME] = safe(subject->project_name);
    status = fill(prefix, &fillings, arena, ret, &wrong);
    if (status == STATUS_INVALID)
        *ret_name = placeholder_names[find(name_at(prefix, wrong))];
    return status;
}
