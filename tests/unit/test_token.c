/* links: proto */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "proto/token.h"
#include "tests/lib/run_suite.h"

static struct trouble trouble;
static struct token token;
static char text[TOKEN_TEXT];

static void set_up(void)
{
    uint8_t head_key[KEY_BYTES];

    key_library_init();
    for (unsigned i = 0; i < KEY_BYTES; i++)
        head_key[i] = (uint8_t)(i * 7);
    token_make(head_key, &token);
    token_encode(&token, text);
}

static void tear_down(void)
{
}

START_TEST(a_token_comes_back)
{
    struct token back;
    char padded[TOKEN_TEXT + 8];

    ck_assert_uint_eq(strlen(text), TOKEN_TEXT - 1);
    ck_assert_int_eq(strncmp(text, "ASSAY1-", 7), 0);
    ck_assert_int_eq(token_decode(span_text(text), &back, &trouble), 0);
    ck_assert_mem_eq(&back, &token, sizeof(token));
    for (char *c = text; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    snprintf(padded, sizeof(padded), " \t%s\r\n", text);
    memset(&back, 0, sizeof(back));
    ck_assert_int_eq(token_decode(span_text(padded), &back, &trouble), 0);
    ck_assert_mem_eq(&back, &token, sizeof(token));
    token_fini(&back);
    ck_assert_int_eq(back.secret[0] | back.id[0] | back.head_key[1], 0);
}
END_TEST

START_TEST(every_changed_character_is_noticed)
{
    struct token back;

    for (size_t i = 0; i < TOKEN_TEXT - 1; i++) {
        char was = text[i];

        text[i] = was == 'Q' ? 'R' : 'Q';
        ck_assert_int_eq(token_decode(span_text(text), &back, &trouble), ERR_MALFORMED);
        ck_assert_ptr_null(strstr(trouble.why, text + 20));
        text[i] = '1';
        if (i != 5)
            ck_assert_int_eq(token_decode(span_text(text), &back, &trouble), ERR_MALFORMED);
        text[i] = was;
    }
}
END_TEST

START_TEST(other_text_is_refused_and_said_why)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", "empty"},
        {" \n ", "empty"},
        {"hello", "begin"},
        {"ASSAY2-AAAA", "begin"},
        {"ASSAY1-AAAA", "cut short"},
    };
    struct token back;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(token_decode(span_text(cases[i].text), &back, &trouble), ERR_MALFORMED);
        ck_assert_ptr_nonnull(strstr(trouble.why, cases[i].why));
    }
    /* Bits behind the last byte are no second spelling of a token. */
    text[TOKEN_TEXT - 2]++;
    ck_assert_int_eq(token_decode(span_text(text), &back, &trouble), ERR_MALFORMED);
}
END_TEST

static void file_make(char *path, const char *content, size_t size)
{
    int fd;

    strcpy(path, "/tmp/test_token.XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, size), (ssize_t)size);
    close(fd);
}

START_TEST(a_token_is_read_from_a_file_or_stdin)
{
    char path[64];
    char big[5000];
    struct token back;

    text[TOKEN_TEXT - 1] = '\n';
    file_make(path, text, TOKEN_TEXT);
    ck_assert_int_eq(token_read(path, &back, &trouble), 0);
    ck_assert_mem_eq(&back, &token, sizeof(token));
    memset(&back, 0, sizeof(back));
    ck_assert_ptr_nonnull(freopen(path, "r", stdin));
    ck_assert_int_eq(token_read("-", &back, &trouble), 0);
    ck_assert_mem_eq(&back, &token, sizeof(token));
    unlink(path);
    ck_assert_int_eq(token_read(path, &back, &trouble), ERR_NOT_FOUND);
    memset(big, ' ', sizeof(big));
    file_make(path, big, sizeof(big));
    ck_assert_int_eq(token_read(path, &back, &trouble), ERR_TOO_BIG);
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* nobody writes to it: not waited for */
    ck_assert_int_eq(token_read(path, &back, &trouble), ERR_MALFORMED);
    unlink(path);
}
END_TEST

START_TEST(a_secret_has_a_hash_of_its_own)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    uint8_t again[TOKEN_HASH_BYTES];
    uint8_t other[TOKEN_SECRET_BYTES];

    token_hash(token.secret, hash);
    token_hash(token.secret, again);
    ck_assert_mem_eq(hash, again, sizeof(hash));
    for (unsigned i = 0; i < TOKEN_SECRET_BYTES; i++) {
        memcpy(other, token.secret, sizeof(other));
        other[i] ^= 1;
        token_hash(other, again);
        ck_assert_mem_ne(hash, again, sizeof(hash));
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("token");
    TCase *c = tcase_create("token");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_token_comes_back);
    tcase_add_test(c, every_changed_character_is_noticed);
    tcase_add_test(c, other_text_is_refused_and_said_why);
    tcase_add_test(c, a_token_is_read_from_a_file_or_stdin);
    tcase_add_test(c, a_secret_has_a_hash_of_its_own);
    suite_add_tcase(s, c);
    return s;
}
