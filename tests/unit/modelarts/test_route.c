/* SPDX-License-Identifier: Apache-2.0
 * Method and path to operation: every row, every spelling that some reader would take for one, and
 * what must pass untouched. */
#include "modelarts/operation.h"

#include "bodies.h"

#define P   "0123456789abcdef0123456789abcdef"
#define DE  "DE-00000000-0000-0000-0000-000000000001"
#define ID  "3f2b9e1c-1111-2222-3333-444455556666"
#define TEN "0123456789"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 1U << 20U);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

struct served {
    const char *method, *path;
    enum operation_id want;
    enum op_class class;
    const char *name, *instance;
    bool verb;
};

static const struct served served[] = {
    {"POST", "/v1/" P "/demanager/instances", OP_DEMANAGER_CREATE, CLASS_CREATE, "demanager.create",
     NULL, false},
    {"GET", "/v1/" P "/demanager/instances", OP_DEMANAGER_LIST, CLASS_READ, "demanager.list", NULL,
     false},
    {"HEAD", "/v1/" P "/demanager/instances", OP_DEMANAGER_LIST, CLASS_READ, "demanager.list", NULL,
     false},
    {"GET", "/v1/" P "/demanager/instances/" DE, OP_DEMANAGER_GET, CLASS_READ, "demanager.get", DE,
     false},
    {"PUT", "/v1/" P "/demanager/instances/" DE, OP_DEMANAGER_UPDATE, CLASS_CHANGE,
     "demanager.update", DE, false},
    {"DELETE", "/v1/" P "/demanager/instances/" DE, OP_DEMANAGER_DELETE, CLASS_RELEASE,
     "demanager.delete", DE, false},
    {"GET", "/v1/" P "/demanager/instances/" DE "/token", OP_DEMANAGER_TOKEN, CLASS_READ,
     "demanager.token", DE, false},
    {"POST", "/v1/" P "/demanager/instances/" DE "/action", OP_DEMANAGER_START, CLASS_START,
     "demanager.start", DE, true},
    {"POST", "/v1/" P "/notebooks", OP_NOTEBOOKS_CREATE, CLASS_CREATE, "notebooks.create", NULL,
     false},
    {"GET", "/v1/" P "/notebooks", OP_NOTEBOOKS_LIST, CLASS_READ, "notebooks.list", NULL, false},
    {"GET", "/v1/" P "/notebooks/all", OP_NOTEBOOKS_LIST_ALL, CLASS_READ, "notebooks.list_all",
     NULL, false},
    {"GET", "/v1/" P "/notebooks/flavors", OP_NOTEBOOKS_FLAVORS, CLASS_READ, "notebooks.flavors",
     NULL, false},
    {"GET", "/v1/" P "/notebooks/tags", OP_NOTEBOOKS_TAGS, CLASS_READ, "notebooks.tags", NULL,
     false},
    {"GET", "/v1/" P "/notebooks/" ID, OP_NOTEBOOKS_GET, CLASS_READ, "notebooks.get", ID, false},
    {"HEAD", "/v1/" P "/notebooks/" ID, OP_NOTEBOOKS_GET, CLASS_READ, "notebooks.get", ID, false},
    {"PUT", "/v1/" P "/notebooks/" ID, OP_NOTEBOOKS_UPDATE, CLASS_CHANGE, "notebooks.update", ID,
     false},
    {"DELETE", "/v1/" P "/notebooks/" ID, OP_NOTEBOOKS_DELETE, CLASS_RELEASE, "notebooks.delete",
     ID, false},
    {"POST", "/v1/" P "/notebooks/" ID "/start", OP_NOTEBOOKS_START, CLASS_START, "notebooks.start",
     ID, false},
    {"GET", "/v1/" P "/notebooks/" ID "/start", OP_NOTEBOOKS_START_GET, CLASS_START,
     "notebooks.start", ID, false},
    {"POST", "/v1/" P "/notebooks/" ID "/stop", OP_NOTEBOOKS_STOP, CLASS_RELEASE, "notebooks.stop",
     ID, false},
    {"PATCH", "/v1/" P "/notebooks/" ID "/lease", OP_NOTEBOOKS_LEASE, CLASS_CHANGE,
     "notebooks.lease", ID, false},
    {"GET", "/v1/" P "/notebooks/" ID "/lease", OP_NOTEBOOKS_LEASE_GET, CLASS_READ,
     "notebooks.lease_get", ID, false},
    {"GET", "/v1/" P "/notebooks/" ID "/flavors", OP_NOTEBOOKS_FLAVORS_OF, CLASS_READ,
     "notebooks.flavors_of", ID, false},
    {"POST", "/v1/" P "/notebooks/" ID "/storage", OP_NOTEBOOKS_MOUNT, CLASS_MOUNT,
     "notebooks.mount", ID, false},
    {"GET", "/v1/" P "/notebooks/" ID "/storage", OP_NOTEBOOKS_MOUNT_LIST, CLASS_READ,
     "notebooks.mount_list", ID, false},
    {"GET", "/v1/" P "/notebooks/" ID "/storage/s-1", OP_NOTEBOOKS_MOUNT_GET, CLASS_READ,
     "notebooks.mount_get", ID, false},
    {"DELETE", "/v1/" P "/notebooks/" ID "/storage/s-1", OP_NOTEBOOKS_UNMOUNT, CLASS_RELEASE,
     "notebooks.unmount", ID, false},
    {"POST", "/v1/" P "/notebooks/" ID "/create-image", OP_NOTEBOOKS_CREATE_IMAGE, CLASS_OTHER,
     "notebooks.create_image", ID, false},
    {"POST", "/v1/" P "/notebooks/" ID "/tags/create", OP_NOTEBOOKS_TAG, CLASS_OTHER,
     "notebooks.tag", ID, false},
    {"DELETE", "/v1/" P "/notebooks/" ID "/tags/delete", OP_NOTEBOOKS_UNTAG, CLASS_OTHER,
     "notebooks.untag", ID, false},
};

static void test_every_row_is_served(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof served / sizeof *served; i++) {
        const struct served *row = &served[i];
        struct route route;
        struct reason why;

        assert_row(
            modelarts_route(view_str(row->method), view_str(row->path), &arena, &route, &why),
            row->path);
        assert_row(route.op == &operations[row->want], row->path);
        assert_row(route.op->class == row->class, row->path);
        assert_row(strcmp(route.op->name, row->name) == 0, row->path);
        assert_row(view_eq(route.project, VIEW(P)), row->path);
        assert_row(view_eq(route.instance, view_str(row->instance)), row->path);
        assert_row((route.instance.ptr == NULL) == (row->instance == NULL), row->path);
        assert_row(route.verb_in_body == row->verb, row->path);
    }
}

/* A row that no case above reaches would be a row without a test. */
static void test_every_row_has_a_case(void **state)
{
    (void)state;
    for (size_t op = 0; op < OP_COUNT; op++) {
        bool found = operations[op].path == NULL;

        for (size_t i = 0; i < sizeof served / sizeof *served; i++)
            found = found || strcmp(served[i].name, operations[op].name) == 0;
        assert_row(found, operations[op].name);
    }
}

struct refused {
    const char *method, *path, *code;
};

#define AMBIGUOUS "path.ambiguous"
#define UNKNOWN   "route.unknown"

static const struct refused refused[] = {
    /* other methods and paths of the families */
    {"PATCH", "/v1/p/demanager/instances", UNKNOWN},
    {"PUT", "/v1/p/demanager/instances", UNKNOWN},
    {"DELETE", "/v1/p/demanager/instances", UNKNOWN},
    {"POST", "/v1/p/demanager/instances/DE-1", UNKNOWN},
    {"GET", "/v1/p/demanager/instances/DE-1/action", UNKNOWN},
    {"HEAD", "/v1/p/notebooks/i-1/start", UNKNOWN}, /* a read that would start it */
    {"HEAD", "/v1/p/notebooks/i-1/stop", UNKNOWN},
    {"PATCH", "/v1/p/notebooks/i-1", UNKNOWN},
    {"POST", "/v1/p/notebooks/i-1/lease", UNKNOWN},
    {"PUT", "/v1/p/notebooks/i-1/lease", UNKNOWN},
    {"PUT", "/v1/p/notebooks/i-1/storage", UNKNOWN},
    {"POST", "/v1/p/notebooks/i-1/storage/s-1", UNKNOWN},
    {"GET", "/v1/p/notebooks/i-1/create-image", UNKNOWN},
    {"GET", "/v1/p/notebooks/i-1/tags", UNKNOWN},
    {"GET", "/v1/p/notebooks/i-1/tags/create", UNKNOWN},
    {"PUT", "/v1/p/demanager/instances/DE-1/action", UNKNOWN},
    {"POST", "/v1/p/demanager/instances/DE-1/token", UNKNOWN},
    {"POST", "/v1/p/demanager/instances/DE-1/action/x", UNKNOWN},
    {"GET", "/v1/p/demanager", UNKNOWN},
    {"GET", "/v1/p/demanager/flavors", UNKNOWN},
    {"GET", "/v1/demanager", UNKNOWN},
    {"GET", "/v1/demanager/instances", UNKNOWN},
    {"POST", "/v1/notebooks", UNKNOWN},
    {"POST", "/v2/p/demanager/instances", UNKNOWN},
    {"POST", "/v2/p/notebooks", UNKNOWN},
    {"POST", "/v1/p/notebooks/" ID "/lease", UNKNOWN},
    {"PUT", "/v1/p/notebooks/" ID "/lease", UNKNOWN},
    {"GET", "/v1/p/notebooks/" ID "/stop", UNKNOWN},
    {"DELETE", "/v1/p/notebooks/" ID "/start", UNKNOWN},
    {"POST", "/v1/p/notebooks/" ID "/unheard-of", UNKNOWN},
    {"post", "/v1/p/notebooks", UNKNOWN},
    {"OPTIONS", "/v1/p/notebooks", UNKNOWN},
    {"", "/v1/p/notebooks", UNKNOWN},
    /* literal segments are no instances */
    {"DELETE", "/v1/p/notebooks/all", UNKNOWN},
    {"PUT", "/v1/p/notebooks/flavors", UNKNOWN},
    {"DELETE", "/v1/p/notebooks/Tags", UNKNOWN},
    {"POST", "/v1/p/notebooks/all/start", UNKNOWN},
    {"DELETE", "/v1/p/notebooks/x/storage/create", UNKNOWN},
    /* segments that may not be */
    {"GET", "/v1/p/demanager/instances/" TEN TEN TEN TEN TEN TEN "abcde", UNKNOWN},
    {"GET", "/v1/" TEN TEN TEN TEN TEN TEN "abcde/notebooks", UNKNOWN},
    {"GET", "/v1/p/demanager/instances/DE.1", AMBIGUOUS},
    {"GET", "/v1/p.x/demanager/instances", AMBIGUOUS},
    {"GET", "/v1/p/demanager/instances/DE%2d1", AMBIGUOUS},
    {"GET", "/v1/p/demanager/instances/DE~1", AMBIGUOUS},
    /* spellings of the families */
    {"POST", "/v1/p/%64emanager/instances", AMBIGUOUS},
    {"POST", "/v1/p/%2564emanager/instances", AMBIGUOUS},
    {"POST", "/v1/p/%252564emanager/instances", AMBIGUOUS},
    {"POST", "/v1/p/%25%36%34emanager/instances", AMBIGUOUS},
    {"POST", "/v1/p/demanager%2finstances", AMBIGUOUS},
    {"POST", "/v1/p%2fdemanager/instances", AMBIGUOUS},
    {"POST", "/v1/p%2Fdemanager%2Finstances", AMBIGUOUS},
    {"POST", "/v1%2fp%2fdemanager%2finstances", AMBIGUOUS},
    {"POST", "/v1/p%252fdemanager%252finstances", AMBIGUOUS},
    {"POST", "/v1/a%2fb/demanager/instances", AMBIGUOUS},
    {"POST", "/v1/a%252fb/%64emanager/instances", AMBIGUOUS},
    {"POST", "/v1/p%5cdemanager%5cinstances", AMBIGUOUS},
    /* some strip parameters first and decode then; found by fuzzing */
    {"POST", "/v1/p/%3b/%3b/..;/..;/notebooks", AMBIGUOUS},
    {"POST", "/v1/p/%3b/%3b/%3b/..;a/..;b/..;c/demanager/instances", AMBIGUOUS},
    /* readers differ on whether a backslash cuts; found by fuzzing */
    {"POST", "/a%5cb%2fp%2fdemanager%2finstances", AMBIGUOUS},
    {"POST", "/x%5cy%2f..%2fv1%2fp%2fdemanager%2finstances", AMBIGUOUS},
    {"POST", "/x%255cy%2f..%2fv1%2fp%2fnotebooks", AMBIGUOUS},
    {"POST", "/x%5c..%2fv1%2fp%2fnotebooks", AMBIGUOUS},
    {"POST", "/v1/%2e%2e%2fv1/p/demanager/instances", AMBIGUOUS},
    {"POST", "/x/%2e%2e%2fv1/p/demanager/instances", AMBIGUOUS},
    {"POST", "/x%2f../v1/p/demanager/instances", AMBIGUOUS},
    {"POST", "/v1/p/x%2f..%2fnotebooks", AMBIGUOUS},
    {"POST", "/v1/p/..;/p/notebooks", AMBIGUOUS},
    {"POST", "/v1/p/%2e/notebooks", AMBIGUOUS},
    {"POST", "/v1/p/;x/notebooks", AMBIGUOUS},
    {"POST", "/;x/v1/p/notebooks", AMBIGUOUS},
    {"POST", "/v1/p/%3bx/notebooks", AMBIGUOUS},
    {"POST", "/v1/p/%2fnotebooks", AMBIGUOUS},
    {"POST", "/%2fv1/p/notebooks", AMBIGUOUS},
    {"POST", "/v1/p/demanager/instances/", AMBIGUOUS},
    {"POST", "/v1/p/demanager/instances%2f", AMBIGUOUS},
    {"POST", "/v1/p/demanager/instances;x", AMBIGUOUS},
    {"POST", "/v1/p/demanager/instances;x=y/", AMBIGUOUS},
    {"POST", "/v1/p/demanager;x/instances", AMBIGUOUS},
    {"POST", "/v1;x/p/demanager/instances", AMBIGUOUS},
    {"POST", "/v1/p;x/demanager/instances", AMBIGUOUS},
    {"POST", "/v1/p/demanager/Instances", AMBIGUOUS},
    {"POST", "/v1/p/Demanager/instances", AMBIGUOUS},
    {"POST", "/v1/p/DEMANAGER/INSTANCES", AMBIGUOUS},
    {"POST", "/V1/p/demanager/instances", AMBIGUOUS},
    {"POST", "/v1/p/demanager/instances.json", AMBIGUOUS},
    {"POST", "/v1/p/demanager.json/instances", AMBIGUOUS},
    {"POST", "/v1/p/notebooks.json", AMBIGUOUS},
    {"POST", "/v1/p/notebooks/", AMBIGUOUS},
    {"POST", "/v1/p/Notebooks", AMBIGUOUS},
    {"POST", "/v1/p/noteBooks.xml", AMBIGUOUS},
    {"POST", "/v1/p/notebooks;jsessionid=1", AMBIGUOUS},
    {"POST", "/v1/p/notebooks%20", AMBIGUOUS},
    {"POST", "/v1/p/%20notebooks", AMBIGUOUS},
    {"POST", "/v1/p/notebooks%00", AMBIGUOUS},
    {"POST", "/v1/p/notebooks%00/x", AMBIGUOUS},
    {"POST", "/v1/p/notebooks%3fx", AMBIGUOUS},
    {"POST", "/v1/p/notebooks%23", AMBIGUOUS},
    {"POST", "/v1/p/noteboo%e2%84%aas", AMBIGUOUS}, /* KELVIN SIGN */
    {"POST", "/v1/p/notebook%c5%bf", AMBIGUOUS},    /* LONG S */
    {"POST", "/v1/p/notebook\xc5\xbf", AMBIGUOUS},
    {"POST", "/v1/notebooks/", AMBIGUOUS},
    {"POST", "/v1/notebooks%2fx", AMBIGUOUS},
    {"PATCH", "/v1/p/notebooks/" ID "/Lease", AMBIGUOUS},
    {"PATCH", "/v1/p/notebooks/" ID "/leas%65", AMBIGUOUS},
    {"POST", "/v1/p/notebooks/" ID "/start/", AMBIGUOUS},
    {"POST", "/v1/p/demanager/instances/DE-1/action/", AMBIGUOUS},
    {"POST", "/v1/p/demanager/instances/DE-1/ACTION", AMBIGUOUS},
    /* refused everywhere */
    {"POST", "//v1/p/notebooks/" ID "/stop", AMBIGUOUS},
    {"GET", "//v1/p/models", AMBIGUOUS},
    {"GET", "/v1//models", AMBIGUOUS},
    {"GET", "/v1/p/models//", AMBIGUOUS},
    {"GET", "/v1/p/./models", AMBIGUOUS},
    {"GET", "/v1/p/../models", AMBIGUOUS},
    {"GET", "/v1/p/models/..", AMBIGUOUS},
    {"GET", "/v1/p/models/.", AMBIGUOUS},
    {"GET", "/..", AMBIGUOUS},
    {"GET", "/v1/p/models/%2e%2e/x", AMBIGUOUS},
    {"GET", "/v1/p/models/%2E./x", AMBIGUOUS},
    {"GET", "/v1/p/models/%252e%252e/x", AMBIGUOUS},
    {"GET", "/v1/p/models/..;x/y", AMBIGUOUS},
    {"GET", "/v1/p/models/a%2f..%2fb", AMBIGUOUS},
    {"GET", "/v1/p/models/a%2f.", AMBIGUOUS},
    {"GET", "/v1/p/models/a%5c..%5cb", AMBIGUOUS},
    {"GET", "/v1/p/models/a%252f%252e%252e%252fb", AMBIGUOUS},
    {"GET", "/v1/p/models/..%00", AMBIGUOUS},
    {"GET", "/v1/p/models/..%3fx", AMBIGUOUS},
    {"GET", "/v1/p/models/.%20/x", AMBIGUOUS},
    {"GET", "/v1/p\\models", AMBIGUOUS},
    {"GET", "/v1/p/models#x", AMBIGUOUS},
    {"GET", "/v1/p/models?x", AMBIGUOUS},
    {"GET", "/v1/p/models/a b", AMBIGUOUS},
    {"GET", "/v1/p/models/a\tb", AMBIGUOUS},
    {"GET", "/v1/p/models/a\x7f", AMBIGUOUS},
    {"GET", "/v1/p/models/%", AMBIGUOUS},
    {"GET", "/v1/p/models/%2", AMBIGUOUS},
    {"GET", "/v1/p/models/%zz", AMBIGUOUS},
    {"GET", "/v1/p/models/%2g", AMBIGUOUS},
    {"GET", "/v1/p/models/%u0064", AMBIGUOUS},
    {"GET", "/v1/p/models/%%32%66", AMBIGUOUS},
    {"GET", "", AMBIGUOUS},
    {"GET", "v1/p/models", AMBIGUOUS},
    {"OPTIONS", "*", AMBIGUOUS},
    {"GET", "http://host/v1/p/models", AMBIGUOUS},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct route route;
        struct reason why = {0};

        assert_row(!modelarts_route(view_str(refused[i].method), view_str(refused[i].path), &arena,
                                    &route, &why),
                   refused[i].path);
        if (strcmp(why.row->code, refused[i].code) != 0)
            print_error("%s: %s\n", refused[i].path, why.row->code);
        assert_row(strcmp(why.row->code, refused[i].code) == 0, refused[i].path);
        assert_row(why.row->status == (strcmp(why.row->code, UNKNOWN) == 0 ? 403 : 400),
                   refused[i].path);
        assert_row(why.message.len > 0, refused[i].path);
    }
}

static const struct {
    const char *method, *path, *project;
} others[] = {
    {"GET", "/v1/" P "/models/a%2Fb%20c", P},
    {"GET", "/v1/p/models/a%2fb", "p"},
    {"POST", "/v2/p/training-jobs", "p"},
    {"POST", "/v2.0/p/training-jobs", "p"},
    {"GET", "/v1/p/images", "p"},
    {"GET", "/v1/p/images/x/", "p"},
    {"GET", "/v1/p/models/notebooks", "p"},
    {"GET", "/v1/p/models/demanager/instances", "p"},
    {"GET", "/v1/p/models/a%2fnotebooks", "p"},
    {"GET", "/v1/p/models/x;y=z", "p"},
    {"GET", "/v1/p/notebooks2", "p"},
    {"GET", "/v1/p/my-notebooks", "p"},
    {"GET", "/v1/p/notebooks-x", "p"},
    {"GET", "/v1/p/notebook", "p"},
    {"GET", "/v1/p/models/100%25", "p"},
    {"GET", "/v1/p/models/\xc3\xa4", "p"},
    {"GET", "/v1/p/services/v1.2.json", "p"},
    {"GET", "/v1/p/models/...", "p"},
    {"GET", "/v1/p/models/a%2f...%2fb", "p"},
    {"GET", "/v1/p/models/..a%2fb..%2fc.", "p"},
    {"GET", "/v1/p/models/a%5cb", "p"},
    {"UNHEARD-OF", "/v1/p/models", "p"},
    {"GET", "/", NULL},
    {"GET", "/v1", NULL},
    {"GET", "/v1/", NULL},
    {"GET", "/healthz", NULL},
    {"GET", "/notebooks", NULL},
    {"GET", "/x/p/models", NULL},
    {"GET", "/v/p/models", NULL},
    {"GET", "/v1/p%20q/models", NULL},
    {"GET", "/vx/p/models", NULL},
};

static void test_others_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct route route;
        struct reason why;

        assert_row(modelarts_route(view_str(others[i].method), view_str(others[i].path), &arena,
                                   &route, &why),
                   others[i].path);
        assert_row(route.op == &operations[OP_OTHER], others[i].path);
        assert_row(view_eq(route.project, view_str(others[i].project)), others[i].path);
        assert_row((route.project.ptr == NULL) == (others[i].project == NULL), others[i].path);
        assert_row(route.instance.ptr == NULL && !route.verb_in_body, others[i].path);
    }
}

static void test_nul_in_a_path(void **state)
{
    struct route route;
    struct reason why;

    (void)state;
    assert_false(modelarts_route(VIEW("GET"), VIEW("/v1/p/models\0x"), &arena, &route, &why));
    assert_string_equal(why.row->code, AMBIGUOUS);
}

/* Limits: 16384 bytes, something escaped eight times. */
static void test_limits(void **state)
{
    static char path[16385];
    struct route route;
    struct reason why;

    (void)state;
    memset(path, 'x', sizeof path);
    put(path, "/v1/p/a%20");
    assert_true(modelarts_route(VIEW("GET"), view_of(path, 16384), &arena, &route, &why));
    assert_false(modelarts_route(VIEW("GET"), view_of(path, 16385), &arena, &route, &why));
    assert_string_equal(why.row->code, "path.too_long");
    assert_int_equal(why.row->status, 414);
    put(path, "/v1/p/abcd");
    assert_true(modelarts_route(VIEW("GET"), view_of(path, 16384), &arena, &route, &why));
    assert_false(modelarts_route(VIEW("GET"), view_of(path, 16385), &arena, &route, &why));
    assert_string_equal(why.row->code, "path.too_long");
}

static void test_escapes_of_escapes(void **state)
{
    char path[64] = "/v1/p/models/%";
    struct route route;
    struct reason why;

    (void)state;
    for (unsigned level = 1; level <= 8; level++) {
        strncat(path, "25", 3);
        assert_true(modelarts_route(VIEW("GET"), view_str(path), &arena, &route, &why));
    }
    strncat(path, "25", 3);
    assert_false(modelarts_route(VIEW("GET"), view_str(path), &arena, &route, &why));
    assert_string_equal(why.row->code, AMBIGUOUS);
}

/* Each byte of a served path, escaped: never served, never "other". */
static void test_any_escaped_byte_is_refused(void **state)
{
    static const char path[] = "/v1/p/demanager/instances/DE-1";
    struct route route;
    struct reason why;

    (void)state;
    for (size_t at = 1; at < sizeof path - 1; at++) {
        char spelled[64];

        (void)snprintf(spelled, sizeof spelled, "%.*s%%%02x%s", (int)at, path,
                       (unsigned)(unsigned char)path[at], path + at + 1);
        assert_row(!modelarts_route(VIEW("DELETE"), view_str(spelled), &arena, &route, &why),
                   spelled);
        assert_row(strcmp(why.row->code, AMBIGUOUS) == 0, spelled);
    }
}

static void test_no_memory_still_refuses(void **state)
{
    struct arena none;
    struct route route;
    struct reason why = {0};

    (void)state;
    arena_init(&none, 16, 0);
    assert_false(modelarts_route(VIEW("PATCH"), VIEW("/v1/p/notebooks"), &none, &route, &why));
    assert_string_equal(why.row->code, UNKNOWN);
    assert_true(why.message.len > 0);
    arena_done(&none);
}

static void test_names_and_classes(void **state)
{
    (void)state;
    for (size_t i = 0; i < OP_COUNT; i++) {
        const struct operation *op = &operations[i];
        const struct operation *found = operation_find(view_str(op->name));

        assert_row(op->id == (enum operation_id)i, op->name);
        assert_row(found != NULL && found->class == op->class && found->family == op->family,
                   op->name);
        assert_row(op_class_name(op->class) != NULL && family_name(op->family) != NULL, op->name);
        assert_row(operation_is_judged(op) == (op->class <= CLASS_MOUNT), op->name);
    }
    assert_null(operation_find(VIEW("demanager")));
    assert_null(operation_find(VIEW_NONE));
    assert_string_equal(op_class_name(CLASS_RELEASE), "release");
    assert_string_equal(family_name(FAMILY_NONE), "");
}

static void test_reason_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELARTS_REASON_COUNT; i++) {
        const struct reason_row *row = &modelarts_reasons[i];

        assert_row(row->status >= 400 && row->status <= 503, row->code);
        assert_row(strlen(row->help) > 10 && strlen(row->help) < 120, row->code);
        for (size_t j = 0; j < i; j++)
            assert_row(strcmp(row->code, modelarts_reasons[j].code) != 0, row->code);
    }
    assert_string_equal(modelarts_reasons[MODELARTS_OPERATION_NOT_SUPPORTED].code,
                        "operation.not_supported");
}

static void test_pattern_ok(void **state)
{
    static const struct {
        const char *pattern;
        bool want;
    } rows[] = {
        {"POST /v2/*/training-jobs", true},
        {"* /v2/*", true},
        {"GET /", true},
        {"PATCH /v2/*/pools/", true},
        {"POST", false},
        {"POST ", false},
        {"", false},
        {" /v2", false},
        {"post /v2", false},
        {"PO*T /v2", false},
        {"POST v2", false},
        {"POST *", false},
        {"POST  /v2", false},
        {"POST /v2 /x", false},
        {"POST /v2/%20", false},
        {"POST /v2//x", false},
        {"POST //v2", false},
        {"POST /v2/./x", false},
        {"POST /v2/..", false},
        {"POST /v2\\x", false},
        {"POST /v2?x", false},
        {"POST /v2#x", false},
        {"POST /v2;x", false},
        {"POST /v2\xc3\xa4", false},
        {"POST /v2\n", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_row(modelarts_route_pattern_ok(view_str(rows[i].pattern)) == rows[i].want,
                   rows[i].pattern);
}

static const struct {
    const char *pattern, *method, *path;
    bool want;
} matches[] = {
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/a/b/training-jobs", true},
    {"POST /v2/*/training-jobs", "GET", "/v2/p/training-jobs", false},
    {"POST /v2/*/training-jobs", "post", "/v2/p/training-jobs", false},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs/1", false},
    {"POST /v2/*/training-jobs", "POST", "/v1/p/training-jobs", false},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs2", false},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs/", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/Training-Jobs", true},
    {"POST /v2/*/training-jobs", "POST", "/V2/p/training-jobs", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs.json", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs.tar.gz", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs;x", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs;a%2fb", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs;a%252fb", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/%74raining-jobs", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/%2574raining-jobs", true},
    {"POST /v2/*/training-jobs", "POST", "/v2%2fp%2ftraining-jobs", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs%2f", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs%20", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs%00", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs%3fx", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/x%2f..%2ftraining-jobs", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs/x%2f..", true},
    {"POST /v2/p/training-jobs", "POST", "/x%5cy%2f..%2fv2%2fp%2ftraining-jobs", true},
    {"POST /v2/*/training-jobs", "POST", "/v2;x/p/training-jobs", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/%00p/training-jobs/x%2f..;a=b", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/training-jobs%23/x%2f..", true},
    {"POST /v2/*/training-jobs", "POST", "/v2/p/models/a%2Fb", false},
    {"POST /v2/*/training-jobs", "POST", "//v2/p/training-jobs", true}, /* never served */
    {"POST /v2/p/pools/", "POST", "/v2/p/pools", true},
    {"POST /v2/p/pools/", "POST", "/v2/p/pools/", true},
    {"POST /v2/*/Pools", "POST", "/v2/p/pools", true},
    {"GET /v2/*", "HEAD", "/v2/x", true},
    {"HEAD /v2/*", "GET", "/v2/x", false},
    {"* /v2/*", "ANY", "/v2/x", true},
    {"* /*", "GET", "/", true},
    {"* /v2/*", "GET", "/v2", false},
    {"* /v2*", "GET", "/v2", true},
    {"* /*a*b*c", "GET", "/xaxxbxxbxc", true},
    {"* /*a*b*c", "GET", "/xaxxbxxbxd", false},
    {"* /a.b", "GET", "/a.b", true},
    {"* /a.b", "GET", "/a.b.json", true},
    {"* /a", "GET", "/a.b.json", true},
    {"nothing", "GET", "/a", false},
};

static void test_patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++)
        assert_row(modelarts_route_matches(view_str(matches[i].pattern),
                                           view_str(matches[i].method),
                                           view_str(matches[i].path)) == matches[i].want,
                   matches[i].path);
}

/* A list refuses what one of its patterns refuses, wherever that stands. */
static void test_lists_of_patterns(void **state)
{
    struct view list[] = {VIEW("PUT /v1/*/services/*"), VIEW("GET /v9/x"), VIEW_NONE,
                          VIEW("* /v8/*/end")};

    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
        list[2] = view_str(matches[i].pattern);
        for (size_t first = 0; first <= 2; first++)
            assert_row(modelarts_routes_refuse(list + first, 3 - first, view_str(matches[i].method),
                                               view_str(matches[i].path)) == matches[i].want,
                       matches[i].path);
    }
    assert_false(modelarts_routes_refuse(NULL, 0, VIEW("GET"), VIEW("/v1/p/x")));
    assert_false(modelarts_routes_refuse(NULL, 0, VIEW("GET"), VIEW("//broken")));
    assert_false(modelarts_routes_refuse(list, 2, VIEW("POST"), VIEW("//broken")));
    assert_true(modelarts_routes_refuse(list, 2, VIEW("HEAD"), VIEW("//broken")));
    assert_true(modelarts_routes_refuse(list, 4, VIEW("DELETE"), VIEW("//broken")));
    assert_true(modelarts_routes_refuse(list, 4, VIEW("DELETE"), VIEW("/v8/a%2Fb/END.json")));
    assert_false(modelarts_routes_refuse(list, 4, VIEW("DELETE"), VIEW("/v8/a%2Fb/ENDS")));
}

/* Paths of more segments than any row has, or of fewer. */
static void test_segment_counts(void **state)
{
    char path[512] = "/v1/p/notebooks/i/storage";
    struct route route;
    struct reason why;

    (void)state;
    assert_true(modelarts_route(VIEW("GET"), view_str(path), &arena, &route, &why));
    for (unsigned more = 1; more < 40; more++) {
        strncat(path, "/x", 3);
        assert_row(modelarts_route(VIEW("GET"), view_str(path), &arena, &route, &why) ==
                       (more == 1),
                   path);
        if (more == 1)
            assert_view_eq(route.instance, VIEW("i"));
        else
            assert_string_equal(why.row->code, UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_served),
        cmocka_unit_test(test_every_row_has_a_case),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_others_pass),
        cmocka_unit_test(test_nul_in_a_path),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_escapes_of_escapes),
        cmocka_unit_test(test_any_escaped_byte_is_refused),
        cmocka_unit_test(test_no_memory_still_refuses),
        cmocka_unit_test(test_names_and_classes),
        cmocka_unit_test(test_reason_rows),
        cmocka_unit_test(test_pattern_ok),
        cmocka_unit_test(test_lists_of_patterns),
        cmocka_unit_test(test_segment_counts),
        cmocka_unit_test(test_patterns),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
