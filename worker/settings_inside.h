/* settings_inside.h - for settings*.c alone: the command line before it is settings. */
#ifndef WORKER_SETTINGS_INSIDE_H
#define WORKER_SETTINGS_INSIDE_H

#include <stdint.h>

#include "worker/settings.h"

#define EXIT_USAGE  2
#define EXIT_NOHEAD 3
#define EXIT_DENIED 4

/* The command line as it was written. */
struct given {
    const char *address;
    const char *token_file;
    const char *data_dir;
    const char *head_key;
    const char *key_file;
    int64_t cpu;    /* 1/10000; -1: not said */
    int64_t memory; /* bytes; -1: not said */
    int64_t gpus;   /* -1: not said */
};

/* Say what is wrong with the command line; gives EXIT_USAGE. */
int settings_wrong(const char *what, const char *why);

/* settings_head.c: who we are and whom we talk to. 0, or the status to exit with, and it was said
 * why. */
int settings_set_keys(const struct given *given, struct settings *settings);

#endif
