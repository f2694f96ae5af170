/* doctor.h - what `assay doctor` has found: a line a subject. */
#ifndef CLIENT_DOCTOR_H
#define CLIENT_DOCTOR_H

#include <stdbool.h>

#include "common/arena.h"
#include "proto/msg.h"

#define DOCTOR_ROWS 96u

struct doctor {
    struct arena *arena; /* borrowed: of all texts */
    struct msg_finding rows[DOCTOR_ROWS];
    const char *of[DOCTOR_ROWS]; /* whose: "machine" or "head" */
    uint32_t count;
};

/* Add a line; text and mend are copied where they are made by format. mend: what to do, "" for
 * FINDING_OK. */
void doctor_add(struct doctor *doctor, const char *of, const char *subject,
                enum finding_grade grade, const char *mend, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The head's clock, which it said between two readings of ours. */
void doctor_clock(struct doctor *doctor, uint64_t head_ms, uint64_t asked_ms, uint64_t heard_ms);

/* This machine: its programs, keys, limits, disks, cgroups and GPUs. */
void doctor_machine(struct doctor *doctor);

#endif
