/* checkup.h - what a head finds when it looks at itself, for `assay doctor`: a line a subject, and
 * what mends it. Pure: the facts are gathered by the shell. */
#ifndef HEAD_CHECKUP_H
#define HEAD_CHECKUP_H

#include "common/arena.h"
#include "proto/msg.h"

/* So many of at most so many. */
struct checkup_count {
    uint64_t used;
    uint64_t most; /* 0: no limit */
};

struct checkup_facts {
    const char *worth;  /* what an acknowledgement is: store/audit.h */
    const char *advice; /* what would be better; "" */
    bool on_disk;
    bool stalled;
    const char *why; /* it is */
    bool redis_known;
    bool redis_file_fails;
    struct checkup_count redis_memory; /* bytes */
    const char *data_dir;
    struct checkup_count disk;            /* bytes of its file system; most 0: not known */
    const char *checkpoint_dir;           /* NULL: it is in data_dir */
    struct checkup_count checkpoint_disk; /* as disk */
    struct checkup_count files; /* descriptors; used: at the most, by all peers that may come */
    const char *keys_why;       /* the folder of keys is not closed to others; NULL: it is */
    bool results_missing;       /* not all result files could be written */
    uint64_t code_missing;      /* code trees of experiments that run, not here in full */
    struct checkup_count blobs; /* bytes of code trees */
    struct checkup_count blob_count;
    struct checkup_count principals;
    struct checkup_count tokens;
    struct checkup_count experiments;
    struct checkup_count workers; /* connected */
};

/* Rows and texts live in arena or are constant. */
void checkup_make(const struct checkup_facts *facts, struct arena *arena, struct record_list *out);

#endif
