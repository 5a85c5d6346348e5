/* SPDX-License-Identifier: Apache-2.0
 * Makes a journal of any length, by the journal's own code: so that what reads journals can be
 * measured and tried. The same arguments make the same bytes. See usage(). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/require.h"
#include "journal/chain.h"
#include "journal/open.h"
#include "journal/segment.h"
#include "policy/policy.h"

enum { PENDING_MAX = 12, ID_BYTES = 33, BATCH_BYTES = 1 << 20, LINE_MAX_BYTES = 1 << 28 };

struct options {
    const char *directory, *key;
    int64_t lines, segment_bytes, seed, seal_every, users, projects, instances, days;
    bool plant;
};

/* An instance, or a request under way. All that a line says of it follows from its number. */
struct thing {
    uint64_t number;
    const struct operation *operation;
    char id[ID_BYTES]; /* of the exchange */
    uint64_t instance;
    bool refused, planted;
};

struct maker {
    struct options options;
    uint64_t random, numbers;
    int64_t now_us, step_us;
    struct thing pending[PENDING_MAX];
    size_t pendings;
    struct thing *live;
    size_t lives;
    uint64_t unsealed;
    struct chain chain;
    struct digest *digest;
    struct open_table *open;
    struct segment segment;
    int dir_fd;
    struct buf batch, members, sealing;
    EVP_PKEY *key;
    char key_id[DIGEST_HEX_BYTES];
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_trail: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t draw(struct maker *m, uint64_t below)
{
    m->random = mix(m->random);
    return m->random % below;
}

static void hex_id(uint64_t number, uint64_t salt, char out[ID_BYTES])
{
    uint64_t high = mix(number ^ mix(salt));

    (void)snprintf(out, ID_BYTES, "%016llx%016llx", (unsigned long long)high,
                   (unsigned long long)mix(high));
}

/* ---- segments ---- */

static void flush(struct maker *m)
{
    size_t done;

    REQUIRE(m->batch.failed == STATUS_OK);
    errno = segment_append(&m->segment, buf_view(&m->batch), &done);
    if (errno != 0)
        die("write");
    m->segment.size += m->batch.len;
    buf_clear(&m->batch);
}

static void begin_segment(struct maker *m)
{
    struct journal_facts facts = {
        .time_us = m->now_us, .event = JOURNAL_CHECKPOINT, .duration_us = -1};
    size_t from = m->batch.len;

    open_prune(m->open, m->now_us);
    chain_begin(&m->chain, &m->batch);
    journal_format(&facts, &m->batch);
    m->batch.len--;
    buf_add(&m->batch, VIEW(",\"open\":"));
    open_format(m->open, &m->batch);
    buf_add_byte(&m->batch, '}');
    chain_end(&m->chain, m->digest, from, &m->batch);
    errno = segment_create(&m->segment, m->dir_fd, m->chain.seq, 0);
    if (errno != 0)
        die("can't make a segment");
    flush(m);
}

static void add_members(struct maker *m, struct buf *members)
{
    REQUIRE(members->failed == STATUS_OK);
    chain_add(&m->chain, m->digest, buf_view(members), &m->batch);
    buf_clear(members);
    if (m->batch.len >= BATCH_BYTES)
        flush(m);
}

/* As docs/journal.md has it, by other code than the gateway's. */
static void seal(struct maker *m)
{
    char time[CLOCK_TEXT_BYTES], text[256];
    unsigned char signature[64];
    size_t len = sizeof signature;
    EVP_MD_CTX *ctx;
    int bytes;

    m->unsealed = 0;
    if (m->key == NULL)
        return;
    (void)clock_format(m->now_us, time);
    bytes = snprintf(text, sizeof text, "postern seal v1\n%llu\n%.64s\n%s\n",
                     (unsigned long long)m->chain.seq + 1, m->chain.hash, time);
    ctx = EVP_MD_CTX_new();
    REQUIRE(ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, m->key) == 1);
    REQUIRE(EVP_DigestSign(ctx, signature, &len, (unsigned char *)text, (size_t)bytes) == 1);
    EVP_MD_CTX_free(ctx);
    buf_printf(
        &m->sealing,
        "\"time\":\"%s\",\"event\":\"seal\",\"head\":\"%.64s\",\"key\":\"%.64s\",\"signature\":\"",
        time, m->chain.hash, m->key_id);
    for (size_t i = 0; i < len; i++)
        buf_printf(&m->sealing, "%02x", signature[i]);
    buf_add(&m->sealing, VIEW("\"}"));
    add_members(m, &m->sealing);
}

static void rotate(struct maker *m)
{
    seal(m);
    flush(m);
    segment_close(&m->segment);
    begin_segment(m);
}

static void submit(struct maker *m, const struct journal_facts *facts)
{
    char time[CLOCK_TEXT_BYTES];
    struct open_entry *entry = NULL;
    struct open_step step;
    struct open_item item;

    journal_format(facts, &m->members);
    if (m->segment.size + m->batch.len + m->members.len > (uint64_t)m->options.segment_bytes)
        rotate(m);
    add_members(m, &m->members);
    open_step_of(facts, &step);
    open_item_of(facts, clock_format(facts->time_us, time), &item);
    if (open_needs_entry(facts->event, &item)) {
        entry = open_entry_new(&item);
        REQUIRE(entry != NULL);
    }
    open_apply(m->open, &step, &entry);
    open_entry_free(&entry);
    m->unsealed++;
    if (m->options.seal_every > 0 && m->unsealed >= (uint64_t)m->options.seal_every)
        seal(m);
}

/* ---- what a line says ---- */

static const char *const flavors[] = {"modelarts.vm.cpu.2u", "modelarts.vm.cpu.8u",
                                      "modelarts.kat1.xlarge", "modelarts.p3.large.public",
                                      "modelarts.bm.d910.xlarge"};
static const char *const policies[] = {"team-budgets", "auto-stop", "no-public-endpoints",
                                       "flavors-by-role"};
static const char *const words[] = {"train", "eval", "demo", "forecast", "vision", "speech"};

/* The texts of one line, while it is formatted. */
struct texts {
    char user_id[ID_BYTES], user_name[32], project[ID_BYTES], instance[ID_BYTES], name[64],
        path[128], client[32], request_id[ID_BYTES], sha[DIGEST_HEX_BYTES + 1], storage[96],
        set[DIGEST_HEX_BYTES + 1];
    struct subject subject;
    struct view roles[2], group, policies[2];
    struct instance_request request;
    struct storage_request storage_request;
    struct stop_request stop;
    struct reason reason;
    struct change change;
};

static void say_who(const struct maker *m, const struct thing *thing, struct texts *t)
{
    uint64_t who = mix(thing->instance) % (uint64_t)m->options.users;

    hex_id(who, 'u', t->user_id);
    (void)snprintf(t->user_name, sizeof t->user_name, "user-%llu", (unsigned long long)who);
    hex_id(who % (uint64_t)m->options.projects, 'p', t->project);
    if (thing->planted)
        (void)snprintf(t->user_name, sizeof t->user_name, "planted-user");
    t->roles[0] = VIEW("te_admin");
    t->roles[1] = VIEW("modelarts_user");
    t->group = VIEW("data-science");
    t->subject = (struct subject){
        .known = SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_ROLES | SUBJECT_GROUPS,
        .user_id = view_str(t->user_id),
        .user_name = view_str(t->user_name),
        .domain_name = VIEW("example"),
        .roles = t->roles,
        .role_count = 2,
        .groups = &t->group,
        .group_count = 1,
    };
}

static void say_what(const struct thing *thing, struct texts *t)
{
    uint64_t h = mix(thing->instance ^ 'f');
    const char *flavor = flavors[h % 16 < 11 ? h % 2 : 2 + h % 3];
    bool notebooks = thing->operation->family == FAMILY_NOTEBOOKS;

    (void)snprintf(t->storage, sizeof t->storage, "/team-%c/%s/%llu/", (char)('a' + h % 7),
                   t->user_name, (unsigned long long)(h % 1000));
    t->storage_request =
        (struct storage_request){.type = VIEW("obs"), .path = {true, view_str(t->storage)}};
    t->stop = (struct stop_request){.enable = true, .has_duration = true};
    t->stop.duration_ms = (int64_t)(1 + h % 24) * 3600000;
    t->request = (struct instance_request){
        .op = thing->operation,
        .name = {true, view_str(t->name)},
        .flavor = {true, view_str(thing->planted ? flavors[3] : flavor)},
        .workspace = {true, VIEW("0")},
        .stops = &t->stop,
        .stop_count = 1,
        .storages = &t->storage_request,
        .storage_count = 1,
    };
    *(notebooks ? &t->request.image : &t->request.profile) =
        (struct text_field){true, VIEW("Ascend-Power-Engine 1.0(python3)")};
}

static void say_path(const struct thing *thing, struct texts *t)
{
    const char *kind =
        thing->operation->family == FAMILY_NOTEBOOKS ? "notebooks" : "demanager/instances";
    bool create = thing->operation->class == CLASS_CREATE;

    (void)snprintf(t->path, sizeof t->path, "/v1/%s/%s%s%s", t->project, kind, create ? "" : "/",
                   create ? "" : t->instance);
}

static struct journal_facts say(const struct maker *m, const struct thing *thing,
                                enum journal_event event, struct texts *t)
{
    uint64_t h = mix(thing->number);

    say_who(m, thing, t);
    hex_id(thing->instance, 'i', t->instance);
    (void)snprintf(t->name, sizeof t->name, "%s-%llu", words[thing->instance % ARRAY_LEN(words)],
                   (unsigned long long)thing->instance);
    if (thing->planted)
        (void)snprintf(t->name, sizeof t->name, "planted-instance");
    say_path(thing, t);
    (void)snprintf(t->client, sizeof t->client, "10.%u.%u.%u:%u", (unsigned)(h % 4),
                   (unsigned)(h >> 8 & 255), (unsigned)(h >> 16 & 255),
                   (unsigned)(1024 + h % 60000));
    return (struct journal_facts){
        .time_us = m->now_us,
        .event = event,
        .id = view_str(thing->id),
        .operation = thing->operation,
        .project = view_str(t->project),
        .user = &t->subject,
        .duration_us = -1,
    };
}

/* What an intent and a refusal have in common. */
static void say_asked(const struct thing *thing, struct texts *t, struct journal_facts *facts)
{
    uint64_t h = mix(thing->number ^ 'a');

    say_what(thing, t);
    hex_id(thing->number, 'q', t->request_id);
    hex_id(h, 's', t->sha);
    hex_id(h, 'h', t->sha + ID_BYTES - 1);
    hex_id(thing->number / 2000000, 'S', t->set);
    hex_id(thing->number / 2000000, 'T', t->set + ID_BYTES - 1);
    t->policies[0] = view_str(policies[h % 4]);
    t->policies[1] = view_str(policies[(h + 1) % 4]);
    facts->method = view_str(thing->operation->method);
    facts->path = view_str(t->path);
    facts->credential_kind = "token";
    facts->credential_digest = "9f86d081884c";
    facts->credential_verified = "certificate";
    facts->client = view_str(t->client);
    facts->request_id = view_str(t->request_id);
    facts->instance = &t->request;
    if (thing->operation->class != CLASS_CREATE)
        facts->instance_id = view_str(t->instance);
    facts->policies = t->policies;
    facts->policy_count = 2;
    facts->policy_set = view_of(t->set, DIGEST_HEX_BYTES);
    facts->has_decision = true;
}

static void intent(struct maker *m, struct thing *thing)
{
    struct texts t;
    struct journal_facts facts = say(m, thing, JOURNAL_INTENT, &t);

    say_asked(thing, &t, &facts);
    facts.request_sha256 = view_of(t.sha, DIGEST_HEX_BYTES);
    facts.decision = thing->number % 3 == 0 ? VERDICT_REWRITE : VERDICT_ALLOW;
    t.change = (struct change){.op = EDIT_CAP,
                               .path = VIEW("/spec/auto_stop/duration"),
                               .old_json = VIEW("604800"),
                               .new_json = VIEW("86400"),
                               .policy = VIEW("auto-stop")};
    facts.changes = &t.change;
    facts.change_count = facts.decision == VERDICT_REWRITE ? 1 : 0;
    if (thing->operation->class != CLASS_MOUNT)
        facts.reservation = facts.id;
    submit(m, &facts);
    m->pending[m->pendings++] = *thing;
}

static void refusal(struct maker *m, struct thing *thing)
{
    struct texts t;
    struct journal_facts facts = say(m, thing, JOURNAL_REFUSAL, &t);

    say_asked(thing, &t, &facts);
    facts.decision = VERDICT_REFUSE;
    t.reason = (struct reason){
        .row = &policy_reasons[thing->number % 5],
        .policy = t.policies[0],
        .rule = VIEW("flavors.allow"),
        .at = {.file = "team.yaml", .line = 12, .column = 7},
        .message =
            VIEW("flavor modelarts.p3.large.public is not among those that the team may use"),
    };
    facts.reasons = &t.reason;
    facts.reason_count = 1;
    submit(m, &facts);
}

static void outcome(struct maker *m, const struct thing *thing, enum journal_outcome what,
                    int status)
{
    struct texts t;
    struct journal_facts facts = say(m, thing, JOURNAL_OUTCOME, &t);

    facts.outcome = what;
    facts.status = status;
    facts.duration_us = (int64_t)(80000 + mix(thing->number) % 300000);
    if (what != OUTCOME_FAILED || thing->operation->class != CLASS_CREATE)
        facts.instance_id = view_str(t.instance);
    if (what == OUTCOME_FAILED)
        facts.error_code = VIEW("ModelArts.6309");
    hex_id(thing->number, 'w', t.request_id);
    facts.upstream_request_id = view_str(t.request_id);
    submit(m, &facts);
}

static void settled(struct maker *m, const struct thing *thing, enum journal_outcome what)
{
    struct texts t;
    struct journal_facts facts = say(m, thing, JOURNAL_SETTLED, &t);

    facts.outcome = what;
    facts.instance_id = view_str(t.instance);
    facts.instance_name = view_str(t.name);
    facts.error = what == OUTCOME_DONE ? VIEW("gone") : VIEW_NONE;
    submit(m, &facts);
}

static void own_line(struct maker *m, enum journal_event event)
{
    const struct journal_facts facts = {
        .time_us = m->now_us,
        .event = event,
        .duration_us = -1,
        .durability = event == JOURNAL_START ? VIEW("sync") : VIEW_NONE,
    };

    submit(m, &facts);
}

/* ---- what happens ---- */

static void new_thing(struct maker *m, enum operation_id demanager, enum operation_id notebooks,
                      uint64_t instance, struct thing *ret)
{
    *ret = (struct thing){.number = ++m->numbers, .instance = instance};
    ret->operation = &operations[mix(instance) % 4 == 0 ? demanager : notebooks];
    hex_id(ret->number, (uint64_t)m->options.seed, ret->id);
}

static void finish_one(struct maker *m)
{
    size_t at = draw(m, m->pendings);
    struct thing thing = m->pending[at];
    bool create = thing.operation->class == CLASS_CREATE;
    uint64_t luck = thing.planted ? 50 : draw(m, 100);

    m->pending[at] = m->pending[--m->pendings];
    if (luck < 4) {
        outcome(m, &thing, OUTCOME_FAILED, 400);
        return;
    }
    if (create)
        m->live[m->lives++] = thing;
    if (luck < 5) {
        outcome(m, &thing, OUTCOME_UNKNOWN, 504);
        settled(m, &thing, create ? OUTCOME_CREATED : OUTCOME_FAILED);
        return;
    }
    outcome(m, &thing, create ? OUTCOME_CREATED : OUTCOME_DONE, 200);
}

static void end_one(struct maker *m)
{
    size_t at = draw(m, m->lives);
    struct thing made = m->live[at], gone;

    if (made.planted)
        return;
    new_thing(m, OP_DEMANAGER_DELETE, OP_NOTEBOOKS_DELETE, made.instance, &gone);
    outcome(m, &gone, OUTCOME_DONE, 202);
    settled(m, &made, OUTCOME_DONE);
    m->live[at] = m->live[--m->lives];
}

static void begin_one(struct maker *m)
{
    static const enum operation_id ops[][2] = {
        {OP_DEMANAGER_START, OP_NOTEBOOKS_START},
        {OP_DEMANAGER_UPDATE, OP_NOTEBOOKS_UPDATE},
        {OP_NOTEBOOKS_LEASE, OP_NOTEBOOKS_LEASE},
        {OP_NOTEBOOKS_MOUNT, OP_NOTEBOOKS_MOUNT},
    };
    uint64_t luck = draw(m, 100);
    struct thing thing;

    if (luck >= 92 && m->lives > 0) {
        end_one(m);
        return;
    }
    if (luck < 30 || m->lives == 0) {
        new_thing(m, OP_DEMANAGER_CREATE, OP_NOTEBOOKS_CREATE, m->numbers + 1, &thing);
        if (luck % 3 == 0)
            refusal(m, &thing);
        else if (m->lives + m->pendings < (size_t)m->options.instances)
            intent(m, &thing);
        else
            end_one(m);
        return;
    }
    luck = draw(m, 4);
    new_thing(m, ops[luck][0], ops[luck][1], m->live[draw(m, m->lives)].instance, &thing);
    if (draw(m, 8) == 0)
        refusal(m, &thing);
    else
        intent(m, &thing);
}

/* One V100 whose owner everybody will ask for. */
static void plant(struct maker *m)
{
    char time[CLOCK_TEXT_BYTES];
    struct thing thing;
    struct texts t;

    new_thing(m, OP_DEMANAGER_CREATE, OP_DEMANAGER_CREATE, m->numbers + 1, &thing);
    thing.planted = true;
    intent(m, &thing);
    (void)say(m, &thing, JOURNAL_INTENT, &t);
    (void)printf("planted: seq %llu time %s user %s instance %s id %s name %s flavor %s\n",
                 (unsigned long long)m->chain.seq, clock_format(m->now_us, time).ptr, t.user_name,
                 t.instance, thing.id, t.name, flavors[3]);
}

static void run(struct maker *m)
{
    uint64_t lines = (uint64_t)m->options.lines;
    bool planted = !m->options.plant;

    begin_segment(m);
    own_line(m, JOURNAL_START);
    while (m->chain.seq + m->pendings + 2 < lines) {
        m->now_us += (int64_t)draw(m, (uint64_t)m->step_us * 2 + 1);
        if (!planted && m->pendings == 0 && m->chain.seq >= lines / 2) {
            plant(m);
            planted = true;
        } else if (m->pendings == PENDING_MAX || (m->pendings > 0 && draw(m, 2) == 0)) {
            finish_one(m);
        } else {
            begin_one(m);
        }
    }
    while (m->pendings > 0)
        finish_one(m);
    own_line(m, JOURNAL_STOP);
    seal(m);
    flush(m);
    segment_close(&m->segment);
}

/* ---- the command ---- */

static void load_key(struct maker *m)
{
    FILE *file = fopen(m->options.key, "re");
    unsigned char *der = NULL;
    int len;

    if (file == NULL)
        die(m->options.key);
    m->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    if (m->key == NULL || EVP_PKEY_get_id(m->key) != EVP_PKEY_ED25519) {
        (void)fputs("bench_trail: the key is no Ed25519 private key (PEM)\n", stderr);
        exit(2);
    }
    len = i2d_PUBKEY(m->key, &der);
    REQUIRE(len > 0);
    digest_sha256_hex(view_of((char *)der, (size_t)len), m->key_id);
    OPENSSL_free(der);
}

static void usage(void)
{
    (void)fputs("Usage: bench_trail [OPTION...] DIRECTORY      makes a journal in a new folder\n"
                "  --lines N         at least so many, and a few more (100000)\n"
                "  --segment SIZE    of a segment (64MB)\n"
                "  --seed N          another journal (1)\n"
                "  --users N, --projects N, --instances N   how many there are (200, 12, 2000)\n"
                "  --days N          that the lines are spread over; the last is 2026-11-28 (90)\n"
                "  --key FILE        Ed25519 private key, PEM: the ends of segments are sealed\n"
                "  --seal N          and after so many lines (1000)\n"
                "  --plant           one instance \"planted-instance\" of \"planted-user\" in the "
                "middle; says where\n",
                stderr);
    exit(2);
}

static bool parse(int argc, char **argv, struct options *o)
{
    struct number {
        const char *name;
        int64_t *into;
    } numbers[] = {{"lines", &o->lines},       {"seed", &o->seed},           {"users", &o->users},
                   {"projects", &o->projects}, {"instances", &o->instances}, {"days", &o->days},
                   {"seal", &o->seal_every}};
    struct option options[ARRAY_LEN(numbers) + 4] = {{"segment", required_argument, NULL, 's'},
                                                     {"key", required_argument, NULL, 'k'},
                                                     {"plant", no_argument, NULL, 'p'}};
    int option;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        options[i + 3] = (struct option){numbers[i].name, required_argument, NULL, 256 + (int)i};
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'k')
            o->key = optarg;
        else if (option == 'p')
            o->plant = true;
        else if (option == 's' && num_parse_size(view_str(optarg), &o->segment_bytes))
            continue;
        else if (option < 256 ||
                 !num_parse_i64(view_str(optarg), 1, INT64_MAX / 2, numbers[option - 256].into))
            return false;
    }
    o->directory = argv[optind];
    return optind + 1 == argc;
}

int main(int argc, char **argv)
{
    static struct maker m = {.options = {.lines = 100000,
                                         .segment_bytes = 64 << 20,
                                         .seed = 1,
                                         .seal_every = 1000,
                                         .users = 200,
                                         .projects = 12,
                                         .instances = 2000,
                                         .days = 90}};
    const int64_t end_us = 1795824000000000; /* 2026-11-28 */

    if (!parse(argc, argv, &m.options))
        usage();
    if (mkdir(m.options.directory, 0700) != 0)
        die(m.options.directory);
    m.dir_fd = open(m.options.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m.dir_fd < 0)
        die(m.options.directory);
    if (m.options.key != NULL)
        load_key(&m);
    m.random = (uint64_t)m.options.seed;
    m.now_us = end_us - m.options.days * 86400000000;
    m.step_us = m.options.days * 86400000000 / m.options.lines;
    m.live = calloc((size_t)m.options.instances + PENDING_MAX, sizeof *m.live);
    m.digest = digest_new();
    m.open = open_table_new();
    REQUIRE(m.live != NULL && m.digest != NULL && m.open != NULL);
    buf_init(&m.batch, LINE_MAX_BYTES);
    buf_init(&m.members, LINE_MAX_BYTES);
    buf_init(&m.sealing, LINE_MAX_BYTES);
    chain_start(&m.chain);
    run(&m);
    (void)printf("lines: %llu, head %.64s\n", (unsigned long long)m.chain.seq, m.chain.hash);
    open_table_free(&m.open);
    digest_free(&m.digest);
    EVP_PKEY_free(m.key);
    buf_done(&m.batch);
    buf_done(&m.members);
    buf_done(&m.sealing);
    free(m.live);
    (void)close(m.dir_fd);
    return 0;
}
