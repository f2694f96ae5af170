/* links: proto */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/fs.h"
#include "proto/address.h"
#include "proto/key.h"
#include "proto/known.h"
#include "tests/lib/run_suite.h"

static char folder[64];
static struct trouble trouble;

static void set_up(void)
{
    strcpy(folder, "/tmp/test_key.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    key_library_init();
}

static void tear_down(void)
{
    fs_remove_tree(folder);
}

static const char *in_folder(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

START_TEST(a_pair_comes_back_as_it_was_saved)
{
    struct key_pair made;
    struct key_pair read;
    struct stat status;
    bool fresh;

    ck_assert_int_eq(key_pair_load_or_make(in_folder("keys"), "a.key", &made, &fresh, &trouble), 0);
    ck_assert(fresh);
    ck_assert_int_eq(key_pair_load_or_make(in_folder("keys"), "a.key", &read, &fresh, &trouble), 0);
    ck_assert(!fresh);
    ck_assert_mem_eq(made.public_key, read.public_key, KEY_BYTES);
    ck_assert_mem_eq(made.secret, read.secret, KEY_BYTES);
    ck_assert_int_eq(stat(in_folder("keys/a.key"), &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0600);
    ck_assert_uint_eq(status.st_nlink, 1);
    ck_assert_int_eq(stat(in_folder("keys"), &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0700);
    ck_assert_int_eq(key_pair_save(in_folder("keys/a.key"), &made, &trouble), ERR_EXISTS);
    key_pair_fini(&made);
    key_pair_fini(&read);
}
END_TEST

START_TEST(an_open_file_or_folder_is_refused_with_what_to_type)
{
    struct key_pair pair;
    char wanted[160];

    ck_assert_int_eq(key_pair_load_or_make(folder, "a.key", &pair, NULL, &trouble), 0);
    key_pair_fini(&pair);
    ck_assert_int_eq(chmod(in_folder("a.key"), 0640), 0);
    ck_assert_int_eq(key_pair_load(in_folder("a.key"), &pair, &trouble), ERR_DENIED);
    snprintf(wanted, sizeof(wanted), "chmod 600 %s", in_folder("a.key"));
    ck_assert_str_eq(trouble.mend, wanted);
    ck_assert_ptr_nonnull(strstr(trouble.why, in_folder("a.key")));

    ck_assert_int_eq(chmod(in_folder("a.key"), 0600), 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(key_pair_load(in_folder("a.key"), &pair, &trouble), ERR_DENIED);
    snprintf(wanted, sizeof(wanted), "chmod 700 %s", folder);
    ck_assert_str_eq(trouble.mend, wanted);
    ck_assert_int_eq(chmod(folder, 0700), 0);

    ck_assert_int_eq(symlink("a.key", in_folder("b.key")), 0);
    ck_assert_int_eq(key_pair_load(in_folder("b.key"), &pair, &trouble), ERR_DENIED);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(in_folder("a.key"), 1234, 0), 0);
        ck_assert_int_eq(key_pair_load(in_folder("a.key"), &pair, &trouble), ERR_DENIED);
        ck_assert_ptr_nonnull(strstr(trouble.why, "another user"));
    }
}
END_TEST

START_TEST(what_is_no_key_file_is_refused)
{
    struct key_pair pair;
    struct buf text = {0};

    ck_assert_int_eq(key_pair_load(in_folder("none"), &pair, &trouble), ERR_NOT_FOUND);
    ck_assert_int_eq(key_pair_load_or_make(folder, "a.key", &pair, NULL, &trouble), 0);
    key_pair_fini(&pair);
    ck_assert_int_eq(fs_read(in_folder("a.key"), 4096, &text), 0);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t was = text.data[i];

        text.data[i] = was == '0' ? '1' : was == 'a' ? 'b' : '0';
        ck_assert_int_eq(fs_write_atomic(in_folder("a.key"), 0600, text.data, text.size), 0);
        /* The low three bits of a secret, and its top two, do not matter to its public key. */
        if (key_pair_load(in_folder("a.key"), &pair, &trouble) == 0) {
            ck_assert_uint_ge(i, text.size - 65);
            key_pair_fini(&pair);
        }
        text.data[i] = was;
    }
    ck_assert_int_eq(fs_write_atomic(in_folder("a.key"), 0600, text.data, text.size - 1), 0);
    ck_assert_int_eq(key_pair_load(in_folder("a.key"), &pair, &trouble), ERR_MALFORMED);
    buf_append_char(&text, '\n');
    ck_assert_int_eq(fs_write_atomic(in_folder("a.key"), 0600, text.data, text.size), 0);
    ck_assert_int_eq(key_pair_load(in_folder("a.key"), &pair, &trouble), ERR_MALFORMED);
    buf_fini(&text);
}
END_TEST

START_TEST(public_keys_are_text_and_back)
{
    struct key_pair pair;
    uint8_t back[KEY_BYTES];
    char text[KEY_TEXT];
    char print[KEY_FINGERPRINT];

    key_pair_make(&pair);
    key_text(pair.public_key, text);
    ck_assert_uint_eq(strlen(text), 64);
    ck_assert_int_eq(key_parse(span_text(text), back), 0);
    ck_assert_mem_eq(back, pair.public_key, KEY_BYTES);
    key_fingerprint(pair.public_key, print);
    ck_assert_int_eq(strncmp(print, text, 16), 0);
    ck_assert_int_eq(key_parse(span_of(text, 63), back), ERR_MALFORMED);
    text[5] = 'x';
    ck_assert_int_eq(key_parse(span_text(text), back), ERR_MALFORMED);
    key_pair_fini(&pair);
}
END_TEST

START_TEST(addresses)
{
    static const struct {
        const char *text;
        const char *back; /* NULL: refused */
    } cases[] = {
        {"host:1", "host:1"},
        {"Host.Example:65535", "host.example:65535"},
        {"127.0.0.1", "127.0.0.1:7420"},
        {"[::1]:80", "[::1]:80"},
        {"[fe80::1%eth0]", "[fe80::1%eth0]:7420"},
        {"host:", NULL},
        {"host:0", NULL},
        {"host:65536", NULL},
        {"host:99999999999", NULL},
        {":80", NULL},
        {"", NULL},
        {"::1:80", NULL},
        {"[::1", NULL},
        {"[0%0]", NULL},
        {"[127.0.0.1]:80", NULL},
        {"[::1]x:80", NULL},
        {"ho st:80", NULL},
        {"host/../x:80", NULL},
        {"tcp://host:80", NULL},
        {"host:8a", NULL},
    };
    struct address address;
    char text[ADDRESS_TEXT];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int rc = address_parse(span_text(cases[i].text), ADDRESS_PORT, &address, &trouble);

        ck_assert_msg((rc == 0) == (cases[i].back != NULL), "%s", cases[i].text);
        if (rc != 0) {
            ck_assert_str_ne(trouble.why, "");
            continue;
        }
        address_text(&address, text);
        ck_assert_str_eq(text, cases[i].back);
    }
    ck_assert_int_eq(address_parse(span_text("host"), 0, &address, &trouble), ERR_MALFORMED);
}
END_TEST

START_TEST(a_head_is_pinned_and_not_replaced)
{
    struct address address = {.host = "node-1", .port = 7420};
    struct last_head last = {.address = address, .admin_key = "/somewhere/keys/admin.key"};
    struct last_head read;
    uint8_t one[KEY_BYTES] = {1};
    uint8_t two[KEY_BYTES] = {2};
    uint8_t pinned[KEY_BYTES];
    char elsewhere[LIMIT_PATH_BYTES];

    (void)snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", folder);
    ck_assert_int_eq(setenv("ASSAY_HOME", folder, 1), 0);
    ck_assert_int_eq(known_head_load(&address, pinned, &trouble), ERR_NOT_FOUND);
    ck_assert_int_eq(known_head_pin(&address, one, &trouble), 0);
    ck_assert_int_eq(known_head_pin(&address, one, &trouble), 0);
    ck_assert_int_eq(known_head_pin(&address, two, &trouble), ERR_EXISTS);
    ck_assert_ptr_nonnull(strstr(trouble.mend, "rm /"));
    ck_assert_int_eq(known_head_load(&address, pinned, &trouble), 0);
    ck_assert_mem_eq(pinned, one, KEY_BYTES);
    ck_assert_int_eq(chmod(in_folder("known_heads/node-1_7420"), 0666), 0);
    ck_assert_int_eq(known_head_load(&address, pinned, &trouble), ERR_DENIED);
    ck_assert_int_eq(chmod(in_folder("known_heads/node-1_7420"), 0600), 0);
    ck_assert_int_eq(rename(in_folder("known_heads/node-1_7420"), elsewhere), 0);
    ck_assert_int_eq(symlink(elsewhere, in_folder("known_heads/node-1_7420")), 0);
    ck_assert_int_eq(known_head_load(&address, pinned, &trouble), ERR_DENIED);

    ck_assert_int_eq(last_head_load(NULL, &read, &trouble), ERR_NOT_FOUND);
    memcpy(last.key, two, KEY_BYTES);
    ck_assert_int_eq(last_head_save(NULL, &last, &trouble), 0);
    ck_assert_int_eq(last_head_load(NULL, &read, &trouble), 0);
    ck_assert_str_eq(read.address.host, "node-1");
    ck_assert_uint_eq(read.address.port, 7420);
    ck_assert_mem_eq(read.key, two, KEY_BYTES);
    ck_assert_str_eq(read.admin_key, last.admin_key);
    ck_assert_int_eq(fs_write_atomic(in_folder("last_head"), 0600, "assay-last-1\n", 13), 0);
    ck_assert_int_eq(last_head_load(NULL, &read, &trouble), ERR_MALFORMED);
    ck_assert_int_eq(last_head_load(in_folder("known_heads"), &read, &trouble), ERR_NOT_FOUND);
    ck_assert_int_eq(last_head_save(in_folder("known_heads"), &last, &trouble), 0);
    memset(&read, 0, sizeof(read));
    ck_assert_int_eq(last_head_load(in_folder("known_heads"), &read, &trouble), 0);
    ck_assert_str_eq(read.admin_key, last.admin_key);
}
END_TEST

START_TEST(the_process_is_hardened)
{
    struct rlimit core;

    ck_assert_int_eq(key_harden_process(), 0);
    ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_CORE, &core), 0);
    ck_assert_uint_eq(core.rlim_max, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("key");
    TCase *c = tcase_create("key");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_pair_comes_back_as_it_was_saved);
    tcase_add_test(c, an_open_file_or_folder_is_refused_with_what_to_type);
    tcase_add_test(c, what_is_no_key_file_is_refused);
    tcase_add_test(c, public_keys_are_text_and_back);
    tcase_add_test(c, addresses);
    tcase_add_test(c, a_head_is_pinned_and_not_replaced);
    tcase_add_test(c, the_process_is_hardened);
    suite_add_tcase(s, c);
    return s;
}
