#include "client/code_tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/code_ignore.h"
#include "client/say.h"
#include "common/err.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"

#define FILES_MOST  100000u
#define DEPTH_MOST  64u
#define IGNORE_MOST 65536u /* bytes of one ignore file */
#define READ_BYTES  65536u

struct collector {
    const struct code_plan *plan;
    struct code_tree *tree;
    struct stat leave_out[2]; /* of plan->leave_out; all zero where it is not there */
    struct ignore ignore;
    bool too_big; /* for what may be shipped */
};

static uint64_t bytes_most(const struct code_plan *plan)
{
    return plan->asked ? LIMIT_BLOB_BYTES : LIMIT_CODE_AUTO_BYTES;
}

static size_t files_most(const struct code_plan *plan)
{
    return plan->asked ? FILES_MOST : LIMIT_CODE_AUTO_FILES;
}

static void add(struct collector *collector, struct code_file file)
{
    struct code_tree *tree = collector->tree;

    if (tree->count >= files_most(collector->plan) ||
        tree->bytes + file.size > bytes_most(collector->plan)) {
        collector->too_big = true;
        return;
    }
    if (tree->count == tree->room) {
        tree->room = tree->room > 0 ? tree->room * 2 : 64;
        tree->files = xrealloc(tree->files, tree->room, sizeof(*tree->files));
    }
    tree->files[tree->count++] = file;
    tree->bytes += file.size;
}

/* Whether a link's text, in a folder `depth` below the tree's top, stays in the tree. */
static bool link_stays(const char *link, uint32_t depth)
{
    int64_t at = depth;

    if (link[0] == '/')
        return false;
    for (const char *part = link; *part != '\0';) {
        size_t size = strcspn(part, "/");

        if (size == 2 && part[0] == '.' && part[1] == '.')
            at--;
        else if (size > 0 && !(size == 1 && part[0] == '.'))
            at++;
        if (at < 0)
            return false;
        part += size + (part[size] == '/');
    }
    return true;
}

static void add_link(struct collector *collector, const char *path, const char *name,
                     uint32_t depth)
{
    char link[LIMIT_PATH_BYTES];
    ssize_t size = readlink(path, link, sizeof(link) - 1);
    struct stat status;

    if (size < 0)
        return;
    link[size] = '\0';
    if (link_stays(link, depth)) {
        add(collector, (struct code_file){.path = path,
                                          .name = name,
                                          .link = arena_strdup(&collector->tree->arena, link)});
        return;
    }
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
        add(collector, (struct code_file){.path = path,
                                          .name = name,
                                          .size = (uint64_t)status.st_size,
                                          .executable = (status.st_mode & 0100) != 0});
    else
        say_note("%s is not shipped: the link leads out of the code tree", name);
}

static void read_ignore(struct collector *collector, const char *folder, const char *in_tree)
{
    static const char *const names[] = {".gitignore", ".assayignore"};

    for (size_t i = 0; i < 2; i++) {
        char path[LIMIT_PATH_BYTES];
        struct buf text = {0};

        if (fs_join(path, folder, names[i]) == 0 && fs_is_file(path) &&
            fs_read(path, IGNORE_MOST, &text) == 0)
            ignore_add(&collector->ignore, in_tree, buf_span(&text));
        buf_fini(&text);
    }
}

/* The data directory of a head or worker: keys, and files that come and go. */
static bool is_data_dir(const char *folder)
{
    static const char *const keys[] = {"keys/head.key", "keys/worker.key"};

    for (size_t i = 0; i < 2; i++) {
        char path[LIMIT_PATH_BYTES];

        if (fs_join(path, folder, keys[i]) == 0 && fs_is_file(path))
            return true;
    }
    return false;
}

static bool is_left_out(const struct collector *collector, const char *name, const char *in_tree,
                        const struct stat *status)
{
    if (name[0] == '.' || strcmp(name, "__pycache__") == 0)
        return true;
    /* Their paths may be written in another way. */
    for (size_t i = 0; i < 2; i++)
        if (status->st_ino == collector->leave_out[i].st_ino &&
            status->st_dev == collector->leave_out[i].st_dev)
            return true;
    return ignore_matches(&collector->ignore, in_tree, S_ISDIR(status->st_mode));
}

/* Nobody asked for this tree: what cannot be read of it is not needed. */
static int not_read(const struct collector *collector, const char *folder)
{
    if (collector->plan->asked)
        return say_errno(EXIT_USAGE, folder, "code: another folder, or a .assayignore");
    say_note("%s is not shipped: %s", folder, strerror(errno));
    return 0;
}

/* in_tree: the folder's own path below root, with its '/', or "". */
static int collect(struct collector *collector, const char *folder, const char *in_tree,
                   uint32_t depth)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int rc = 0;

    if (dir == NULL)
        return not_read(collector, folder);
    read_ignore(collector, folder, in_tree);
    while (rc == 0 && !collector->too_big && (errno = 0, entry = readdir(dir)) != NULL) {
        struct arena *arena = &collector->tree->arena;
        const char *name = entry->d_name;
        const char *path = arena_printf(arena, "%s/%s", folder, name);
        const char *inner = arena_printf(arena, "%s%s", in_tree, name);
        const char *stored = arena_printf(arena, "%s%s", collector->plan->prefix, inner);
        struct stat status;

        if (lstat(path, &status) != 0 || is_left_out(collector, name, inner, &status))
            continue;
        if (S_ISDIR(status.st_mode) && is_data_dir(path)) {
            say_note("%s is not shipped: it holds keys", inner);
        } else if (S_ISDIR(status.st_mode)) {
            rc = depth < DEPTH_MOST
                     ? collect(collector, path, arena_printf(arena, "%s/", inner), depth + 1)
                     : say(EXIT_USAGE, path, "name it in a .assayignore",
                           "the code tree has more than %u folders inside one another", DEPTH_MOST);
        } else if (S_ISLNK(status.st_mode)) {
            add_link(collector, path, stored, depth);
        } else if (S_ISREG(status.st_mode)) {
            add(collector, (struct code_file){.path = path,
                                              .name = stored,
                                              .size = (uint64_t)status.st_size,
                                              .executable = (status.st_mode & 0100) != 0});
        }
    }
    if (rc == 0 && !collector->too_big && errno != 0)
        rc = not_read(collector, folder);
    (void)closedir(dir);
    return rc;
}

static int add_one(struct collector *collector, const char *path, const char *name)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return say_errno(EXIT_USAGE, path, NULL);
    add(collector, (struct code_file){.path = path,
                                      .name = name,
                                      .size = (uint64_t)status.st_size,
                                      .executable = (status.st_mode & 0100) != 0});
    return 0;
}

static int too_big(const struct collector *collector)
{
    const struct code_plan *plan = collector->plan;

    return say(EXIT_USAGE, "code", "name what is not needed in a .assayignore",
               "the code tree has more than %u MiB or %zu files",
               (unsigned)(bytes_most(plan) >> 20), files_most(plan));
}

static int collect_all(struct collector *collector)
{
    const struct code_plan *plan = collector->plan;
    const char *slash;
    int rc = 0;

    if (plan->root != NULL)
        rc = collect(collector, plan->root, "", 0);
    if (rc == 0 && collector->too_big && plan->only != NULL) {
        say_note("%s is too large to be shipped unasked: %s alone is (`code: .` ships all)",
                 plan->root, plan->only);
        collector->tree->count = 0;
        collector->tree->bytes = 0;
        collector->tree->alone = true;
        collector->too_big = false;
        rc = add_one(collector,
                     arena_printf(&collector->tree->arena, "%s/%s", plan->root, plan->only),
                     arena_printf(&collector->tree->arena, "%s%s", plan->prefix, plan->only));
    }
    if (rc == 0 && plan->library != NULL) {
        slash = strrchr(plan->library, '/');
        rc = add_one(collector, plan->library, slash + 1);
    }
    if (rc == 0 && collector->too_big)
        rc = too_big(collector);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct code_file *)a)->name, ((const struct code_file *)b)->name);
}

static la_ssize_t take_bytes(struct archive *archive, void *context, const void *bytes, size_t size)
{
    (void)archive;
    buf_append(context, bytes, size);
    return (la_ssize_t)size;
}

/* A file's bytes, exactly as many as its entry says. */
static int write_content(struct archive *archive, const struct code_file *file, int fd)
{
    char *bytes = xmalloc(READ_BYTES);
    uint64_t left = file->size;
    int rc = 0;

    while (rc == 0 && left > 0) {
        ssize_t got = read(fd, bytes, left < READ_BYTES ? (size_t)left : READ_BYTES);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            rc = say(EXIT_USAGE, file->path, "do it again", "it changed while it was packed");
        else if (archive_write_data(archive, bytes, (size_t)got) != got)
            rc = say(EXIT_OURS, file->path, NULL, "%s", archive_error_string(archive));
        else
            left -= (uint64_t)got;
    }
    free(bytes);
    return rc;
}

static int write_entry(struct archive *archive, const struct code_file *file, int fd)
{
    struct archive_entry *entry = archive_entry_new();
    int rc = 0;

    if (entry == NULL)
        return say(EXIT_OURS, "archive", NULL, "no memory");
    archive_entry_set_pathname(entry, file->name);
    archive_entry_set_filetype(entry, file->link != NULL ? AE_IFLNK : AE_IFREG);
    archive_entry_set_perm(entry, file->executable || file->link != NULL ? 0755 : 0644);
    archive_entry_set_mtime(entry, 0, 0);
    if (file->link != NULL)
        archive_entry_set_symlink(entry, file->link);
    else
        archive_entry_set_size(entry, (la_int64_t)file->size);
    if (archive_write_header(archive, entry) != ARCHIVE_OK)
        rc = say(EXIT_OURS, file->path, NULL, "%s", archive_error_string(archive));
    archive_entry_free(entry);
    return rc == 0 && file->link == NULL ? write_content(archive, file, fd) : rc;
}

/* One that has gone since the folder was read is no part of the tree any more. */
static int write_file(struct archive *archive, const struct code_file *file)
{
    int fd;
    int rc;

    if (file->link != NULL)
        return write_entry(archive, file, -1);
    fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return say_errno(EXIT_USAGE, file->path, "chmod, or name it in a .assayignore");
    rc = write_entry(archive, file, fd);
    (void)close(fd);
    return rc;
}

static int write_archive(struct code_tree *tree)
{
    struct archive *archive = archive_write_new();
    int rc = 0;

    if (archive == NULL || archive_write_set_format_pax_restricted(archive) != ARCHIVE_OK ||
        archive_write_add_filter_zstd(archive) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(archive, 0) != ARCHIVE_OK ||
        archive_write_open(archive, &tree->packed, NULL, take_bytes, NULL) != ARCHIVE_OK)
        rc = say(EXIT_OURS, "archive", NULL, "%s",
                 archive != NULL ? archive_error_string(archive) : "no memory");
    for (size_t i = 0; rc == 0 && i < tree->count; i++)
        rc = write_file(archive, &tree->files[i]);
    if (rc == 0 && archive_write_close(archive) != ARCHIVE_OK)
        rc = say(EXIT_OURS, "archive", NULL, "%s", archive_error_string(archive));
    (void)archive_write_free(archive);
    return rc;
}

int code_tree_pack(const struct code_plan *plan, struct code_tree *out)
{
    struct collector collector = {.plan = plan, .tree = out};
    int rc;

    *out = (struct code_tree){0};
    for (size_t i = 0; i < 2; i++)
        if (plan->leave_out[i] == NULL || lstat(plan->leave_out[i], &collector.leave_out[i]) != 0)
            memset(&collector.leave_out[i], 0, sizeof(collector.leave_out[i]));
    ignore_init(&collector.ignore, &out->arena);
    rc = collect_all(&collector);
    if (rc == 0) {
        if (out->count > 1)
            qsort(out->files, out->count, sizeof(*out->files), by_name);
        rc = write_archive(out);
    }
    if (rc == 0 && out->packed.size > LIMIT_BLOB_BYTES)
        rc = too_big(&collector);
    if (rc == 0) {
        (void)crypto_generichash(out->hash, CODE_HASH_BYTES, out->packed.data, out->packed.size,
                                 NULL, 0);
        say_note("code tree: %zu files, %llu bytes, packed %zu", out->count,
                 (unsigned long long)out->bytes, out->packed.size);
    }
    return rc;
}

void code_tree_fini(struct code_tree *tree)
{
    free(tree->files);
    buf_fini(&tree->packed);
    arena_fini(&tree->arena);
}
