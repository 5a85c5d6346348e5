/* SPDX-License-Identifier: Apache-2.0
 * Runs a fuzz target over files and folders, without libFuzzer, so that every build with any
 * compiler goes through the corpora. Folders within a folder are passed over: they hold what is
 * known not to be well yet. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { PATH_BYTES = 4096, FILES_MAX = 4096 };

static int run_file(const char *path)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    uint8_t *exact;
    size_t size;

    (void)printf("%s\n", path); /* the last one is the one that failed */
    (void)fflush(stdout);
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    size = (size_t)about.st_size;
    exact = malloc(size); /* in its exact size, so that the sanitizer sees a read behind it */
    if ((exact == NULL && size > 0) || fread(exact, 1, size, file) != size) {
        (void)fprintf(stderr, "%s: can't be read\n", path);
        size = SIZE_MAX;
    }
    (void)fclose(file);
    if (size != SIZE_MAX)
        (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return size == SIZE_MAX ? -1 : 1;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* How many files ran, -1 on a failure. */
static int run_folder(const char *path)
{
    struct dirent **names = NULL;
    int found = scandir(path, &names, is_visible, alphasort), ran = 0;

    for (int i = 0; i < found; i++) {
        char inner[PATH_BYTES];
        struct stat about;

        (void)snprintf(inner, sizeof inner, "%s/%s", path, names[i]->d_name);
        if (stat(inner, &about) == 0 && S_ISREG(about.st_mode) && ran >= 0)
            ran = run_file(inner) < 0 ? -1 : ran + 1;
        free(names[i]);
    }
    free(names);
    return ran;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        struct stat about;
        int ran;

        if (stat(argv[i], &about) != 0)
            continue; /* no regressions yet */
        ran = S_ISDIR(about.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
        if (ran < 0)
            return 1;
        total += ran;
    }
    (void)printf("%d inputs\n", total);
    return total > 0 ? 0 : 1; /* a path that is wrong must not look like success */
}
