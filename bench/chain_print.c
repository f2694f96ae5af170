#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/chain.h"
#include "bench/limit.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"

#define FILE_BYTES 65536u

/* A record's fields behind its metrics, as record.h packs them. */
enum part { DONE = 1, ITERATION, TIMESTEPS, EPISODES, TIMESTAMP, THIS_ITER, TOTAL, SINCE, COUNT };

static const char json_rest[] =
    "\"done\": false, \"timesteps_total\": null, \"episodes_total\": null"
    ", \"training_iteration\": %" PRId64 ", \"experiment_id\": "
    "\"0123456789abcdef0123456789abcdef\", \"date\": \""
    "2026-01-01_00-00-00\", \"timestamp\": %" PRId64
    ", \"time_this_iter_s\": %.17g, \"time_total_s\": %.17g, \"pid\": "
    "%d, \"hostname\": \"localhost\", \"node_ip\": \"127.0.0.1\", "
    "\"config\": {}, \"time_since_restore\": %.17g, "
    "\"timesteps_since_restore\": 0, \"iterations_since_restore\": "
    "%" PRId64 "}\n";

static const char csv_rest[] = "False,,,%" PRId64 ",0123456789abcdef0123456789abcdef,"
                               "2026-01-01_00-00-00,%" PRId64 ",%.17g,%.17g,%d,localhost,127.0.0.1,"
                               "{},%.17g,0,%" PRId64 "\r\n";

struct chain_printer {
    FILE *json;
    FILE *csv;
    int pid;
};

static FILE *open_file(const char *dir, const char *name)
{
    char path[LIMIT_PATH_BYTES];
    FILE *file = fs_join(path, dir, name) == 0 ? fopen(path, "we") : NULL;

    if (file == NULL || setvbuf(file, NULL, _IOFBF, FILE_BYTES) != 0)
        limit_fail(name, strerror(errno));
    return file;
}

struct chain_printer *chain_printer_new(const char *dir)
{
    struct chain_printer *printer = xcalloc(1, sizeof(*printer));

    printer->json = open_file(dir, "result.json");
    printer->csv = open_file(dir, "progress.csv");
    printer->pid = (int)getpid();
    return printer;
}

static const msgpack_object *part_of(const msgpack_object *result, enum part part)
{
    return &result->via.array.ptr[part];
}

static void print_rest(FILE *file, const char *format, const msgpack_object *result, int pid)
{
    int64_t iteration = part_of(result, ITERATION)->via.i64;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)fprintf(file, format, iteration, part_of(result, TIMESTAMP)->via.i64,
                  part_of(result, THIS_ITER)->via.f64, part_of(result, TOTAL)->via.f64, pid,
                  part_of(result, SINCE)->via.f64, iteration);
#pragma GCC diagnostic pop
}

void chain_print(struct chain_printer *printer, const msgpack_object *record)
{
    const msgpack_object *result = &record->via.array.ptr[1];
    msgpack_object_map metrics;

    if (record->type != MSGPACK_OBJECT_ARRAY || record->via.array.size != 2 ||
        result->type != MSGPACK_OBJECT_ARRAY || result->via.array.size < COUNT ||
        result->via.array.ptr[0].type != MSGPACK_OBJECT_MAP)
        limit_fail("a record", "is not what was sent");
    metrics = result->via.array.ptr[0].via.map;
    (void)fputc('{', printer->json);
    for (uint32_t i = 0; i < metrics.size; i++) {
        msgpack_object_str key = metrics.ptr[i].key.via.str;

        (void)fprintf(printer->json, "\"%.*s\": %.17g, ", (int)key.size, key.ptr,
                      metrics.ptr[i].val.via.f64);
        (void)fprintf(printer->csv, "%.17g,", metrics.ptr[i].val.via.f64);
    }
    print_rest(printer->json, json_rest, result, printer->pid);
    print_rest(printer->csv, csv_rest, result, printer->pid);
}

void chain_print_flush(struct chain_printer *printer)
{
    if (fflush(printer->json) != 0 || fflush(printer->csv) != 0)
        limit_fail("result.json, progress.csv", strerror(errno));
}

void chain_printer_free(struct chain_printer *printer)
{
    if (fclose(printer->json) != 0 || fclose(printer->csv) != 0)
        limit_fail("result.json, progress.csv", strerror(errno));
    free(printer);
}
