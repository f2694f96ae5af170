/* An attempt's spool: whatever is appended, handed out, acknowledged and wound back, records come
 * in order and whole; and a file that was written over gives records, or says that they are lost.
 *
 * An input is a byte that says how many steps follow, the steps, and what is written over the file
 * behind them. */
#include "worker/executor/spool.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "tests/fuzz/target.h"

enum step { STEP_APPEND, STEP_APPEND_LARGE, STEP_TAKE, STEP_ACKNOWLEDGE, STEP_REWIND, STEP_COUNT };

#define LARGE_BYTES 65521u

static char folder[FOLDER_BYTES], path[FOLDER_BYTES + 16];
static uint8_t record[LARGE_BYTES];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{

    (void)argc;
    (void)argv;
    folder_make(folder);
    (void)snprintf(path, sizeof(path), "%s/spool", folder);
    return 0;
}

/* Its first bytes are its number, so that what comes out says what it is. */
static void append(struct spool *spool, size_t size)
{
    uint64_t seq = spool->last + 1;

    memcpy(record, &seq, sizeof(seq));
    spool_append(spool, span_of(record, sizeof(seq) + size));
}

/* All records are of one of two sizes, so that their ends are known. */
static bool take(struct spool *spool, uint8_t most, bool is_whole)
{
    uint64_t first, seq;
    uint32_t count;
    struct span bytes;

    if (!spool_take(spool, LIMIT_BATCH_BYTES, most, &first, &count, &bytes))
        return false;
    assert(count > 0 && count <= most && first > spool->acked);
    if (is_whole) {
        assert(bytes.size >= sizeof(seq));
        memcpy(&seq, bytes.data, sizeof(seq));
        assert(seq == first);
    }
    return true;
}

static void step_do(struct spool *spool, uint8_t step)
{
    uint8_t amount = step / STEP_COUNT;

    switch ((enum step)(step % STEP_COUNT)) {
    case STEP_APPEND:
        append(spool, amount);
        break;
    case STEP_APPEND_LARGE:
        if (!spool_full(spool))
            append(spool, LARGE_BYTES - sizeof(uint64_t) - amount);
        break;
    case STEP_TAKE:
        (void)take(spool, (uint8_t)(amount + 1), true);
        break;
    case STEP_ACKNOWLEDGE:
        assert(spool_ack(spool, spool->acked + amount) == 0);
        break;
    case STEP_REWIND:
        spool_rewind(spool);
        break;
    case STEP_COUNT:
        break;
    }
}

/* Enough for a file, of which some is unread. */
static void fill(struct spool *spool)
{
    for (int i = 0; i < 20 && spool->fd < 0; i++)
        append(spool, LARGE_BYTES - sizeof(uint64_t));
    assert(spool->fd >= 0);
}

/* Everything is handed out in the end, and once. */
static void drain(struct spool *spool)
{
    spool_rewind(spool);
    while (spool->acked < spool->last) {
        uint64_t before = spool->sent;

        assert(take(spool, 255, true) && spool->sent > before);
        assert(spool_ack(spool, spool->sent) == 0);
    }
    assert(!spool_has_unsent(spool));
}

/* The file has no name: what garbles it is the disk, here through the spool's own descriptor. After
 * what is lost the next records come behind what is not. */
static void damage(struct spool *spool, const uint8_t *data, size_t size)
{
    int err = 0;

    assert(pwrite(spool->fd, data, size, (off_t)spool->read_at) == (ssize_t)size);
    spool_rewind(spool);
    while (err == 0 && take(spool, 255, false))
        err = spool_ack(spool, spool->sent);
    if (err != 0) {
        append(spool, 1);
        spool_rewind(spool);
        while (take(spool, 255, false))
            assert(spool_ack(spool, spool->sent) == 0);
        assert(spool->acked == spool->last);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spool spool;
    size_t steps;

    if (size < 1)
        return 0;
    steps = data[0];
    data++;
    size--;
    if (steps > size)
        steps = size;
    spool_init(&spool, path);
    for (size_t i = 0; i < steps; i++)
        step_do(&spool, data[i]);
    drain(&spool);
    if (size > steps) {
        fill(&spool);
        damage(&spool, data + steps, size - steps);
    }
    spool_fini(&spool);
    return 0;
}
