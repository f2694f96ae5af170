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
#define KNOWN_TEXT  (ADDRESS_HOST + 160u) /* of a file's name, or of what is known */
#define FILE_LIMIT  (LIMIT_PATH_BYTES + 1024u)

/* ASSAY_HOME/name. */
static int home_path(const char *name, char path[LIMIT_PATH_BYTES], struct trouble *trouble)
{
    const char *home = home_dir();

    if (home == NULL)
        return trouble_set(trouble, ERR_IO, NULL, HOME_MEND, "%s: %s", home_name(),
                           strerror(errno));
    if (fs_join(path, home, name) != 0)
        return trouble_set(trouble, ERR_TOO_BIG, NULL, NULL, "%s is too long a path", home);
    return 0;
}

/* One that is known, or may be: its file, and what stands there as its address. */
struct known {
    char file[KNOWN_TEXT];
    char text[KNOWN_TEXT];
};

/* '/' cannot be in a host, and "." or ".." are followed by the port. */
static void known_of_address(const struct address *address, struct known *out)
{
    (void)snprintf(out->file, sizeof(out->file), "known_heads/%s_%u", address->host,
                   (unsigned)address->port);
    address_text(address, out->text);
}

/* With a sign that no host has, so that none is taken for it. */
static void known_of_cluster(const char *cluster, struct known *out)
{
    (void)snprintf(out->text, sizeof(out->text), "%s", cluster);
    (void)snprintf(out->file, sizeof(out->file), "known_heads/+%s", cluster);
    for (char *at = out->file + sizeof("known_heads/"); *at != '\0'; at++)
        if (*at == '/')
            *at = '+';
}

/* A file of ours, that nobody else can have written. What is looked at is what is read. */
static int file_read(const char *path, struct buf *text, struct trouble *trouble)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int rc;

    if (fd < 0 && errno != ELOOP)
        return trouble_set(trouble, err_from_errno(), NULL, NULL, "cannot open %s: %s", path,
                           strerror(errno));
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_uid != geteuid() || (status.st_mode & 022) != 0) {
        (void)trouble_set(trouble, 0, NULL, NULL,
                          "%s is not this user's own file, or others may write it", path);
        rc = trouble_mend(trouble, ERR_DENIED, "chmod 600 %s", path);
    } else {
        rc = fs_read_rest(fd, FILE_LIMIT, text);
        if (rc != 0)
            (void)trouble_set(trouble, rc, NULL, NULL, "cannot read %s: %s", path, strerror(errno));
    }
    if (fd >= 0)
        (void)close(fd);
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
static bool head_parse(struct span *text, const char *magic, struct span *address,
                       uint8_t key[KEY_BYTES])
{
    struct span value = {NULL, 0};

    return line_take(text, magic, &value) && value.size == 0 &&
           line_take(text, "address ", address) && line_take(text, "key ", &value) &&
           key_parse(value, key) == 0;
}

static void head_print(struct buf *out, const char *magic, const char *where,
                       const uint8_t key[KEY_BYTES])
{
    char hex[KEY_TEXT];

    key_text(key, hex);
    buf_printf(out, "%s\naddress %s\nkey %s\n", magic, where, hex);
}

static int load(const struct known *known, uint8_t key[KEY_BYTES], struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    uint8_t pinned[KEY_BYTES];
    struct span named = {NULL, 0};
    struct buf text = {0};
    struct span left;
    int rc = home_path(known->file, path, trouble);

    if (rc == 0)
        rc = file_read(path, &text, trouble);
    if (rc != 0)
        goto out;
    left = buf_span(&text);
    if (!head_parse(&left, KNOWN_MAGIC, &named, pinned) || !span_is(named, known->text)) {
        (void)trouble_set(trouble, 0, NULL, NULL, "%s is not a known head's file", path);
        rc = trouble_mend(trouble, ERR_MALFORMED, "join again with a token; before that: rm %s",
                          path);
        goto out;
    }
    memcpy(key, pinned, KEY_BYTES);
out:
    buf_fini(&text);
    return rc;
}

static int pin(const struct known *known, const uint8_t key[KEY_BYTES], struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    char folder[LIMIT_PATH_BYTES];
    uint8_t pinned[KEY_BYTES];
    struct buf text = {0};
    int rc = load(known, pinned, trouble);

    if (rc == 0 && memcmp(pinned, key, KEY_BYTES) == 0)
        return 0;
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    if (home_path(known->file, path, trouble) != 0 ||
        home_path("known_heads", folder, trouble) != 0)
        return ERR_TOO_BIG;
    if (rc == 0) {
        (void)trouble_set(trouble, 0, NULL, NULL,
                          "%s pins another key: either the head was made anew, or this is not it",
                          path);
        return trouble_mend(trouble, ERR_EXISTS, "if you know that the head was made anew: rm %s",
                            path);
    }
    head_print(&text, KNOWN_MAGIC, known->text, key);
    rc = fs_make_dirs(folder, 0700);
    if (rc == 0)
        rc = fs_write_atomic(path, 0600, text.data, text.size);
    if (rc != 0)
        (void)trouble_set(trouble, rc, NULL, NULL, "cannot write %s: %s", path, strerror(errno));
    buf_fini(&text);
    return rc;
}

int known_head_load(const struct address *address, uint8_t key[KEY_BYTES], struct trouble *trouble)
{
    struct known known;

    known_of_address(address, &known);
    return load(&known, key, trouble);
}

int known_head_pin(const struct address *address, const uint8_t key[KEY_BYTES],
                   struct trouble *trouble)
{
    struct known known;

    known_of_address(address, &known);
    return pin(&known, key, trouble);
}

int known_cluster_load(const char *cluster, uint8_t key[KEY_BYTES], struct trouble *trouble)
{
    struct known known;

    known_of_cluster(cluster, &known);
    return load(&known, key, trouble);
}

int known_cluster_pin(const char *cluster, const uint8_t key[KEY_BYTES], struct trouble *trouble)
{
    struct known known;

    known_of_cluster(cluster, &known);
    return pin(&known, key, trouble);
}

static int last_path(const char *folder, char path[LIMIT_PATH_BYTES], struct trouble *trouble)
{
    if (folder == NULL)
        return home_path("last_head", path, trouble);
    if (fs_join(path, folder, "last_head") != 0)
        return trouble_set(trouble, ERR_TOO_BIG, NULL, NULL, "%s is too long a path", folder);
    return 0;
}

int last_head_load(const char *folder, struct last_head *head, struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    struct last_head read;
    struct buf text = {0};
    struct span left;
    struct span address = {NULL, 0};
    struct span admin_key = {NULL, 0};
    struct trouble ignored;
    int rc = last_path(folder, path, trouble);

    if (rc == 0)
        rc = file_read(path, &text, trouble);
    if (rc != 0)
        goto out;
    left = buf_span(&text);
    if (!head_parse(&left, LAST_MAGIC, &address, read.key) ||
        address_parse(address, 0, &read.address, &ignored) != 0 ||
        !line_take(&left, "admin_key ", &admin_key) || left.size != 0 ||
        admin_key.size >= sizeof(read.admin_key) ||
        memchr(admin_key.data, '\0', admin_key.size) != NULL) {
        (void)trouble_set(trouble, 0, NULL, NULL, "%s is not what a head wrote", path);
        rc = trouble_mend(trouble, ERR_MALFORMED, "start the head again, or rm %s", path);
        goto out;
    }
    memcpy(read.admin_key, admin_key.data, admin_key.size);
    read.admin_key[admin_key.size] = '\0';
    *head = read;
out:
    buf_fini(&text);
    return rc;
}

int last_head_save(const char *folder, const struct last_head *head, struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    char where[ADDRESS_TEXT];
    struct buf text = {0};
    int rc = last_path(folder, path, trouble);

    if (rc != 0)
        return rc;
    if (strchr(head->admin_key, '\n') != NULL)
        return trouble_set(trouble, ERR_MALFORMED, NULL, NULL, "%s has a line break in its name",
                           head->admin_key);
    address_text(&head->address, where);
    head_print(&text, LAST_MAGIC, where, head->key);
    buf_printf(&text, "admin_key %s\n", head->admin_key);
    rc = fs_write_atomic(path, 0600, text.data, text.size);
    if (rc != 0)
        (void)trouble_set(trouble, rc, NULL, NULL, "cannot write %s: %s", path, strerror(errno));
    buf_fini(&text);
    return rc;
}
