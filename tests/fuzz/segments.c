/* SPDX-License-Identifier: Apache-2.0 */
#include "segments.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/chain.h"
#include "journal/segment.h"

#include "fuzz.h"

static char root[SEGMENTS_PATH / 2], folder[SEGMENTS_PATH / 2 + 16];

void segments_empty(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    REQUIRE(dir != NULL);
    while ((entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
}

static void remove_root(void)
{
    segments_empty();
    (void)rmdir(folder);
    (void)rmdir(root);
}

const char *segments_folder(void)
{
    const char *tmp = getenv("TMPDIR");

    if (folder[0] != '\0')
        return folder;
    (void)snprintf(root, sizeof root, "%s/postern-fuzz-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    REQUIRE(mkdtemp(root) != NULL);
    (void)snprintf(folder, sizeof folder, "%s/journal", root);
    REQUIRE(mkdir(folder, 0700) == 0 && atexit(remove_root) == 0);
    return folder;
}

void segments_path(uint64_t seq, char ret[SEGMENTS_PATH])
{
    char name[SEGMENT_NAME_BYTES];

    segment_name_format(seq, name);
    (void)snprintf(ret, SEGMENTS_PATH, "%s/%s", segments_folder(), name);
}

static void write_file(uint64_t seq, struct view bytes)
{
    char path[SEGMENTS_PATH];
    FILE *file;

    segments_path(seq, path);
    file = fopen(path, "wb");
    REQUIRE(file != NULL && (bytes.len == 0 || fwrite(bytes.ptr, bytes.len, 1, file) == 1));
    REQUIRE(fclose(file) == 0);
}

static void add_line(struct view line, bool whole, struct chain *chain, struct digest *digest,
                     struct buf *out)
{
    if (whole && line.len > 0 && line.ptr[0] != '{') {
        chain_add(chain, digest, line, out);
        return;
    }
    buf_add(out, line);
    if (!whole)
        return;
    buf_add_byte(out, '\n');
    chain_set(chain, chain->seq + 1, line);
}

void segments_write(struct view input, struct segments *ret)
{
    struct digest *digest = digest_new();
    struct view segment, line;
    struct chain chain;

    REQUIRE(digest != NULL);
    chain_start(&chain);
    ret->count = 0;
    while (ret->count < SEGMENTS_MAX && fuzz_part(&input, '\x1e', &segment)) {
        struct buf *out = &ret->bytes[ret->count];
        uint64_t seq = chain.seq + 1;

        /* An empty one has the name that the next one wants. */
        if (ret->count > 0 && ret->seq[ret->count - 1] == seq)
            seq = ++chain.seq + 1;
        buf_init(out, SEGMENTS_BYTES);
        while (fuzz_part(&segment, '\n', &line))
            add_line(line, segment.ptr != NULL, &chain, digest, out);
        REQUIRE(out->failed == STATUS_OK);
        write_file(seq, buf_view(out));
        ret->seq[ret->count++] = seq;
    }
    digest_free(&digest);
}

void segments_done(struct segments *segments)
{
    for (size_t i = 0; i < segments->count; i++)
        buf_done(&segments->bytes[i]);
}
