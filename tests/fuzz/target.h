/* target.h - what libFuzzer calls in each of these programs: once an input. An input that breaks a
 * promise ends the process, by a sanitizer or by an assert. */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Optional: once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FOLDER_BYTES 80u

/* A folder of its own for a target that needs files; whoever runs it takes it away. */
static inline void folder_make(char out[FOLDER_BYTES])
{
    const char *parent = getenv("TMPDIR");
    int size =
        snprintf(out, FOLDER_BYTES, "%s/assay-fuzz-XXXXXX", parent != NULL ? parent : "/tmp");

    assert(size > 0 && (size_t)size < FOLDER_BYTES);
    assert(mkdtemp(out) != NULL);
}

#endif
