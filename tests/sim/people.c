#include "tests/sim/people.h"

#include <stdlib.h>
#include <string.h>

#include "common/pack.h"
#include "common/xalloc.h"
#include "tests/sim/checker.h"
#include "tests/sim/head.h"
#include "tests/sim/host.h"

#define ADMIN     1u
#define SUBMITTER 2u
#define RETRY_US  700000u

enum wish {
    WISH_TOKEN,
    WISH_SUBMIT,
    WISH_OTHER_SPEC,
    WISH_STOP,
    WISH_REMOVE,
    WISH_PAUSE,
    WISH_RESUME,
    WISH_EXTEND,
    WISH_SUGGEST,
    WISH_JOIN,
    WISH_RACE,
    WISH_DRAIN,
    WISH_ROLE
};

struct request {
    enum wish wish;
    struct event event;
    uint64_t origin;
    uint32_t subject; /* of the plan: an experiment, a host */
    bool answered;
};

struct people {
    struct request **requests; /* owned; by origin - 1; each in the world's arena */
    uint32_t count;
    uint32_t room;
    uint32_t numbers[PLAN_EXPERIMENTS]; /* what submissions were answered; 0: not yet */
    uint32_t raced;                     /* keys that came in by the token for one */
    uint32_t extended;                  /* orders to extend */
    bool suggesting[PLAN_EXPERIMENTS];  /* a suggestion is on its way, or being made up */
    uint64_t suggestion;                /* number of the last one */
};

static const uint8_t token_ids[2][8] = {"token-1", "token-2"};
static const uint8_t secrets[32] = "what the secret is hashed to";

struct people *people_new(struct world *world)
{
    (void)world;
    return xcalloc(1, sizeof(struct people));
}

void people_free(struct people *people)
{
    free(people->requests);
    free(people);
}

/* ---- asking ---- */

static void reach_head(struct world *world, void *subject, uint64_t number)
{
    const struct request *request = subject;
    struct event event = request->event;

    (void)number;
    if (!request->answered)
        head_request(world, &event, request->origin);
}

static uint64_t way(struct world *world)
{
    return rng_next_below(&world->net, world->plan.latency_us * 2 + 1);
}

static void send(struct world *world, void *subject, uint64_t number)
{
    const struct request *request = subject;

    (void)number;
    if (request->answered)
        return;
    world_after(world, way(world), reach_head, subject, 0);
    world_after(world, RETRY_US + rng_next_below(&world->net, RETRY_US), send, subject, 0);
}

static struct request *ask(struct world *world, enum wish wish, uint32_t subject,
                           const struct event *event, uint64_t after_us)
{
    struct people *people = world->people;
    struct request *request = arena_zalloc(&world->arena, sizeof(*request));

    if (people->count == people->room) {
        people->room = people->room * 2 + 16;
        people->requests = xrealloc(people->requests, people->room, sizeof(struct request *));
    }
    people->requests[people->count++] = request;
    *request = (struct request){
        .wish = wish, .event = *event, .subject = subject, .origin = people->count};
    world_after(world, after_us, send, request, 0);
    return request;
}

static void ask_submit(struct world *world, uint32_t index, uint64_t after_us)
{
    const struct plan_experiment *plan = &world->plan.experiments[index];
    struct event event = {.type = EVENT_SUBMIT};

    event.submit = (struct event_submit){
        .submission = span_of(plan->submission, sizeof(plan->submission)),
        .principal = SUBMITTER,
        .spec = plan->packed,
    };
    (void)ask(world, WISH_SUBMIT, index, &event, after_us);
}

/* The same id with what another experiment asks for. */
static void ask_other_spec(struct world *world, uint32_t index, uint64_t after_us)
{
    const struct plan *plan = &world->plan;
    struct event event = {.type = EVENT_SUBMIT};

    if (plan->experiment_count < 2)
        return;
    event.submit = (struct event_submit){
        .submission =
            span_of(plan->experiments[index].submission, sizeof(plan->experiments[0].submission)),
        .principal = SUBMITTER,
        .spec = plan->experiments[(index + 1) % plan->experiment_count].packed,
    };
    (void)ask(world, WISH_OTHER_SPEC, index, &event, after_us);
}

static void ask_token(struct world *world, uint32_t which, uint32_t uses)
{
    struct event event = {.type = EVENT_TOKEN_CREATE};

    event.token_create = (struct event_token_create){
        .id = span_of(token_ids[which], 8),
        .secret_hash = span_of(secrets, 32),
        .role = ROLE_WORKER,
        .uses = uses,
        .expires_ms = UINT64_C(9000000000000),
        .principal = ADMIN,
    };
    (void)ask(world, WISH_TOKEN, which, &event, which * 100);
}

static void ask_join(struct world *world, enum wish wish, uint32_t subject, struct span key,
                     uint32_t which, uint64_t after_us)
{
    struct event event = {.type = EVENT_JOIN};

    event.join = (struct event_join){
        .token = span_of(token_ids[which], 8),
        .secret_hash = span_of(secrets, 32),
        .key = key,
        .name = span_text("joined"),
    };
    (void)ask(world, wish, subject, &event, after_us);
}

void people_join(struct world *world, uint32_t host, struct span key)
{
    ask_join(world, WISH_JOIN, host, key, 0, 0);
}

/* An admin who changed their mind does not ask for the other thing any more. */
static void withdraw(struct world *world, enum wish wish, uint32_t subject)
{
    struct people *people = world->people;

    for (uint32_t i = 0; i < people->count; i++)
        if (people->requests[i]->wish == wish && people->requests[i]->subject == subject)
            people->requests[i]->answered = true;
}

void people_drain(struct world *world, uint32_t host, bool on)
{
    struct event event = {.type = EVENT_DRAIN};

    withdraw(world, WISH_DRAIN, host);
    event.drain = (struct event_drain){.node = host_node(world, host), .on = on};
    if (event.drain.node != NUMBER_NONE)
        (void)ask(world, WISH_DRAIN, host, &event, 0);
}

void people_set_role(struct world *world, uint32_t host, enum role role)
{
    struct event event = {.type = EVENT_PRINCIPAL_ADD};

    withdraw(world, WISH_ROLE, host);
    event.principal_add = (struct event_principal_add){
        .key = span_of(host_at(world, host)->key, 32), .role = role, .name = span_text("host")};
    (void)ask(world, WISH_ROLE, host, &event, 0);
}

/* ---- meddling ---- */

/* Somebody stops or removes something that is there, or not; or uses an id again. An id whose
 * experiment was removed is free, so where one is tried with another spec, nothing is removed. */
static void meddle(struct world *world, void *subject, uint64_t number)
{
    uint32_t index = (uint32_t)rng_next_below(&world->persons, world->plan.experiment_count);
    uint32_t experiment = world->people->numbers[index];
    uint32_t created = checker_created(world->checker, experiment);
    uint64_t what = rng_next_below(&world->persons, 10);
    struct event event = {.type = EVENT_STOP};
    uint64_t trial = rng_next_below(&world->persons, (uint64_t)created + 1);

    (void)subject;
    (void)number;
    if (what < 5) {
        event.stop = (struct event_stop){
            .experiment = experiment, .trial = (uint32_t)trial, .principal = SUBMITTER};
        (void)ask(world, WISH_STOP, index, &event, 0);
    } else if (what < 6) {
        event.stop =
            (struct event_stop){.experiment = experiment, .trial = NUMBER_NONE, .principal = ADMIN};
        (void)ask(world, WISH_STOP, index, &event, 0);
    } else if (what < 9 && world->seed % 8 < 4) {
        event = (struct event){.type = EVENT_REMOVE};
        event.remove = (struct event_remove){.experiment = experiment, .principal = ADMIN};
        (void)ask(world, WISH_REMOVE, index, &event, 0);
    } else if (experiment != 0 && world->seed % 8 >= 4) {
        ask_other_spec(world, index, 0);
    }
}

/* A trial or all of an experiment is to wait for a while. */
static void pause_some(struct world *world, void *subject, uint64_t number)
{
    uint32_t index = (uint32_t)rng_next_below(&world->persons, world->plan.experiment_count);
    uint32_t experiment = world->people->numbers[index];
    uint32_t created = checker_created(world->checker, experiment);
    struct event event = {.type = EVENT_PAUSE};

    (void)subject;
    (void)number;
    event.pause = (struct event_pause){
        .experiment = experiment,
        .trial = rng_chance(&world->persons, 30)
                     ? NUMBER_NONE
                     : (uint32_t)rng_next_below(&world->persons, (uint64_t)created + 1),
        .principal = SUBMITTER};
    (void)ask(world, WISH_PAUSE, index, &event, 0);
}

/* More samples, or trials beyond a stop rule that the plan may have; or both. */
static void extend(struct world *world, void *subject, uint64_t number)
{
    struct event event = {.type = EVENT_EXTEND};
    bool samples = rng_chance(&world->persons, 60);
    struct buf stop = {0};

    (void)subject;
    event.extend = (struct event_extend){
        .experiment = (uint32_t)number,
        .principal = rng_chance(&world->persons, 50) ? ADMIN : SUBMITTER,
        .samples = samples ? 1 + (uint32_t)rng_next_below(&world->persons, 3) : 0,
        .total = checker_total(world->checker, (uint32_t)number),
    };
    if (!samples || rng_chance(&world->persons, 50)) {
        pack_map(&stop, 1);
        pack_text(&stop, "training_iteration");
        pack_uint(&stop, 2 + rng_next_below(&world->persons, 20));
        event.extend.stop = arena_copy(&world->arena, buf_span(&stop));
        buf_fini(&stop);
    }
    (void)ask(world, WISH_EXTEND, checker_plan_of(world->checker, (uint32_t)number), &event, 0);
}

/* Something that fits the space, or part of it; or something that does not. */
static void write_suggestion(struct rng *rng, struct buf *out)
{
    bool all = rng_chance(rng, 70);

    pack_map(out, all ? 2 : 1);
    pack_text(out, "x");
    pack_double(out, rng_chance(rng, 15) ? 7 : 0.25);
    if (!all)
        return;
    pack_text(out, "n");
    pack_uint(out, 1 + rng_next_below(rng, 9)); /* the last of these is none */
}

static void suggest(struct world *world, void *subject, uint64_t number)
{
    struct people *people = world->people;
    struct event event = {.type = EVENT_SUGGEST};
    struct buf config = {0};

    (void)subject;
    write_suggestion(&world->persons, &config);
    event.suggest = (struct event_suggest){
        .experiment = (uint32_t)number,
        .principal = SUBMITTER,
        .number = ++people->suggestion,
        .config = arena_copy(&world->arena, buf_span(&config)),
    };
    buf_fini(&config);
    (void)ask(world, WISH_SUGGEST, checker_plan_of(world->checker, (uint32_t)number), &event, 0);
}

/* Who suggests is mostly quick, now and then too late, and sometimes does not react at all. */
static void suggest_soon(struct world *world, uint32_t experiment)
{
    uint32_t index = checker_plan_of(world->checker, experiment);
    uint64_t most_us = rng_chance(&world->persons, 70) ? 20000 : 6000000;

    if (index >= PLAN_EXPERIMENTS || world->people->suggesting[index] ||
        rng_chance(&world->persons, 30))
        return;
    world->people->suggesting[index] = true;
    world_after(world, rng_next_below(&world->persons, most_us), suggest, NULL, experiment);
}

void people_look(struct world *world, const struct effect_experiment *row)
{
    struct people *people = world->people;

    if (row->wanted > 0)
        suggest_soon(world, row->experiment);

    if (row->state != EXPERIMENT_DONE || people->extended == world->plan.extends)
        return;
    people->extended++;
    world_after(world, rng_next_below(&world->persons, 3000000), extend, NULL, row->experiment);
}

void people_start(struct world *world)
{
    const struct plan *plan = &world->plan;
    static const uint8_t keys[2][32] = {"the key of the first racer", "the key of the second"};

    ask_token(world, 0, plan->host_count);
    ask_token(world, 1, 1);
    for (uint32_t i = 0; i < plan->experiment_count; i++) {
        ask_submit(world, i, plan->experiments[i].submit_us);
        if (rng_chance(&world->persons, 30))
            ask_submit(world, i,
                       plan->experiments[i].submit_us + rng_next_below(&world->persons, 20000));
    }
    for (uint32_t i = 0; i < 2; i++)
        ask_join(world, WISH_RACE, i, span_of(keys[i], 32), 1, 1000000);
    for (uint32_t i = 0; plan->meddling && i < 6; i++)
        world_after(world, rng_next_below(&world->persons, plan->faults_until_us), meddle, NULL, 0);
    for (uint32_t i = 0; i < plan->pauses; i++)
        world_after(world, rng_next_below(&world->persons, plan->faults_until_us), pause_some, NULL,
                    0);
}

/* ---- answers ---- */

struct answer {
    struct request *request;
    uint32_t code;
    uint32_t number;
};

static void on_submitted(struct world *world, const struct answer *answer)
{
    uint32_t *number = &world->people->numbers[answer->request->subject];

    if (answer->code != REPLY_OK) {
        world_fail(world, "I8: a submission is refused with %u", answer->code);
        return;
    }
    /* One that was removed meanwhile begins anew under another number. */
    if (*number != 0 && *number != answer->number && !checker_is_removed(world->checker, *number))
        world_fail(world, "I8: a submission is experiment %u and %u", *number, answer->number);
    if (checker_plan_of(world->checker, answer->number) != answer->request->subject)
        world_fail(world, "I8: a submission was answered with experiment %u, which is not it",
                   answer->number);
    *number = answer->number;
}

/* Whoever has something wait lets it go on some time. */
static void ask_resume(struct world *world, const struct request *pause)
{
    struct event event = pause->event;

    event.type = EVENT_RESUME;
    (void)ask(world, WISH_RESUME, pause->subject, &event, rng_next_below(&world->persons, 4000000));
}

/* Only where it fits the space may it have become a trial. */
static void on_suggested(struct world *world, const struct answer *answer)
{
    struct span config = answer->request->event.suggest.config;
    struct value value;
    struct cursor cursor;

    world->people->suggesting[answer->request->subject] = false;
    cursor_init(&cursor, config);
    if (value_unpack(&cursor, &world->arena, &value) != 0 || answer->code != REPLY_OK)
        return;
    if (value_get(&value, "x")->number > 1 ||
        (value_get(&value, "n") != NULL && value_get(&value, "n")->integer > 8))
        world_fail(world, "a suggestion that does not fit is taken as trial %u", answer->number);
}

static void on_answer(struct world *world, const struct answer *answer)
{
    switch (answer->request->wish) {
    case WISH_SUBMIT:
        on_submitted(world, answer);
        return;
    case WISH_OTHER_SPEC:
        if (answer->code == REPLY_OK &&
            checker_plan_of(world->checker, answer->number) == answer->request->subject)
            world_fail(world, "I8: an id is good for two specs");
        return;
    case WISH_JOIN:
        /* Perhaps the token is not there yet. */
        if (answer->code == REPLY_OK)
            host_joined(world, answer->request->subject, answer->number);
        else
            ask_join(world, WISH_JOIN, answer->request->subject, answer->request->event.join.key, 0,
                     200000);
        return;
    case WISH_RACE:
        world->people->raced += answer->code == REPLY_OK;
        if (world->people->raced > 1)
            world_fail(world, "a token for one let two in");
        return;
    case WISH_SUGGEST:
        on_suggested(world, answer);
        return;
    case WISH_PAUSE:
        ask_resume(world, answer->request);
        return;
    case WISH_REMOVE:
        if (answer->code == REPLY_OK && !checker_is_removed(world->checker, answer->number))
            world_fail(world, "experiment %u is said to be removed", answer->number);
        return;
    default:
        return;
    }
}

static void reach_client(struct world *world, void *subject, uint64_t number)
{
    const struct answer *answer = subject;

    (void)number;
    if (answer->request->answered)
        return;
    answer->request->answered = true;
    world_say(world, "an answer: request %llu, code %u, number %u",
              (unsigned long long)answer->request->origin, answer->code, answer->number);
    on_answer(world, answer);
}

void people_answer(struct world *world, const struct effect_reply *reply)
{
    struct answer *answer;

    if (reply->origin == 0)
        return;
    answer = arena_zalloc(&world->arena, sizeof(*answer));
    *answer = (struct answer){.request = world->people->requests[reply->origin - 1],
                              .code = reply->code,
                              .number = reply->experiment};
    world_after(world, way(world), reach_client, answer, 0);
}
