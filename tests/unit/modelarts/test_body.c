/* SPDX-License-Identifier: Apache-2.0
 * The create body: what is read from it, and each way in which it can be wrong. */
#include "base/attr.h"

#include "bodies.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct instance_request read_well(const char *text, enum unknown_fields unknown)
{
    struct jdoc doc = doc_of(view_str(text), &arena);
    struct instance_request request = {0};
    struct body_faults faults;

    if (read_create(&doc, unknown, &arena, &request, &faults) != STATUS_OK) {
        print_error("%s: %.*s\n", text, VIEW_ARGS(faults.items[0].message));
        fail();
    }
    assert_int_equal(faults.count, 0);
    return request;
}

static void test_documented_body(void **state)
{
    struct instance_request r = read_well(
        "{\n  \"name\": \"notebook-d115\",\n  \"description\": \"\",\n"
        "  \"profile_id\": \"Ascend-Power-Engine 1.0(python3)\",\n"
        "  \"flavor\": \"modelarts.kat1.xlarge\",\n  \"spec\": {\n    \"storage\": {\n"
        "      \"location\": {\"path\": \"/aaaaaaaaa/output/\"},\n      \"type\": \"obs\"\n    },\n"
        "    \"auto_stop\": {\"enable\": true, \"duration\": 3600}\n  },\n"
        "  \"workspace\": {\"id\": \"0\"}\n}\n",
        UNKNOWN_REFUSE);

    (void)state;
    assert_ptr_equal(r.op, &operations[OP_DEMANAGER_CREATE]);
    assert_view(r.project, "p");
    assert_true(r.name.set && r.profile.set && r.flavor.set && r.workspace.set);
    assert_view(r.name.value, "notebook-d115");
    assert_view(r.profile.value, "Ascend-Power-Engine 1.0(python3)");
    assert_view(r.flavor.value, "modelarts.kat1.xlarge");
    assert_view(r.workspace.value, "0");
    assert_false(r.image.set || r.has_pool || r.pool.set || r.pool_owner.set || r.has_custom_spec);
    assert_int_equal(r.storage_count, 1);
    assert_view(r.storages[0].type, "obs");
    assert_view(r.storages[0].path.value, "/aaaaaaaaa/output/");
    assert_true(r.storages[0].has_obs && !r.storages[0].has_size);
    assert_view(r.storages[0].obs.bucket, "aaaaaaaaa");
    assert_view(r.storages[0].obs.key, "output/");
    assert_string_equal(r.storages[0].pointer, "/spec/storage");
    assert_int_equal(r.stop_count, 1);
    assert_true(r.stops[0].enable && r.stops[0].has_duration && !r.stops[0].misplaced);
    assert_int_equal(r.stops[0].duration_ms, 3600000);
    assert_string_equal(r.stops[0].pointer, "/spec/auto_stop");
    assert_int_equal(r.annotation_count + r.stray_annotation_count, 0);
}

static void test_every_field(void **state)
{
    struct instance_request r = read_well(
        "{" NAMES ",\"description\":\"d\",\"ai_project\":{\"id\":\"a\"},"
        "\"workspace\":{\"id\":\"w\"},\"pool\":{\"id\":\"pool-a\",\"type\":\"t\",\"name\":\"n\","
        "\"owner\":{\"project_id\":\"q\"}},\"spec\":{\"storage\":{\"type\":\"evs\",\"location\":"
        "{\"volume_size\":100}},\"extend_storage\":[{\"type\":\"obsfs\",\"location\":{\"path\":"
        "\"team-files\",\"mount_path\":\"/home/ma-user/work\",\"access_modes\":\"ReadOnlyMany\"}},"
        "{\"type\":\"obs\",\"location\":{\"path\":\"/b2b/c/\"}}],"
        "\"auto_stop\":{\"enable\":false,\"duration\":-1,\"prompt\":true},"
        "\"annotations\":{\"k\":\"v\",\"flavor\":\"free\",\"\\u00e4\":\"\\u00f6\",\"n\":null}}}",
        UNKNOWN_REFUSE);

    (void)state;
    assert_view(r.workspace.value, "w");
    assert_true(r.has_pool);
    assert_view(r.pool.value, "pool-a");
    assert_view(r.pool_owner.value, "q");
    assert_int_equal(r.storage_count, 3);
    assert_true(r.storages[0].has_size && !r.storages[0].has_obs && !r.storages[0].path.set);
    assert_int_equal(r.storages[0].size_gb, 100);
    assert_string_equal(r.storages[1].pointer, "/spec/extend_storage/0");
    assert_view(r.storages[1].path.value, "team-files");
    assert_view(r.storages[1].obs.bucket, "team-files");
    assert_view(r.storages[1].obs.key, "");
    assert_string_equal(r.storages[2].pointer, "/spec/extend_storage/1");
    assert_view(r.storages[2].obs.key, "c/");
    assert_false(r.stops[0].enable);
    assert_true(r.stops[0].has_duration && r.stops[0].duration_ms == -1000);
    assert_int_equal(r.annotation_count, 3);
    assert_view(r.annotations[0].key, "k");
    assert_view(r.annotations[1].value, "free");
    assert_view(r.annotations[2].key, "\xc3\xa4");
    assert_view(r.annotations[2].value, "\xc3\xb6");
}

static void test_null_is_missing(void **state)
{
    struct instance_request r = read_well(
        "{" NAMES ",\"description\":null,\"workspace\":null,\"pool\":null,\"ai_project\":null,"
        "\"auto_stop\":null,\"annotations\":null,\"spec\":{" STORAGE ",\"extend_storage\":null,"
        "\"extended_storage\":null,\"auto_stop\":null,\"annotations\":null}}",
        UNKNOWN_REFUSE);

    (void)state;
    assert_true(r.workspace.set);
    assert_view(r.workspace.value, "0");
    assert_false(r.has_pool);
    assert_int_equal(r.stop_count, 0);
    assert_int_equal(r.storage_count, 1);
    r = read_well(BODY_SPEC(",\"auto_stop\":{\"enable\":null,\"duration\":null,\"prompt\":null}"),
                  UNKNOWN_REFUSE);
    assert_int_equal(r.stop_count, 1);
    assert_false(r.stops[0].enable || r.stops[0].has_duration);
    r = read_well(BODY(",\"workspace\":{\"id\":null}"), UNKNOWN_REFUSE);
    assert_view(r.workspace.value, "0");
    r = read_well(BODY(",\"workspace\":{}"), UNKNOWN_REFUSE);
    assert_view(r.workspace.value, "0");
}

/* The OpenStack client plug-in sends a pool that has only a name or only a type. */
static void test_any_pool_object_names_a_pool(void **state)
{
    static const char *const pools[] = {
        ",\"pool\":{\"name\":\"n\"}", ",\"pool\":{\"type\":\"t\"}", ",\"pool\":{}",
        ",\"pool\":{\"id\":null}",    ",\"pool\":{\"owner\":{}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pools); i++) {
        char text[512];
        struct instance_request r;

        (void)snprintf(text, sizeof text, "%.*s%s}", (int)sizeof BODY("") - 2, BODY(""), pools[i]);
        r = read_well(text, UNKNOWN_REFUSE);
        assert_row(r.has_pool && !r.pool.set, pools[i]);
    }
}

static void test_misplaced_spellings(void **state)
{
    struct instance_request r = read_well(
        "{" NAMES
        ",\"auto_stop\":{\"enable\":true,\"duration\":90000},\"annotations\":{\"a\":\"1\"},"
        "\"spec\":{" STORAGE ",\"extended_storage\":{\"type\":\"obsfs\",\"location\":{\"path\":"
        "\"team-files\"}}}}",
        UNKNOWN_REFUSE);

    (void)state;
    assert_int_equal(r.stop_count, 1);
    assert_true(r.stops[0].misplaced && r.stops[0].enable);
    assert_int_equal(r.stops[0].duration_ms, 90000000);
    assert_string_equal(r.stops[0].pointer, "/auto_stop");
    assert_int_equal(r.annotation_count, 0);
    assert_int_equal(r.stray_annotation_count, 1);
    assert_view(r.stray_annotations[0].key, "a");
    assert_int_equal(r.storage_count, 2);
    assert_string_equal(r.storages[1].pointer, "/spec/extended_storage");
    assert_view(r.storages[1].obs.bucket, "team-files");

    r = read_well(BODY_SPEC(",\"extended_storage\":[{\"type\":\"obs\",\"location\":{\"path\":"
                            "\"/b2b/c/\"}}]"),
                  UNKNOWN_REFUSE);
    assert_int_equal(r.storage_count, 2);
    assert_string_equal(r.storages[1].pointer, "/spec/extended_storage/0");
}

static void test_the_right_stop_comes_first(void **state)
{
    struct instance_request r =
        read_well("{\"auto_stop\":{\"duration\":3600,\"enable\":true}," NAMES ",\"spec\":{" STORAGE
                  ",\"auto_stop\":{\"enable\":true,\"duration\":3600,\"prompt\":true}}}",
                  UNKNOWN_REFUSE);

    (void)state;
    assert_int_equal(r.stop_count, 2);
    assert_string_equal(r.stops[0].pointer, "/spec/auto_stop");
    assert_false(r.stops[0].misplaced);
    assert_string_equal(r.stops[1].pointer, "/auto_stop");
    assert_true(r.stops[1].misplaced);
}

static void test_equal_copies_pass(void **state)
{
    (void)state;
    (void)read_well("{\"annotations\":{\"b\":\"2\",\"a\":\"\\u0031\"}," NAMES ",\"spec\":{" STORAGE
                    ",\"annotations\":{\"a\":\"1\",\"b\":\"2\"}}}",
                    UNKNOWN_REFUSE);
    /* As an edit of an empty right place leaves it. */
    (void)read_well("{\"annotations\":{\"b\":\"2\",\"a\":\"1\"}," NAMES ",\"spec\":{" STORAGE
                    ",\"annotations\":{\"a\":\"1\"}}}",
                    UNKNOWN_REFUSE);
    (void)read_well(BODY_SPEC(",\"extend_storage\":[{\"type\":\"evs\"}],"
                              "\"extended_storage\":{\"type\":\"evs\"}"),
                    UNKNOWN_REFUSE);
    (void)read_well(
        BODY_SPEC(",\"extend_storage\":[{\"type\":\"evs\",\"location\":{\"volume_size\":5}}],"
                  "\"extended_storage\":[{\"location\":{\"volume_size\":5},\"type\":\"evs\"}]"),
        UNKNOWN_REFUSE);
    (void)read_well(BODY_SPEC(",\"extend_storage\":[],\"extended_storage\":[]"), UNKNOWN_REFUSE);
}

struct wrong {
    const char *body, *code, *message; /* message: how it begins */
};

#define TYPE      "body.type"
#define MISSING   "body.missing"
#define UNKNOWN   "body.unknown_field"
#define MISPLACED "body.misplaced"
#define LOOK      "body.lookalike"
#define CONFLICT  "body.conflict"
#define PATH(p) \
    "{" NAMES ",\"spec\":{\"storage\":{\"type\":\"obs\",\"location\":{\"path\":\"" p "\"}}}}"

static const struct wrong wrongs[] = {
    {"[]", TYPE, "the body needs to be an object"},
    {"{" NAMES "}", MISSING, "the body needs \"spec\", an object (ModelArts.6335)"},
    {"{" NAMES ",\"spec\":null}", MISSING, "the body needs \"spec\""},
    {"{\"name\":1,\"profile_id\":\"x\",\"flavor\":\"y\",\"spec\":{" STORAGE "}}", TYPE,
     "/name needs to be a string (ModelArts.6332)"},
    {"{\"name\":[\"x\"],\"profile_id\":\"x\",\"flavor\":\"y\",\"spec\":{" STORAGE "}}", TYPE,
     "/name"},
    {"{" NAMES ",\"spec\":[]}", TYPE, "/spec needs to be an object"},
    {"{" NAMES ",\"spec\":{\"storage\":[]}}", TYPE, "/spec/storage needs to be an object"},
    {BODY(",\"description\":false"), TYPE, "/description needs to be a string"},
    {BODY(",\"workspace\":\"0\""), TYPE, "/workspace needs to be an object"},
    {BODY(",\"workspace\":{\"id\":0}"), TYPE, "/workspace/id needs to be a string"},
    {BODY(",\"pool\":\"pool-a\""), TYPE, "/pool needs to be an object"},
    {BODY(",\"pool\":{\"id\":[]}"), TYPE, "/pool/id needs to be a string"},
    {BODY(",\"pool\":{\"owner\":\"q\"}"), TYPE, "/pool/owner needs to be an object"},
    {BODY(",\"pool\":{\"owner\":{\"project_id\":7}}"), TYPE, "/pool/owner/project_id needs to be"},
    {BODY(",\"ai_project\":{\"id\":7}"), TYPE, "/ai_project/id needs to be a string"},
    {BODY(",\"auto_stop\":[]"), TYPE, "/auto_stop needs to be an object"},
    {BODY(",\"auto_stop\":{\"duration\":\"1\"}"), TYPE,
     "/auto_stop/duration needs to be an integer"},
    {BODY(",\"annotations\":{\"a\":1}"), TYPE, "/annotations/a needs to be a string"},
    {BODY_SPEC(",\"auto_stop\":true"), TYPE, "/spec/auto_stop needs to be an object"},
    {BODY_SPEC(",\"auto_stop\":{\"enable\":1}"), TYPE,
     "/spec/auto_stop/enable needs to be true or"},
    {BODY_SPEC(",\"auto_stop\":{\"enable\":\"true\"}"), TYPE, "/spec/auto_stop/enable needs"},
    {BODY_SPEC(",\"auto_stop\":{\"duration\":3600.0}"), TYPE,
     "/spec/auto_stop/duration needs to be an"},
    {BODY_SPEC(",\"auto_stop\":{\"duration\":3.6e3}"), TYPE, "/spec/auto_stop/duration"},
    {BODY_SPEC(",\"auto_stop\":{\"duration\":\"3600\"}"), TYPE, "/spec/auto_stop/duration"},
    {BODY_SPEC(",\"auto_stop\":{\"duration\":true}"), TYPE, "/spec/auto_stop/duration"},
    {BODY_SPEC(",\"auto_stop\":{\"duration\":[3600]}"), TYPE, "/spec/auto_stop/duration"},
    {BODY_SPEC(",\"auto_stop\":{\"prompt\":0}"), TYPE, "/spec/auto_stop/prompt"},
    {BODY_SPEC(",\"annotations\":[]"), TYPE, "/spec/annotations needs to be an object"},
    {BODY_SPEC(",\"annotations\":\"x\""), TYPE, "/spec/annotations needs to be an object"},
    {BODY_SPEC(",\"annotations\":{\"a/b~c\":{}}"), TYPE,
     "/spec/annotations/a~1b~0c needs to be a st"},
    {BODY_SPEC(",\"extend_storage\":{\"type\":\"evs\"}"), TYPE,
     "/spec/extend_storage needs to be an"},
    {BODY_SPEC(",\"extend_storage\":[null]"), TYPE, "/spec/extend_storage/0 needs to be an object"},
    {BODY_SPEC(",\"extend_storage\":[[]]"), TYPE, "/spec/extend_storage/0"},
    {BODY_SPEC(",\"extend_storage\":[\"/b2b/c/\"]"), TYPE, "/spec/extend_storage/0"},
    {BODY_SPEC(",\"extended_storage\":\"/b2b/c/\""), TYPE,
     "/spec/extended_storage needs to be an o"},
    {BODY_SPEC(",\"extended_storage\":[1]"), TYPE, "/spec/extended_storage/0"},
    {"{" NAMES ",\"spec\":{\"storage\":{\"type\":1}}}", TYPE,
     "/spec/storage/type needs to be a string"},
    {"{" NAMES ",\"spec\":{\"storage\":{\"type\":\"evs\",\"location\":\"x\"}}}", TYPE,
     "/spec/storage/location needs to be an object"},
    {"{" NAMES ",\"spec\":{\"storage\":{\"type\":\"obs\",\"location\":{\"path\":1}}}}", TYPE,
     "/spec/storage/location/path needs to be a string"},
    {"{" NAMES ",\"spec\":{\"storage\":{\"type\":\"evs\",\"location\":{\"volume_size\":5.0}}}}",
     TYPE, "/spec/storage/location/volume_size"},
    {"{" NAMES ",\"spec\":{\"storage\":{\"type\":\"evs\",\"location\":{\"mount_path\":5}}}}", TYPE,
     "/spec/storage/location/mount_path"},

    {BODY(",\"nonsense\":1"), UNKNOWN, "/nonsense isn't a field of this API"},
    {BODY(",\"flavour\":\"x\""), UNKNOWN,
     "/flavour isn't a field of this API; did you mean \"flavor\"?"},
    {BODY(",\"\":1"), UNKNOWN, "/ isn't a field of this API"},
    {BODY(",\"image_id\":\"x\""), MISPLACED,
     "/image_id isn't known in this call; it belongs to another one"},
    {BODY(",\"affinity\":{}"), MISPLACED, "/affinity isn't known in this call"},
    {BODY(",\"lease\":{}"), MISPLACED, "/lease isn't known in this call"},
    {BODY_SPEC(",\"storage_new_size\":1"), MISPLACED, "/spec/storage_new_size isn't known in this"},
    {BODY(",\"imageId\":\"x\""), LOOK, "/imageId can be taken for \"image_id\""},
    {BODY(",\"custom-spec\":{}"), LOOK, "/custom-spec can be taken for \"custom_spec\""},
    {BODY_SPEC(",\"auto_stop\":{\"durations\":1}"), UNKNOWN,
     "/spec/auto_stop/durations isn't a field of this API; did you mean \"duration\"?"},
    {BODY_SPEC(",\"credential\":{}"), UNKNOWN, "/spec/credential isn't"},
    {BODY(",\"pool\":{\"owner\":{\"who\":1}}"), UNKNOWN, "/pool/owner/who isn't a field"},

    {BODY(",\"duration\":3600"), MISPLACED,
     "/duration isn't known at this place; it belongs at /spec/auto_stop/duration"},
    {BODY(",\"storage\":{}"), MISPLACED,
     "/storage isn't known at this place; it belongs at /spec/st"},
    {BODY_SPEC(",\"flavor\":\"x\""), MISPLACED,
     "/spec/flavor isn't known at this place; it belongs at /f"},
    {BODY_SPEC(",\"workspace\":{}"), MISPLACED, "/spec/workspace isn't known"},
    {BODY_SPEC(",\"path\":\"x\""), MISPLACED, "/spec/path isn't known"},
    {BODY(",\"extend_storage\":[]"), MISPLACED, "/extend_storage isn't known"},
    {BODY_SPEC(",\"auto_stop\":{\"spec\":{}}"), MISPLACED, "/spec/auto_stop/spec isn't known"},
    {BODY(",\"project_id\":\"q\""), MISPLACED, "/project_id isn't known"},

    {BODY(",\"Flavor\":\"x\""), LOOK, "/Flavor can be taken for \"flavor\""},
    {BODY(",\"FLAVOR\":\"x\""), LOOK, "/FLAVOR can be taken for"},
    {BODY(",\"autoStop\":{}"), LOOK, "/autoStop can be taken for \"auto_stop\""},
    {BODY(",\"auto-stop\":{}"), LOOK, "/auto-stop can be taken for"},
    {BODY(",\"flavor \":\"x\""), LOOK, "/flavor  can be taken for"},
    {BODY(",\"fl\\u0430vor\":\"x\""), LOOK, "/fl\xd0\xb0vor can be taken for"}, /* Cyrillic a */
    {BODY(",\"flav\\u03bfr\":\"x\""), LOOK, "/flav"},                           /* Greek o */
    {BODY(",\"\\ufb02avor\":\"x\""), LOOK, "/"},                                /* ligature fl */
    {BODY(",\"\\uff46lavor\":\"x\""), LOOK, "/"},                               /* full width f */
    {BODY(",\"fla\\u200bvor\":\"x\""), LOOK, "/"},                              /* zero width */
    {BODY(",\"f1avor\":\"x\""), LOOK, "/f1avor"},
    {BODY(",\"fIavor\":\"x\""), LOOK, "/fIavor"},
    {BODY(",\"flav0r\":\"x\""), LOOK, "/flav0r"},
    {BODY(",\"narne\":\"x\""), LOOK, "/narne can be taken for \"name\""},
    {BODY(",\"\\ud835\\udc87lavor\":\"x\""), LOOK, "/"}, /* mathematical f */
    {BODY(",\"wor\\u212aspace\":{}"), LOOK, "/"},        /* KELVIN SIGN, folded by decoders */
    {BODY(",\"\\u017fpec\":{}"), LOOK, "/"},             /* LONG S, folded by decoders */
    {BODY_SPEC(",\"Auto_Stop\":{}"), LOOK, "/spec/Auto_Stop can be taken for"},
    {BODY_SPEC(",\"auto_stop\":{\"Enable\":true}"), LOOK, "/spec/auto_stop/Enable"},
    {BODY_SPEC(",\"auto_stop\":{\"Flavor\":true}"), LOOK, "/spec/auto_stop/Flavor"},

    {"{" NAMES ",\"auto_stop\":{\"enable\":false,\"duration\":3600},\"spec\":{" STORAGE
     ",\"auto_stop\":{\"enable\":true,\"duration\":3600}}}",
     CONFLICT, "/auto_stop says something else than /spec/auto_stop"},
    {"{" NAMES ",\"auto_stop\":{\"enable\":true,\"duration\":7200},\"spec\":{" STORAGE
     ",\"auto_stop\":{\"enable\":true,\"duration\":3600}}}",
     CONFLICT, "/auto_stop says"},
    {"{" NAMES ",\"auto_stop\":{\"enable\":true},\"spec\":{" STORAGE
     ",\"auto_stop\":{\"enable\":true,\"duration\":0}}}",
     CONFLICT, "/auto_stop says"},
    {"{" NAMES ",\"auto_stop\":{},\"spec\":{" STORAGE
     ",\"auto_stop\":{\"enable\":true,\"duration\":"
     "3600}}}",
     CONFLICT, "/auto_stop says"},
    {"{" NAMES ",\"auto_stop\":{\"prompt\":true},\"spec\":{" STORAGE
     ",\"auto_stop\":{\"prompt\":false}}}",
     CONFLICT, "/auto_stop says"},
    {"{" NAMES ",\"annotations\":{\"a\":\"2\"},\"spec\":{" STORAGE
     ",\"annotations\":{\"a\":\"1\"}}}",
     CONFLICT, "/annotations says something else than /spec/annotations"},
    {"{" NAMES ",\"annotations\":{\"b\":\"1\"},\"spec\":{" STORAGE
     ",\"annotations\":{\"a\":\"1\"}}}",
     CONFLICT, "/annotations says"},
    {"{" NAMES ",\"annotations\":{},\"spec\":{" STORAGE ",\"annotations\":{\"a\":\"1\"}}}",
     CONFLICT, "/annotations says"},
    {"{" NAMES ",\"annotations\":{\"a\":null},\"spec\":{" STORAGE
     ",\"annotations\":{\"a\":\"1\"}}}",
     CONFLICT, "/annotations says"},
    {BODY_SPEC(",\"extend_storage\":[],\"extended_storage\":{\"type\":\"evs\"}"), CONFLICT,
     "/spec/extended_storage says something else than /spec/extend_storage"},
    {BODY_SPEC(",\"extend_storage\":[{\"type\":\"evs\"}],\"extended_storage\":[]"), CONFLICT,
     "/spec"},
    {BODY_SPEC(",\"extend_storage\":[{\"type\":\"evs\"},{\"type\":\"evs\"}],"
               "\"extended_storage\":{\"type\":\"evs\"}"),
     CONFLICT, "/spec/extended_storage says"},
    {BODY_SPEC(",\"extend_storage\":[{\"type\":\"evs\"}],\"extended_storage\":{\"type\":\"efs\"}"),
     CONFLICT, "/spec/extended_storage says"},
    {BODY_SPEC(",\"extend_storage\":[{\"type\":\"evs\",\"location\":{\"volume_size\":5}}],"
               "\"extended_storage\":{\"type\":\"evs\",\"location\":{\"volume_size\":6}}"),
     CONFLICT, "/spec/extended_storage says"},
};

static void check_wrong(const struct wrong *row, enum unknown_fields unknown)
{
    struct jdoc doc = doc_of(view_str(row->body), &arena);
    struct instance_request request = {.storage_count = 77};
    struct body_faults faults;
    enum status status = read_create(&doc, unknown, &arena, &request, &faults);

    assert_row(status == STATUS_INVALID, row->body);
    assert_row(faults.count > 0, row->body);
    if (strcmp(faults.items[0].row->code, row->code) != 0 ||
        !view_starts(faults.items[0].message, view_str(row->message)))
        print_error("got %s: %.*s\n", faults.items[0].row->code,
                    VIEW_ARGS(faults.items[0].message));
    assert_row(strcmp(faults.items[0].row->code, row->code) == 0, row->body);
    assert_row(faults.items[0].row->status == 400, row->body);
    assert_row(view_starts(faults.items[0].message, view_str(row->message)), row->body);
    assert_row(request.storage_count == 77, row->body);
    arena_reset(&arena);
}

static void test_wrong_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++)
        check_wrong(&wrongs[i], UNKNOWN_REFUSE);
}

/* `pass` only lets names pass that nobody can take for one of ours. */
static void test_wrong_bodies_with_pass(void **state)
{
    static const struct wrong more[] = {
        {BODY(",\"foo\":{\"flavor\":\"x\"}"), MISPLACED, "/foo/flavor isn't known at this place"},
        {BODY(",\"foo\":[[{\"Auto_Stop\":{}}]]"), LOOK, "/foo/0/0/Auto_Stop can be taken for"},
        {BODY_SPEC(",\"foo\":{\"bar\":{\"duration\":1}}"), MISPLACED, "/spec/foo/bar/duration"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        if (strcmp(wrongs[i].code, UNKNOWN) != 0)
            check_wrong(&wrongs[i], UNKNOWN_PASS);
    }
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        check_wrong(&more[i], UNKNOWN_PASS);
}

static void test_unknown_fields_pass(void **state)
{
    struct instance_request r = read_well(
        "{\"foo\":1,\"image\":\"x\",\"bar\":{\"baz\":[{\"qux\":null}]}," NAMES
        ",\"spec\":{\"zzz\":true," STORAGE ",\"auto_stop\":{\"enable\":true,\"stop_at\":1}}}",
        UNKNOWN_PASS);

    (void)state;
    assert_view(r.name.value, "nb-1");
    assert_true(r.stops[0].enable);
    assert_false(r.image.set);
}

/* Annotation keys are free, also those that look like ours. */
static void test_annotation_keys_are_free(void **state)
{
    struct instance_request r =
        read_well(BODY_SPEC(",\"annotations\":{\"Flavor\":\"a\",\"duration\":\"b\",\"\":\"c\","
                            "\"fl\\u0430vor\":\"d\"}"),
                  UNKNOWN_REFUSE);

    (void)state;
    assert_int_equal(r.annotation_count, 4);
    assert_view(r.annotations[2].key, "");
}

static void test_escaped_names_are_names(void **state)
{
    struct instance_request r =
        read_well("{\"\\u006eame\":\"a\\u0062\",\"profile_id\":\"x\",\"fl\\u0061vor\":\"y\","
                  "\"spec\":{" STORAGE ",\"auto\\u005fstop\":{\"\\u0065nable\":true}}}",
                  UNKNOWN_REFUSE);

    (void)state;
    assert_view(r.name.value, "ab");
    assert_view(r.flavor.value, "y");
    assert_true(r.stops[0].enable);
    assert_string_equal(r.stops[0].pointer, "/spec/auto_stop");
}

/* What the API requires, but nobody here needs, is for the cloud to say. */
static void test_missing_is_the_clouds_to_say(void **state)
{
    static const char *const bodies[] = {
        "{\"spec\":{}}",
        "{\"spec\":{\"storage\":null}}",
        "{\"name\":null,\"spec\":{\"storage\":{}}}",
        "{\"spec\":{\"storage\":{\"type\":\"obs\"}}}",
        "{\"spec\":{\"storage\":{\"type\":\"obs\",\"location\":{\"path\":null}}}}",
        "{\"spec\":{\"extend_storage\":[{}]}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct jdoc doc = doc_of(view_str(bodies[i]), &arena);
        struct instance_request request;
        struct body_faults faults;

        assert_row(read_create(&doc, UNKNOWN_REFUSE, &arena, &request, &faults) == STATUS_OK,
                   bodies[i]);
        assert_row(!request.name.set && !request.flavor.set && !request.profile.set, bodies[i]);
        assert_row(request.storage_count == 0 || !request.storages[0].has_obs, bodies[i]);
    }
}

/* So is a path that can't be read: the rule that judges paths refuses it, and says why. */
static void test_unreadable_paths_are_told(void **state)
{
    static const struct {
        const char *body;
        enum obs_fault fault;
    } rows[] = {
        {PATH(""), OBS_EMPTY},
        {PATH("/team/nb"), OBS_NO_TRAILING_SLASH},
        {PATH("/team/"), OBS_BUCKET_ROOT},
        {PATH("team/nb/"), OBS_NO_LEADING_SLASH},
        {PATH("obs://team/nb/"), OBS_NO_LEADING_SLASH},
        {PATH("/Team/nb/"), OBS_BUCKET_NAME},
        {PATH("/team//nb/"), OBS_EMPTY_SEGMENT},
        {PATH("/team/../nb/"), OBS_DOT_SEGMENT},
        {PATH("/team/\\u002e\\u002e/"), OBS_DOT_SEGMENT},
        {PATH("/team/%2e%2e/"), OBS_ESCAPE},
        {PATH("/team/a\\\\b/"), OBS_BACKSLASH},
        {PATH("/team/a\\u200bb/"), OBS_CONTROL},
        {PATH("/team/a\\nb/"), OBS_CONTROL},
        {PATH("/team/a\\uff0fb/"), OBS_LOOKALIKE},
        {"{\"spec\":{\"storage\":{\"type\":\"evs\",\"location\":{\"path\":\"/abc/../b/\"}}}}",
         OBS_DOT_SEGMENT},
        {"{\"spec\":{\"storage\":{\"type\":\"obsfs\",\"location\":{\"path\":\"a/b\"}}}}",
         OBS_BUCKET_NAME},
        {"{\"spec\":{\"extend_storage\":[{\"type\":\"obs\",\"location\":{\"path\":\"/b2b/c\"}}]}}",
         OBS_NO_TRAILING_SLASH},
        {"{\"spec\":{\"extended_storage\":{\"type\":\"obs\",\"location\":{\"path\":\"/b2b/c\"}}}}",
         OBS_NO_TRAILING_SLASH},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jdoc doc = doc_of(view_str(rows[i].body), &arena);
        struct instance_request request;
        struct body_faults faults;

        assert_row(read_create(&doc, UNKNOWN_REFUSE, &arena, &request, &faults) == STATUS_OK,
                   rows[i].body);
        assert_row(request.storage_count == 1 && request.storages[0].path.set, rows[i].body);
        assert_row(!request.storages[0].has_obs, rows[i].body);
        assert_row(request.storages[0].obs_fault == rows[i].fault, rows[i].body);
    }
}

static void test_all_faults_are_collected(void **state)
{
    struct jdoc doc =
        doc_of(VIEW("{\"Name\":1,\"nonsense\":1,\"flavor\":2,\"duration\":3,\"spec\":{\"storage\":{"
                    "\"type\":"
                    "\"obs\",\"location\":{\"path\":\"x\"}},\"auto_stop\":{\"duration\":1.5}}}"),
               &arena);
    static const char *const codes[] = {LOOK, UNKNOWN, TYPE, MISPLACED, TYPE};
    struct instance_request request;
    struct body_faults faults;

    (void)state;
    assert_int_equal(read_create(&doc, UNKNOWN_REFUSE, &arena, &request, &faults), STATUS_INVALID);
    assert_int_equal(faults.count, ARRAY_LEN(codes));
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_string_equal(faults.items[i].row->code, codes[i]);
}

static void test_at_most_twenty_faults(void **state)
{
    static char text[65536];
    struct instance_request request;
    struct body_faults faults;
    struct jdoc doc;
    size_t len = 1;

    (void)state;
    text[0] = '{';
    for (unsigned i = 0; i < 2000; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "\"x%u\":{\"name\":%u},", i, i);
    text[len - 1] = '}';
    doc = doc_of(view_of(text, len), &arena);
    assert_int_equal(read_create(&doc, UNKNOWN_REFUSE, &arena, &request, &faults), STATUS_INVALID);
    assert_int_equal(faults.count, BODY_REASONS_MAX);
    assert_int_equal(read_create(&doc, UNKNOWN_PASS, &arena, &request, &faults), STATUS_INVALID);
    assert_int_equal(faults.count, BODY_REASONS_MAX);
    arena_reset(&arena);
}

/* A message stays short whatever the name's length is, and is cut between characters. */
static void test_long_names_are_cut(void **state)
{
    static char text[4096] = "{\"a";
    struct instance_request request;
    struct body_faults faults;
    struct jdoc doc;
    size_t len = 3;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        put(text + len, "\xc3\xa4");
        len += 2;
    }
    put(text + len, "\":1}");
    doc = doc_of(view_of(text, len + 4), &arena);
    assert_int_equal(read_create(&doc, UNKNOWN_REFUSE, &arena, &request, &faults), STATUS_INVALID);
    assert_true(faults.items[0].message.len < 300);
    assert_true(view_starts(faults.items[0].message, VIEW("/a\xc3\xa4")));
    assert_true(view_ends(faults.items[0].message, VIEW("\xc3\xa4 isn't a field of this API")));
}

/* However little memory there is: the right answer, or STATUS_NOMEM, never another one. */
static void test_memory_runs_out(void **state)
{
    static const char text[] =
        "{" NAMES ",\"annotations\":{\"\\u0061\":\"1\"},\"spec\":{" STORAGE
        ",\"annotations\":{\"a\":\"\\u0031\"},\"auto_stop\":{\"enable\":true}}}";
    struct jdoc doc = doc_of(view_str(text), &arena);
    bool was_out = false;
    bool was_well = false;

    (void)state;
    for (size_t bytes = 0; bytes < 8192; bytes += 64) {
        struct arena small;
        struct instance_request request = {0};
        struct body_faults faults;
        enum status status;

        arena_init(&small, 64, bytes);
        status = read_create(&doc, UNKNOWN_REFUSE, &small, &request, &faults);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        was_out = was_out || status == STATUS_NOMEM;
        was_well = was_well || status == STATUS_OK;
        arena_done(&small);
    }
    assert_true(was_out && was_well);
}

static void test_faults_without_memory(void **state)
{
    struct jdoc doc = doc_of(VIEW("[1]"), &arena);
    struct instance_request request;
    struct body_faults faults;
    struct arena none;

    (void)state;
    arena_init(&none, 16, 0);
    assert_int_equal(read_create(&doc, UNKNOWN_REFUSE, &none, &request, &faults), STATUS_INVALID);
    assert_string_equal(faults.items[0].row->code, TYPE);
    assert_true(faults.items[0].message.len > 0);
    arena_done(&none);
}

static void test_actions(void **state)
{
    static const struct {
        const char *body;
        enum operation_id want; /* OP_OTHER: refused with the code */
        const char *code;
    } rows[] = {
        {"{\"action\":\"start\"}", OP_DEMANAGER_START, NULL},
        {"{\"action\":\"restart\"}", OP_DEMANAGER_START, NULL},
        {"{\"action\":\"queue\"}", OP_DEMANAGER_START, NULL},
        {"{\"action\":\"stop\"}", OP_DEMANAGER_STOP, NULL},
        {"{\"action\":\"dequeue\"}", OP_DEMANAGER_DEQUEUE, NULL},
        {"{\"\\u0061ction\":\"\\u0073top\"}", OP_DEMANAGER_STOP, NULL},
        {"{\"action\":\"Stop\"}", OP_OTHER, "action.unknown"},
        {"{\"action\":\"stop \"}", OP_OTHER, "action.unknown"},
        {"{\"action\":\"delete\"}", OP_OTHER, "action.unknown"},
        {"{\"action\":\"\"}", OP_OTHER, "action.unknown"},
        {"{\"action\":1}", OP_OTHER, TYPE},
        {"{\"action\":[\"stop\"]}", OP_OTHER, TYPE},
        {"{\"action\":null}", OP_OTHER, MISSING},
        {"{}", OP_OTHER, MISSING},
        {"[\"stop\"]", OP_OTHER, TYPE},
        {"{\"action\":\"stop\",\"x\":1}", OP_OTHER, UNKNOWN},
        {"{\"auto_stop\":{},\"action\":\"stop\"}", OP_OTHER, UNKNOWN},
        {"{\"Action\":\"stop\"}", OP_OTHER, UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jdoc doc = doc_of(view_str(rows[i].body), &arena);
        const struct operation *op = NULL;
        struct body_faults faults;
        enum status status = modelarts_read_action(&doc, &arena, &op, &faults);

        if (rows[i].want != OP_OTHER) {
            assert_row(status == STATUS_OK && faults.count == 0, rows[i].body);
            assert_row(op == &operations[rows[i].want], rows[i].body);
        } else {
            assert_row(status == STATUS_INVALID && op == NULL, rows[i].body);
            assert_row(strcmp(faults.items[0].row->code, rows[i].code) == 0, rows[i].body);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented_body),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_null_is_missing),
        cmocka_unit_test(test_any_pool_object_names_a_pool),
        cmocka_unit_test(test_misplaced_spellings),
        cmocka_unit_test(test_the_right_stop_comes_first),
        cmocka_unit_test(test_equal_copies_pass),
        cmocka_unit_test(test_wrong_bodies),
        cmocka_unit_test(test_wrong_bodies_with_pass),
        cmocka_unit_test(test_unknown_fields_pass),
        cmocka_unit_test(test_annotation_keys_are_free),
        cmocka_unit_test(test_escaped_names_are_names),
        cmocka_unit_test(test_missing_is_the_clouds_to_say),
        cmocka_unit_test(test_unreadable_paths_are_told),
        cmocka_unit_test(test_all_faults_are_collected),
        cmocka_unit_test(test_at_most_twenty_faults),
        cmocka_unit_test(test_long_names_are_cut),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_faults_without_memory),
        cmocka_unit_test(test_actions),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
