#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "bench/chain.h"
#include "bench/limit.h"
#include "bench/metrics.h"
#include "bench/sockets.h"
#include "common/pack.h"
#include "common/record.h"
#include "common/sys/fs.h"

/* The times are like a training's: none that prints short. */
static void fill_result(uint64_t number, struct result *result)
{
    double seconds = (double)number * 0.0012345678912345;

    result->training_iteration = (int64_t)number;
    result->iterations_since_restore = (int64_t)number;
    result->timestamp = (int64_t)time(NULL);
    result->time_this_iter_s = seconds / (double)(number + 1);
    result->time_total_s = seconds;
    result->time_since_restore = seconds;
}

static void pack_record(uint64_t number, uint64_t *state, struct buf *metrics, struct buf *out)
{
    struct record record = {.kind = RECORD_RESULT};
    double values[METRIC_COUNT];

    metrics_next(state, values);
    buf_reset(metrics);
    pack_map(metrics, METRIC_COUNT);
    for (int i = 0; i < METRIC_COUNT; i++) {
        pack_text(metrics, metric_names[i]);
        pack_double(metrics, values[i]);
    }
    fill_result(number, &record.result);
    record.result.metrics = buf_span(metrics);
    record_pack(&record, out);
}

void chain_send(const struct peer *peer, const char *spool, uint64_t results, uint64_t each)
{
    void *context = zmq_ctx_new();
    void *socket = socket_dealer(context, peer);
    int fd = open(spool, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct buf metrics = {0}, batch = {0};
    uint64_t state = 88172645463325252u;

    if (fd < 0)
        limit_fail(spool, strerror(errno));
    for (uint64_t number = 1; number <= results; number++) {
        pack_record(number, &state, &metrics, &batch);
        if (number % each != 0 && number != results)
            continue;
        if (fs_write_all(fd, batch.data, batch.size) < 0)
            limit_fail(spool, strerror(errno));
        if (zmq_send(socket, batch.data, batch.size, 0) < 0)
            limit_fail("DEALER", zmq_strerror(zmq_errno()));
        buf_reset(&batch);
    }
    buf_fini(&metrics);
    buf_fini(&batch);
    (void)close(fd);
    /* The context ends when everything has left. */
    if (zmq_close(socket) < 0 || zmq_ctx_term(context) < 0)
        limit_fail("DEALER", zmq_strerror(zmq_errno()));
}
