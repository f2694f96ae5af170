/* Small texts from outside: tokens, keys and key files, addresses, numbers, JSON. What is printed
 * reads back as what it was. */
#include <assert.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "common/number.h"
#include "common/sys/fs.h"
#include "proto/address.h"
#include "proto/key.h"
#include "proto/token.h"
#include "tests/fuzz/target.h"

static struct arena arena;
static struct trouble trouble;
static char folder[FOLDER_BYTES], path[FOLDER_BYTES + 16];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{

    (void)argc;
    (void)argv;
    key_library_init();
    folder_make(folder);
    (void)snprintf(path, sizeof(path), "%s/key", folder);
    return 0;
}

static void check_token(struct span text)
{
    struct token token, again;
    char out[TOKEN_TEXT];

    if (token_decode(text, &token, &trouble) != 0)
        return;
    token_encode(&token, out);
    assert(token_decode(span_text(out), &again, &trouble) == 0);
    assert(memcmp(token.head_key, again.head_key, sizeof(token.head_key)) == 0);
    assert(memcmp(token.id, again.id, sizeof(token.id)) == 0);
    assert(memcmp(token.secret, again.secret, sizeof(token.secret)) == 0);
    token_fini(&token);
    token_fini(&again);
}

static void check_key(struct span text)
{
    uint8_t key[KEY_BYTES], again[KEY_BYTES];
    char out[KEY_TEXT], fingerprint[KEY_FINGERPRINT];

    if (key_parse(text, key) != 0)
        return;
    key_text(key, out);
    assert(key_parse(span_text(out), again) == 0 && memcmp(key, again, KEY_BYTES) == 0);
    key_fingerprint(key, fingerprint);
    assert(strncmp(out, fingerprint, KEY_FINGERPRINT - 1) == 0);
}

/* A file of the right size with other bytes, and of another size. */
static void check_key_file(struct span text)
{
    struct key_pair pair = {.secret = NULL};
    int fd;

    if (text.size < 5 || memcmp(text.data, "assay", 5) != 0)
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(fd >= 0 && fs_write_all(fd, text.data, text.size) == 0);
    (void)close(fd);
    if (key_pair_load(path, &pair, &trouble) == 0)
        key_pair_fini(&pair);
    else
        assert(trouble.why[0] != '\0');
}

static void check_address(struct span text)
{
    struct address address, again;
    char out[ADDRESS_TEXT], twice[ADDRESS_TEXT];

    if (address_parse(text, ADDRESS_PORT, &address, &trouble) != 0)
        return;
    address_text(&address, out);
    assert(address_parse(span_text(out), 0, &again, &trouble) == 0);
    address_text(&again, twice);
    assert(strcmp(out, twice) == 0);
    (void)address_plain(address.host);
}

static void check_number(struct span text)
{
    char out[NUMBER_BYTES];
    double number, again;

    if (!number_parse(text, &number))
        return;
    assert(number_parse(span_of(out, number_repr(number, out)), &again));
    assert(memcmp(&number, &again, sizeof(number)) == 0 || (isnan(number) && isnan(again)));
    assert(number_tag(number, out) <= NUMBER_BYTES);
    assert(number_short(number, out) <= NUMBER_BYTES);
}

/* The doubles that no text is likely to hit. */
static void check_double(struct span bytes)
{
    char out[NUMBER_BYTES];
    double number;

    if (bytes.size < sizeof(number))
        return;
    memcpy(&number, bytes.data, sizeof(number));
    check_number(span_of(out, number_repr(number, out)));
}

static void check_packed(const struct value *value, struct buf *line)
{
    struct buf packed = {0}, out = {0};
    struct cursor cursor;
    struct value again;

    value_pack(value, &packed);
    cursor_init(&cursor, buf_span(&packed));
    assert(json_write_packed(&cursor, &out) && cursor.at == cursor.end);
    assert(span_equal(buf_span(&out), buf_span(line)));
    cursor_init(&cursor, buf_span(&packed));
    assert(value_unpack(&cursor, &arena, &again) == 0 && value_equal(value, &again));
    buf_fini(&packed);
    buf_fini(&out);
}

static void check_json(struct span text)
{
    static const enum json_style styles[] = {JSON_INDENT, JSON_COMPACT, JSON_LINE};
    struct json_error error = {0};
    struct value value, again;
    struct buf out = {0};

    if (json_read(text, &arena, &value, &error) != 0) {
        assert(error.what[0] != '\0' && error.line > 0 && error.column > 0);
        return;
    }
    for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        buf_reset(&out);
        json_write(&value, styles[i], &out);
        assert(json_read(buf_span(&out), &arena, &again, &error) == 0);
        assert(value_equal(&value, &again));
    }
    check_packed(&value, &out);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);

    check_token(text);
    check_key(text);
    check_key_file(text);
    check_address(text);
    check_number(text);
    check_double(text);
    check_json(text);
    arena_reset(&arena);
    return 0;
}
