/* links: worker */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sys/fs.h"
#include "tests/lib/run_suite.h"
#include "worker/gpus.h"
#include "worker/machine.h"

/* A machine made of files. */
static char root[] = "/tmp/assay-machine-XXXXXX";

static void set_up(void)
{
    strcpy(root + strlen(root) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void tear_down(void)
{
    ck_assert_int_eq(fs_remove_tree(root), 0);
}

static void put(const char *name, const char *text)
{
    char path[LIMIT_PATH_BYTES];
    char *slash;
    FILE *file;

    ck_assert_int_eq(fs_join(path, root, name), 0);
    slash = strrchr(path, '/');
    *slash = '\0';
    ck_assert_int_eq(fs_make_dirs(path, 0700), 0);
    *slash = '/';
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(without_groups_the_machine_counts)
{
    ck_assert_uint_eq(machine_cpus(root, 8), 8);
    ck_assert_uint_eq(machine_memory(root), 0);
    put("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\n");
    ck_assert_uint_eq(machine_memory(root), 2048u * 1024);
}
END_TEST

START_TEST(a_version_2_group_limits_with_all_above_it)
{
    put("proc/meminfo", "MemTotal:        8192 kB\n");
    put("proc/self/cgroup", "0::/job/step\n");
    put("sys/fs/cgroup/job/step/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/job/cpu.max", "350000 100000\n");
    put("sys/fs/cgroup/job/step/memory.max", "4096000\n");
    put("sys/fs/cgroup/job/memory.max", "max\n");
    ck_assert_uint_eq(machine_cpus(root, 8), 3);
    ck_assert_uint_eq(machine_cpus(root, 2), 2);
    ck_assert_uint_eq(machine_memory(root), 4096000);
}
END_TEST

START_TEST(in_a_container_the_top_is_its_own)
{
    put("proc/self/cgroup", "0::/docker/0815\n");
    put("sys/fs/cgroup/cpu.max", "50000 100000\n");
    put("sys/fs/cgroup/memory.max", "1000000\n");
    put("proc/meminfo", "MemTotal:        8192 kB\n");
    /* Half a processor counts for one: else nothing could ever run here. */
    ck_assert_uint_eq(machine_cpus(root, 8), 1);
    ck_assert_uint_eq(machine_memory(root), 1000000);
}
END_TEST

START_TEST(version_1_groups_limit_as_well)
{
    put("proc/self/cgroup", "12:memory:/a\n4:cpu,cpuacct:/a/b\n1:name=systemd:/\n0::/x\n");
    put("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "400000\n");
    put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "777216\n");
    put("proc/meminfo", "MemTotal:        8192 kB\n");
    ck_assert_uint_eq(machine_cpus(root, 64), 4);
    ck_assert_uint_eq(machine_memory(root), 777216);
}
END_TEST

START_TEST(this_machine_has_something)
{
    char ip[ADDRESS_HOST];

    ck_assert_uint_ge(machine_cpus("", machine_affinity()), 1);
    ck_assert_uint_gt(machine_memory(""), 1u << 20);
    machine_ip("127.0.0.1:7420", ip);
    ck_assert_str_eq(ip, "127.0.0.1");
    machine_ip("no address", ip);
    ck_assert_str_eq(ip, "");
}
END_TEST

START_TEST(devices_are_those_that_the_environment_shows)
{
    char uuids[4][GPU_UUID_BYTES] = {"GPU-aa", "GPU-ab", "GPU-cc", "GPU-dd"};
    struct gpus gpus;

    gpus_select(&gpus, 4, uuids, NULL);
    ck_assert_uint_eq(gpus.count, 4);
    gpus_select(&gpus, 4, uuids, "");
    ck_assert_uint_eq(gpus.count, 0);
    gpus_select(&gpus, 4, uuids, "2, 0");
    ck_assert_uint_eq(gpus.count, 2);
    ck_assert_uint_eq(gpus.device[0], 2);
    ck_assert_uint_eq(gpus.device[1], 0);
    gpus_select(&gpus, 4, uuids, "1,-1,2");
    ck_assert_uint_eq(gpus.count, 1);
    gpus_select(&gpus, 4, uuids, "3,9");
    ck_assert_uint_eq(gpus.count, 1);
    gpus_select(&gpus, 4, uuids, "GPU-d,GPU-ab");
    ck_assert_uint_eq(gpus.count, 2);
    ck_assert_uint_eq(gpus.device[0], 3);
    ck_assert_uint_eq(gpus.device[1], 1);
    gpus_say(&gpus, 1);
    ck_assert_uint_eq(gpus.count, 1);
    gpus_say(&gpus, 3);
    ck_assert_uint_eq(gpus.count, 3);
    ck_assert_uint_eq(gpus.device[1], 4);
}
END_TEST

START_TEST(fake_devices_are_as_many_as_asked_for)
{
    struct gpus gpus;

    ck_assert_int_eq(setenv("ASSAY_FAKE_GPUS", "2", 1), 0);
    gpus_detect(&gpus);
    ck_assert_uint_eq(gpus.count, 2);
    ck_assert_uint_eq(gpus.device[1], 1);
    ck_assert_int_eq(unsetenv("ASSAY_FAKE_GPUS"), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("resources_node");
    TCase *tcase = tcase_create("resources_node");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, without_groups_the_machine_counts);
    tcase_add_test(tcase, a_version_2_group_limits_with_all_above_it);
    tcase_add_test(tcase, in_a_container_the_top_is_its_own);
    tcase_add_test(tcase, version_1_groups_limit_as_well);
    tcase_add_test(tcase, this_machine_has_something);
    tcase_add_test(tcase, devices_are_those_that_the_environment_shows);
    tcase_add_test(tcase, fake_devices_are_as_many_as_asked_for);
    suite_add_tcase(suite, tcase);
    return suite;
}
