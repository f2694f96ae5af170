/* The journal of the simulated head: entries, images, recovery. */
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "tests/sim/checker.h"
#include "tests/sim/head_inside.h"

void entry_fini(struct entry *entry)
{
    buf_fini(&entry->events);
    buf_fini(&entry->tape);
    *entry = (struct entry){0};
}

/* All but replies: they know whom to answer, which no log says. */
static uint64_t effects_hash(uint64_t hash, const struct effect *effects, size_t count)
{
    struct buf packed = {0};

    for (size_t i = 0; i < count; i++) {
        if (effects[i].type == EFFECT_REPLY)
            continue;
        buf_reset(&packed);
        schema_pack(effect_schema(effects[i].type), &effects[i].reply, &packed);
        hash = hash_bytes(hash + effects[i].type, packed.data, packed.size);
    }
    buf_fini(&packed);
    return hash;
}

static uint64_t turn_hash(const struct turn *turn)
{
    uint64_t hash = HASH_BEGIN;

    for (size_t i = 0; i < turn->note_count; i++)
        if (turn->notes[i].event.type == 0 || turn->notes[i].admitted)
            hash = effects_hash(hash, &turn->effects.items[turn->notes[i].from],
                                turn->notes[i].to - turn->notes[i].from);
    return hash;
}

void journal_write(struct world *world, struct turn *turn)
{
    struct head *head = world->head;

    head->pending = (struct entry){
        .now_ms = turn->now_ms, .count = turn->event_count, .effects_hash = turn_hash(turn)};
    buf_append_span(&head->pending.events, buf_span(&turn->events));
    buf_append_span(&head->pending.tape, buf_span(&turn->tape.written));
    if (!plan_has(&world->plan, FAULT_HEAD))
        return;
    if (rng_chance(&world->trouble, 20))
        head->pending.digest = core_digest(head->core);
}

void journal_keep(struct head *head)
{
    if (head->entry_count == head->entry_room) {
        head->entry_room = head->entry_room * 2 + 64;
        head->entries = xrealloc(head->entries, head->entry_room, sizeof(*head->entries));
    }
    head->entries[head->entry_count++] = head->pending;
    head->pending = (struct entry){0};
}

/* Only where nothing is being judged: the core is what the entries made it. */
void journal_image(struct head *head)
{
    if (head->open != NULL || !plan_has(&head->world->plan, FAULT_HEAD) ||
        !rng_chance(&head->world->trouble, 5))
        return;
    buf_reset(&head->image);
    core_save(head->core, &head->image);
    head->image_at = head->entry_count;
}

void journal_drop(struct head *head)
{
    entry_fini(&head->pending);
}

/* Judge an entry's events again, as notes of a turn. */
static bool decide(struct world *world, struct core *core, const struct entry *entry,
                   struct turn *turn)
{
    struct cursor cursor;

    turn->now_ms = entry->now_ms;
    tape_replay(&turn->tape, buf_span(&entry->tape));
    cursor_init(&cursor, buf_span(&entry->events));
    turn->notes = xcalloc(entry->count + 1, sizeof(*turn->notes));
    for (uint32_t i = 0; i < entry->count; i++) {
        struct note *note = &turn->notes[turn->note_count++];

        note->from = turn->effects.count;
        note->event.now_ms = entry->now_ms;
        if (event_unpack(&cursor, &turn->arena, &note->event) < 0) {
            world_fail(world, "I9: an event cannot be read back");
            return false;
        }
        note->admitted =
            core_step(core, &note->event, &turn->tape, &turn->effects) == CORE_ADMITTED;
        note->to = turn->effects.count;
        if (!note->admitted) {
            world_fail(world, "I9: an event was admitted and is refused in the replay");
            return false;
        }
    }
    turn->notes[turn->note_count].from = turn->effects.count;
    core_place(core, entry->now_ms, &turn->tape, &turn->effects);
    turn->notes[turn->note_count++].to = turn->effects.count;
    return true;
}

/* What only the disk has seen of an entry the checker sees now: the sinks do it again, too. */
static void take(struct world *world, struct entry *entry, const struct turn *turn)
{
    if (entry->taken)
        return;
    entry->taken = true;
    for (size_t i = 0; i < turn->note_count && !world->failed; i++)
        checker_take(world->checker, turn->notes[i].event.type != 0 ? &turn->notes[i].event : NULL,
                     turn->notes[i].admitted, &turn->effects.items[turn->notes[i].from],
                     turn->notes[i].to - turn->notes[i].from);
}

static void say_replayed(const struct world *world, const struct turn *turn)
{
    struct buf line = {0};

    for (size_t i = 0; world->verbose && i < turn->effects.count; i++) {
        buf_reset(&line);
        effect_print(&turn->effects.items[i], &line);
        world_say(world, "  in the replay > %s", buf_text(&line));
    }
    buf_fini(&line);
}

static void replay(struct world *world, struct core *core, size_t at)
{
    struct entry *entry = &world->head->entries[at];
    struct turn *turn = turn_new();

    if (decide(world, core, entry, turn)) {
        if (!tape_ended_well(&turn->tape))
            world_fail(world, "I9: entry %zu decides otherwise: %s", at,
                       turn->tape.diverged ? turn->tape.what : "less than stands there");
        else if (turn_hash(turn) != entry->effects_hash)
            world_fail(world, "I9: entry %zu has other effects in the replay", at);
        else if (entry->digest != 0 && core_digest(core) != entry->digest)
            world_fail(world, "I9: another state behind entry %zu in the replay", at);
        else
            take(world, entry, turn);
        if (world->failed)
            say_replayed(world, turn);
    }
    turn_free(turn);
}

bool journal_recover(struct world *world)
{
    struct head *head = world->head;
    size_t from = 0;

    head->core = core_new();
    if (head->image.size > 0 && rng_chance(&world->trouble, 60)) {
        if (core_load(head->core, buf_span(&head->image)) < 0) {
            world_fail(world, "an image cannot be loaded");
            return false;
        }
        from = head->image_at;
    }
    for (size_t i = from; i < head->entry_count && !world->failed; i++)
        replay(world, head->core, i);
    if (!world->failed && core_check(head->core) != NULL)
        world_fail(world, "core_check behind a recovery: %s", core_check(head->core));
    return !world->failed;
}

void journal_replay_all(struct world *world)
{
    struct core *core = core_new();

    for (size_t i = 0; i < world->head->entry_count && !world->failed; i++)
        replay(world, core, i);
    if (!world->failed && core_digest(core) != core_digest(world->head->core))
        world_fail(world, "I9: the whole replay ends in another state");
    core_free(core);
}
