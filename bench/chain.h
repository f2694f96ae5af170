/* chain.h - the parts of the bare chain: who sends, and who prints. */
#ifndef BENCH_CHAIN_H
#define BENCH_CHAIN_H

#include <msgpack.h>
#include <stdint.h>

#define CHAIN_BATCH     64u /* results a message */
#define CHAIN_KEY_BYTES 41u /* a CURVE key as text */

/* Where the sender finds the receiver. */
struct chain_peer {
    char endpoint[64];
    char key[CHAIN_KEY_BYTES];
};

/* Send that many results; returns when all have left. spool: a path to write them to first. */
void chain_send(const struct chain_peer *peer, const char *spool, uint64_t results);

struct chain_printer;

/* result.json and progress.csv in dir. */
struct chain_printer *chain_printer_new(const char *dir);
void chain_printer_free(struct chain_printer *printer);

/* The lines of one result: a record as msgpack-c unpacked it. */
void chain_print(struct chain_printer *printer, const msgpack_object *record);

/* Hand what was printed to the system. */
void chain_print_flush(struct chain_printer *printer);

#endif
