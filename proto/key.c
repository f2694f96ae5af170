#include "proto/key.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"

#define FILE_MAGIC "assay-key-1\n"
#define HEX_DIGITS (KEY_BYTES * 2)
/* FILE_MAGIC, "public HEX\n", "secret HEX\n": always exactly this long. */
#define FILE_BYTES (sizeof(FILE_MAGIC) - 1 + 2 * (7 + HEX_DIGITS + 1))

void key_library_init(void)
{
    if (sodium_init() >= 0)
        return;
    fputs("assay: libsodium does not start: no randomness to be had\n", stderr);
    abort();
}

int key_harden_process(void)
{
    struct rlimit none = {0, 0};

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        return ERR_IO;
    return 0;
}

static uint8_t *secret_new(size_t size)
{
    uint8_t *secret = sodium_malloc(size);

    if (secret == NULL) {
        fputs("assay: out of memory for keys\n", stderr);
        abort();
    }
    return secret;
}

void key_pair_make(struct key_pair *pair)
{
    int rc;

    pair->secret = secret_new(KEY_BYTES);
    rc = crypto_box_keypair(pair->public_key, pair->secret);
    assert(rc == 0);
}

void key_pair_fini(struct key_pair *pair)
{
    sodium_free(pair->secret);
    pair->secret = NULL;
    memset(pair->public_key, 0, sizeof(pair->public_key));
}

/* Whether a file or folder belongs to us alone. */
static int private_check(const struct stat *status, const char *path, struct trouble *trouble)
{
    if (status->st_uid != geteuid()) {
        (void)trouble_set(trouble, 0, NULL, NULL, "%s belongs to another user", path);
        return trouble_mend(trouble, ERR_DENIED, "ls -l %s", path);
    }
    if ((status->st_mode & 077) != 0) {
        (void)trouble_set(trouble, 0, NULL, NULL, "%s is open to other users", path);
        return trouble_mend(trouble, ERR_DENIED, "chmod %d00 %s", S_ISDIR(status->st_mode) ? 7 : 6,
                            path);
    }
    return 0;
}

/* The folder that holds path. */
static int folder_of(const char *path, char folder[LIMIT_PATH_BYTES], struct trouble *trouble)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);

    if (size >= LIMIT_PATH_BYTES)
        return trouble_set(trouble, ERR_TOO_BIG, NULL, NULL, "%s is too long a path", path);
    memcpy(folder, slash == NULL ? "." : path, size);
    folder[size] = '\0';
    return 0;
}

/* The folder of path: private, and no link. */
static int folder_check(const char *path, struct trouble *trouble)
{
    char folder[LIMIT_PATH_BYTES];
    struct stat status;
    int rc = folder_of(path, folder, trouble);

    if (rc != 0)
        return rc;
    if (lstat(folder, &status) != 0)
        return trouble_set(trouble, err_from_errno(), NULL, NULL, "cannot look at %s: %s", folder,
                           strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return trouble_set(trouble, ERR_DENIED, NULL, NULL, "%s is not a folder", folder);
    return private_check(&status, folder, trouble);
}

/* The descriptor of a key file that may be trusted. */
static int file_open(const char *path, struct trouble *trouble)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int rc;

    if (fd < 0 && errno == ELOOP)
        return trouble_set(trouble, ERR_DENIED, NULL, NULL,
                           "%s is a symbolic link; a key file must not be", path);
    if (fd < 0)
        return trouble_set(trouble, err_from_errno(), NULL, NULL, "cannot open %s: %s", path,
                           strerror(errno));
    if (fstat(fd, &status) != 0)
        rc = trouble_set(trouble, ERR_IO, NULL, NULL, "cannot look at %s: %s", path,
                         strerror(errno));
    else if (!S_ISREG(status.st_mode))
        rc = trouble_set(trouble, ERR_DENIED, NULL, NULL, "%s is not a file", path);
    else
        rc = private_check(&status, path, trouble);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return fd;
}

/* One line `WORD HEX\n`; returns what stands behind it, or NULL. */
static const char *line_parse(const char *at, const char *word, uint8_t out[KEY_BYTES])
{
    size_t size;

    if (memcmp(at, word, strlen(word)) != 0)
        return NULL;
    at += strlen(word);
    if (sodium_hex2bin(out, KEY_BYTES, at, HEX_DIGITS, NULL, &size, NULL) != 0 ||
        size != KEY_BYTES || at[HEX_DIGITS] != '\n')
        return NULL;
    return at + HEX_DIGITS + 1;
}

/* text: FILE_BYTES bytes. */
static bool file_parse(const char *text, struct key_pair *pair)
{
    uint8_t derived[KEY_BYTES];

    if (memcmp(text, FILE_MAGIC, sizeof(FILE_MAGIC) - 1) != 0)
        return false;
    text = line_parse(text + sizeof(FILE_MAGIC) - 1, "public ", pair->public_key);
    if (text == NULL || line_parse(text, "secret ", pair->secret) == NULL)
        return false;
    return crypto_scalarmult_base(derived, pair->secret) == 0 &&
           sodium_memcmp(derived, pair->public_key, KEY_BYTES) == 0;
}

/* Exactly size bytes and then the end; through short reads. */
static bool read_exactly(int fd, uint8_t *out, size_t size)
{
    size_t got = 0;
    uint8_t more;

    while (got < size) {
        ssize_t count = read(fd, out + got, size - got);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        got += (size_t)count;
    }
    return read(fd, &more, 1) == 0;
}

int key_pair_load(const char *path, struct key_pair *pair, struct trouble *trouble)
{
    struct key_pair read = {.secret = NULL};
    uint8_t *text = NULL;
    int fd = -1;
    int rc;

    fd = file_open(path, trouble);
    if (fd < 0)
        return fd;
    rc = folder_check(path, trouble);
    if (rc != 0)
        goto out;

    text = secret_new(FILE_BYTES);
    read.secret = secret_new(KEY_BYTES);
    if (!read_exactly(fd, text, FILE_BYTES) || !file_parse((const char *)text, &read)) {
        rc = trouble_set(trouble, ERR_MALFORMED, NULL, NULL, "%s is not a key file", path);
        goto out;
    }
    *pair = read;
    read.secret = NULL;
out:
    close(fd);
    sodium_free(text);
    sodium_free(read.secret);
    return rc;
}

/* The whole file under a name that nobody looks for. */
static int draft_write(const char *draft, const struct key_pair *pair)
{
    char *text = (char *)secret_new(FILE_BYTES + 1);
    char *at = text;
    int rc = ERR_IO;
    int error;
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        goto out;
    at = stpcpy(at, FILE_MAGIC "public ");
    sodium_bin2hex(at, HEX_DIGITS + 1, pair->public_key, KEY_BYTES);
    at = stpcpy(at + HEX_DIGITS, "\nsecret ");
    sodium_bin2hex(at, HEX_DIGITS + 1, pair->secret, KEY_BYTES);
    strcpy(at + HEX_DIGITS, "\n");
    rc = fs_write_all(fd, text, FILE_BYTES);
    if (rc == 0 && fsync(fd) != 0)
        rc = ERR_IO;
    if (close(fd) != 0 && rc == 0)
        rc = ERR_IO;
out:
    error = errno; /* the caller says why */
    sodium_free(text);
    errno = error;
    return rc;
}

/* link() and not rename(): of two processes that write at once the second is told, and nobody
 * goes on with a pair that is not the one in the file. */
int key_pair_save(const char *path, const struct key_pair *pair, struct trouble *trouble)
{
    char draft[LIMIT_PATH_BYTES];
    char folder[LIMIT_PATH_BYTES];
    int rc = folder_check(path, trouble);

    if (rc == 0)
        rc = folder_of(path, folder, trouble);
    if (rc != 0)
        return rc;
    if (snprintf(draft, sizeof(draft), "%s.%08x", path, randombytes_random()) >= (int)sizeof(draft))
        return trouble_set(trouble, ERR_TOO_BIG, NULL, NULL, "%s is too long a path", path);
    rc = draft_write(draft, pair);
    if (rc != 0)
        rc = trouble_set(trouble, rc, NULL, NULL, "cannot write %s: %s", draft, strerror(errno));
    else if (link(draft, path) != 0)
        rc = trouble_set(trouble, err_from_errno(), NULL, NULL, "cannot write %s: %s", path,
                         strerror(errno));
    (void)unlink(draft);
    if (rc == 0 && fs_sync_dir(folder) != 0)
        rc = trouble_set(trouble, ERR_IO, NULL, NULL, "cannot write %s: %s", path, strerror(errno));
    return rc;
}

int key_pair_load_or_make(const char *dir, const char *name, struct key_pair *pair, bool *made,
                          struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    struct key_pair fresh = {.secret = NULL};
    int rc = fs_join(path, dir, name);

    if (rc != 0)
        return trouble_set(trouble, rc, NULL, NULL, "%s is too long a path", dir);
    rc = fs_make_dirs(dir, 0700);
    if (rc != 0)
        return trouble_set(trouble, rc, NULL, NULL, "cannot make folder %s: %s", dir,
                           strerror(errno));
    rc = key_pair_load(path, pair, trouble);
    if (made != NULL)
        *made = rc == ERR_NOT_FOUND;
    if (rc != ERR_NOT_FOUND)
        return rc;

    key_pair_make(&fresh);
    rc = key_pair_save(path, &fresh, trouble);
    key_pair_fini(&fresh);
    if (rc != 0 && rc != ERR_EXISTS)
        return rc;
    if (rc == ERR_EXISTS && made != NULL)
        *made = false;
    return key_pair_load(path, pair, trouble);
}

void key_text(const uint8_t key[KEY_BYTES], char out[KEY_TEXT])
{
    sodium_bin2hex(out, KEY_TEXT, key, KEY_BYTES);
}

int key_parse(struct span text, uint8_t key[KEY_BYTES])
{
    uint8_t read[KEY_BYTES];
    size_t size;

    if (text.size != HEX_DIGITS ||
        sodium_hex2bin(read, sizeof(read), text.data, text.size, NULL, &size, NULL) != 0 ||
        size != KEY_BYTES)
        return ERR_MALFORMED;
    memcpy(key, read, KEY_BYTES);
    return 0;
}

void key_fingerprint(const uint8_t key[KEY_BYTES], char out[KEY_FINGERPRINT])
{
    sodium_bin2hex(out, KEY_FINGERPRINT, key, (KEY_FINGERPRINT - 1) / 2);
}
