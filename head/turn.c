#include "head/turn.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/xalloc.h"
#include "head/entry.h"

#define KEPT_BYTES  (256u << 10) /* of memory by a turn that nobody needs now */
#define KEPT_FRAMES 1024u
#define TRIM_CALLS  20u /* of turns_trim without a use in between */

struct turn {
    struct turns *turns; /* borrowed */
    struct turn *next;   /* in the free list */
    struct arena arena;
    struct effects effects;
    struct tape tape;
    struct buf entry; /* for the log: grows with each event that is admitted */
    uint32_t event_count;
    zmq_msg_t *frames; /* owned */
    size_t frame_count;
    size_t frame_room;
    size_t frame_bytes;
    uint64_t now_ms;
    uint32_t unused; /* calls of turns_trim since it last had something */
};

struct turns {
    struct core *core; /* borrowed */
    struct turn *all[LIMIT_TURNS];
    struct turn *open;    /* NULL: none */
    pthread_mutex_t lock; /* of free */
    struct turn *free;
    int wake;
    atomic_bool eager; /* wake at every release */
    uint64_t now_ms;
};

static struct turn *turn_new(struct turns *turns)
{
    struct turn *turn = xcalloc(1, sizeof(*turn));

    turn->turns = turns;
    arena_init(&turn->arena);
    effects_init(&turn->effects, &turn->arena);
    tape_init(&turn->tape);
    buf_init(&turn->entry);
    return turn;
}

static void frames_close(struct turn *turn)
{
    for (size_t i = 0; i < turn->frame_count; i++)
        (void)zmq_msg_close(&turn->frames[i]);
    turn->frame_count = 0;
    turn->frame_bytes = 0;
}

static void turn_free(struct turn *turn)
{
    frames_close(turn);
    free(turn->frames);
    buf_fini(&turn->entry);
    tape_fini(&turn->tape);
    effects_fini(&turn->effects);
    arena_fini(&turn->arena);
    free(turn);
}

struct turns *turns_new(struct core *core)
{
    struct turns *turns = xcalloc(1, sizeof(*turns));

    turns->core = core;
    (void)pthread_mutex_init(&turns->lock, NULL);
    turns->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(turns->wake >= 0); /* before any peer can use up descriptors */
    for (size_t i = 0; i < LIMIT_TURNS; i++) {
        turns->all[i] = turn_new(turns);
        turns->all[i]->next = turns->free;
        turns->free = turns->all[i];
    }
    return turns;
}

void turns_free(struct turns *turns)
{
    if (turns == NULL)
        return;
    for (size_t i = 0; i < LIMIT_TURNS; i++)
        turn_free(turns->all[i]);
    (void)close(turns->wake);
    (void)pthread_mutex_destroy(&turns->lock);
    free(turns);
}

/* Everything of the life before is forgotten here, in the head's thread: frames are closed where
 * they were received. */
static void turn_begin(struct turn *turn)
{
    frames_close(turn);
    effects_reset(&turn->effects);
    arena_reset(&turn->arena);
    buf_reset(&turn->entry);
    turn->event_count = 0;
    turn->now_ms = 0;
    tape_record(&turn->tape);
}

static bool turn_is_full(const struct turn *turn)
{
    return turn->event_count >= LIMIT_TURN_EVENTS || turn->entry.size >= LIMIT_TURN_BYTES ||
           turn->frame_bytes >= 2 * LIMIT_TURN_BYTES;
}

/* Give back what a burst has made it grow to; it is empty. */
static void turn_shrink(struct turn *turn)
{
    if (arena_capacity(&turn->arena) > KEPT_BYTES)
        arena_fini(&turn->arena);
    if (turn->effects.capacity * sizeof(struct effect) > KEPT_BYTES) {
        effects_fini(&turn->effects);
        effects_init(&turn->effects, &turn->arena);
    }
    if (turn->entry.capacity > KEPT_BYTES)
        buf_fini(&turn->entry);
    if (turn->tape.written.capacity > KEPT_BYTES)
        buf_fini(&turn->tape.written);
    if (turn->frame_room > KEPT_FRAMES) {
        free(turn->frames);
        turn->frames = NULL;
        turn->frame_room = 0;
    }
}

static void turn_trim(struct turn *turn)
{
    if (++turn->unused != TRIM_CALLS)
        return;
    turn_begin(turn);
    turn_shrink(turn);
}

void turns_trim(struct turns *turns)
{
    if (turns->open != NULL && turns->open->event_count == 0 && turns->open->effects.count == 0)
        turn_trim(turns->open);
    (void)pthread_mutex_lock(&turns->lock);
    for (struct turn *turn = turns->free; turn != NULL; turn = turn->next)
        turn_trim(turn);
    (void)pthread_mutex_unlock(&turns->lock);
}

bool turns_ready(struct turns *turns)
{
    if (turns->open == NULL) {
        (void)pthread_mutex_lock(&turns->lock);
        turns->open = turns->free;
        if (turns->open != NULL)
            turns->free = turns->open->next;
        (void)pthread_mutex_unlock(&turns->lock);
        if (turns->open == NULL)
            return false;
        turn_begin(turns->open);
    }
    return !turn_is_full(turns->open);
}

struct span turns_frame(struct turns *turns, zmq_msg_t *frame)
{
    struct turn *turn = turns->open;
    zmq_msg_t *kept;

    assert(turn != NULL);
    if (turn->frame_count == turn->frame_room) {
        size_t room = turn->frame_room > 0 ? turn->frame_room * 2 : 64;
        zmq_msg_t *moved = xmalloc(room * sizeof(*moved));

        /* A zmq_msg_t may not be copied as bytes: the library moves it. */
        for (size_t i = 0; i < turn->frame_count; i++) {
            (void)zmq_msg_init(&moved[i]);
            (void)zmq_msg_move(&moved[i], &turn->frames[i]);
            (void)zmq_msg_close(&turn->frames[i]);
        }
        free(turn->frames);
        turn->frames = moved;
        turn->frame_room = room;
    }
    kept = &turn->frames[turn->frame_count++];
    (void)zmq_msg_init(kept);
    (void)zmq_msg_move(kept, frame);
    turn->frame_bytes += zmq_msg_size(kept);
    /* A short message lives inside zmq_msg_t itself, which the next growth moves: copy it. */
    if (zmq_msg_size(kept) < 256)
        return arena_copy(&turn->arena, span_of(zmq_msg_data(kept), zmq_msg_size(kept)));
    return span_of(zmq_msg_data(kept), zmq_msg_size(kept));
}

struct arena *turns_arena(struct turns *turns)
{
    assert(turns->open != NULL);
    return &turns->open->arena;
}

enum core_answer turns_step(struct turns *turns, struct event *event, uint64_t now_ms)
{
    struct turn *turn = turns->open;
    enum core_answer answer;

    assert(turn != NULL);
    turn->unused = 0;
    if (turn->now_ms == 0) {
        if (now_ms > turns->now_ms)
            turns->now_ms = now_ms;
        turn->now_ms = turns->now_ms;
        entry_begin(&turn->entry, turn->now_ms);
    }
    event->now_ms = turn->now_ms;
    answer = core_step(turns->core, event, &turn->tape, &turn->effects);
    if (answer == CORE_ADMITTED) {
        event_pack(event, &turn->entry);
        turn->event_count++;
    }
    return answer;
}

struct turn *turns_close(struct turns *turns, struct span *entry)
{
    struct turn *turn = turns->open;

    if (turn == NULL)
        return NULL;
    if (turn->event_count == 0 && turn->effects.count == 0) {
        /* What was refused without a word may not fill it: it would stay full for ever. */
        if (turn->frame_count > 0)
            turn_begin(turn);
        return NULL;
    }
    *entry = (struct span){0};
    if (turn->event_count > 0) {
        core_place(turns->core, turn->now_ms, &turn->tape, &turn->effects);
        entry_end(&turn->entry, turn->event_count, buf_span(&turn->tape.written));
        *entry = buf_span(&turn->entry);
    }
    turns->open = NULL;
    return turn;
}

const struct effects *turn_effects(const struct turn *turn)
{
    return &turn->effects;
}

void turn_release(void *context)
{
    struct turn *turn = context;
    struct turns *turns = turn->turns;
    const uint64_t one = 1;
    bool none;

    (void)pthread_mutex_lock(&turns->lock);
    none = turns->free == NULL;
    turn->next = turns->free;
    turns->free = turn;
    (void)pthread_mutex_unlock(&turns->lock);
    if ((none || atomic_load(&turns->eager)) && write(turns->wake, &one, sizeof(one)) < 0)
        return; /* the counter is full: it is readable already */
}

size_t turns_free_count(struct turns *turns)
{
    size_t count = 0;

    (void)pthread_mutex_lock(&turns->lock);
    for (const struct turn *turn = turns->free; turn != NULL; turn = turn->next)
        count++;
    (void)pthread_mutex_unlock(&turns->lock);
    return count;
}

void turns_set_eager(struct turns *turns, bool eager)
{
    atomic_store(&turns->eager, eager);
}

int turns_fd(const struct turns *turns)
{
    return turns->wake;
}

void turns_awake(struct turns *turns)
{
    uint64_t count;

    if (read(turns->wake, &count, sizeof(count)) < 0)
        return; /* nothing to take */
}

void turns_set_time(struct turns *turns, uint64_t now_ms)
{
    if (now_ms > turns->now_ms)
        turns->now_ms = now_ms;
}

uint64_t turns_time(const struct turns *turns)
{
    return turns->now_ms;
}
