/* SPDX-License-Identifier: Apache-2.0
 * Loading settings and policies. */
#include "server/load.h"

#include "base/clock.h"
#include "policy/quota.h"

/* A failure that isn't a fault of the text: a file that can't be read. */
static void add_failure(struct diag *diag, const char *file, const struct err *err)
{
    const struct loc loc = {.file = file};
    struct view text = view_str(err->text), name = view_str(file);

    /* The place names the file already. */
    if (view_starts(text, name) && view_starts(view_from(text, name.len), VIEW(": ")))
        text = view_from(text, name.len + 2);
    diag_fault(diag, loc, "%.*s", VIEW_ARGS(text));
}

bool load_conf(const char *path, struct arena *arena, struct diag *diag, struct conf *ret)
{
    struct view bytes;
    struct err err = {0};

    if (file_read(path, CONF_FILE_MAX, arena, &bytes, &err) != STATUS_OK) {
        add_failure(diag, path, &err);
        return false;
    }
    return conf_load(path, bytes, arena, diag, ret);
}

/* Where the settings name the folder; just the file where they leave it out. */
static struct loc policies_place(const struct conf *conf)
{
    struct loc place = conf->policies_at;

    if (place.file == NULL)
        place.file = conf->path;
    return place;
}

/* The set names its files without the folder; who reads a fault wants to open the file. */
static void name_from_here(const char *folder, struct arena *arena, struct loc *loc)
{
    struct view path = arena_printf(arena, "%s/%s", folder, loc->file);

    if (path.ptr != NULL)
        loc->file = path.ptr;
}

/* The ledger stays right without one, but only as far as callers' own tokens read. */
static void warn_of_quotas(const struct conf *conf, const struct policy_set *set, struct diag *diag)
{
    size_t count;

    (void)policy_set_quotas(set, &count);
    if (count == 0 || conf->upstream.token_file != NULL || conf->upstream.access_key_file != NULL)
        return;
    diag_warn(diag, (struct loc){.file = conf->path},
              "there are quotas, but no upstream.service_credential: instances are only found to "
              "be stopped or gone, and lost answers settled, while their owners' tokens live");
}

bool load_policy_folder(const char *folder, struct loc place, const struct policy_options *options,
                        struct arena *arena, struct diag *diag, struct loaded_policies *ret)
{
    struct loaded_policies loaded = {0};
    struct err err = {0};
    enum status status;
    size_t found;

    if (file_read_policies(folder, arena, &loaded.files, &loaded.count, &err) != STATUS_OK) {
        diag_fault(diag, place, "%s", err.text);
        return false;
    }
    found = diag->count;
    status = policy_set_load(loaded.files, loaded.count, options, diag, &loaded.set);
    for (; found < diag->count; found++)
        name_from_here(folder, arena, &diag->items[found].loc);
    if (status == STATUS_NOMEM)
        diag_fault(diag, place, "the policies do not fit into memory");
    if (status != STATUS_OK)
        return false;
    *ret = loaded;
    return true;
}

bool load_policies(const struct conf *conf, struct arena *arena, struct diag *diag,
                   struct loaded_policies *ret)
{
    const struct policy_options options = {
        .no_identity = conf->identity.verify == VERIFY_OFF,
        .now_us = clock_now_us(),
    };

    if (!load_policy_folder(conf->policies, policies_place(conf), &options, arena, diag, ret))
        return false;
    warn_of_quotas(conf, ret->set, diag);
    return true;
}

enum status load_refuse(const struct diag *diag, struct err *err)
{
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, 1 << 16);
    diag_print(diag, &text);
    while (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    return err_set(err, STATUS_INVALID, "%.*s", (int)text.len, text.ptr == NULL ? "" : text.ptr);
}
