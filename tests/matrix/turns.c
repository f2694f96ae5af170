#include "tests/matrix/turns.h"

#include <stdlib.h>
#include <zlib.h>

#include "common/xalloc.h"
#include "tests/matrix/cluster.h"

#define TURNS_MOST  20000u
#define EVENTS_MOST 3u /* of a turn */

/* A core with what it needs to decide. */
struct desk {
    struct core *core;
    struct arena arena; /* of a turn */
    struct effects effects;
    struct tape tape;
    uint32_t sum; /* of the turn's effects */
};

static void desk_open(struct desk *desk)
{
    *desk = (struct desk){.core = core_new()};
    effects_init(&desk->effects, &desk->arena);
    tape_init(&desk->tape);
}

static void desk_close(struct desk *desk)
{
    core_free(desk->core);
    effects_fini(&desk->effects);
    tape_fini(&desk->tape);
    arena_fini(&desk->arena);
}

static void desk_clear(struct desk *desk)
{
    effects_reset(&desk->effects);
    arena_reset(&desk->arena);
    desk->sum = 0;
}

/* The effects from this one on. */
static void desk_sum(struct desk *desk, size_t from)
{
    struct buf text = {0};

    for (size_t i = from; i < desk->effects.count; i++) {
        effect_print(&desk->effects.items[i], &text);
        buf_append_char(&text, '\n');
    }
    if (text.size > 0)
        desk->sum = (uint32_t)crc32_z(desk->sum, text.data, text.size);
    buf_fini(&text);
}

/* What is refused is answered, and leaves no trace in the log. */
static bool desk_step(struct desk *desk, const struct event *event)
{
    size_t from = desk->effects.count;

    if (core_step(desk->core, event, &desk->tape, &desk->effects) == CORE_REFUSED)
        return false;
    desk_sum(desk, from);
    return true;
}

static void desk_place(struct desk *desk, uint64_t now_ms)
{
    size_t from = desk->effects.count;

    core_place(desk->core, now_ms, &desk->tape, &desk->effects);
    desk_sum(desk, from);
}

void turns_fini(struct turns *turns)
{
    for (uint32_t i = 0; i < turns->count; i++) {
        buf_fini(&turns->items[i].events);
        buf_fini(&turns->items[i].tape);
    }
    free(turns->items);
}

/* ---- live ---- */

struct life {
    struct desk desk;
    struct cluster *cluster;
    const char *experiment;
    uint32_t opened; /* of its opening events */
};

/* False: there is none, unless what this turn decides brings one about. */
static bool live_event(struct life *life, struct turn *turn)
{
    const char *line = cluster_opening(life->opened, life->experiment, &life->desk.arena);
    struct event event = {0};

    if (line != NULL) {
        life->opened++;
        if (event_parse(line, &life->desk.arena, &event, NULL) < 0)
            return false;
    } else if (!cluster_next(life->cluster, life->desk.core, &life->desk.arena, &event)) {
        return false;
    }
    event.now_ms = turn->now_ms;
    if (desk_step(&life->desk, &event))
        event_pack(&event, &turn->events);
    return true;
}

/* False: nothing happened, nor will it ever. */
static bool live_turn(struct life *life, struct turns *out)
{
    struct turn turn = {.now_ms = cluster_now_ms(life->cluster)};
    uint32_t most = 1 + out->count % EVENTS_MOST;
    uint32_t count = 0;

    desk_clear(&life->desk);
    tape_record(&life->desk.tape);
    while (count < most && live_event(life, &turn))
        count++;
    desk_place(&life->desk, turn.now_ms);
    buf_append_span(&turn.tape, buf_span(&life->desk.tape.written));
    turn.effects = life->desk.sum;
    if (turn.events.size > 0)
        out->sum = (uint32_t)crc32_z(out->sum, turn.events.data, turn.events.size);
    if (turn.tape.size > 0)
        out->sum = (uint32_t)crc32_z(out->sum, turn.tape.data, turn.tape.size);
    out->sum = (uint32_t)crc32_z(out->sum, (const Bytef *)&turn.effects, sizeof(turn.effects));
    out->items = xrealloc(out->items, out->count + 1, sizeof(*out->items));
    out->items[out->count++] = turn;
    cluster_obey(life->cluster, &life->desk.effects);
    cluster_pass_time(life->cluster);
    return count > 0;
}

static const char *live_all(struct life *life, struct turns *out)
{
    while (!cluster_is_done(life->cluster)) {
        if (!live_turn(life, out))
            return "nothing can happen any more, and the experiment has not ended";
        if (core_check(life->desk.core) != NULL)
            return "an invariant does not hold";
        if (out->count == TURNS_MOST)
            return "it does not end";
    }
    return NULL;
}

const char *turns_live(struct turns *out, const char *experiment, uint64_t seed)
{
    struct life life = {.cluster = cluster_new(seed), .experiment = experiment};
    const char *wrong;

    *out = (struct turns){0};
    desk_open(&life.desk);
    wrong = live_all(&life, out);
    out->digest = core_digest(life.desk.core);
    out->told = cluster_told(life.cluster);
    desk_close(&life.desk);
    cluster_free(life.cluster);
    return wrong;
}

/* ---- and again ---- */

static const char *again(struct desk *desk, const struct turn *turn, bool replay)
{
    struct cursor cursor;

    desk_clear(desk);
    if (replay)
        tape_replay(&desk->tape, buf_span(&turn->tape));
    else
        tape_record(&desk->tape);
    cursor_init(&cursor, buf_span(&turn->events));
    while (cursor.at < cursor.end) {
        struct event event = {.now_ms = turn->now_ms};

        if (event_unpack(&cursor, &desk->arena, &event) < 0)
            return "an event cannot be read back";
        if (!desk_step(desk, &event))
            return "an event is refused";
    }
    desk_place(desk, turn->now_ms);
    if (replay && !tape_ended_well(&desk->tape))
        return "it is decided otherwise";
    if (!replay && !span_equal(buf_span(&desk->tape.written), buf_span(&turn->tape)))
        return "another tape is written";
    return desk->sum == turn->effects ? NULL : "the effects are others";
}

static const char *again_from(struct desk *desk, const struct turns *turns, uint32_t from,
                              uint32_t to, bool replay)
{
    const char *wrong = NULL;

    for (uint32_t i = from; i < to && wrong == NULL; i++)
        wrong = again(desk, &turns->items[i], replay);
    if (wrong == NULL && to == turns->count && core_digest(desk->core) != turns->digest)
        wrong = "it ends in another state";
    return wrong;
}

static const char *check_image(const struct turns *turns, struct span image, uint32_t from,
                               bool replay)
{
    const char *wrong = "an image cannot be loaded";
    struct desk desk;

    desk_open(&desk);
    if (core_load(desk.core, image) == 0)
        wrong = again_from(&desk, turns, from, turns->count, replay);
    desk_close(&desk);
    return wrong;
}

const char *turns_check(const struct turns *turns)
{
    uint32_t half = turns->count / 2;
    struct buf image = {0};
    struct desk desk;
    const char *wrong;

    desk_open(&desk);
    wrong = again_from(&desk, turns, 0, half, true);
    core_save(desk.core, &image);
    if (wrong == NULL)
        wrong = again_from(&desk, turns, half, turns->count, true);
    desk_close(&desk);
    if (wrong == NULL)
        wrong = check_image(turns, buf_span(&image), half, true);
    if (wrong == NULL)
        wrong = check_image(turns, buf_span(&image), half, false);
    buf_fini(&image);
    return wrong;
}
