/* host.h - a machine with a worker daemon around the real agent, and executors with trials.
 *
 * The daemon does what worker/ does: connect, REGISTER, READY with all it holds, hand leases to the
 * agent, relay records, report ENDs that no executor can. Executors and trials (run.c) outlive it.
 * What executor and daemon say to one another takes no time here; it may be lost, until they are
 * connected again. */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "tests/sim/checker.h"
#include "tests/sim/letter.h"
#include "worker/agent/agent.h"

struct run;

enum host_state { HOST_AWAY, HOST_REGISTER, HOST_READYING, HOST_OPEN };

/* An END that the daemon reports itself. */
struct own_end {
    struct own_end *next;
    struct whose who;
    uint64_t seq;
    uint32_t reason;
};

struct host {
    uint32_t index;
    uint32_t principal; /* 0: has not joined */
    uint8_t key[32];
    bool powered;
    bool cut;
    bool small; /* has less than the plan says */
    uint64_t incarnation;
    struct agent *agent; /* owned; NULL: no daemon */
    bool deaf;           /* executors and daemon: what they say to one another is lost */
    uint32_t hears;      /* then: but not that of the executors of experiments up to this one */
    uint64_t deaf_count; /* how often it began */
    enum host_state state;
    uint32_t ready_number; /* of its last READY */
    bool linked;
    uint32_t connection;
    uint64_t to_head_us; /* when the last letter arrives */
    uint64_t to_host_us;
    uint64_t unheard_us; /* until then the head hears nothing of it, connected as it is */
    struct resources capacity;
    uint32_t gpus;
    struct run *runs;     /* owned; of all executors */
    struct own_end *ends; /* in the world's arena */
};

struct host *hosts_new(struct world *world);
void hosts_free(struct world *world);
void hosts_start(struct world *world);
/* Nothing is left anywhere. */
void hosts_final(struct world *world);

struct host *host_at(const struct world *world, uint32_t index);
/* Its number in the core, NUMBER_NONE before it has joined. */
uint32_t host_node(const struct world *world, uint32_t index);
bool host_is_connected(const struct world *world, uint32_t index, uint32_t connection);

void host_letter(struct world *world, const struct letter *letter);
void host_joined(struct world *world, uint32_t index, uint32_t principal);
void host_head_died(struct world *world, uint32_t index);
void hosts_head_up(struct world *world);
void host_beat_soon(struct world *world, uint32_t index);

/* Tell the agent, and do what it says. */
void host_agent(struct world *world, struct host *host, const struct agent_event *event);
void host_send_report(struct world *world, struct host *host, const struct whose *who,
                      uint64_t first_seq, uint32_t count, struct span records);

/* Faults. */
void host_disconnect(struct world *world, struct host *host, uint64_t away_us);
void host_cut(struct world *world, struct host *host, bool cut);
/* What is sent in a direction comes only then; a connection is given up before it is long. */
void host_delay(struct world *world, struct host *host, bool to_head, bool to_host,
                uint64_t while_us);
void host_talk_breaks(struct world *world, struct host *host, uint64_t while_us);
void host_daemon_stop(struct world *world, struct host *host);
void host_daemon_start(struct world *world, struct host *host);
void host_executor_dies(struct world *world, struct host *host, uint32_t experiment);
void host_machine_dies(struct world *world, struct host *host);
void host_machine_returns(struct world *world, struct host *host);

/* host_end.c: say one, again; a new one; whether a verdict was about one of them. */
void host_end_send(struct world *world, struct host *host, const struct own_end *end);
void host_end_add(struct world *world, struct host *host, const struct agent_effect *effect);
bool host_end_verdict(struct world *world, struct host *host, const struct effect_verdict *verdict);

#endif
