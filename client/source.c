#include "client/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/say.h"
#include "common/err.h"
#include "common/spec.h"
#include "common/sys/home.h"
#include "common/xalloc.h"

#define READ_BYTES LIMIT_CHUNK_BYTES

struct source {
    struct connection *connection; /* NULL: a folder */
    bool borrowed;
    bool named; /* the folder, by the user */
    struct arena arena;
    struct saved saved;
};

static int open_folder(struct source *source, const char *folder)
{
    int err = saved_read(folder, &source->arena, &source->saved);

    if (err == 0)
        return 0;
    return say(EXIT_USAGE, folder, "name an experiment's own folder: local_dir/NAME", "%s",
               err == ERR_NOT_FOUND ? "no experiment's results are there" : err_text(err));
}

/* No head: this user's last run. */
static int open_last(struct source *source)
{
    const char *folder;

    if (!saved_last(&source->arena, &folder))
        return say(EXIT_NO_HEAD, "no head", "assay run FILE, assay head, or --address HOST:PORT",
                   "none is there, and nothing was run here yet");
    return open_folder(source, folder);
}

static bool is_folder(const char *selects)
{
    struct stat status;

    return strchr(selects, '/') != NULL && stat(selects, &status) == 0 && S_ISDIR(status.st_mode);
}

static int open_source(struct source *source, const char *address, const char *token_file,
                       const char *selects)
{
    struct selector selector;
    struct where where;
    const char *why;
    const char *set = address != NULL ? address : getenv("ASSAY_ADDRESS");
    bool told = set != NULL && set[0] != '\0';
    char *path;
    int rc;

    if (selects != NULL && !is_folder(selects) &&
        !selector_parse(selects, &source->arena, &selector, &why))
        return say(EXIT_USAGE, selects, "assay list", "%s", why);
    if (selects != NULL && (is_folder(selects) || selector.kind == SELECT_PATH)) {
        path = home_expand(selects);
        if (path == NULL)
            return say_errno(EXIT_USAGE, selects, "write an absolute path");
        source->named = true;
        rc = open_folder(source, path);
        free(path);
        return rc;
    }
    rc = where_find(address, token_file, true, &where);
    if (rc == 0)
        rc = connection_open(&where, CONNECT_MS, !told, &source->connection);
    return rc == EXIT_NO_HEAD && !told ? open_last(source) : rc;
}

int source_open(const char *address, const char *token_file, const char *selects,
                struct source **out)
{
    struct source *source = xcalloc(1, sizeof(*source));
    int rc = open_source(source, address, token_file, selects);

    if (rc != 0)
        source_close(source);
    else
        *out = source;
    return rc;
}

struct source *source_of_connection(struct connection *connection)
{
    struct source *source = xcalloc(1, sizeof(*source));

    source->connection = connection;
    source->borrowed = true;
    return source;
}

void source_close(struct source *source)
{
    if (source == NULL)
        return;
    if (!source->borrowed)
        connection_close(source->connection);
    arena_fini(&source->arena);
    free(source);
}

struct connection *source_connection(struct source *source)
{
    return source->connection;
}

bool source_is_named(const struct source *source)
{
    return source->named;
}

int source_list(struct source *source, struct arena *arena, struct msg_experiments *out)
{
    const struct msg_list ask = {.limit = LIMIT_ROWS_REPLY};
    void *reply;
    int rc;

    if (source->connection == NULL) {
        *out = (struct msg_experiments){{.items = &source->saved.experiment, .count = 1}};
        return 0;
    }
    rc = connection_ask(source->connection, MSG_LIST, &ask, 0, MSG_EXPERIMENTS, arena, &reply);
    if (rc == 0)
        *out = *(const struct msg_experiments *)reply;
    return rc;
}

int source_status(struct source *source, uint32_t experiment, bool whole, struct arena *arena,
                  struct msg_status_reply *out)
{
    const struct msg_status ask = {.experiment = experiment, .whole = whole};
    void *reply;
    int rc;

    if (source->connection == NULL) {
        saved_status(&source->saved, arena, out);
        return 0;
    }
    rc = connection_ask(source->connection, MSG_STATUS, &ask, 0, MSG_STATUS_REPLY, arena, &reply);
    if (rc == 0)
        *out = *(const struct msg_status_reply *)reply;
    return rc;
}

static struct msg_trial_row *saved_trial(const struct source *source, uint32_t trial)
{
    for (uint32_t i = 0; i < source->saved.count; i++)
        if (source->saved.trials[i].trial == trial)
            return &source->saved.trials[i];
    return NULL;
}

static void saved_show(const struct source *source, uint32_t trial, struct arena *arena,
                       struct msg_show_reply *out)
{
    struct msg_trial_row *row = trial != MSG_ALL ? saved_trial(source, trial) : NULL;
    struct buf packed = {0};

    *out = (struct msg_show_reply){.experiment = source->saved.experiment,
                                   .trials = {.items = row, .count = row != NULL ? 1 : 0}};
    if (source->saved.spec.type == VALUE_MAP) {
        value_pack(&source->saved.spec, &packed);
        out->spec = arena_copy(arena, buf_span(&packed));
        buf_fini(&packed);
    }
}

int source_show(struct source *source, uint32_t experiment, uint32_t trial, struct arena *arena,
                struct msg_show_reply *out)
{
    const struct msg_show ask = {.experiment = experiment, .trial = trial};
    void *reply;
    int rc;

    if (source->connection == NULL) {
        saved_show(source, trial, arena, out);
        return 0;
    }
    rc = connection_ask(source->connection, MSG_SHOW, &ask, 0, MSG_SHOW_REPLY, arena, &reply);
    if (rc == 0)
        *out = *(const struct msg_show_reply *)reply;
    return rc;
}

static int compare_best(const void *a, const void *b, void *mode)
{
    const struct msg_trial_row *left = a;
    const struct msg_trial_row *right = b;
    double sign = *(const uint32_t *)mode == MODE_MIN ? 1 : -1;

    if (left->best != right->best)
        return left->best * sign < right->best * sign ? -1 : 1;
    return left->trial < right->trial ? -1 : left->trial > right->trial;
}

static void saved_best(const struct source *source, uint32_t count, struct arena *arena,
                       struct msg_trial_rows *out)
{
    const struct saved *saved = &source->saved;
    struct msg_trial_row *rows = arena_alloc(arena, (saved->count + 1) * sizeof(*rows));
    uint32_t mode = saved->experiment.mode;
    uint32_t have = 0;

    for (uint32_t i = 0; i < saved->count; i++)
        if (saved->trials[i].has_best)
            rows[have++] = saved->trials[i];
    qsort_r(rows, have, sizeof(*rows), compare_best, &mode);
    *out = (struct msg_trial_rows){.rows = {.items = rows, .count = have < count ? have : count},
                                   .ended = true};
}

int source_best(struct source *source, uint32_t experiment, uint32_t count, struct arena *arena,
                struct msg_trial_rows *out)
{
    const struct msg_best ask = {.experiment = experiment, .count = count};
    void *reply;
    int rc;

    if (source->connection == NULL) {
        saved_best(source, count, arena, out);
        return 0;
    }
    rc = connection_ask(source->connection, MSG_BEST, &ask, 0, MSG_TRIAL_ROWS, arena, &reply);
    if (rc == 0)
        *out = *(const struct msg_trial_rows *)reply;
    return rc;
}

/* A piece of a file from an offset on, into arena; nothing where there is no such file. */
static struct span read_piece(struct span folder, const char *name, uint64_t offset,
                              struct arena *arena)
{
    const char *path = arena_printf(arena, "%.*s/%s", SPAN(folder), name);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a trial may have put a FIFO there */
    void *bytes;
    ssize_t got;

    if (fd < 0)
        return (struct span){0};
    bytes = arena_alloc(arena, READ_BYTES);
    got = pread(fd, bytes, READ_BYTES, (off_t)offset);
    (void)close(fd);
    return span_of(bytes, got > 0 ? (size_t)got : 0);
}

/* A folder's lines: of all trials one trial after the other, its cursor counts bytes over all. */
static void saved_lines(const struct source *source, uint32_t trial, uint64_t cursor,
                        struct arena *arena, struct msg_lines *out)
{
    uint64_t skip = cursor;

    *out = (struct msg_lines){.cursor = cursor, .ended = true};
    for (uint32_t i = 0; i < source->saved.count; i++) {
        const struct msg_trial_row *row = &source->saved.trials[i];
        struct stat status;
        const char *path;

        if (trial != MSG_ALL && row->trial != trial)
            continue;
        path = arena_printf(arena, "%.*s/result.json", SPAN(row->folder));
        if (stat(path, &status) != 0)
            continue;
        if (skip >= (uint64_t)status.st_size) {
            skip -= (uint64_t)status.st_size;
            continue;
        }
        out->lines = read_piece(row->folder, "result.json", skip, arena);
        out->cursor = cursor + out->lines.size;
        out->ended = out->lines.size == 0;
        return;
    }
}

int source_lines(struct source *source, uint32_t experiment, uint32_t trial, uint64_t cursor,
                 uint32_t wait_ms, struct arena *arena, struct msg_lines *out)
{
    const struct msg_results ask = {.experiment = experiment,
                                    .trial = trial,
                                    .cursor = cursor,
                                    .limit_bytes = LIMIT_CHUNK_BYTES,
                                    .wait_ms = wait_ms};
    void *reply;
    int rc;

    if (source->connection == NULL) {
        saved_lines(source, trial, cursor, arena, out);
        return 0;
    }
    rc = connection_ask(source->connection, MSG_RESULTS, &ask, wait_ms, MSG_LINES, arena, &reply);
    if (rc == 0)
        *out = *(const struct msg_lines *)reply;
    return rc;
}

int source_log(struct source *source, uint32_t experiment, uint32_t trial, uint32_t stream,
               uint64_t offset, uint32_t wait_ms, struct arena *arena, struct msg_log_chunk *out)
{
    const struct msg_logs ask = {.experiment = experiment,
                                 .trial = trial,
                                 .stream = stream,
                                 .offset = offset,
                                 .limit_bytes = LIMIT_CHUNK_BYTES,
                                 .wait_ms = wait_ms};
    const struct msg_trial_row *row;
    void *reply;
    int rc;

    if (source->connection == NULL) {
        row = saved_trial(source, trial);
        out->bytes = row != NULL
                         ? read_piece(row->folder, stream == OUTPUT_STDERR ? "stderr" : "stdout",
                                      offset, arena)
                         : (struct span){0};
        out->offset = offset + out->bytes.size;
        out->ended = out->bytes.size == 0;
        return 0;
    }
    rc = connection_ask(source->connection, MSG_LOGS, &ask, wait_ms, MSG_LOG_CHUNK, arena, &reply);
    if (rc == 0)
        *out = *(const struct msg_log_chunk *)reply;
    return rc;
}

int source_each_trial(struct source *source, uint32_t experiment,
                      bool (*visit)(const struct msg_trial_row *row, void *context), void *context)
{
    struct msg_trials ask = {.experiment = experiment, .limit = LIMIT_ROWS_REPLY};
    struct arena arena = {0};
    bool more = true;
    int rc = 0;

    if (source->connection == NULL) {
        for (uint32_t i = 0; i < source->saved.count; i++)
            if (!visit(&source->saved.trials[i], context))
                break;
        return 0;
    }
    while (more) {
        const struct msg_trial_rows *page;
        const struct msg_trial_row *rows;
        void *reply;

        arena_reset(&arena);
        rc =
            connection_ask(source->connection, MSG_TRIALS, &ask, 0, MSG_TRIAL_ROWS, &arena, &reply);
        if (rc != 0)
            break;
        page = reply;
        rows = page->rows.items;
        more = page->more;
        ask.after_version = page->version;
        for (uint32_t i = 0; i < page->rows.count; i++) {
            if (visit(&rows[i], context))
                continue;
            more = false;
            break;
        }
    }
    arena_fini(&arena);
    return rc;
}

struct gather {
    struct arena *arena;
    struct msg_trial_row *rows;
    size_t count;
    size_t room;
};

static bool gather_row(const struct msg_trial_row *row, void *context)
{
    struct gather *gather = context;
    struct msg_trial_row *kept;
    struct span *texts[10];

    if (gather->count == gather->room) {
        gather->room = gather->room > 0 ? gather->room * 2 : 64;
        gather->rows = xrealloc(gather->rows, gather->room, sizeof(*gather->rows));
    }
    kept = &gather->rows[gather->count++];
    *kept = *row;
    memcpy(texts,
           (struct span *[]){&kept->id, &kept->name, &kept->tag, &kept->state, &kept->node,
                             &kept->hostname, &kept->reason, &kept->text, &kept->folder,
                             &kept->summary},
           sizeof(texts));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = arena_copy(gather->arena, *texts[i]);
    kept->config = arena_copy(gather->arena, row->config);
    kept->last = arena_copy(gather->arena, row->last);
    return true;
}

static int compare_number(const void *a, const void *b)
{
    const struct msg_trial_row *left = a;
    const struct msg_trial_row *right = b;

    if (left->trial != right->trial)
        return left->trial < right->trial ? -1 : 1;
    return (left->version < right->version) - (left->version > right->version); /* newest first */
}

void source_sort(struct msg_trial_row *rows, uint32_t count)
{
    if (count > 1)
        qsort(rows, count, sizeof(*rows), compare_number);
}

int source_trials(struct source *source, uint32_t experiment, struct arena *arena,
                  struct msg_trial_row **rows, uint32_t *count)
{
    struct gather gather = {.arena = arena};
    uint32_t kept = 0;
    int rc = source_each_trial(source, experiment, gather_row, &gather);

    if (rc == 0) {
        /* A row that changed while pages were read came twice: the newest stays. */
        source_sort(gather.rows, (uint32_t)gather.count);
        *rows = arena_alloc(arena, gather.count * sizeof(**rows));
        for (size_t i = 0; i < gather.count; i++)
            if (i == 0 || gather.rows[i].trial != gather.rows[i - 1].trial)
                (*rows)[kept++] = gather.rows[i];
        *count = kept;
    }
    free(gather.rows);
    return rc;
}
