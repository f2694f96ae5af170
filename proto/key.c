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
static int private_check(const struct stat *status, const char *path, struct fault *fault)
{
    if (status->st_uid != geteuid()) {
        fault_set(fault, path, "belongs to another user", "ls -l ");
        return ERR_DENIED;
    }
    if ((status->st_mode & 077) != 0) {
        fault_set(fault, path, "is open to other users",
                  S_ISDIR(status->st_mode) ? "chmod 700 " : "chmod 600 ");
        return ERR_DENIED;
    }
    return 0;
}

/* The folder of path: private, and no link. */
static int folder_check(const char *path, struct fault *fault)
{
    char folder[LIMIT_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    struct stat status;

    if (slash == NULL)
        strcpy(folder, ".");
    else if (slash == path)
        strcpy(folder, "/");
    else if ((size_t)(slash - path) >= sizeof(folder))
        return ERR_TOO_BIG;
    else
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);

    if (lstat(folder, &status) != 0) {
        fault_set_errno(fault, "look at", folder);
        return err_from_errno();
    }
    if (!S_ISDIR(status.st_mode)) {
        fault_set(fault, folder, "is not a folder", NULL);
        return ERR_DENIED;
    }
    return private_check(&status, folder, fault);
}

/* The descriptor of a key file that may be trusted. */
static int file_open(const char *path, struct fault *fault)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int rc;

    if (fd < 0 && errno == ELOOP) {
        fault_set(fault, path, "is a symbolic link; a key file must not be", NULL);
        return ERR_DENIED;
    }
    if (fd < 0) {
        fault_set_errno(fault, "open", path);
        return errno == ENOENT ? ERR_NOT_FOUND : err_from_errno();
    }
    if (fstat(fd, &status) != 0) {
        fault_set_errno(fault, "look at", path);
        rc = ERR_IO;
    } else if (!S_ISREG(status.st_mode)) {
        fault_set(fault, path, "is not a file", NULL);
        rc = ERR_DENIED;
    } else {
        rc = private_check(&status, path, fault);
    }
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

int key_pair_load(const char *path, struct key_pair *pair, struct fault *fault)
{
    struct key_pair read = {.secret = NULL};
    uint8_t *text = NULL;
    int fd = -1;
    int rc;

    fd = file_open(path, fault);
    if (fd < 0)
        return fd;
    rc = folder_check(path, fault);
    if (rc != 0)
        goto out;

    text = secret_new(FILE_BYTES);
    read.secret = secret_new(KEY_BYTES);
    if (!read_exactly(fd, text, FILE_BYTES) || !file_parse((const char *)text, &read)) {
        fault_set(fault, path, "is not a key file", NULL);
        rc = ERR_MALFORMED;
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

static int folder_sync(const char *path)
{
    char folder[LIMIT_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    int fd;
    int rc;

    snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
             slash == NULL ? "." : path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    rc = fsync(fd) == 0 ? 0 : ERR_IO;
    close(fd);
    return rc;
}

/* The whole file under a name that nobody looks for. */
static int draft_write(const char *draft, const struct key_pair *pair)
{
    char *text = (char *)secret_new(FILE_BYTES + 1);
    char *at = text;
    int rc = ERR_IO;
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
    sodium_free(text);
    return rc;
}

/* link() and not rename(): of two processes that write at once the second is told, and nobody
 * goes on with a pair that is not the one in the file. */
int key_pair_save(const char *path, const struct key_pair *pair, struct fault *fault)
{
    char draft[LIMIT_PATH_BYTES];
    int rc = folder_check(path, fault);

    if (rc != 0)
        return rc;
    if (snprintf(draft, sizeof(draft), "%s.%08x", path, randombytes_random()) >=
        (int)sizeof(draft)) {
        fault_set(fault, path, "is too long a path", NULL);
        return ERR_TOO_BIG;
    }
    rc = draft_write(draft, pair);
    if (rc != 0) {
        fault_set_errno(fault, "write", draft);
    } else if (link(draft, path) != 0) {
        rc = errno == EEXIST ? ERR_EXISTS : err_from_errno();
        fault_set_errno(fault, "write", path);
    }
    (void)unlink(draft);
    if (rc == 0 && folder_sync(path) != 0) {
        fault_set_errno(fault, "write", path);
        rc = ERR_IO;
    }
    return rc;
}

int key_pair_load_or_make(const char *dir, const char *name, struct key_pair *pair, bool *made,
                          struct fault *fault)
{
    char path[LIMIT_PATH_BYTES];
    struct key_pair fresh = {.secret = NULL};
    int rc = fs_join(path, dir, name);

    if (rc != 0) {
        fault_set(fault, dir, "is too long a path", NULL);
        return rc;
    }
    rc = fs_make_dirs(dir, 0700);
    if (rc != 0) {
        fault_set_errno(fault, "make folder", dir);
        return rc;
    }
    rc = key_pair_load(path, pair, fault);
    if (made != NULL)
        *made = rc == ERR_NOT_FOUND;
    if (rc != ERR_NOT_FOUND)
        return rc;

    key_pair_make(&fresh);
    rc = key_pair_save(path, &fresh, fault);
    key_pair_fini(&fresh);
    if (rc != 0 && rc != ERR_EXISTS)
        return rc;
    if (rc == ERR_EXISTS && made != NULL)
        *made = false;
    return key_pair_load(path, pair, fault);
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
