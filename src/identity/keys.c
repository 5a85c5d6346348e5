/* SPDX-License-Identifier: Apache-2.0
 * The access key file: YAML rows, checked one by one, then sorted by access key. No message quotes
 * a value: a secret may stand in the wrong place. */
#include "identity/keys.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/secret_file.h"
#include "identity/canonical.h"
#include "identity/signature.h"
#include "yaml/schema.h"

enum {
    BLOCK_BYTES = 16384,
    TEXT_MAX = 128,
    TOKEN_MAX = 16 * 1024,
    SECRET_MIN = 8,
    PROJECT_MAX = 64
};
static const size_t file_max = (size_t)8 << 20, memory_max = (size_t)512 << 20;

struct access_keys {
    atomic_size_t references;
    struct arena arena;
    struct access_key *keys; /* sorted by access_key */
    size_t count;
};

/* One entry of the list as it stands. */
struct draft {
    struct ytext access_key, secret_key, security_token, user, user_id, domain;
    const struct ynode *projects, *sign_as; /* read here: the schema's messages quote */
};

#define ROW(name, kind_, required_)                             \
    {                                                           \
        .key = #name, .kind = (kind_), .required = (required_), \
        .offset = offsetof(struct draft, name)                  \
    }
static const struct yfield rows[] = {
    ROW(access_key, YFIELD_TEXT, true),
    ROW(secret_key, YFIELD_TEXT, true),
    ROW(security_token, YFIELD_TEXT, false),
    ROW(user, YFIELD_TEXT, true),
    ROW(user_id, YFIELD_TEXT, true),
    ROW(domain, YFIELD_TEXT, false),
    ROW(projects, YFIELD_NODE, true),
    ROW(sign_as, YFIELD_NODE, false),
    {.key = NULL},
};

struct loading {
    struct access_keys *set;
    struct arena *scratch;
    struct diag *diag;
    bool no_memory;
};

static struct view keep(struct loading *ld, const struct ytext *text)
{
    struct view copy = text->set ? arena_copy(&ld->set->arena, text->value) : VIEW_NONE;

    ld->no_memory = ld->no_memory || (text->set && copy.ptr == NULL);
    return copy;
}

/* Visible ASCII without blanks: what can stand in a header field. */
static void check_word(const struct loading *ld, const struct ytext *text, const char *what,
                       size_t min, size_t max)
{
    bool well = text->value.len >= min && text->value.len <= max;

    if (!text->set)
        return;
    for (size_t i = 0; i < text->value.len; i++)
        well = well && text->value.ptr[i] > ' ' && text->value.ptr[i] <= '~';
    if (!well)
        diag_fault(ld->diag, text->at, "%s must be one word of %zu to %zu visible ASCII characters",
                   what, min, max);
}

static bool is_id_byte(char c, const char *more)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr(more, c) != NULL);
}

static void check_id(const struct loading *ld, const struct ytext *text, const char *what,
                     const char *more, size_t max)
{
    bool well = text->value.len > 0 && text->value.len <= max;

    if (!text->set)
        return;
    for (size_t i = 0; i < text->value.len; i++)
        well = well && is_id_byte(text->value.ptr[i], more);
    if (!well)
        diag_fault(ld->diag, text->at, "%s must be 1 to %zu letters, digits or any of \"%s\"", what,
                   max, more);
}

/* Names may be of any script. */
static void check_name(const struct loading *ld, const struct ytext *text, const char *what)
{
    bool well = text->value.len > 0 && text->value.len <= TEXT_MAX;

    if (!text->set)
        return;
    for (size_t i = 0; i < text->value.len; i++)
        well = well && (unsigned char)text->value.ptr[i] >= ' ' && text->value.ptr[i] != 0x7F;
    if (!well)
        diag_fault(ld->diag, text->at, "%s must be 1 to %d bytes without control characters", what,
                   (int)TEXT_MAX);
}

static void read_project(struct loading *ld, const struct ynode *node, struct view *ret)
{
    struct ytext id = {.set = true, .value = node->text, .at = node->loc};

    if (node->kind != YNODE_SCALAR)
        diag_fault(ld->diag, node->loc, "expected the id of a project, found %s",
                   ynode_kind_name(node));
    else
        check_id(ld, &id, "a project's id", "-_", PROJECT_MAX);
    *ret = keep(ld, &id);
}

static void read_projects(struct loading *ld, const struct ynode *list, struct access_key *key)
{
    struct view *projects;

    if (list == NULL) /* missing: said already */
        return;
    if (list->kind != YNODE_SEQUENCE || list->count == 0 || list->count > ACCESS_KEY_PROJECTS_MAX) {
        diag_fault(ld->diag, list->loc, "projects must be a list of 1 to %d ids of projects",
                   (int)ACCESS_KEY_PROJECTS_MAX);
        return;
    }
    projects = arena_array(&ld->set->arena, list->count, sizeof *projects);
    if (projects == NULL) {
        ld->no_memory = true;
        return;
    }
    for (const struct ynode *node = list->child; node != NULL; node = node->next)
        read_project(ld, node, &projects[key->project_count++]);
    key->projects = projects;
}

static bool read_sign_as(const struct loading *ld, const struct ynode *node)
{
    bool plain = node != NULL && node->kind == YNODE_SCALAR && node->plain;

    if (node == NULL || (plain && view_eq(node->text, VIEW("false"))))
        return false;
    if (!plain || !view_eq(node->text, VIEW("true")))
        diag_fault(ld->diag, node->loc, "sign_as must be true or false");
    return true;
}

/* The schema would quote what it doesn't know. */
static bool is_entry(const struct loading *ld, const struct ynode *node)
{
    bool well = true;

    if (node->kind != YNODE_MAPPING) {
        diag_fault(ld->diag, node->loc,
                   "expected a mapping with access_key, secret_key, user, user_id and projects");
        return false;
    }
    for (const struct ynode *child = node->child; child != NULL; child = child->next) {
        bool known = false;

        for (size_t i = 0; rows[i].key != NULL; i++)
            known = known || view_eq(child->key, view_str(rows[i].key));
        if (!known)
            diag_fault(ld->diag, child->key_loc,
                       "unknown key; known here: access_key, secret_key, security_token, user, "
                       "user_id, domain, projects, sign_as");
        well = well && known;
    }
    return well;
}

static void read_key(struct loading *ld, const struct ynode *node, struct access_key *ret)
{
    struct draft draft = {.projects = NULL};

    if (!is_entry(ld, node))
        return;
    yschema_read(node, node->loc, rows, &draft, ld->scratch, ld->diag);
    check_id(ld, &draft.access_key, "access_key", "-_.", SIGNATURE_ACCESS_MAX);
    check_word(ld, &draft.secret_key, "secret_key", SECRET_MIN, CANONICAL_SECRET_MAX);
    check_word(ld, &draft.security_token, "security_token", 1, TOKEN_MAX);
    check_name(ld, &draft.user, "user");
    check_id(ld, &draft.user_id, "user_id", "-_.", TEXT_MAX);
    check_name(ld, &draft.domain, "domain");
    *ret = (struct access_key){.access_key = keep(ld, &draft.access_key),
                               .secret_key = keep(ld, &draft.secret_key),
                               .security_token = keep(ld, &draft.security_token),
                               .user = keep(ld, &draft.user),
                               .user_id = keep(ld, &draft.user_id),
                               .domain = keep(ld, &draft.domain),
                               .sign_as = read_sign_as(ld, draft.sign_as),
                               .at = node->loc};
    read_projects(ld, draft.projects, ret);
}

static int by_line(const struct access_key *a, const struct access_key *b)
{
    if (a->at.line != b->at.line)
        return a->at.line < b->at.line ? -1 : 1;
    return (a->at.column > b->at.column) - (a->at.column < b->at.column);
}

static int by_access_key(const void *a, const void *b)
{
    const struct access_key *left = a, *right = b;
    int order = view_cmp(left->access_key, right->access_key);

    return order != 0 ? order : by_line(left, right);
}

static int by_secret(const void *a, const void *b)
{
    const struct access_key *left = *(const struct access_key *const *)a;
    const struct access_key *right = *(const struct access_key *const *)b;
    int order = view_cmp(left->secret_key, right->secret_key);

    return order != 0 ? order : by_line(left, right);
}

static void check_ids_differ(const struct loading *ld)
{
    const struct access_keys *set = ld->set;

    for (size_t i = 1; i < set->count; i++) {
        const struct access_key *first = &set->keys[i - 1], *second = &set->keys[i];

        if (second->access_key.len > 0 && view_eq(first->access_key, second->access_key))
            diag_fault(ld->diag, second->at, "this access_key stands in line %u already",
                       first->at.line);
    }
}

/* A signature doesn't cover the access key: whoever has the secret of two could be either. */
static void check_secrets_differ(struct loading *ld)
{
    const struct access_keys *set = ld->set;
    const struct access_key **sorted = arena_array(ld->scratch, set->count, sizeof(void *));

    if (sorted == NULL) {
        ld->no_memory = true;
        return;
    }
    for (size_t i = 0; i < set->count; i++)
        sorted[i] = &set->keys[i];
    qsort(sorted, set->count, sizeof(void *), by_secret);
    for (size_t i = 1; i < set->count; i++) {
        if (sorted[i]->secret_key.len > 0 &&
            view_eq(sorted[i - 1]->secret_key, sorted[i]->secret_key))
            diag_fault(ld->diag, sorted[i]->at,
                       "this secret_key is the one in line %u; each key needs its own",
                       sorted[i - 1]->at.line);
    }
}

static void read_list(struct loading *ld, const char *file, const struct ynode *root)
{
    struct access_keys *set = ld->set;

    if (root == NULL || root->kind != YNODE_SEQUENCE || root->count == 0) {
        diag_fault(ld->diag, root == NULL ? (struct loc){file, 1, 1} : root->loc,
                   "must be a list of access keys");
        return;
    }
    if (root->count > ACCESS_KEYS_MAX) {
        diag_fault(ld->diag, root->loc, "has %zu access keys; at most %d may be", root->count,
                   (int)ACCESS_KEYS_MAX);
        return;
    }
    set->keys = arena_array(&set->arena, root->count, sizeof *set->keys);
    if (set->keys == NULL) {
        ld->no_memory = true;
        return;
    }
    for (const struct ynode *node = root->child; node != NULL; node = node->next)
        read_key(ld, node, &set->keys[set->count++]);
    qsort(set->keys, set->count, sizeof *set->keys, by_access_key);
    check_ids_differ(ld);
    check_secrets_differ(ld);
}

/* The arena of the set's own bytes can't hold the set itself: it is wiped first. */
static struct access_keys *new_set(void)
{
    struct access_keys *set = calloc(1, sizeof *set);

    if (set == NULL)
        return NULL;
    atomic_init(&set->references, 1);
    arena_init(&set->arena, BLOCK_BYTES, memory_max);
    return set;
}

static void forget_places(struct access_keys *set)
{
    for (size_t i = 0; i < set->count; i++)
        set->keys[i].at.file = NULL; /* borrowed */
}

enum status access_keys_read(const char *file, struct view bytes, struct diag *diag,
                             struct access_keys **ret)
{
    static const struct ydoc_limits limits = {.bytes = (size_t)8 << 20, .nodes = 400000};
    struct arena scratch;
    struct loading ld = {.set = new_set(), .scratch = &scratch, .diag = diag};
    const struct ynode *root = NULL;
    size_t faults = diag->faults;

    if (ld.set == NULL)
        return STATUS_NOMEM;
    arena_init(&scratch, BLOCK_BYTES, memory_max);
    if (ydoc_read(file, bytes, &limits, &scratch, diag, &root))
        read_list(&ld, file, root);
    arena_wipe(&scratch);
    forget_places(ld.set);
    if (!ld.no_memory && diag->faults == faults) {
        *ret = ld.set;
        return STATUS_OK;
    }
    access_keys_unref(&ld.set);
    return ld.no_memory ? STATUS_NOMEM : STATUS_INVALID;
}

enum status access_keys_load(const char *path, struct diag *diag, struct access_keys **ret)
{
    struct secret_bytes bytes;
    struct err err;
    enum status status = secret_file_read(path, file_max, &bytes, &err);

    if (status != STATUS_OK) {
        struct view text = view_str(err.text), prefix = view_str(path);

        /* diag puts the path in front itself. */
        if (view_starts(text, prefix) && view_starts(view_from(text, prefix.len), VIEW(": ")))
            text = view_from(text, prefix.len + 2);
        diag_fault(diag, (struct loc){.file = path}, "%.*s", VIEW_ARGS(text));
        return status;
    }
    status = access_keys_read(path, view_of(bytes.ptr, bytes.len), diag, ret);
    secret_bytes_wipe(&bytes);
    return status;
}

struct access_keys *access_keys_ref(struct access_keys *keys)
{
    (void)atomic_fetch_add_explicit(&keys->references, 1, memory_order_relaxed);
    return keys;
}

void access_keys_unref(struct access_keys **keys)
{
    struct access_keys *set = *keys;

    *keys = NULL;
    if (set == NULL || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_wipe(&set->arena);
    free(set);
}

size_t access_keys_count(const struct access_keys *keys)
{
    return keys->count;
}

const struct access_key *access_keys_at(const struct access_keys *keys, size_t index)
{
    return &keys->keys[index];
}

const struct access_key *access_keys_find(const struct access_keys *keys, struct view access_key)
{
    size_t low = 0, high = keys->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = view_cmp(access_key, keys->keys[middle].access_key);

        if (order == 0)
            return &keys->keys[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool access_key_subject(const struct access_key *key, struct view project, struct subject *ret)
{
    struct subject subject = {
        .known = SUBJECT_USER, .user_id = key->user_id, .user_name = key->user};
    bool found = project.ptr == NULL;

    for (size_t i = 0; i < key->project_count; i++)
        found = found || view_eq(key->projects[i], project);
    if (!found)
        return false;
    if (key->domain.ptr != NULL) {
        subject.known |= SUBJECT_DOMAIN;
        subject.domain_name = key->domain;
    }
    if (project.ptr != NULL) {
        subject.known |= SUBJECT_PROJECT;
        subject.project_id = project;
    }
    *ret = subject;
    return true;
}
