/* head_inside.h - what the files of the simulated head share. */
#ifndef SIM_HEAD_INSIDE_H
#define SIM_HEAD_INSIDE_H

#include "tests/sim/head.h"

/* One event of a turn with its effects; type 0: the end of the turn. */
struct note {
    struct event event;
    bool admitted;
    size_t from;
    size_t to;
};

struct turn {
    struct arena arena;
    struct effects effects;
    struct tape tape;
    struct buf events; /* packed: the admitted ones */
    uint32_t event_count;
    uint64_t now_ms;
    struct note *notes; /* owned */
    size_t note_count;
    size_t note_room;
};

/* As it would stand in the log. */
struct entry {
    uint64_t now_ms;
    uint32_t count;
    struct buf events;
    struct buf tape;
    uint64_t effects_hash;
    uint64_t digest; /* of the core behind it; 0: not taken */
    bool taken;      /* the checker has it */
};

struct session {
    bool there;
    uint32_t connection;
    bool ready;
    uint32_t readies;      /* READYs that the core has not answered */
    uint32_t ready_number; /* of the last one */
    uint32_t node;         /* NUMBER_NONE until NODE_BACK was answered */
    uint64_t handle;
};

struct head {
    struct world *world;
    struct core *core; /* NULL while it is down */
    uint64_t life;     /* counts its starts: for what was to happen in an earlier one */
    struct turn *open;
    struct turn *committing;
    struct entry pending; /* of the committing turn */
    bool closing;         /* is on the agenda */
    bool ticking;         /* the same */
    uint64_t last_ms;
    uint64_t last_us; /* when that was */
    int64_t clock_ms; /* the wall clock's offset */
    uint64_t paused_until_us;
    struct letter *held; /* that came while it stood still, the oldest first */
    struct letter **held_end;
    uint64_t slow_us;
    uint32_t since_reload;
    struct entry *entries; /* owned; committed */
    size_t entry_count;
    size_t entry_room;
    struct buf image;
    size_t image_at; /* entries that it stands for */
    struct session sessions[PLAN_HOSTS];
    uint64_t heard_us[PLAN_HOSTS];
    uint64_t next_handle;
    struct letter *orders[PLAN_HOSTS]; /* gathered */
};

#define ORIGIN_FLEET (UINT64_C(1) << 63)

struct turn *turn_new(void);
void turn_free(struct turn *turn);

/* Judge in the open turn. Lists and bytes of event are copied into it. */
enum core_answer head_event(struct world *world, struct event *event);

/* journal.c */
void journal_write(struct world *world, struct turn *turn);
void journal_keep(struct head *head);
void journal_image(struct head *head);
void journal_drop(struct head *head);
bool journal_recover(struct world *world);
void entry_fini(struct entry *entry);
void journal_replay_all(struct world *world);

/* Whether it stands still; the work is put off until it does not, where that is its own. */
bool head_put_off(struct world *world, happening_fn *run, void *subject, uint64_t number);

/* fleet.c */
void fleet_forget(struct head *head);
void fleet_apply(struct world *world, const struct effect *effect);
void fleet_flush(struct world *world);
void fleet_watch_all(struct world *world);

#endif
