/* output.h - one of a trial's two output streams on its way to people.
 *
 * The bytes go to the file DIR/NAME ("stdout", "stderr"), which is made with the first of them; a
 * later attempt of the trial writes behind an earlier one. Of an attempt's stream the first half of
 * LIMIT_LOG_BYTES stays there. What comes beyond goes to DIR/NAME.tail, which turns into
 * DIR/NAME.tail.1 at a quarter of the limit and begins anew: so the beginning and the end are kept,
 * never the middle. The head is sent what stands in the first half, and at the end one line that
 * says what it was not sent. A disk that takes nothing costs output, never results. */
#ifndef EXECUTOR_OUTPUT_H
#define EXECUTOR_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

struct output {
    const char *dir;  /* borrowed */
    const char *name; /* borrowed, constant */
    int fd;           /* of the file; -1: none yet */
    int tail_fd;
    uint64_t base; /* where the attempt's bytes begin in the file */
    uint64_t kept; /* bytes of the attempt in the file */
    uint64_t tail_size;
    uint64_t total;  /* bytes that the attempt wrote */
    uint64_t sent;   /* of kept, and the line at the end: acknowledged by the head */
    bool ended;      /* no more will come */
    bool failed;     /* the disk took nothing: the file is not written any more */
    struct buf last; /* at least the last LIMIT_STDERR_TAIL bytes, if that many came */
};

/* dir must outlive the output. */
void output_init(struct output *output, const char *dir, const char *name);
void output_fini(struct output *output);

void output_write(struct output *output, struct span bytes);

/* No more will come. */
void output_end(struct output *output);

/* Whether there are bytes the head has not acknowledged; and some of them, for offset output->sent,
 * into out, which is reset. */
bool output_unsent(const struct output *output);
void output_read(struct output *output, struct buf *out);
void output_acknowledge(struct output *output, size_t size);

/* The head wants none of it. */
void output_refuse(struct output *output);

/* Take the attempt's file away again, after everything was sent. */
void output_remove(struct output *output);

/* The last lines, valid UTF-8, at most most_bytes, behind what out holds. */
void output_last(const struct output *output, size_t most_bytes, struct buf *out);

/* Make what stands behind from valid UTF-8 without NUL: what is not becomes '?'. */
void output_clean(struct buf *text, size_t from);

#endif
