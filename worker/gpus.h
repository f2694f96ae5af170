/* gpus.h - the GPUs of this node that trials may use.
 *
 * A node's devices are numbered 0, 1, ... for the head; here is what the driver calls them. Asked
 * of NVIDIA's management library, when it is installed; a CUDA_VISIBLE_DEVICES in the environment
 * limits them as it does for programs. ASSAY_FAKE_GPUS=N (tests) gives N that are not there. */
#ifndef WORKER_GPUS_H
#define WORKER_GPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"

#define GPU_UUID_BYTES 96u

struct gpus {
    uint32_t count;
    uint32_t device[LIMIT_GPUS]; /* the driver's index of each, in the order of the PCI bus */
};

/* What there is; none where it cannot be told. */
void gpus_detect(struct gpus *gpus);

/* For gpus_detect and tests: those of all devices that a text like "2,0" or "GPU-5ab1,GPU-77"
 * lists, in its order. As CUDA has it: behind a word that names none nothing counts; the beginning
 * of a UUID is enough. NULL: all. */
void gpus_select(struct gpus *gpus, uint32_t count, char (*uuids)[GPU_UUID_BYTES],
                 const char *visible);

/* The user says how many there are: fewer are the first ones; more are numbered on from the end. */
void gpus_say(struct gpus *gpus, uint32_t count);

#endif
