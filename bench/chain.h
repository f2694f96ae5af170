/* chain.h - the parts of the bare chain: who sends, and who prints. */
#ifndef BENCH_CHAIN_H
#define BENCH_CHAIN_H

#include <msgpack.h>
#include <stdint.h>

struct peer;

/* Send that many results, `each` in a message; returns when all have left. spool: a path to write
 * them to first. */
void chain_send(const struct peer *peer, const char *spool, uint64_t results, uint64_t each);

struct chain_printer;

/* result.json and progress.csv in dir. */
struct chain_printer *chain_printer_new(const char *dir);
void chain_printer_free(struct chain_printer *printer);

/* The lines of one result: a record as msgpack-c unpacked it. */
void chain_print(struct chain_printer *printer, const msgpack_object *record);

/* Hand what was printed to the system. */
void chain_print_flush(struct chain_printer *printer);

#endif
