/* Writes the corpus: fuzz_seeds FOLDER. One small input or several for every target, each made by
 * the code that the target reads with. What is not made here (experiments/NAME.yaml) is kept by
 * hand. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/saved.h"
#include "common/err.h"
#include "common/json.h"
#include "common/pack.h"
#include "common/record.h"
#include "common/sys/fs.h"
#include "head/core/core.h"
#include "proto/msg.h"
#include "proto/token.h"

#define TYPES      128u
#define NOW_MS     UINT64_C(1700000000000)
#define FRAME_BYTE 0xC1

static const char *folder;
static struct arena arena;

static void seed_write(const char *target, const char *name, struct span bytes)
{
    const char *dir = arena_printf(&arena, "%s/%s", folder, target);

    if (fs_make_dirs(dir, 0755) != 0 || fs_write_atomic(arena_printf(&arena, "%s/%s", dir, name),
                                                        0644, bytes.data, bytes.size) != 0) {
        perror(dir);
        exit(1);
    }
}

static void text_write(const char *target, const char *name, const char *text)
{
    seed_write(target, name, span_text(text));
}

static struct span packed(const char *json)
{
    struct json_error error;
    struct value value;
    struct buf bytes = {0};
    struct span out;

    assert(json_read(span_text(json), &arena, &value, &error) == 0);
    value_pack(&value, &bytes);
    out = arena_copy(&arena, buf_span(&bytes));
    buf_fini(&bytes);
    return out;
}

static struct span records(void)
{
    struct record start = {.kind = RECORD_START, .start = {.pid = 9, .unix_ms = NOW_MS}};
    struct record result = {.kind = RECORD_RESULT,
                            .result = {.metrics = packed("{\"m\": 0.5}"), .training_iteration = 1}};
    static const uint8_t hash[LIMIT_HASH_BYTES] = {7};
    struct record mark = {.kind = RECORD_MARK, .mark = {.number = 1}};
    struct record checkpoint = {.kind = RECORD_CHECKPOINT,
                                .checkpoint = {.number = 1, .manifest = {hash, sizeof(hash)}}};
    struct record end = {.kind = RECORD_END, .end = {.reason = END_EXIT, .text = {"no", 2}}};
    struct buf bytes = {0};
    struct span out;

    record_pack(&start, &bytes);
    record_pack(&result, &bytes);
    record_pack(&mark, &bytes);
    record_pack(&checkpoint, &bytes);
    record_pack(&end, &bytes);
    out = arena_copy(&arena, buf_span(&bytes));
    buf_fini(&bytes);
    return out;
}

static void record_fill(const struct schema *schema, void *record);

/* Something of everything: bytes have the size of their limit where that is a small one. */
static void field_fill(const struct field *field, void *at)
{
    static const char bytes[64] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    struct record_list *list = at;

    switch (field->kind) {
    case FIELD_BOOL:
        *(bool *)at = true;
        break;
    case FIELD_U32:
        *(uint32_t *)at = 1;
        break;
    case FIELD_U64:
        *(uint64_t *)at = 1;
        break;
    case FIELD_I64:
        *(int64_t *)at = 20000;
        break;
    case FIELD_F64:
        *(double *)at = 0.5;
        break;
    case FIELD_TEXT:
        *(struct span *)at = span_text("a1");
        break;
    case FIELD_BYTES:
        *(struct span *)at = strcmp(field->name, "records") == 0
                                 ? records()
                                 : span_of(bytes, field->limit <= 64 ? field->limit : 3);
        break;
    case FIELD_PACKED:
        *(struct span *)at = packed("{\"x\": 1.5}");
        break;
    case FIELD_RECORD:
        record_fill(field->item, at);
        break;
    case FIELD_LIST:
        *list = (struct record_list){.items = arena_zalloc(&arena, field->item->size), .count = 1};
        record_fill(field->item, list->items);
        break;
    }
}

static void record_fill(const struct schema *schema, void *record)
{
    for (size_t i = 0; i < schema->field_count; i++)
        field_fill(&schema->fields[i], (char *)record + schema->fields[i].offset);
}

static void messages(void)
{
    struct buf frame = {0};
    struct message message;

    for (uint32_t type = 0; type < TYPES; type++) {
        const struct schema *schema = message_schema(type);
        void *body;

        if (schema == NULL)
            continue;
        body = arena_zalloc(&arena, schema->size);
        record_fill(schema, body);
        if (type == MSG_REPORTS)
            ((struct msg_batch *)((struct msg_reports *)body)->batches.items)->count = 5;
        message_pack((enum msg_type)type, 5, body, &frame);
        assert(message_unpack(buf_span(&frame), &arena, &message, NULL) == 0);
        seed_write("message", schema->name, buf_span(&frame));
    }
    buf_fini(&frame);
}

#define PRINCIPALS                                                                                 \
    "principal_add "                                                                               \
    "key=0000000000000000000000000000000000000000000000000000000000000001 role=4 name=a",          \
        "principal_add "                                                                           \
        "key=0000000000000000000000000000000000000000000000000000000000000002 role=1 name=w"
#define SUBMIT(id, more)                                                                           \
    "submit submission=0000000000000000000000000000000" id                                         \
    " principal=1 spec={\"name\":\"e\",\"run\":{\"command\":\"t.py\"}," more "}"
#define NODE                                                                                       \
    "node_back principal=2 name=n hostname=h node_ip=i incarnation=3 capacity={cpu=30000 "         \
    "memory_bytes=100 custom=[{name=licence amount=20000}]} gpus=2 credit=9"

static const char *const scripts[][8] = {
    {PRINCIPALS, SUBMIT("1", "\"num_samples\":2"), NODE, "report", "drain node=2 on=true",
     "stop experiment=1 trial=1 principal=1", "remove experiment=1 principal=1"},
    {PRINCIPALS, NODE,
     SUBMIT("2", "\"config\":{\"x\":{\"uniform\":[0,1]},\"g\":{\"grid_search\":[1,2]}},"
                 "\"search\":{\"type\":\"random\",\"seed\":5},\"max_failures\":2,\"num_samples\":3,"
                 "\"scheduler\":{\"type\":\"async_hyperband\",\"metric\":\"m\",\"mode\":\"max\","
                 "\"time_attr\":\"training_iteration\",\"max_t\":9}"),
     "report", "node_lost node=2 reason=gone"},
    {PRINCIPALS, NODE,
     SUBMIT("3", "\"config\":{\"x\":{\"grid_search\":[1,2]}},\"resources_per_trial\":{\"cpu\":1,"
                 "\"gpu\":0.5,\"custom_resources\":{\"licence\":1}},\"max_concurrent\":1,"
                 "\"stop\":{\"training_iteration\":3}"),
     "report",
     "node_back principal=2 name=n hostname=h node_ip=i incarnation=4 credit=1 "
     "held=[{experiment=1 attempt=1 last_seq=3}]"},
    {PRINCIPALS,
     "token_create id=0011223344556677 secret_hash="
     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff role=1 uses=2 "
     "expires_ms=9999999999999 principal=1",
     "join token=0011223344556677 secret_hash="
     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff "
     "key=0000000000000000000000000000000000000000000000000000000000000005 name=j",
     "token_revoke id=0011223344556677", "tick"},
    {PRINCIPALS, NODE,
     SUBMIT("4", "\"config\":{\"x\":{\"uniform\":[0,1]},\"g\":{\"grid_search\":[1,2]}},"
                 "\"search\":{\"type\":\"external\",\"timeout\":3},\"num_samples\":3"),
     "suggest experiment=1 principal=1 number=1 config={\"x\":0.5}", "report", "tick",
     "suggest experiment=1 principal=1 number=2 config={\"y\":1}"},
};

static void event_read(const char *line, struct event *event)
{
    event->now_ms = NOW_MS;
    if (strcmp(line, "report") != 0) {
        assert(event_parse(line, &arena, event, NULL) == 0);
        return;
    }
    event->type = EVENT_REPORT;
    event->report = (struct event_report){
        .node = 2, .experiment = 1, .attempt = 1, .first_seq = 1, .count = 5, .records = records()};
}

static void script_run(const char *const *lines, const char *name)
{
    struct core *core = core_new();
    struct buf events = {0}, log = {0}, image = {0};
    struct effects effects;
    struct tape tape;

    effects_init(&effects, &arena);
    tape_init(&tape);
    tape_record(&tape);
    for (int i = 0; i < 8 && lines[i] != NULL; i++) {
        struct event event = {0};

        event_read(lines[i], &event);
        event_pack(&event, &events);
        (void)core_step(core, &event, &tape, &effects);
        core_place(core, NOW_MS, &tape, &effects);
        if (i % 2 == 0)
            continue; /* enough of them */
        buf_reset(&image);
        core_save(core, &image);
        seed_write("image", arena_printf(&arena, "%s_%d", name, i), buf_span(&image));
    }
    buf_append_char(&log, (char)(events.size >> 8));
    buf_append_char(&log, (char)events.size);
    buf_append_span(&log, buf_span(&events));
    buf_append_span(&log, buf_span(&tape.written));
    seed_write("log", name, buf_span(&log));
    buf_fini(&events);
    buf_fini(&log);
    buf_fini(&image);
    effects_fini(&effects);
    tape_fini(&tape);
    core_free(core);
}

static void frame_add(struct buf *out, const char *kind, struct span item)
{
    struct buf frame = {0};

    pack_list(&frame, item.size > 0 ? 2 : 1);
    pack_text(&frame, kind);
    buf_append_span(&frame, item);
    buf_append_char(out, (char)FRAME_BYTE);
    for (unsigned i = 0; i < 4; i++)
        buf_append_char(out, (char)(frame.size >> (8 * i)));
    buf_append_span(out, buf_span(&frame));
    buf_fini(&frame);
}

static void reports(void)
{
    static const char lines[] = "epoch 1\nassay: {\"m\": 0.5, \"a\": {\"b\": 2}}\r\nassay: m=1e-3 "
                                "n=\"x y\" o=true\nassay: done=true m=3\n";
    static const char json[] = "{\"m\": 1}\n{\"m\": NaN, \"l\": [1, \"\\u00e9\"]}\nx=1 y=2\n";
    static const char hello[] = "{\"trial_id\": \"1f0e22aa\", \"attempt\": 1}\n{\"m\": 1}\nm=2\n";
    static const char holds[] = {0, 1, 2, 5};
    struct buf out = {0};

    for (size_t i = 0; i < sizeof(holds); i++) {
        const char hold = holds[i];

        buf_reset(&out);
        buf_printf(&out, "%c%c%s", 0, hold, lines);
        seed_write("report", arena_printf(&arena, "stdout_%d", hold), buf_span(&out));
        buf_reset(&out);
        buf_printf(&out, "%c%c%s", 1, hold, json);
        seed_write("report", arena_printf(&arena, "lines_%d", hold), buf_span(&out));
        buf_reset(&out);
        buf_printf(&out, "%c%c%s", 2, hold, hello);
        seed_write("report", arena_printf(&arena, "socket_%d", hold), buf_span(&out));
        buf_reset(&out);
        buf_printf(&out, "%c%c", 1, hold);
        frame_add(&out, "hello", (struct span){0});
        frame_add(&out, "report", packed("{\"m\": 0.5, \"a\": {\"b\": 2}}"));
        frame_add(&out, "report", packed("{\"m\": 1, \"timesteps_this_iter\": 3}"));
        frame_add(&out, "report_json", packed("\"{\\\"m\\\": 2}\""));
        frame_add(&out, "error", packed("\"it broke\""));
        frame_add(&out, "end", (struct span){0});
        seed_write("report", arena_printf(&arena, "frames_%d", hold), buf_span(&out));
    }
    buf_reset(&out);
    buf_printf(&out, "%c%c", 1, 0);
    frame_add(&out, "report", span_of("\x81\xa2m\x00\x01", 5));
    seed_write("report", "frame_nul", buf_span(&out));
    buf_fini(&out);
}

static void texts(void)
{
    static const uint8_t key[KEY_BYTES] = {1, 2, 3};
    struct token token = {.head_key = {4, 5, 6}, .id = {7, 8}, .secret = {9}};
    char out[TOKEN_TEXT], key_out[KEY_TEXT];

    token_encode(&token, out);
    text_write("text", "token", out);
    key_text(key, key_out);
    text_write("text", "key", key_out);
    text_write("text", "address", "head.example.org:7420");
    text_write("text", "address_ipv4", "127.0.0.1");
    text_write("text", "address_ipv6", "[2001:db8::1]:7420");
    text_write("text", "address_zone", "[0%0]");
    text_write("text", "number", "-1.2345678901234567e-300");
    text_write("text", "number_large", "123456789012345678901234567890");
    text_write("text", "number_nan", "nan");
    text_write("text", "json_map",
               "{\"a\": [1, -2.5e3, true, null], \"b\": {\"c\": \"d\\u00e9\"}}");
    text_write("text", "json_odd", "[NaN, -Infinity, 1e400, \"\\ud83d\\ude00\\n\", {}, []]");
}

static void key_file(void)
{
    const char *path = arena_printf(&arena, "%s/text/key_file", folder);
    struct key_pair pair;
    struct trouble trouble;

    key_pair_make(&pair);
    (void)remove(path);
    if (fs_make_dirs(arena_printf(&arena, "%s/private", folder), 0700) != 0 ||
        key_pair_save(arena_printf(&arena, "%s/private/key", folder), &pair, &trouble) != 0 ||
        rename(arena_printf(&arena, "%s/private/key", folder), path) != 0 ||
        remove(arena_printf(&arena, "%s/private", folder)) != 0) {
        perror(path);
        exit(1);
    }
    key_pair_fini(&pair);
}

static void spools(void)
{
    uint8_t steps[24], mixed[12] = {8};

    for (unsigned i = 0; i < sizeof(steps); i++)
        steps[i] = (uint8_t)(i == 0 ? 22 : i < 20 ? 1 : i == 20 ? 17 : i == 21 ? 18 : 4);
    seed_write("spool", "file", span_of(steps, sizeof(steps)));
    memcpy(mixed + 1, "\x00\x05\x02\x01\x03\x04\x0a\x0c\xf0\xff\x00", 11);
    seed_write("spool", "mixed", span_of(mixed, sizeof(mixed)));
}

static void saved_files(void)
{
    static const char result[] = "\1{\"m\": 0.5, \"training_iteration\": 1, \"done\": false, "
                                 "\"hostname\": \"h\", \"config\": {\"x\": 1}}\n"
                                 "{\"m\": 1.5, \"training_iteration\": 2, \"done\": true}\n";
    struct msg_status_reply status = {0};
    struct msg_trial_row row = {0};
    const char *dir = arena_printf(&arena, "%s/saved", folder);
    struct value spec = value_null();
    struct buf out = {0};

    record_fill(message_schema(MSG_STATUS_REPLY), &status);
    record_fill(&msg_trial_row_schema, &row);
    row.last = packed("{\"m\": 0.5, \"training_iteration\": 1}");
    if (saved_write(dir, &status, &spec, &row, 1, &arena) != 0) {
        perror(dir);
        exit(1);
    }
    buf_append_char(&out, 0);
    assert(fs_read(arena_printf(&arena, "%s/experiment.json", dir), 1u << 20, &out) == 0);
    (void)remove(arena_printf(&arena, "%s/experiment.json", dir));
    seed_write("saved", "experiment", buf_span(&out));
    seed_write("saved", "result", span_text(result));
    seed_write("saved", "params", span_text("\2{\n  \"lr\": 0.1,\n  \"layers\": [1, 2]\n}"));
    buf_fini(&out);
}

/* The same lines for each experiment of the target. */
static void drives(void)
{
    static const char lines[] =
        "{\"op\":\"add\",\"config\":{\"a\":1},\"trial\":\"x\",\"bracket\":1}\n"
        "{\"op\":\"add\",\"config\":{}}\n{\"op\":\"ask\",\"peek\":true}\n"
        "{\"op\":\"ask\",\"blocked\":[\"t0\"]}\n{\"op\":\"ask\"}\n{\"op\":\"ask\"}\n"
        "{\"op\":\"result\",\"trial\":\"t0\",\"result\":{\"m\":2,\"training_iteration\":1}}\n"
        "{\"op\":\"result\",\"trial\":\"t1\",\"result\":{\"m\":NaN,\"d\":{\"e\":[1]}}}\n"
        "{\"op\":\"complete\",\"trial\":\"t1\",\"result\":{\"m\":3}}\n{\"op\":\"ask\"}\n"
        "{\"op\":\"requeue\",\"trial\":\"t0\"}\n{\"op\":\"error\",\"trial\":\"t2\"}\n"
        "{\"op\":\"remove\",\"trial\":\"t3\"}\n{\"op\":\"status\"}\n{\"op\":\"best\"}";

    for (uint8_t i = 0; i < 6; i++) {
        struct buf input = {0};

        buf_append_char(&input, (char)i);
        buf_append_text(&input, lines);
        seed_write("drive", arena_printf(&arena, "experiment_%u", i), buf_span(&input));
        buf_fini(&input);
    }
}

static void tables(void)
{
    static const char *const texts[] = {
        "lr,act,training_iteration,time_total_s,loss\n0.1,relu,1,2,5\n0.1,relu,2,3.5,4\n"
        "1e-3,\"ta,nh\"\"\",1,,nan\n",
        "trial,training_iteration,loss\r\na,1,0.5\r\nb,1,\r\n",
        "\xef\xbb\xbfloss\n1\n-inf\n",
        "{\"config\": {\"lr\": 0.1}, \"training_iteration\": 3, \"loss\": 1}\n"
        "{\"trial_id\": \"x\", \"d\": {\"e\": true}, \"loss\": null}\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        seed_write("table", arena_printf(&arena, "table_%zu", i), span_text(texts[i]));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
        return 2;
    }
    folder = argv[1];
    key_library_init();
    messages();
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
        script_run(scripts[i], arena_printf(&arena, "script_%zu", i));
    reports();
    texts();
    key_file();
    spools();
    saved_files();
    drives();
    tables();
    seed_write("experiment", "packed",
               packed("{\"name\":\"e\",\"run\":{\"command\":\"t.py {x}\"},\"config\":{\"x\":"
                      "{\"loguniform\":[0.001,1]},\"l\":[{\"choice\":[1,\"a\"]},{\"randint\":[1,9]}"
                      "]},\"num_samples\":3}"));
    arena_fini(&arena);
    return 0;
}
