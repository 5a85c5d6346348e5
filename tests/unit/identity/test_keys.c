/* SPDX-License-Identifier: Apache-2.0
 * The access key file: what it may hold, who may read it, and that its secrets go with it. */
#include "support/test.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buffer.h"
#include "identity/keys.h"

#define SECRET "s3cr3t-that-nobody-may-see"

static struct arena arena;
static struct diag diag;
static size_t freed_with_secret;
void __real_free(void *ptr);
void __wrap_free(void *ptr);

/* Counts the blocks that still hold the secret when they are given back. */
void __wrap_free(void *ptr)
{
    if (ptr != NULL && memmem(ptr, malloc_usable_size(ptr), SECRET, sizeof SECRET - 1) != NULL)
        freed_with_secret++;
    __real_free(ptr);
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 14, (size_t)1 << 28);
    diag_init(&diag, &arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static enum status read_text(const char *text, struct access_keys **ret)
{
    return access_keys_read("keys.yaml", view_str(text), &diag, ret);
}

static struct view said(void)
{
    struct buf out;
    struct view copy;

    buf_init(&out, 1 << 16);
    diag_print(&diag, &out);
    copy = arena_copy(&arena, buf_view(&out));
    buf_done(&out);
    return copy;
}

#define REST ", user: a, user_id: u, projects: [p]}\n"

static void test_usual_file(void **state)
{
    struct access_keys *keys = NULL, *second;
    const struct access_key *key;
    struct subject subject;

    (void)state;
    assert_int_equal(read_text("# whose keys these are\n"
                               "- access_key: AK2\n"
                               "  secret_key: '" SECRET "'\n"
                               "  security_token: tok\n"
                               "  user: \"Alice \xC3\x84\"\n"
                               "  user_id: u-1\n"
                               "  domain: org\n"
                               "  projects: [p1, p2]\n"
                               "  sign_as: true\n"
                               "- {access_key: AK1, secret_key: 12345678" REST,
                               &keys),
                     STATUS_OK);
    assert_int_equal(access_keys_count(keys), 2);
    assert_null(access_keys_find(keys, VIEW("AK3")));
    assert_null(access_keys_find(keys, VIEW("AK")));
    assert_null(access_keys_find(keys, VIEW("")));
    key = access_keys_find(keys, VIEW("AK1"));
    assert_non_null(key);
    assert_view(key->secret_key, "12345678");
    assert_null(key->security_token.ptr);
    assert_null(key->domain.ptr);
    assert_false(key->sign_as);
    key = access_keys_find(keys, VIEW("AK2"));
    assert_non_null(key);
    assert_view(key->secret_key, SECRET);
    assert_view(key->security_token, "tok");
    assert_int_equal(key->project_count, 2);
    assert_view(key->projects[1], "p2");
    assert_true(key->sign_as);
    assert_true(access_key_subject(key, VIEW("p2"), &subject));
    assert_int_equal(subject.known, SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT);
    assert_view(subject.user_name, "Alice \xC3\x84");
    assert_view(subject.user_id, "u-1");
    assert_view(subject.domain_name, "org");
    assert_view(subject.project_id, "p2");
    assert_false(access_key_subject(key, VIEW("p3"), &subject));
    assert_false(access_key_subject(key, VIEW(""), &subject));
    second = access_keys_ref(keys);
    access_keys_unref(&keys);
    assert_null(keys);
    assert_non_null(access_keys_find(second, VIEW("AK2")));
    access_keys_unref(&second);
    access_keys_unref(&second);
}

static const struct {
    const char *name, *text, *want;
} faults[] = {
    {"nothing", "", "keys.yaml:1:1: must be a list"},
    {"empty list", "[]\n", "keys.yaml:1:1: must be a list"},
    {"a mapping", "access_key: A\n", "keys.yaml:1:1: must be a list"},
    {"not YAML", "- {access_key: [\n", "keys.yaml:2"},
    {"an entry is text", "- secret_key:" SECRET "\n", "keys.yaml:1:3: expected a mapping with"},
    {"unknown key", "- {access_key: A, " SECRET ": 12345678" REST, "keys.yaml:1:19: unknown key"},
    {"no secret", "- {access_key: A" REST, "keys.yaml:1:3: secret_key is missing"},
    {"no access key", "- {secret_key: " SECRET REST, "keys.yaml:1:3: access_key is missing"},
    {"no user", "- {access_key: A, secret_key: " SECRET ", user_id: u, projects: [p]}",
     "user is missing"},
    {"no user id", "- {access_key: A, secret_key: " SECRET ", user: u, projects: [p]}",
     "user_id is missing"},
    {"no projects", "- {access_key: A, secret_key: " SECRET ", user: u, user_id: u}",
     "projects is missing"},
    {"projects are text",
     "- {access_key: A, secret_key: " SECRET ", user: u, user_id: u, projects: " SECRET "}",
     "projects must be a list"},
    {"no project", "- {access_key: A, secret_key: " SECRET ", user: u, user_id: u, projects: []}",
     "projects must be a list"},
    {"odd project",
     "- {access_key: A, secret_key: " SECRET ", user: u, user_id: u, projects: [a/b]}",
     "a project's id must be"},
    {"project is a list",
     "- {access_key: A, secret_key: " SECRET ", user: u, user_id: u, projects: [[a]]}",
     "expected the id of a project, found a list"},
    {"slash in the access key", "- {access_key: A/B, secret_key: " SECRET REST,
     "keys.yaml:1:16: access_key must be"},
    {"empty access key", "- {access_key: '', secret_key: " SECRET REST, "access_key must be"},
    {"access key is a list", "- {access_key: [A], secret_key: " SECRET REST,
     "access_key: expected text"},
    {"short secret", "- {access_key: A, secret_key: 1234567" REST, "secret_key must be one word"},
    {"blank in the secret", "- {access_key: A, secret_key: '" SECRET " a'" REST,
     "secret_key must be one word"},
    {"secret in two lines", "- {access_key: A, secret_key: \"" SECRET "\\n\"" REST,
     "secret_key must be one word"},
    {"odd token", "- {access_key: A, secret_key: " SECRET ", security_token: 'a b'" REST,
     "security_token must be one word"},
    {"control character in the user",
     "- {access_key: A, secret_key: " SECRET ", user: \"a\\n\", user_id: u, projects: [p]}\n",
     "user must be"},
    {"sign_as is a word", "- {access_key: A, secret_key: 12345678, sign_as: " SECRET REST,
     "sign_as must be true or false"},
    {"sign_as in quotes", "- {access_key: A, secret_key: 12345678, sign_as: 'true'" REST,
     "sign_as must be true or false"},
    {"access key twice",
     "- {access_key: A, secret_key: " SECRET REST "- {access_key: A, secret_key: 12345678" REST,
     "keys.yaml:2:3: this access_key stands in line 1 already"},
    {"secret twice",
     "- {access_key: B, secret_key: " SECRET REST "- {access_key: A, secret_key: " SECRET REST,
     "keys.yaml:2:3: this secret_key is the one in line 1"},
    {"key of a mapping twice", "- {access_key: A, access_key: B, secret_key: " SECRET REST,
     "keys.yaml:1:"},
    {"anchor", "- &a {access_key: A, secret_key: " SECRET REST, "keys.yaml:1:"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct access_keys *keys = NULL;
        struct view text;

        diag_init(&diag, &arena);
        assert_row(read_text(faults[i].text, &keys) == STATUS_INVALID, faults[i].name);
        assert_row(keys == NULL, faults[i].name);
        text = said();
        if (memmem(text.ptr, text.len, faults[i].want, strlen(faults[i].want)) == NULL)
            print_error("%.*s", VIEW_ARGS(text));
        assert_row(memmem(text.ptr, text.len, faults[i].want, strlen(faults[i].want)) != NULL,
                   faults[i].name);
        assert_row(memmem(text.ptr, text.len, SECRET, 8) == NULL, faults[i].name);
    }
}

static void test_all_faults_at_once(void **state)
{
    struct access_keys *keys = NULL;

    (void)state;
    assert_int_equal(read_text("- {access_key: A}\n- {access_key: 'b c'}\n", &keys),
                     STATUS_INVALID);
    assert_int_equal(diag.faults, 9);
}

/* As many as may be, and one more. */
static void test_many_keys(void **state)
{
    struct access_keys *keys = NULL;
    struct buf text;

    (void)state;
    buf_init(&text, (size_t)8 << 20);
    for (int i = 0; i < ACCESS_KEYS_MAX; i++)
        buf_printf(&text, "- {access_key: AK%d, secret_key: secret-of-%d" REST, 7 * i, i);
    assert_int_equal(access_keys_read("keys.yaml", buf_view(&text), &diag, &keys), STATUS_OK);
    assert_int_equal(access_keys_count(keys), ACCESS_KEYS_MAX);
    for (int i = 0; i < ACCESS_KEYS_MAX; i++) {
        struct view id = arena_printf(&arena, "AK%d", 7 * i);
        const struct access_key *key = access_keys_find(keys, id);

        assert_non_null(key);
        assert_view_eq(key->secret_key, arena_printf(&arena, "secret-of-%d", i));
    }
    access_keys_unref(&keys);
    buf_add_str(&text, "- {access_key: B, secret_key: another-one" REST);
    assert_int_equal(access_keys_read("keys.yaml", buf_view(&text), &diag, &keys), STATUS_INVALID);
    buf_done(&text);
}

/* ---- files ---- */

static char folder[] = "/tmp/postern-keys-XXXXXX";
static char path[sizeof folder + 16];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/keys.yaml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text, mode_t mode)
{
    int fd;

    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

#define GOOD "- {access_key: A, secret_key: " SECRET REST

static void test_secrets_are_wiped(void **state)
{
    struct access_keys *keys = NULL;

    (void)state;
    write_file(GOOD, 0600);
    freed_with_secret = 0;
    assert_int_equal(access_keys_load(path, &diag, &keys), STATUS_OK);
    assert_view(access_keys_find(keys, VIEW("A"))->secret_key, SECRET);
    access_keys_unref(&keys);
    write_file(GOOD GOOD, 0400);
    assert_int_equal(access_keys_load(path, &diag, &keys), STATUS_INVALID);
    assert_int_equal(freed_with_secret, 0);
}

static void test_modes(void **state)
{
    static const mode_t bad[] = {0640, 0604, 0660, 0610, 0601, 0644};
    struct access_keys *keys = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct view text, want;

        write_file(GOOD, bad[i]);
        diag_init(&diag, &arena);
        assert_int_equal(access_keys_load(path, &diag, &keys), STATUS_INVALID);
        text = said();
        want = arena_printf(&arena,
                            "%s: has mode %04o, so that others may get at the keys in it; chmod "
                            "600 it\n",
                            path, (unsigned)bad[i]);
        assert_view_eq(text, want);
    }
    write_file(GOOD, 0400);
    assert_int_equal(access_keys_load(path, &diag, &keys), STATUS_OK);
    access_keys_unref(&keys);
}

static void test_no_file(void **state)
{
    struct access_keys *keys = NULL;

    (void)state;
    (void)unlink(path);
    assert_int_equal(access_keys_load(path, &diag, &keys), STATUS_IO);
    assert_view_eq(said(), arena_printf(&arena, "%s: No such file or directory\n", path));
    diag_init(&diag, &arena);
    assert_int_equal(access_keys_load(folder, &diag, &keys), STATUS_INVALID);
    assert_view_eq(said(), arena_printf(&arena, "%s: not a regular file\n", folder));
    diag_init(&diag, &arena);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(access_keys_load(path, &diag, &keys), STATUS_INVALID);
    assert_view_eq(said(), arena_printf(&arena, "%s: not a regular file\n", path));
}

/* A file may be given away only by root. */
static void test_owner(void **state)
{
    struct access_keys *keys = NULL;

    (void)state;
    if (geteuid() != 0)
        skip();
    write_file(GOOD, 0600);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(access_keys_load(path, &diag, &keys), STATUS_INVALID);
    assert_non_null(memmem(said().ptr, said().len, "belongs to user 65534", 21));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_usual_file), TEST(test_faults), TEST(test_all_faults_at_once),
        TEST(test_many_keys),  TEST(test_modes),  TEST(test_secrets_are_wiped),
        TEST(test_no_file),    TEST(test_owner),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
