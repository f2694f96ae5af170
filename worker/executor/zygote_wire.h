/* zygote_wire.h - what the executor and its zygote say to each other: one struct a message, over a
 * SOCK_SEQPACKET pair. The zygote of native trials is the same program, so the structs are the
 * format; python/assay/zygote_wire.py has them once more. */
#ifndef EXECUTOR_ZYGOTE_WIRE_H
#define EXECUTOR_ZYGOTE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"

/* Executor to zygote: start a trial. Behind it stand three texts, each with its terminator: folder,
 * configuration (JSON), and the environment's entries one behind the other, ended by an empty one.
 * With it come the descriptors output, error, report. */
struct zygote_request {
    uint64_t key;
    int64_t go;         /* reports that may be made without waiting */
    uint32_t dir_size;  /* with the terminator */
    uint32_t json_size; /* with the terminator */
    uint32_t environment_size;
    uint32_t config_size;
};

/* The configuration comes twice. */
#define ZYGOTE_REQUEST_MOST (2 * LIMIT_FORK_CONFIG + 65536)

enum zygote_kind {
    ZYGOTE_READY = 1,   /* what it holds is open, and a fork of it is safe */
    ZYGOTE_UNSAFE = 2,  /* it is open, and none is: text says why */
    ZYGOTE_FAILED = 3,  /* it cannot be opened: text */
    ZYGOTE_STARTED = 4, /* key, pid */
    ZYGOTE_REFUSED = 5, /* key, status: errno */
    ZYGOTE_EXITED = 6   /* key, pid, status as wait gives it */
};

#define ZYGOTE_TEXT 4096

struct zygote_reply {
    uint64_t key;
    uint32_t kind; /* enum zygote_kind */
    int32_t pid;
    int32_t status;
    char text[ZYGOTE_TEXT]; /* only with FAILED and UNSAFE; other replies end before it */
};

_Static_assert(sizeof(struct zygote_request) == 32 && offsetof(struct zygote_reply, text) == 20,
               "as zygote_wire.py has it");

/* The variable whose value a forked child overwrites where it stands, so that /proc shows whose
 * process it is; this is the value before. */
#define ZYGOTE_MARK_NAME  "ASSAY_TRIAL_ID"
#define ZYGOTE_MARK_BLANK "--------"

/* To a process that said it is idle (spare.h), over its report descriptor: a frame that begins with
 * this byte, ["next", request], and with it the request's descriptors. It answers, on the same, by
 * one byte: it takes the trial, and goes on over the new ones, or does not, and leaves. */
#define ZYGOTE_FRAME    0xC1u
#define ZYGOTE_TAKEN    'y'
#define ZYGOTE_DECLINED 'n'

/* What a library gives: client/trainable.h defines it by its macros. config is a packed map, json
 * the same as text; report a descriptor that speaks frames; go what the executor allowed already,
 * or -1, with no configuration: say hello, which is answered with both. */
typedef int zygote_enter_function(const void *config, size_t config_size, const char *json,
                                  int report, long long go);
#define ZYGOTE_ENTER "assay_trainable_enter_1"

/* The programs inside the program: both end with a status for main. */
int zygote_main(int fd, int parent, const char *library);
/* A trial of its own, which reports on SPAWN_REPORT_FD. */
int zygote_main_single(const char *library);

#endif
