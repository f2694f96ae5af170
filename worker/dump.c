#include "common/sys/log.h"
#include "worker/daemon.h"

/* More rows than anybody reads are counted. */
#define ROWS 200u

static void dump_leases(const struct daemon *daemon)
{
    const void *at = NULL;
    struct agent_row row;
    uint32_t count = 0;

    while (agent_next(daemon->agent, &at, &row)) {
        if (count++ >= ROWS)
            continue;
        log_line(LOG_INFO, "dump", "lease %u/%u attempt=%u %s seen=%llu acked=%llu",
                 row.who.experiment, row.who.trial, row.who.attempt,
                 row.waiting   ? "waiting"
                 : row.vacated ? "vacated"
                               : "running",
                 (unsigned long long)row.seen, (unsigned long long)row.acked);
    }
    log_line(LOG_INFO, "dump", "leases=%u running=%u ends=%zu", count, agent_running(daemon->agent),
             ends_count(daemon->ends));
}

void dump_state(const struct daemon *daemon)
{
    struct buf text = {0};

    log_line(LOG_INFO, "dump", "head state=%s node=%u sessions=%llu full=%d epoch=%llu",
             head_state_name(link_head_state(daemon->link)), link_head_node(daemon->link),
             (unsigned long long)link_head_opened(daemon->link), link_head_is_full(daemon->link),
             (unsigned long long)daemon->epoch);
    log_line(LOG_INFO, "dump", "frames relayed=%llu discarded=%llu stalled=%d",
             (unsigned long long)daemon->relayed, (unsigned long long)daemon->discarded,
             executors_is_stalled(daemon->executors));
    resources_summary(agent_used(daemon->agent), &text);
    buf_append_text(&text, " of ");
    resources_summary(&daemon->settings->capacity, &text);
    log_line(LOG_INFO, "dump", "used %s", buf_text(&text));
    for (const struct executor *executor = executors_first(daemon->executors); executor != NULL;
         executor = executor_next(executor)) {
        buf_reset(&text);
        executor_print(executor, &text);
        log_line(LOG_INFO, "dump", "executor %s", buf_text(&text));
    }
    dump_leases(daemon);
    buf_fini(&text);
}
