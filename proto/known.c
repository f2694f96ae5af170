#include "proto/known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"

#define KNOWN_MAGIC "assay-known-1"
#define LAST_MAGIC  "assay-last-1"
#define FILE_LIMIT  (LIMIT_PATH_BYTES + 1024u)

/* ASSAY_HOME/name. */
static int home_path(const char *name, char path[LIMIT_PATH_BYTES], struct fault *fault)
{
    const char *home = home_dir();

    if (home == NULL) {
        fault_set_errno(fault, "find", "a folder for this user's files");
        return ERR_IO;
    }
    if (fs_join(path, home, name) != 0) {
        fault_set(fault, home, "is too long a path", NULL);
        return ERR_TOO_BIG;
    }
    return 0;
}

/* '/' cannot be in a host, and "." or ".." are followed by the port. */
static int known_path(const struct address *address, char path[LIMIT_PATH_BYTES],
                      struct fault *fault)
{
    char name[ADDRESS_HOST + 32];

    snprintf(name, sizeof(name), "known_heads/%s_%u", address->host, (unsigned)address->port);
    return home_path(name, path, fault);
}

/* A file of ours, that nobody else can have written. */
static int file_read(const char *path, struct buf *text, struct fault *fault)
{
    struct stat status;
    int rc;

    if (lstat(path, &status) != 0) {
        fault_set_errno(fault, "open", path);
        return errno == ENOENT ? ERR_NOT_FOUND : err_from_errno();
    }
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 022) != 0) {
        fault_set(fault, path, "is not this user's own file, or others may write it", "chmod 600 ");
        return ERR_DENIED;
    }
    rc = fs_read(path, FILE_LIMIT, text);
    if (rc != 0)
        fault_set_errno(fault, "read", path);
    return rc;
}

/* Take `WORD VALUE\n` off the front of text. */
static bool line_take(struct span *text, const char *word, struct span *value)
{
    const char *at = text->data;
    size_t skip = strlen(word);
    const char *end;

    if (text->size <= skip || memcmp(at, word, skip) != 0)
        return false;
    end = memchr(at + skip, '\n', text->size - skip);
    if (end == NULL)
        return false;
    *value = span_of(at + skip, (size_t)(end - at) - skip);
    *text = span_of(end + 1, text->size - (size_t)(end + 1 - at));
    return true;
}

/* magic, `address A`, `key HEX`. */
static bool head_parse(struct span *text, const char *magic, struct address *address,
                       uint8_t key[KEY_BYTES])
{
    struct span value = {NULL, 0};
    struct fault ignored;
    bool good;

    fault_init(&ignored);
    good = line_take(text, magic, &value) && value.size == 0 &&
           line_take(text, "address ", &value) && address_parse(value, 0, address, &ignored) == 0 &&
           line_take(text, "key ", &value) && key_parse(value, key) == 0;
    fault_fini(&ignored);
    return good;
}

static void head_print(struct buf *out, const char *magic, const struct address *address,
                       const uint8_t key[KEY_BYTES])
{
    char where[ADDRESS_TEXT];
    char hex[KEY_TEXT];

    address_text(address, where);
    key_text(key, hex);
    buf_printf(out, "%s\naddress %s\nkey %s\n", magic, where, hex);
}

int known_head_load(const struct address *address, uint8_t key[KEY_BYTES], struct fault *fault)
{
    char path[LIMIT_PATH_BYTES];
    struct address named;
    uint8_t pinned[KEY_BYTES];
    struct buf text = {0};
    struct span left;
    int rc = known_path(address, path, fault);

    if (rc == 0)
        rc = file_read(path, &text, fault);
    if (rc != 0)
        goto out;
    left = buf_span(&text);
    if (!head_parse(&left, KNOWN_MAGIC, &named, pinned) || named.port != address->port ||
        strcmp(named.host, address->host) != 0) {
        fault_set(fault, path, "is not a known head's file",
                  "join again with a token; before that: rm ");
        rc = ERR_MALFORMED;
        goto out;
    }
    memcpy(key, pinned, KEY_BYTES);
out:
    buf_fini(&text);
    return rc;
}

int known_head_pin(const struct address *address, const uint8_t key[KEY_BYTES], struct fault *fault)
{
    char path[LIMIT_PATH_BYTES];
    char folder[LIMIT_PATH_BYTES];
    uint8_t pinned[KEY_BYTES];
    struct buf text = {0};
    int rc = known_head_load(address, pinned, fault);

    if (rc == 0 && memcmp(pinned, key, KEY_BYTES) == 0)
        return 0;
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    if (known_path(address, path, fault) != 0 || home_path("known_heads", folder, fault) != 0)
        return ERR_TOO_BIG;
    if (rc == 0) {
        fault_set(fault, path, "pins another key: either the head was made anew, or this is not it",
                  "if you know that the head was made anew: rm ");
        return ERR_EXISTS;
    }
    head_print(&text, KNOWN_MAGIC, address, key);
    rc = fs_make_dirs(folder, 0700);
    if (rc == 0)
        rc = fs_write_atomic(path, 0600, text.data, text.size);
    if (rc != 0)
        fault_set_errno(fault, "write", path);
    buf_fini(&text);
    return rc;
}

int last_head_load(struct last_head *head, struct fault *fault)
{
    char path[LIMIT_PATH_BYTES];
    struct last_head read;
    struct buf text = {0};
    struct span left;
    struct span admin_key = {NULL, 0};
    int rc = home_path("last_head", path, fault);

    if (rc == 0)
        rc = file_read(path, &text, fault);
    if (rc != 0)
        goto out;
    left = buf_span(&text);
    if (!head_parse(&left, LAST_MAGIC, &read.address, read.key) ||
        !line_take(&left, "admin_key ", &admin_key) || left.size != 0 ||
        admin_key.size >= sizeof(read.admin_key) ||
        memchr(admin_key.data, '\0', admin_key.size) != NULL) {
        fault_set(fault, path, "is not what a head wrote", "start the head again, or rm ");
        rc = ERR_MALFORMED;
        goto out;
    }
    memcpy(read.admin_key, admin_key.data, admin_key.size);
    read.admin_key[admin_key.size] = '\0';
    *head = read;
out:
    buf_fini(&text);
    return rc;
}

int last_head_save(const struct last_head *head, struct fault *fault)
{
    char path[LIMIT_PATH_BYTES];
    struct buf text = {0};
    int rc = home_path("last_head", path, fault);

    if (rc != 0)
        return rc;
    if (strchr(head->admin_key, '\n') != NULL) {
        fault_set(fault, head->admin_key, "has a line break in its name", NULL);
        return ERR_MALFORMED;
    }
    head_print(&text, LAST_MAGIC, &head->address, head->key);
    buf_printf(&text, "admin_key %s\n", head->admin_key);
    rc = fs_write_atomic(path, 0600, text.data, text.size);
    if (rc != 0)
        fault_set_errno(fault, "write", path);
    buf_fini(&text);
    return rc;
}
