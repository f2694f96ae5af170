#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "head/imager.h"
#include "head/redisd.h"
#include "head/replay.h"
#include "head/store/archive.h"

#define STATUS_WRONG 2
#define STATUS_OTHER 70
#define FILES        "redis/appendonlydir"

static int complain(const struct trouble *trouble, int status)
{
    log_error_for_people(trouble->what, trouble->why, trouble_mend_text(trouble));
    return status;
}

struct printer {
    struct buf line;
};

static void print_line(struct printer *printer, const char *indent)
{
    (void)printf("%s%.*s\n", indent, (int)printer->line.size, (const char *)printer->line.data);
    buf_reset(&printer->line);
}

/* Unix time as people and sorting programs read it. */
static void print_time(uint64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    char text[32] = "";
    struct tm parts;

    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    (void)printf("%s.%03uZ", text, (unsigned)(unix_ms % 1000));
}

static void print_entry(void *context, const struct replay_entry *entry)
{
    struct printer *printer = context;
    char id[LOG_ID_BYTES];

    (void)log_id_print(entry->id, id);
    if (entry->takeover) {
        (void)printf("%s taken over by %.*s\n", id, SPAN(entry->who));
        return;
    }
    (void)printf("%s ", id);
    print_time(entry->now_ms);
    (void)printf(" events=%" PRIu32 "\n", entry->count);
    for (uint32_t i = 0; i < entry->count; i++) {
        event_print(&entry->events[i], &printer->line);
        print_line(printer, "  event ");
    }
    for (size_t i = 0; i < entry->effects->count; i++) {
        const struct effect *effect = &entry->effects->items[i];

        if (effect->type != EFFECT_LAUNCH && effect->type != EFFECT_VERDICT)
            continue;
        effect_print(effect, &printer->line);
        print_line(printer, "  ");
    }
}

/* The rest of a file, through memory: not every two file systems copy between them. */
static int copy_rest(int from, int to)
{
    char block[65536];
    ssize_t got;

    while ((got = read(from, block, sizeof(block))) > 0)
        if (fs_write_all(to, block, (size_t)got) != 0)
            return err_from_errno();
    return got < 0 ? err_from_errno() : 0;
}

static int copy_file(int from_dir, int to_dir, const char *name)
{
    int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t copied = -1;
    int err;

    if (from >= 0 && to >= 0)
        do {
            copied = copy_file_range(from, NULL, to, NULL, 1u << 30, 0);
        } while (copied > 0 || (copied < 0 && errno == EINTR));
    err = copied < 0 ? err_from_errno() : 0;
    if (copied < 0 && from >= 0 && to >= 0 &&
        (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
        err = copy_rest(from, to);
    if (from >= 0)
        (void)close(from);
    if (to >= 0 && close(to) < 0 && err == 0)
        err = err_from_errno();
    return err;
}

/* The append-only files of data_dir into the same place of copy_dir. */
static int copy_files(const char *data_dir, const char *copy_dir)
{
    char from_path[LIMIT_PATH_BYTES];
    char to_path[LIMIT_PATH_BYTES];
    const struct dirent *item;
    DIR *folder = NULL;
    int to_dir = -1;
    int err = fs_join(from_path, data_dir, FILES);

    if (err == 0)
        err = fs_join(to_path, copy_dir, FILES);
    if (err == 0)
        err = fs_make_dirs(to_path, 0700);
    if (err < 0)
        return err;
    folder = opendir(from_path);
    to_dir = open(to_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder == NULL || to_dir < 0)
        err = err_from_errno();
    while (err == 0 && (item = readdir(folder)) != NULL)
        if (item->d_name[0] != '.')
            err = copy_file(dirfd(folder), to_dir, item->d_name);
    if (folder != NULL)
        (void)closedir(folder);
    if (to_dir >= 0)
        (void)close(to_dir);
    return err;
}

/* A server of our own on a copy, in copy_dir, which is made. */
static int start_on_copy(const char *data_dir, const char *name, char *copy_dir,
                         struct redisd **out, struct trouble *trouble)
{
    const char *folder = getenv("TMPDIR");
    int err = fs_join(copy_dir, folder != NULL && folder[0] != '\0' ? folder : "/tmp",
                      "assay-replay-XXXXXX");

    if (err == 0 && mkdtemp(copy_dir) == NULL) {
        err = err_from_errno();
        copy_dir[0] = '\0';
    }
    if (err == 0)
        err = copy_files(data_dir, copy_dir);
    if (err < 0)
        return trouble_set(trouble, err, "data directory", "make room in $TMPDIR",
                           "copying %s/" FILES ": %s", data_dir, err_text(err));
    return redisd_start(copy_dir, name, true, out, trouble);
}

static int open_folder(const char *data_dir, char *name, char *copy_dir, struct redisd **out,
                       struct trouble *trouble)
{
    int err = redisd_cluster(data_dir, name);

    if (err < 0)
        return trouble_set(trouble, err, "data directory",
                           "name the --data-dir of a head that runs its own redis-server",
                           "%s holds no log", data_dir);
    if (redisd_is_running(data_dir))
        return redisd_start(data_dir, name, true, out, trouble);
    return start_on_copy(data_dir, name, copy_dir, out, trouble);
}

/* What is to be compared, from where. */
struct source {
    const char *data_dir; /* NULL: the archive alone */
    const char *archive;  /* NULL: the log alone, behind its newest image */
    struct log_id until;
    char name[STORE_NAME_BYTES + 1]; /* of the cluster; empty until it is known */
};

struct taking {
    struct replay *replay;
    struct log_id until;
    bool differs; /* ERR_IO is no word of a disk */
};

static int take_archived(void *context, const struct stream_entry *entry, struct trouble *trouble)
{
    struct taking *taking = context;
    int err;

    if (log_id_compare(entry->id, taking->until) > 0)
        return 0;
    err = replay_take(taking->replay, entry, trouble);
    taking->differs = err == ERR_IO;
    if (err == ERR_NOT_FOUND && replay_summary(taking->replay)->last.epoch == 0)
        return trouble_mend(trouble, err, "an archive has to begin with its cluster");
    return err;
}

static int compare_archive(struct source *source, struct replay *replay, struct archive_end *end,
                           struct trouble *trouble)
{
    struct taking taking = {.replay = replay, .until = source->until};
    char id[LOG_ID_BYTES];
    int err = archive_read(source->archive, source->name, take_archived, &taking, end, trouble);

    if (err == 0) {
        (void)log_id_print(end->id, id);
        (void)printf("%s archive: what was cut ends here\n", id);
    }
    return err == ERR_IO && !taking.differs ? ERR_MALFORMED : err;
}

/* The archive from its beginning, and the log behind it where there is one. */
static int compare_all(struct source *source, const struct store_address *address,
                       struct core *core, struct printer *printer, struct replay_summary *summary,
                       struct trouble *trouble)
{
    struct replay *replay =
        replay_new(address, source->name, REPLAY_BEGINNING, core, print_entry, printer, 0);
    struct archive_end end;
    int err = compare_archive(source, replay, &end, trouble);

    if (err == 0 && address != NULL) {
        struct store *store = store_new(address);

        err = archive_joins(&end, store, source->name, (struct log_id){0}, trouble);
        store_free(store);
        if (err == 0 && log_id_compare(end.id, source->until) < 0)
            err = replay_on(replay, source->until, trouble);
    }
    *summary = *replay_summary(replay);
    replay_free(replay);
    return err;
}

/* The log, from its newest image on. */
static int compare_log(const struct source *source, const struct store_address *address,
                       struct core *core, struct printer *printer, struct replay_summary *summary,
                       struct trouble *trouble)
{
    struct imager_start start;
    char id[LOG_ID_BYTES];
    int err =
        imager_load(&(struct imager_load){.address = address, .name = source->name, .core = core},
                    &start, trouble);

    if (err == 0 && start.found) {
        (void)log_id_print(start.id, id);
        (void)printf("%s image: what came before was cut\n", id);
    }
    if (err == 0)
        err = replay_entries(address, source->name, start.found ? start.id : REPLAY_BEGINNING,
                             source->until, core, print_entry, printer, summary, trouble);
    return err;
}

/* address: NULL where there is an archive alone. */
static int compare(struct source *source, const struct store_address *address,
                   struct trouble *trouble)
{
    struct core *core = core_new();
    struct printer printer = {0};
    struct replay_summary summary = {0};
    int err = source->archive != NULL
                  ? compare_all(source, address, core, &printer, &summary, trouble)
                  : compare_log(source, address, core, &printer, &summary, trouble);

    (void)printf("%" PRIu64 " entries, %" PRIu64 " events, %" PRIu64 " launches, %" PRIu64
                 " verdicts, digest %016" PRIx64 ": %s\n",
                 summary.entries, summary.events, summary.launches, summary.verdicts,
                 core_digest(core),
                 err == 0        ? "equal"
                 : err == ERR_IO ? "different"
                                 : "cut short");
    buf_fini(&printer.line);
    core_free(core);
    return err;
}

static int replay_source(struct source *source)
{
    char copy_dir[LIMIT_PATH_BYTES] = "";
    struct redisd *redisd = NULL;
    struct trouble trouble;
    struct trouble stop_trouble;
    int err = 0;

    if (source->data_dir != NULL)
        err = open_folder(source->data_dir, source->name, copy_dir, &redisd, &trouble);
    if (err < 0) {
        err = complain(&trouble, STATUS_WRONG);
    } else {
        err = compare(source, redisd != NULL ? redisd_address(redisd) : NULL, &trouble);
        if (err < 0)
            err = complain(&trouble, err == ERR_IO ? STATUS_OTHER : STATUS_WRONG);
    }
    if (redisd != NULL && copy_dir[0] != '\0' && redisd_stop(redisd, &stop_trouble) < 0)
        (void)complain(&stop_trouble, 0);
    redisd_free(redisd);
    if (copy_dir[0] != '\0' && fs_remove_tree(copy_dir) < 0) {
        log_error_for_people(copy_dir, strerror(errno), "remove it by hand");
        err = err == 0 ? STATUS_WRONG : err;
    }
    if (fflush(stdout) != 0 && err == 0) {
        log_error_for_people("output", strerror(errno), NULL);
        err = STATUS_WRONG;
    }
    return err;
}

/* 0; 1: `--help` was printed; else the status to end with. */
static int read_words(int argc, char **argv, struct source *out)
{
    static const struct option options[] = {{"archive", required_argument, NULL, 'a'},
                                            {"until", required_argument, NULL, 'u'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    static const char usage[] = "assay replay [DATA-DIR] [--archive DIR] [--until ID]";
    static const char help[] =
        "\n"
        "Decide a head's log again, offline, and compare.\n"
        "\n"
        "  --archive DIR  from the beginning, with what assay head --log-archive DIR kept\n"
        "  --until ID     up to this entry of the log and no further, as 3-17\n"
        "  -h, --help     this text\n"
        "\n"
        "example: assay replay ~/.assay/heads/default\n";
    int option;

    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)printf("usage: %s\n%s", usage, help);
            return 1;
        }
        if (option == 'a') {
            out->archive = optarg;
        } else if (option != 'u' || !log_id_parse(span_text(optarg), &out->until)) {
            log_error_for_people("replay",
                                 option == 'u' ? "--until takes an id such as 3-17"
                                               : "an unknown option, or one without its value",
                                 usage);
            return STATUS_WRONG;
        }
    }
    if (argc - optind > 1 || (argc == optind && out->archive == NULL)) {
        log_error_for_people("replay", "one data directory is to be named, or an archive", usage);
        return STATUS_WRONG;
    }
    out->data_dir = argv[optind]; /* NULL behind the last */
    return 0;
}

int replay_command(int argc, char **argv)
{
    struct source source = {.until = REPLAY_ALL};
    int rc = read_words(argc, argv, &source);

    if (rc != 0)
        return rc == 1 ? 0 : rc;
    return replay_source(&source);
}
