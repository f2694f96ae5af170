/* What `assay doctor` looks at on this machine. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/doctor.h"
#include "client/process.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"

#define MACHINE      "machine"
#define FILES_LEAST  4096u
#define DISK_LEAST   (1ull << 30)
#define CGROUP_BYTES 65536u

/* The full path of a program, as a shell would find it; NULL: there is none. */
static const char *find_program(const char *name, struct arena *arena)
{
    const char *path = getenv("PATH");

    for (const char *at = path != NULL ? path : "/usr/bin:/bin"; *at != '\0';) {
        size_t size = strcspn(at, ":");
        const char *full = arena_printf(arena, "%.*s/%s", (int)size, at, name);

        if (size > 0 && access(full, X_OK) == 0)
            return full;
        at += size + (at[size] == ':');
    }
    return NULL;
}

static void check_programs(struct doctor *doctor)
{
    static const char *const ours[] = {"assay-head", "assay-worker", "assay-executor"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        const char *path = process_program(ours[i], doctor->arena);

        if (access(path, X_OK) == 0 || find_program(ours[i], doctor->arena) != NULL)
            doctor_add(doctor, MACHINE, ours[i], FINDING_OK, "", "%s", path);
        else
            doctor_add(doctor, MACHINE, ours[i], FINDING_ERROR, "install it beside `assay`",
                       "it is not there");
    }
    if (find_program("redis-server", doctor->arena) != NULL)
        doctor_add(doctor, MACHINE, "redis-server", FINDING_OK, "", "%s",
                   find_program("redis-server", doctor->arena));
    else
        doctor_add(doctor, MACHINE, "redis-server", FINDING_WARNING, "apt-get install redis-server",
                   "it is not on PATH; assay run, and heads without --redis-address, need it");
}

static void check_disk(struct doctor *doctor, const char *subject, const char *path)
{
    struct statvfs disk;
    uint64_t bytes;

    if (statvfs(path, &disk) != 0) {
        doctor_add(doctor, MACHINE, subject, FINDING_ERROR, "see whether it is there", "%s: %s",
                   path, strerror(errno));
        return;
    }
    bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    doctor_add(doctor, MACHINE, subject, bytes < DISK_LEAST ? FINDING_WARNING : FINDING_OK,
               "make room there", "%s: %" PRIu64 " MiB free", path, bytes >> 20);
}

/* A secret's file or folder, where it is there. */
static void check_private(struct doctor *doctor, const char *subject, const char *path,
                          const char *mode)
{
    const char *why;

    if (access(path, F_OK) != 0)
        return;
    if (fs_is_private(path, &why))
        doctor_add(doctor, MACHINE, subject, FINDING_OK, "", "%s: closed to others", path);
    else
        doctor_add(doctor, MACHINE, subject, FINDING_ERROR,
                   arena_printf(doctor->arena, "chmod %s %s, and own it", mode, path), "%s: %s",
                   path, why);
}

static void check_keys(struct doctor *doctor, const char *home)
{
    static const char *const patterns[] = {"keys/*.key", "heads/*/keys/*.key",
                                           "workers/*/keys/*.key"};
    char path[LIMIT_PATH_BYTES];

    if (fs_join(path, home, "keys") == 0)
        check_private(doctor, "keys", path, "700");
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        glob_t found;

        if (fs_join(path, home, patterns[i]) == 0 && glob(path, 0, NULL, &found) == 0) {
            for (size_t j = 0; j < found.gl_pathc && doctor->count < DOCTOR_ROWS / 2; j++)
                check_private(doctor, "key", found.gl_pathv[j], "600");
            globfree(&found);
        }
    }
}

static void check_home(struct doctor *doctor)
{
    const char *home = home_dir();

    if (home == NULL) {
        doctor_add(doctor, MACHINE, "ASSAY_HOME", FINDING_ERROR, HOME_MEND, "%s: %s", home_name(),
                   strerror(errno));
        return;
    }
    check_disk(doctor, "ASSAY_HOME", home);
    check_keys(doctor, home);
}

static void check_environment(struct doctor *doctor)
{
    static const char *const names[] = {"ASSAY_TOKEN_FILE", "ASSAY_REDIS_PASSWORD_FILE"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = getenv(names[i]);

        if (path == NULL || path[0] == '\0' || strcmp(path, "-") == 0)
            continue;
        if (access(path, F_OK) == 0)
            check_private(doctor, names[i], path, "600");
        else
            doctor_add(doctor, MACHINE, names[i], FINDING_ERROR, "name a file that is there",
                       "%s: %s", path, strerror(errno));
    }
}

static void check_files(struct doctor *doctor)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    doctor_add(
        doctor, MACHINE, "open files", limit.rlim_max >= FILES_LEAST ? FINDING_OK : FINDING_WARNING,
        "ulimit -Hn 65536 (LimitNOFILE= in a unit, /etc/security/limits.conf)",
        "at most %" PRIu64 "; heads and workers take what they may", (uint64_t)limit.rlim_max);
}

/* Where cgroup v2 is mounted, wherever that is; NULL: nowhere. */
static const char *cgroup_mount(struct arena *arena)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    const char *path = NULL;
    const struct mntent *entry;

    while (mounts != NULL && path == NULL && (entry = getmntent(mounts)) != NULL)
        if (strcmp(entry->mnt_type, "cgroup2") == 0)
            path = arena_strdup(arena, entry->mnt_dir);
    if (mounts != NULL)
        (void)endmntent(mounts);
    return path;
}

/* The cgroup that this process would have to make others in; NULL: no cgroup v2. */
static const char *own_cgroup(struct arena *arena)
{
    struct buf text = {0};
    const char *mount = cgroup_mount(arena);
    const char *path = NULL;
    const char *own;

    if (mount != NULL && fs_read("/proc/self/cgroup", CGROUP_BYTES, &text) == 0 &&
        (own = strstr(buf_text(&text), "0::/")) != NULL)
        path = arena_printf(arena, "%s%.*s", mount, (int)strcspn(own + 3, "\n"), own + 3);
    buf_fini(&text);
    return path;
}

static void check_cgroups(struct doctor *doctor)
{
    static const char mend[] = "for a worker: Delegate=yes in its unit, or systemd-run --user "
                               "--scope -p Delegate=yes";
    const char *path = own_cgroup(doctor->arena);

    if (path == NULL)
        doctor_add(doctor, MACHINE, "cgroups", FINDING_WARNING,
                   "boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1)",
                   "no cgroup v2: what trials leave behind may not be found");
    else if (access(path, W_OK) == 0 &&
             access(arena_printf(doctor->arena, "%s/cgroup.procs", path), W_OK) == 0)
        doctor_add(doctor, MACHINE, "cgroups", FINDING_OK, "", "v2, and %s may be divided", path);
    else
        doctor_add(doctor, MACHINE, "cgroups", FINDING_WARNING, mend,
                   "%s is not this user's to divide: what trials leave behind may not be found",
                   path);
}

/* The devices, and the library by which a worker knows them. */
static void check_gpus(struct doctor *doctor)
{
    static const char *const libraries[] = {
        "/usr/lib/*/libnvidia-ml.so.1", "/usr/lib64/libnvidia-ml.so.1",
        "/usr/lib/libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1",
        "/usr/local/*/libnvidia-ml.so.1"};
    bool library = false;
    size_t devices = 0;
    glob_t found;

    if (glob("/dev/nvidia[0-9]*", 0, NULL, &found) == 0) {
        devices = found.gl_pathc;
        globfree(&found);
    }
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]) && !library; i++)
        if (glob(libraries[i], 0, NULL, &found) == 0) {
            library = true;
            globfree(&found);
        }
    if (devices > 0 && !library)
        doctor_add(doctor, MACHINE, "GPUs", FINDING_WARNING,
                   "install the driver's libnvidia-ml.so.1 (NVIDIA's package libnvidia-compute)",
                   "%zu devices, but not the library by which a worker knows them", devices);
    else
        doctor_add(doctor, MACHINE, "GPUs", FINDING_OK, "", "%zu devices", devices);
}

void doctor_machine(struct doctor *doctor)
{
    doctor_add(doctor, MACHINE, "assay", FINDING_OK, "", "version %s", ASSAY_VERSION);
    check_programs(doctor);
    check_home(doctor);
    check_environment(doctor);
    check_files(doctor);
    check_cgroups(doctor);
    check_gpus(doctor);
}
