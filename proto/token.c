#include "proto/token.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/err.h"

#define PREFIX       "ASSAY1-"
#define PREFIX_CHARS (sizeof(PREFIX) - 1)
#define BODY_BYTES   (KEY_BYTES + TOKEN_ID_BYTES + TOKEN_SECRET_BYTES)
#define ALL_BYTES    (BODY_BYTES + 4u)
#define BASE32_CHARS ((ALL_BYTES * 8u + 4u) / 5u)
#define FILE_LIMIT   4096u
#define MEND_FILE    "name the file that `assay token create` was written to"

_Static_assert(TOKEN_TEXT == PREFIX_CHARS + BASE32_CHARS + 1, "TOKEN_TEXT");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void token_make(const uint8_t head_key[KEY_BYTES], struct token *token)
{
    memcpy(token->head_key, head_key, KEY_BYTES);
    randombytes_buf(token->id, sizeof(token->id));
    randombytes_buf(token->secret, sizeof(token->secret));
}

void token_fini(struct token *token)
{
    sodium_memzero(token, sizeof(*token));
}

static void base32_encode(const uint8_t bytes[ALL_BYTES], char *out)
{
    uint32_t held = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < ALL_BYTES; i++) {
        held = (held << 8 | bytes[i]) & 0xffff;
        for (bits += 8; bits >= 5; bits -= 5)
            *out++ = alphabet[held >> (bits - 5) & 31];
    }
    *out++ = alphabet[held << (5 - bits) & 31];
    *out = '\0';
}

static int base32_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= '2' && c <= '7')
        return c - '2' + 26;
    return -1;
}

/* text: BASE32_CHARS characters. False for other characters, or bits behind the last byte. */
static bool base32_decode(const char *text, uint8_t bytes[ALL_BYTES])
{
    uint32_t held = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < BASE32_CHARS; i++) {
        int digit = base32_digit(text[i]);

        if (digit < 0)
            return false;
        held = (held << 5 | (uint32_t)digit) & 0xffff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            *bytes++ = (uint8_t)(held >> bits);
        }
    }
    return (held & ((1u << bits) - 1)) == 0;
}

static uint32_t body_crc(const uint8_t *bytes)
{
    return (uint32_t)crc32(crc32(0, NULL, 0), bytes, BODY_BYTES);
}

void token_encode(const struct token *token, char out[TOKEN_TEXT])
{
    uint8_t bytes[ALL_BYTES];
    uint32_t crc;

    memcpy(bytes, token->head_key, KEY_BYTES);
    memcpy(bytes + KEY_BYTES, token->id, TOKEN_ID_BYTES);
    memcpy(bytes + KEY_BYTES + TOKEN_ID_BYTES, token->secret, TOKEN_SECRET_BYTES);
    crc = body_crc(bytes);
    for (unsigned i = 0; i < 4; i++)
        bytes[BODY_BYTES + i] = (uint8_t)(crc >> (24 - 8 * i));
    memcpy(out, PREFIX, PREFIX_CHARS);
    base32_encode(bytes, out + PREFIX_CHARS);
    sodium_memzero(bytes, sizeof(bytes));
}

static struct span trim(struct span text)
{
    const char *at = text.data;
    size_t size = text.size;

    while (size > 0 && strchr(" \t\r\n", at[size - 1]) != NULL && at[size - 1] != '\0')
        size--;
    while (size > 0 && strchr(" \t\r\n", *at) != NULL && *at != '\0') {
        at++;
        size--;
    }
    return span_of(at, size);
}

static const char *decode(struct span text, uint8_t bytes[ALL_BYTES])
{
    const char *at = text.data;
    uint32_t crc;

    if (text.size == 0)
        return "is empty";
    if (text.size < PREFIX_CHARS || strncasecmp(at, PREFIX, PREFIX_CHARS) != 0)
        return "does not begin with " PREFIX;
    if (text.size != PREFIX_CHARS + BASE32_CHARS)
        return "is cut short or has something behind it";
    if (!base32_decode(at + PREFIX_CHARS, bytes))
        return "has characters that no token has";
    crc = body_crc(bytes);
    for (unsigned i = 0; i < 4; i++) {
        if (bytes[BODY_BYTES + i] != (uint8_t)(crc >> (24 - 8 * i)))
            return "has a character changed (its checksum is wrong)";
    }
    return NULL;
}

int token_decode(struct span text, struct token *token, struct trouble *trouble)
{
    uint8_t bytes[ALL_BYTES];
    const char *wrong = decode(trim(text), bytes);

    if (wrong != NULL) {
        sodium_memzero(bytes, sizeof(bytes));
        return trouble_set(trouble, ERR_MALFORMED, NULL,
                           "copy the whole line that `assay token create` printed", "the token %s",
                           wrong);
    }
    memcpy(token->head_key, bytes, KEY_BYTES);
    memcpy(token->id, bytes + KEY_BYTES, TOKEN_ID_BYTES);
    memcpy(token->secret, bytes + KEY_BYTES + TOKEN_ID_BYTES, TOKEN_SECRET_BYTES);
    sodium_memzero(bytes, sizeof(bytes));
    return 0;
}

/* Up to size bytes until the end of the file; how many, or -1. */
static ssize_t read_all(int fd, char *out, size_t size)
{
    size_t got = 0;

    while (got < size) {
        ssize_t count = read(fd, out + got, size - got);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        got += (size_t)count;
    }
    return (ssize_t)got;
}

/* A pipe that the shell holds open (/dev/fd/63) is read to its end; a FIFO that nobody writes to
 * would be waited for without end. */
static bool is_shells(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
}

static bool is_file(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* The text of a token out of an open file. */
static int text_read(int fd, const char *name, struct token *token, struct trouble *trouble)
{
    char text[FILE_LIMIT + 1];
    ssize_t size = read_all(fd, text, sizeof(text));
    int rc;

    if (size < 0)
        rc = trouble_set(trouble, err_from_errno(), NULL, NULL, "cannot read %s: %s", name,
                         strerror(errno));
    else if ((size_t)size > FILE_LIMIT)
        rc =
            trouble_set(trouble, ERR_TOO_BIG, NULL, MEND_FILE, "%s is too big to be a token", name);
    else
        rc = token_decode(span_of(text, (size_t)size), token, trouble);
    sodium_memzero(text, sizeof(text));
    return rc;
}

int token_read(const char *path, struct token *token, struct trouble *trouble)
{
    bool opened = is_shells(path);
    int fd;
    int rc;

    if (strcmp(path, "-") == 0)
        return text_read(STDIN_FILENO, "standard input", token, trouble);
    fd = open(path, O_RDONLY | O_CLOEXEC | (opened ? 0 : O_NONBLOCK));
    if (fd < 0 && strncasecmp(path, PREFIX, PREFIX_CHARS) == 0)
        return trouble_set(trouble, ERR_DENIED, NULL,
                           "write it to a file of mode 0600 and name that, or give - and type it",
                           "it stands in the argument, where other users can read it");
    if (fd < 0)
        return trouble_set(trouble, err_from_errno(), NULL,
                           "assay token create > FILE, where the head is, makes one",
                           "cannot open %s: %s", path, strerror(errno));
    if (opened || is_file(fd))
        rc = text_read(fd, path, token, trouble);
    else
        rc = trouble_set(trouble, ERR_MALFORMED, NULL, MEND_FILE, "%s is no file", path);
    (void)close(fd);
    return rc;
}

void token_hash(const uint8_t secret[TOKEN_SECRET_BYTES], uint8_t out[TOKEN_HASH_BYTES])
{
    int rc = crypto_generichash(out, TOKEN_HASH_BYTES, secret, TOKEN_SECRET_BYTES, NULL, 0);

    assert(rc == 0);
}
