#include "tests/sim/head.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "tests/sim/checker.h"
#include "tests/sim/head_inside.h"
#include "tests/sim/host.h"
#include "tests/sim/people.h"

#define UNIX_MS      UINT64_C(1600000000000)
#define RELOAD_EVERY 50u
#define TICK_US      100000u

struct head *head_new(struct world *world)
{
    struct head *head = xcalloc(1, sizeof(*head));

    head->world = world;
    head->next_handle = 1;
    return head;
}

struct turn *turn_new(void)
{
    struct turn *turn = xcalloc(1, sizeof(*turn));

    effects_init(&turn->effects, &turn->arena);
    tape_init(&turn->tape);
    tape_record(&turn->tape);
    return turn;
}

void turn_free(struct turn *turn)
{
    if (turn == NULL)
        return;
    buf_fini(&turn->events);
    tape_fini(&turn->tape);
    effects_fini(&turn->effects);
    arena_fini(&turn->arena);
    free(turn->notes);
    free(turn);
}

static void life_end(struct head *head)
{
    core_free(head->core);
    head->core = NULL;
    turn_free(head->open);
    turn_free(head->committing);
    head->open = head->committing = NULL;
    head->closing = head->ticking = false;
    head->paused_until_us = 0;
    head->held = NULL;
}

void head_free(struct head *head)
{
    life_end(head);
    entry_fini(&head->pending);
    for (size_t i = 0; i < head->entry_count; i++)
        entry_fini(&head->entries[i]);
    free(head->entries);
    buf_fini(&head->image);
    free(head);
}

bool head_is_up(const struct head *head)
{
    return head->core != NULL;
}

/* ---- invariants of the core ---- */

/* step, save, load, step equals step, step. */
static void reload(struct world *world)
{
    struct head *head = world->head;
    struct core *copy = core_new();
    struct buf image = {0};

    core_save(head->core, &image);
    if (core_load(copy, buf_span(&image)) < 0)
        world_fail(world, "an image cannot be loaded: %s",
                   core_check(copy) != NULL ? core_check(copy) : "");
    else if (core_digest(copy) != core_digest(head->core))
        world_fail(world, "a loaded core has another digest");
    core_free(head->core);
    head->core = copy;
    buf_fini(&image);
}

static void look(struct world *world)
{
    const char *finding = core_check(world->head->core);

    if (finding != NULL)
        world_fail(world, "core_check: %s", finding);
    else if (++world->head->since_reload >= RELOAD_EVERY) {
        world->head->since_reload = 0;
        reload(world);
    }
}

/* ---- turns ---- */

static struct note *note_add(struct turn *turn)
{
    if (turn->note_count == turn->note_room) {
        turn->note_room = turn->note_room * 2 + 8;
        turn->notes = xrealloc(turn->notes, turn->note_room, sizeof(*turn->notes));
    }
    turn->notes[turn->note_count] = (struct note){.from = turn->effects.count};
    return &turn->notes[turn->note_count++];
}

static void say_effects(const struct world *world, const struct turn *turn, size_t from)
{
    struct buf line = {0};

    for (size_t i = from; world->verbose && i < turn->effects.count; i++) {
        buf_reset(&line);
        effect_print(&turn->effects.items[i], &line);
        world_say(world, "  > %s", buf_text(&line));
    }
    buf_fini(&line);
}

static void say_event(const struct world *world, const struct event *event, bool admitted)
{
    struct buf line = {0};

    if (!world->verbose)
        return;
    event_print(event, &line);
    world_say(world, "event %s%s", buf_text(&line), admitted ? "" : " (refused)");
    buf_fini(&line);
}

static void copy_event(struct event *event, struct arena *arena)
{
    struct event_node_back *back = &event->node_back;
    size_t size;

    if (event->type == EVENT_REPORT) {
        event->report.records = arena_copy(arena, event->report.records);
    } else if (event->type == EVENT_NODE_BACK && back->held.count > 0) {
        size = back->held.count * sizeof(struct held_attempt);
        back->held.items = memcpy(arena_alloc(arena, size), back->held.items, size);
    }
}

static void turn_apply(struct world *world, struct turn *turn)
{
    for (size_t i = 0; i < turn->note_count && !world->failed; i++) {
        struct note *note = &turn->notes[i];

        checker_take(world->checker, note->event.type != 0 ? &note->event : NULL, note->admitted,
                     &turn->effects.items[note->from], note->to - note->from);
    }
    for (size_t i = 0; i < turn->effects.count && !world->failed; i++) {
        const struct effect *effect = &turn->effects.items[i];

        if (effect->type == EFFECT_REPLY && (effect->reply.origin & ORIGIN_FLEET) == 0)
            people_answer(world, &effect->reply);
        else if (effect->type == EFFECT_EXPERIMENT)
            people_look(world, &effect->experiment);
        else
            fleet_apply(world, effect);
    }
    fleet_flush(world);
    turn_free(turn);
}

static void close_soon(struct world *world);
static void tick_soon(struct world *world);

/* Rows of ended trials that the core asks for, as the head's shell does from its view. */
static void recall(struct world *world)
{
    struct event event = {.type = EVENT_RECALL};

    while (!world->failed &&
           core_recall(world->head->core, &event.recall.experiment, &event.recall.trial)) {
        if (!checker_row(world->checker, event.recall.experiment, event.recall.trial,
                         &event.recall))
            return; /* its end is not committed yet */
        (void)head_event(world, &event);
        event = (struct event){.type = EVENT_RECALL};
    }
}

static void commit(struct world *world, void *subject, uint64_t life)
{
    struct head *head = subject;
    struct turn *turn = head->committing;

    if (life != head->life || turn == NULL || head_put_off(world, commit, subject, life))
        return;
    world_say(world, "commit of entry %zu", head->entry_count);
    head->committing = NULL;
    journal_keep(head);
    journal_image(head);
    head->entries[head->entry_count - 1].taken = true;
    turn_apply(world, turn);
    recall(world);
    tick_soon(world);
    if (head->open != NULL)
        close_soon(world);
}

static uint64_t commit_time(struct world *world)
{
    struct head *head = world->head;
    uint64_t us = rng_between(&world->net, world->plan.commit_us / 2, world->plan.commit_us * 2);

    us += head->slow_us;
    head->slow_us = 0;
    return us;
}

static void close_turn(struct world *world, void *subject, uint64_t life)
{
    struct head *head = subject;
    struct turn *turn = head->open;
    struct note *note;

    if (life != head->life || head_put_off(world, close_turn, subject, life))
        return;
    head->closing = false;
    if (turn == NULL || head->committing != NULL)
        return;
    head->open = NULL;
    if (turn->event_count == 0) {
        turn_apply(world, turn); /* answers only: what is before them is committed */
        return;
    }
    note = note_add(turn);
    core_place(head->core, turn->now_ms, &turn->tape, &turn->effects);
    note->to = turn->effects.count;
    say_effects(world, turn, note->from);
    look(world);
    journal_write(world, turn);
    head->committing = turn;
    world_after(world, commit_time(world), commit, head, head->life);
}

static void close_soon(struct world *world)
{
    struct head *head = world->head;

    if (head->closing || head->committing != NULL)
        return;
    head->closing = true;
    world_after(world, rng_next_below(&world->net, 200), close_turn, head, head->life);
}

/* As the head has it: a wall clock that was set back goes on from where it was. */
static uint64_t wall_ms(const struct world *world)
{
    const struct head *head = world->head;
    uint64_t wall = UNIX_MS + (uint64_t)((int64_t)(world->now_us / 1000) + head->clock_ms);
    uint64_t least = head->last_ms + (world->now_us - head->last_us) / 1000;

    return wall > least ? wall : least;
}

/* As the head's loop does, which looks ten times a second. Its clock may have jumped meanwhile. */
static void tick(struct world *world, void *subject, uint64_t life)
{
    struct head *head = subject;
    struct event event = {.type = EVENT_TICK};

    if (life != head->life || !head_is_up(head))
        return;
    head->ticking = false;
    if (core_deadline_ms(head->core) <= wall_ms(world))
        (void)head_event(world, &event);
    tick_soon(world);
}

static void tick_soon(struct world *world)
{
    struct head *head = world->head;

    if (!head_is_up(head) || head->ticking || core_deadline_ms(head->core) == DEADLINE_NEVER)
        return;
    head->ticking = true;
    world_after(world, TICK_US, tick, head, head->life);
}

enum core_answer head_event(struct world *world, struct event *event)
{
    struct head *head = world->head;
    enum core_answer answer;
    struct note *note;

    if (head->open == NULL) {
        head->open = turn_new();
        head->last_ms = wall_ms(world);
        head->last_us = world->now_us;
        head->open->now_ms = head->last_ms;
    }
    copy_event(event, &head->open->arena);
    event->now_ms = head->open->now_ms;
    note = note_add(head->open);
    answer = core_step(head->core, event, &head->open->tape, &head->open->effects);
    note->event = *event;
    note->admitted = answer == CORE_ADMITTED;
    note->to = head->open->effects.count;
    world->events++;
    say_event(world, event, note->admitted);
    say_effects(world, head->open, note->from);
    if (note->admitted) {
        event_pack(event, &head->open->events);
        head->open->event_count++;
    }
    look(world);
    close_soon(world);
    return answer;
}

void head_request(struct world *world, struct event *event, uint64_t origin)
{
    if (!head_is_up(world->head) || world->now_us < world->head->paused_until_us)
        return; /* whoever asks, asks again */
    event->origin = origin;
    (void)head_event(world, event);
}

/* ---- lives ---- */

/* What a head makes for itself in an empty log. */
static void set_up(struct world *world)
{
    static uint8_t key[32];
    struct event event = {.type = EVENT_PRINCIPAL_ADD};

    for (uint32_t i = 1; i <= 2; i++) {
        if (core_role(world->head->core, i) != ROLE_NONE)
            continue;
        memset(key, (int)i, sizeof(key));
        event.principal_add = (struct event_principal_add){
            .key = span_of(key, sizeof(key)),
            .role = i == 1 ? ROLE_ADMIN : ROLE_SUBMIT,
            .name = span_text(i == 1 ? "admin" : "someone"),
        };
        event.principal_add.key = arena_copy(&world->arena, event.principal_add.key);
        (void)head_event(world, &event);
    }
}

void head_start(struct world *world)
{
    struct head *head = world->head;

    head->life++;
    fleet_forget(head);
    if (!journal_recover(world))
        return;
    head->last_ms = head->entry_count > 0 ? head->entries[head->entry_count - 1].now_ms : 0;
    head->last_us = world->now_us;
    world_say(world, "the head is up, life %llu, %zu entries", (unsigned long long)head->life,
              head->entry_count);
    set_up(world);
    recall(world);
    tick_soon(world);
    fleet_watch_all(world);
    hosts_head_up(world);
}

static void start_again(struct world *world, void *subject, uint64_t number)
{
    (void)subject;
    (void)number;
    head_start(world);
}

void head_kill(struct world *world)
{
    struct head *head = world->head;

    if (!head_is_up(head))
        return;
    if (head->committing != NULL) {
        bool kept = rng_chance(&world->trouble, 50);

        world_say(world, "the head is killed; the entry in flight is %s", kept ? "kept" : "lost");
        if (kept)
            journal_keep(head);
        else
            journal_drop(head);
    } else {
        world_say(world, "the head is killed");
    }
    life_end(head);
    for (uint32_t i = 0; i < world->plan.host_count; i++)
        host_head_died(world, i);
    world_after(world, rng_between(&world->trouble, 10000, 3000000), start_again, NULL, 0);
}

bool head_put_off(struct world *world, happening_fn *run, void *subject, uint64_t number)
{
    uint64_t until_us = world->head->paused_until_us;

    if (world->now_us >= until_us)
        return false;
    world_after(world, until_us - world->now_us + rng_next_below(&world->net, 1000), run, subject,
                number);
    return true;
}

/* That nobody was heard of meanwhile is its own fault. */
static void go_on(struct world *world, void *subject, uint64_t life)
{
    struct head *head = subject;
    struct letter *letter = head->held;

    if (life != head->life)
        return;
    world_say(world, "the head goes on");
    head->held = NULL;
    for (uint32_t i = 0; i < PLAN_HOSTS; i++)
        head->heard_us[i] = world->now_us;
    for (; letter != NULL && !world->failed; letter = letter->next)
        if (host_is_connected(world, letter->host, letter->connection))
            head_letter(world, letter);
    fleet_watch_all(world);
}

void head_pause(struct world *world, uint64_t while_us)
{
    struct head *head = world->head;

    if (!head_is_up(head) || world->now_us < head->paused_until_us)
        return;
    world_say(world, "the head stands still");
    head->paused_until_us = world->now_us + while_us;
    head->held_end = &head->held;
    world_after(world, while_us, go_on, head, head->life);
}

void head_jump_clock(struct head *head, int64_t by_ms)
{
    head->clock_ms += by_ms;
}

void head_slow_commit(struct head *head, uint64_t us)
{
    head->slow_us = us;
}

void head_final(struct world *world)
{
    struct head *head = world->head;

    if (!head_is_up(head) || head->committing != NULL || head->open != NULL)
        world_fail(world, "I7: the head is not at rest when all is over");
    else
        journal_replay_all(world);
}
