/* SPDX-License-Identifier: Apache-2.0
 * The pure parts of a request's way, one by one: nanoseconds per operation on the thread's own CPU
 * clock, best of several runs, because whatever disturbs only adds. Nothing here passes or
 * fails by time. Usage: postern-bench [FILE with a token
 * [FILE with the certificate of its signer]] */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "http1/head.h"
#include "identity/caller.h"
#include "identity/shared_cache.h"
#include "identity/sign.h"
#include "identity/signed.h"
#include "journal/keep.h"
#include "journal/record.h"
#include "json/splice.h"
#include "modelarts/body.h"
#include "policy/policy.h"
#include "quota/ledger.h"

enum {
    RUNS = 7,
    RUN_NS = 40000000,
    TOKEN_MAX = 32768,
    RULES = 10,
    VALUES = 10000,
    INSTANCES = 100000
};

#define PROJECT "0123456789abcdef0123456789abcdef"

/* 0.8 KB, without auto_stop, so that a default is set. */
static const char body_text[] =
    "{\"name\":\"notebook-000000000001\",\"description\":\"Fine-tuning of the demand forecast for "
    "the "
    "spring range: third run over the shops of the northern region with the weather of the last "
    "five "
    "years as a further input. Results go to the usual place; ask alice before the folder is "
    "emptied."
    "\",\"profile_id\":\"Ascend-Power-Engine 1.0(python3)\",\"flavor\":\"modelarts.kat1.xlarge\","
    "\"spec\":{\"storage\":{\"location\":{\"path\":\"/team-a/experiments/2026-11/forecast-northern-"
    "shops/\"},\"type\":\"obs\"},\"annotations\":{\"cost-centre\":\"4711\",\"owner\":"
    "\"alice@example.org\",\"ticket\":\"FORECAST-2214\",\"stage\":\"experiment\",\"retention\":"
    "\"90 "
    "days after the end of the experiment\"}},\"workspace\":{\"id\":\"0\"},\"ai_project\":{\"id\":"
    "\"default-ai-project\"}}";

static struct world {
    struct arena arena; /* of one operation */
    struct arena kept;
    struct view token;
    struct buf out, query;
    struct jdoc doc;
    struct instance_request request;
    struct subject subject;
    struct policy_set *few, *many;
    const struct decision *decision;
    const struct change *changes;
    size_t change_count;
    struct view head, long_head;
    struct identity_cache *cache;
    struct shared_cache *shared;
    struct cms_keys *pinned;
    int64_t now_us;
    struct ledger *ledger;
    struct policy_set *quotas;
    struct access_keys *keys;
    struct http1_request signed_head;
} w;

static _Noreturn void broken(const char *what)
{
    (void)fprintf(stderr, "postern-bench: %s went wrong\n", what);
    exit(1);
}

static uint64_t thread_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static uint64_t time_of(void (*operation)(void), unsigned long count)
{
    uint64_t began = thread_ns();

    for (unsigned long i = 0; i < count; i++)
        operation();
    return thread_ns() - began;
}

static double measure(const char *name, void (*operation)(void))
{
    unsigned long count = 64;
    double best = 0;

    while (time_of(operation, count) < RUN_NS / 4)
        count *= 2;
    count *= 4;
    for (unsigned run = 0; run < RUNS; run++) {
        double each = (double)time_of(operation, count) / (double)count;

        best = run == 0 || each < best ? each : best;
    }
    (void)printf("| %s | %.0f |\n", name, best);
    return best;
}

static const struct jlimits json_limits = {.bytes = 1 << 20, .depth = 64, .members = 8192};

static void route(struct view method, struct view path)
{
    /* As the settings that are shipped have them: 29 patterns, of which 19 are of one method. */
    enum { PATTERNS = 29, POSTS = 19 };
    struct view patterns[PATTERNS];
    struct route found;
    struct reason why;

    for (unsigned i = 0; i < PATTERNS; i++)
        patterns[i] = i < POSTS ? VIEW("POST /v2/*/training-jobs") : VIEW("PUT /v1/*/services/*");
    arena_reset(&w.arena);
    if (!modelarts_route(method, path, &w.arena, &found, &why))
        broken("route");
    if (modelarts_routes_refuse(patterns, PATTERNS, method, path))
        broken("pattern");
}

static void route_read(void)
{
    route(VIEW("GET"), VIEW("/v1/" PROJECT "/demanager/instances/DE-1"));
}

static void route_create(void)
{
    route(VIEW("POST"), VIEW("/v1/" PROJECT "/demanager/instances"));
}

static void read_json(void)
{
    struct jdoc doc;
    struct jfault fault;

    arena_reset(&w.arena);
    if (jdoc_read(view_of(body_text, sizeof body_text - 1), &json_limits, &w.arena, &doc, &fault) !=
        STATUS_OK)
        broken("json");
}

static struct raw_request raw_create(void)
{
    return (struct raw_request){
        .op = &operations[OP_DEMANAGER_CREATE], .project = VIEW(PROJECT), .doc = &w.doc};
}

static void read_create(void)
{
    const struct raw_request raw = raw_create();
    struct instance_request request;
    struct body_faults faults = {0};

    arena_reset(&w.arena);
    if (modelarts_read(&raw, UNKNOWN_REFUSE, &w.arena, &request, &faults) != STATUS_OK)
        broken("create");
}

static void judge_by(const struct policy_set *set)
{
    const struct decision *decision;

    arena_reset(&w.arena);
    if (policy_judge(set, &w.request, &w.subject, 0, false, &w.arena, &decision) != STATUS_OK ||
        decision->judgement.verdict != VERDICT_REWRITE)
        broken("judge");
}

static void judge_few(void)
{
    judge_by(w.few);
}

static void judge_many(void)
{
    judge_by(w.many);
}

static void splice(void)
{
    const struct jsplice edit = {.op = JSPLICE_APPEND,
                                 .at = jdoc_member(&w.doc, 0, VIEW("spec")),
                                 .name = VIEW("auto_stop"),
                                 .text = VIEW("{\"enable\":true,\"duration\":3600}")};

    if (jsplice_apply(&w.doc, &edit, 1, &w.out) != STATUS_OK)
        broken("splice");
}

static void apply(void)
{
    const struct judgement *judgement = &w.decision->judgement;
    const struct raw_request raw = raw_create();

    arena_reset(&w.arena);
    if (modelarts_apply(&raw, &w.request, judgement->edits, judgement->edit_count, &w.arena, &w.out,
                        &w.query) != STATUS_OK)
        broken("edit");
}

static void parse_head(struct view head)
{
    static const struct http1_limits limits = {
        .head = 65536, .uri = 8192, .header_value = 32768, .headers = 128};
    struct http1_request request;
    struct http1_fault fault;
    size_t scanned = 0;

    arena_reset(&w.arena);
    if (http1_find_head(head, &limits, &scanned, &fault) != head.len ||
        http1_parse_request(head, &limits, &w.arena, &request, &fault) != STATUS_OK)
        broken("head");
}

static void parse_short_head(void)
{
    parse_head(w.head);
}

static void parse_long_head(void)
{
    parse_head(w.long_head);
}

static void format_with(const struct journal_kept *kept)
{
    const struct journal_facts facts = {
        .time_us = 1795430000000000,
        .event = JOURNAL_INTENT,
        .id = VIEW("0123456789abcdef0123456789abcdef"),
        .operation = w.request.op,
        .method = VIEW("POST"),
        .path = VIEW("/v1/" PROJECT "/demanager/instances"),
        .project = w.request.project,
        .user = &w.subject,
        .credential_kind = "token",
        .credential_digest = "0123456789ab",
        .credential_verified = "decoded",
        .client = VIEW("127.0.0.1:40000"),
        .instance = &w.request,
        .has_decision = true,
        .decision = VERDICT_REWRITE,
        .policies = w.decision->policies,
        .policy_count = w.decision->policy_count,
        .changes = w.changes,
        .change_count = w.change_count,
        .policy_set = view_str(policy_set_digest(w.few)),
        .request_sha256 = view_str(policy_set_digest(w.few)),
        .duration_us = -1,
        .kept = kept,
    };

    buf_clear(&w.out);
    journal_format(&facts, &w.out);
    if (w.out.failed != STATUS_OK)
        broken("journal line");
}

static void format_line(void)
{
    format_with(NULL);
}

/* With `journal.requests: full`. */
static void format_request(void)
{
    const struct keep_rules rules = {.count = 0};
    struct kept_list told = {.count = 0};
    struct journal_kept kept = {.query = VIEW_NONE};

    arena_reset(&w.arena);
    if (keep_document(&w.doc, &rules, "/request", &w.arena, &kept.request, &told) != STATUS_OK)
        broken("kept request");
    format_with(&kept);
}

static void identify(void)
{
    const struct identity_means means = {.verify = VERIFY_DECODE, .decoded = w.cache};
    const struct identity_request request = {.credentials = {.token = w.token, .token_count = 1},
                                             .project = VIEW(PROJECT),
                                             .judged = true,
                                             .now_us = 1};
    struct identity_found found;

    arena_reset(&w.arena);
    if (identity_find(&means, &request, &w.arena, &found) != IDENTITY_KNOWN)
        broken("token");
}

static void verify_signature(void)
{
    const struct signed_request request = {.head = &w.signed_head,
                                           .body = view_of(body_text, sizeof body_text - 1),
                                           .project = VIEW(PROJECT),
                                           .now_us = INT64_C(1767323045000000),
                                           .keys = w.keys};
    const struct access_key *key;
    struct identified identified;
    struct reason why;

    arena_reset(&w.arena);
    if (!identity_signed(&request, &w.arena, &identified, &key, &why))
        broken(why.row->code);
}

/* The same for all workers: what a request costs whose token IAM, or a pinned certificate, has
 * verified. */
static void identify_shared(void)
{
    unsigned char digest[DIGEST_BYTES];
    struct token_facts facts;

    arena_reset(&w.arena);
    digest_sha256(w.token, digest);
    if (!shared_cache_find(w.shared, digest, 1, &w.arena, &facts))
        broken("shared cache");
}

static void verify(void)
{
    struct token_facts facts;
    int64_t until_us;

    arena_reset(&w.arena);
    if (cms_read(w.pinned, w.token, w.now_us, &w.arena, &facts, &until_us) != CMS_GOOD)
        broken("certificate");
}

static void pin(const char *path)
{
    struct err err;

    if (cms_keys_open(path, &w.pinned, &err) != STATUS_OK)
        broken(err.text);
    w.now_us = clock_now_us();
}

static void fill_shared(void)
{
    unsigned char digest[DIGEST_BYTES];
    struct token_facts facts;

    w.shared = shared_cache_new(65536, (size_t)128 << 20);
    if (w.shared == NULL || token_read(w.token, &w.kept, &facts) != STATUS_OK)
        broken("shared cache");
    digest_sha256(w.token, digest);
    shared_cache_add(w.shared, digest, &facts, 1, facts.expires_us);
}

/* RULES policies' worth of rules; the lists of flavors and prefixes hold `values` entries in all,
 * every second flavor a glob, and what the request has stands last. */
static struct policy_set *load_policies(unsigned values)
{
    struct policy_file file = {.name = "bench.yaml"};
    const struct policy_options options = {.max_bytes = (size_t)1 << 30};
    struct policy_set *set;
    struct arena arena;
    struct diag diag;
    struct buf text;

    buf_init(&text, (size_t)16 << 20);
    buf_add_str(&text, "version: 1\npolicies:\n");
    for (unsigned i = 0; i < RULES - 2; i++)
        buf_printf(&text, "  - {name: p%u, auto_stop: {required: true, default: 1h, max: %uh}}\n",
                   i, 12 + i);
    buf_add_str(&text, "  - name: flavors\n    flavors: {allow: [");
    for (unsigned i = 1; i < values / 2; i++)
        buf_printf(&text, "\"modelarts.vm.%u%s\", ", i, i % 2 == 0 ? ".*" : ".2u");
    buf_add_str(&text, "\"modelarts.kat1.*\"]}\n  - name: storage\n    storage: {obs_prefixes: [");
    for (unsigned i = 1; i < values / 2; i++)
        buf_printf(&text, "\"/bucket-%u/team/\", ", i);
    buf_add_str(&text, "\"/team-a/\"]}\n");
    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    file.bytes = buf_view(&text);
    if (text.failed != STATUS_OK || policy_set_load(&file, 1, &options, &diag, &set) != STATUS_OK) {
        buf_clear(&text);
        diag_print(&diag, &text);
        (void)fprintf(stderr, "%.*s\n", VIEW_ARGS(buf_view(&text)));
        broken("policies");
    }
    arena_done(&arena);
    buf_done(&text);
    return set;
}

static struct view make_head(size_t token_bytes)
{
    char *token = arena_alloc(&w.kept, token_bytes + 1);
    struct view head;

    if (token == NULL)
        broken("memory");
    memset(token, 'M', token_bytes);
    head =
        arena_printf(&w.kept,
                     "POST /v1/" PROJECT "/demanager/instances HTTP/1.1\r\n"
                     "Host: gateway.example.org\r\nUser-Agent: modelarts-sdk/1.4.18 python/3.11\r\n"
                     "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"
                     "Content-Type: application/json\r\nX-Sdk-Date: 20261123T120000Z\r\n"
                     "X-Auth-Token: %s\r\nContent-Length: 800\r\n\r\n",
                     token);
    if (head.ptr == NULL)
        broken("memory");
    return head;
}

/* A create as the Node SDK signs it. */
static void sign_create(void)
{
    static const char file[] = "- {access_key: EXAMPLEAK, secret_key: EXAMPLESK, user: alice,\n"
                               "   user_id: user-id-of-alice, projects: [" PROJECT "]}\n";
    static const struct http1_limits limits = {
        .head = 65536, .uri = 8192, .header_value = 32768, .headers = 128};
    const struct canonical_field fields[] = {{VIEW("content-type"), VIEW("application/json")},
                                             {VIEW("host"), VIEW("gateway.example.org")},
                                             {VIEW("x-project-id"), VIEW(PROJECT)},
                                             {VIEW("x-sdk-date"), VIEW("20260102T030405Z")}};
    const struct sign_request request = {.method = VIEW("POST"),
                                         .path = VIEW("/v1/" PROJECT "/demanager/instances"),
                                         .body = view_of(body_text, sizeof body_text - 1),
                                         .fields = fields,
                                         .count = ARRAY_LEN(fields)};
    struct http1_fault fault;
    struct diag diag;
    struct view head;

    diag_init(&diag, &w.kept);
    head = arena_printf(
        &w.kept,
        "POST /v1/" PROJECT "/demanager/instances HTTP/1.1\r\nhost: gateway.example.org\r\n"
        "Content-Type: application/json\r\nX-Project-Id: " PROJECT
        "\r\nX-Sdk-Date: 20260102T030405Z\r\nAuthorization: %.*s\r\nContent-Length: %zu\r\n\r\n",
        VIEW_ARGS(sign_authorization(&request, VIEW("EXAMPLEAK"), VIEW("EXAMPLESK"), &w.kept)),
        sizeof body_text - 1);
    if (head.ptr == NULL ||
        http1_parse_request(head, &limits, &w.kept, &w.signed_head, &fault) != STATUS_OK ||
        access_keys_read("keys.yaml", view_str(file), &diag, &w.keys) != STATUS_OK)
        broken("signed request");
}

static void read_token(const char *path)
{
    char *text = arena_alloc(&w.kept, TOKEN_MAX);
    FILE *file = fopen(path, "re");
    size_t len;

    if (file == NULL || text == NULL)
        broken("reading the token");
    len = fread(text, 1, TOKEN_MAX, file);
    (void)fclose(file);
    while (len > 0 && text[len - 1] == '\n')
        len--;
    w.token = view_of(text, len);
    w.cache = identity_cache_new(IDENTITY_CACHE_ENTRIES);
    if (w.cache == NULL)
        broken("memory");
}

static void prepare(void)
{
    static const struct view roles[] = {{"te_admin", 8}};
    const struct raw_request raw = raw_create();
    struct body_faults faults = {0};
    struct jfault fault;

    arena_init(&w.arena, 65536, 1 << 24);
    arena_init(&w.kept, 65536, 1 << 24);
    buf_init(&w.out, 1 << 20);
    buf_init(&w.query, 1 << 10);
    w.subject = (struct subject){.known = SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT |
                                          SUBJECT_ROLES | SUBJECT_GROUPS,
                                 .user_id = VIEW("user-id-of-alice"),
                                 .user_name = VIEW("alice"),
                                 .domain_id = VIEW("domain-id-of-example"),
                                 .domain_name = VIEW("example-org"),
                                 .project_id = VIEW(PROJECT),
                                 .project_name = VIEW("eu-de"),
                                 .roles = roles,
                                 .role_count = 1};
    w.few = load_policies(RULES);
    w.many = load_policies(VALUES);
    w.head = make_head(1100);
    w.long_head = make_head(20000);
    sign_create();
    if (jdoc_read(view_of(body_text, sizeof body_text - 1), &json_limits, &w.kept, &w.doc,
                  &fault) != STATUS_OK ||
        modelarts_read(&raw, UNKNOWN_REFUSE, &w.kept, &w.request, &faults) != STATUS_OK)
        broken("body");
    if (policy_judge(w.few, &w.request, &w.subject, 0, false, &w.kept, &w.decision) != STATUS_OK ||
        modelarts_render(&raw, &w.request, w.decision->judgement.edits,
                         w.decision->judgement.edit_count, &w.kept, &w.changes,
                         &w.change_count) != STATUS_OK)
        broken("decision");
}

static struct ledger_item numbered(unsigned i, char text[128])
{
    static const char *const flavors[] = {"modelarts.vm.gpu.v100", "modelarts.kat1.xlarge",
                                          "modelarts.vm.cpu.2u", "modelarts.vm.gpu.t4"};
    /* an id, an instance and a name, 32, 36 and 15 bytes */
    (void)snprintf(text, 128, "%032u%08u-0000-0000-0000-000000000000notebook-%06u", i, i, i);
    return (struct ledger_item){.id = view_of(text, 32),
                                .state = LEDGER_EXISTING,
                                .op = &operations[OP_NOTEBOOKS_CREATE],
                                .time_us = 1795430000000000 + i,
                                .project = VIEW(PROJECT),
                                .user_id = view_of(text + 24, 6),
                                .user_name = view_of(text + 24, 6),
                                .domain = VIEW("domain-id-of-example-00000000000"),
                                .workspace = VIEW("0"),
                                .pool = VIEW(""),
                                .flavor = view_str(flavors[i % 4]),
                                .name = view_of(text + 68, 15),
                                .instance = view_of(text + 32, 36),
                                .run_s = 3600,
                                .running = i % 3 != 0,
                                .claimed = true};
}

static void reserve_and_release(void)
{
    static unsigned serial = INSTANCES;
    char text[128];
    struct quota_demand demands[3];
    struct ledger_ask ask = {
        .item = numbered(serial++, text), .demands = demands, .enforced = true, .take = true};
    const struct quota *const *quotas = policy_set_quotas(w.quotas, &ask.demand_count);
    const struct reason *reasons;
    size_t count;

    for (size_t i = 0; i < ask.demand_count; i++)
        demands[i] = (struct quota_demand){.quota = quotas[i], .enforced = true};
    ask.item.instance = VIEW_NONE;
    arena_reset(&w.arena);
    if (ledger_reserve(w.ledger, &ask, ask.item.time_us, &w.arena, &reasons, &count) !=
            LEDGER_GRANTED ||
        !ledger_settle(w.ledger, ask.item.id, LEDGER_NOTHING, VIEW_NONE, ask.item.time_us))
        broken("reservation");
}

static struct policy_set *make_quotas(void)
{
    static const char text[] =
        "version: 1\npolicies:\n  - name: quotas\n    quotas:\n"
        "      - {name: all, limit: 1000000, counts: running}\n"
        "      - {name: gpus, limit: 100000, per: [user], flavors: [\"*.gpu.*\"]}\n"
        "      - {name: places, limit: 100000, per: [project, user]}\n";
    const struct policy_file file = {.name = "bench.yaml", .bytes = view_str(text)};
    const struct policy_options options = {0};
    struct policy_set *set;
    struct diag diag;

    diag_init(&diag, &w.kept);
    if (policy_set_load(&file, 1, &options, &diag, &set) != STATUS_OK)
        broken("quotas");
    return set;
}

static void measure_ledger(void)
{
    size_t bytes;
    uint64_t began;

    w.quotas = make_quotas();
    w.ledger = ledger_new();
    if (w.ledger == NULL || ledger_use(w.ledger, w.quotas, 0) != STATUS_OK)
        broken("ledger");
    bytes = mallinfo2().uordblks;
    began = thread_ns();
    for (unsigned i = 0; i < INSTANCES; i++) {
        char text[128];
        const struct ledger_item item = numbered(i, text);

        if (ledger_put(w.ledger, &item, item.time_us) != STATUS_OK)
            broken("entry");
    }
    (void)printf("| an entry of the ledger, loaded: one of 100,000 | %.0f |\n",
                 (double)(thread_ns() - began) / INSTANCES);
    (void)measure("reserve beside 100,000 entries with 3 quotas, and release", reserve_and_release);
    (void)printf("\nan entry of the ledger takes %zu bytes\n",
                 (mallinfo2().uordblks - bytes) / INSTANCES);
    ledger_free(&w.ledger);
}

int main(int argc, char **argv)
{
    double few, many;

    prepare();
    (void)printf("| operation | ns |\n|---|---|\n");
    (void)measure("request head with a 1.1 KB token: find its end, parse", parse_short_head);
    (void)measure("request head with a 20 KB token", parse_long_head);
    (void)measure("route of a GET, and 29 patterns of routes.refuse", route_read);
    (void)measure("route of a create, and the same patterns", route_create);
    (void)measure("JSON: index of a body of 0.8 KB", read_json);
    (void)measure("index to typed request", read_create);
    few = measure("judge, 10 policies with 10 values", judge_few);
    many = measure("judge, 10 policies with 10,000 values", judge_many);
    (void)measure("splice of one member", splice);
    (void)measure("typed edit: render and splice", apply);
    (void)measure("journal line of an intent", format_line);
    (void)measure("journal line of an intent with its request", format_request);
    (void)measure("signature of a create with a body of 0.8 KB", verify_signature);
    if (argc > 1) {
        read_token(argv[1]);
        fill_shared();
        (void)measure("token that is in the worker's cache", identify);
        (void)measure("token: cached, for all workers", identify_shared);
    }
    if (argc > 2) {
        pin(argv[2]);
        (void)measure("token: verified by a certificate, and read", verify);
    }
    measure_ledger();
    (void)printf("10,000 values cost %.2f times what 10 cost\n", many / few);
    return 0;
}
