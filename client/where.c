#include "client/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/say.h"
#include "common/err.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"
#include "proto/known.h"

#define FIND_MS 5000u

/* What a head of this machine may be called. */
static bool is_here(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1", "0.0.0.0"};
    char own[ADDRESS_HOST] = "";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(host, names[i]) == 0)
            return true;
    return gethostname(own, sizeof(own) - 1) == 0 && strcasecmp(own, host) == 0;
}

static bool same_head(const struct address *a, const struct address *b)
{
    return a->port == b->port &&
           (strcmp(a->host, b->host) == 0 || (is_here(a->host) && is_here(b->host)));
}

/* What a head left here that cannot be read is no head that was never started. */
static int say_no_last(int err, const struct trouble *trouble)
{
    if (err != ERR_NOT_FOUND)
        return say_trouble(err == ERR_DENIED ? EXIT_DENIED : EXIT_USAGE, "last head", trouble);
    return say(EXIT_NO_HEAD, "no head", "assay head, or --address HOST:PORT",
               "this user has started none here, and no --address says where one is");
}

static int use_last(const struct last_head *last, struct where *out)
{
    struct trouble trouble;

    if (key_pair_load(last->admin_key, &out->keys, &trouble) != 0)
        return say_trouble(EXIT_DENIED, "this head's admin key", &trouble);
    memcpy(out->head_key, last->key, KEY_BYTES);
    out->local = true;
    return 0;
}

/* A private head, by its data directory: for whoever may read the key there. */
static int use_folder(const char *folder, struct where *out)
{
    struct last_head last;
    struct trouble trouble;
    int err = last_head_load(folder, &last, &trouble);

    if (err == ERR_NOT_FOUND)
        return say(EXIT_NO_HEAD, folder, "the folder that assay run names, while it runs",
                   "no private head's folder");
    if (err != 0)
        return say_trouble(err == ERR_DENIED ? EXIT_DENIED : EXIT_USAGE, "private head", &trouble);
    out->address = last.address;
    return use_last(&last, out);
}

static int read_token(const char *token_file, struct where *out)
{
    struct trouble trouble;

    if (token_file == NULL)
        token_file = getenv("ASSAY_TOKEN_FILE");
    if (token_file == NULL || token_file[0] == '\0')
        return 0;
    if (token_read(token_file, &out->token, &trouble) != 0)
        return say_trouble(EXIT_USAGE, "token", &trouble);
    out->has_token = true;
    return 0;
}

/* The head's key: pinned once, from a token. */
static int find_head_key(struct where *out)
{
    char text[WHERE_TEXT];
    struct trouble trouble;
    int err;

    err = out->finder != NULL
              ? known_cluster_load(finder_cluster(out->finder), out->head_key, &trouble)
              : known_head_load(&out->address, out->head_key, &trouble);
    where_text(out, text, sizeof(text));
    if (err == ERR_NOT_FOUND && out->has_token) {
        memcpy(out->head_key, out->token.head_key, KEY_BYTES);
        return 0;
    }
    if (err == ERR_NOT_FOUND)
        return say(EXIT_DENIED, text,
                   "there: assay token create --role submit > submit.token; here: --token-file "
                   "submit.token",
                   "this machine has never joined that head");
    if (err != 0)
        return say_trouble(EXIT_DENIED, "known heads", &trouble);
    if (out->has_token && memcmp(out->head_key, out->token.head_key, KEY_BYTES) != 0)
        return say(EXIT_DENIED, text,
                   "if that head was set up anew, remove its file in ASSAY_HOME/known_heads",
                   "the token is for a head with another key than the one that is known there");
    return 0;
}

static int own_keys(struct where *out)
{
    char dir[LIMIT_PATH_BYTES];
    const char *home = home_dir();
    struct trouble trouble;

    if (home == NULL || fs_join(dir, home, "keys") != 0)
        return say_errno(EXIT_USAGE, home_name(), HOME_MEND);
    if (key_pair_load_or_make(dir, "client.key", &out->keys, NULL, &trouble) != 0)
        return say_trouble(EXIT_DENIED, "this user's key", &trouble);
    return 0;
}

/* The head that leads where a Redis says so. *own: it is of the cluster of this user's own head. */
static int find_by_redis(const char *text, const struct last_head *last, struct where *out,
                         bool *own)
{
    char fingerprint[KEY_FINGERPRINT];
    struct trouble trouble;
    struct found_head found;

    if (finder_new(text, &out->finder, &trouble) != 0)
        return say_trouble(EXIT_USAGE, "--address", &trouble);
    if (finder_ask(out->finder, clock_ms() + FIND_MS, &found) != 0)
        return say(EXIT_NO_HEAD, finder_cluster(out->finder),
                   "see whether that Redis runs, and whether a head leads there", "%s",
                   finder_why(out->finder));
    out->address = found.address;
    if (last != NULL)
        key_fingerprint(last->key, fingerprint);
    *own = last != NULL && strcmp(found.key, fingerprint) == 0;
    return 0;
}

static int find(const char *address, const char *token_file, bool quiet, struct where *out)
{
    struct last_head last;
    struct trouble trouble;
    int last_err = last_head_load(NULL, &last, &trouble);
    bool own = false;
    int rc = 0;

    if (address == NULL)
        address = getenv("ASSAY_ADDRESS");
    if (address == NULL || address[0] == '\0') {
        if (last_err != 0)
            return quiet && last_err == ERR_NOT_FOUND ? EXIT_NO_HEAD
                                                      : say_no_last(last_err, &trouble);
        out->address = last.address;
        return use_last(&last, out);
    }
    if (!finder_is_meant(address) && strchr(address, '/') != NULL)
        return use_folder(address, out);
    if (finder_is_meant(address))
        rc = find_by_redis(address, last_err == 0 ? &last : NULL, out, &own);
    else if (address_parse(span_text(address), ADDRESS_PORT, &out->address, &trouble) != 0)
        return say_trouble(EXIT_USAGE, "--address", &trouble);
    else
        own = last_err == 0 && same_head(&last.address, &out->address);
    if (rc == 0)
        rc = read_token(token_file, out);
    if (rc != 0)
        return rc;
    if (!out->has_token && own)
        return use_last(&last, out);
    rc = find_head_key(out);
    return rc != 0 ? rc : own_keys(out);
}

int where_find(const char *address, const char *token_file, bool quiet, struct where *out)
{
    struct where where;
    int rc;

    memset(&where, 0, sizeof(where));
    rc = find(address, token_file, quiet, &where);
    if (rc != 0) {
        where_fini(&where);
        return rc;
    }
    *out = where;
    return 0;
}

int where_of_private(const char *address, const char *key, const char *key_file, struct where *out)
{
    struct where where;
    struct trouble trouble;
    int err;

    memset(&where, 0, sizeof(where));
    where.local = true;
    err = address_parse(span_text(address), 0, &where.address, &trouble);
    if (err == 0)
        err = key_pair_load(key_file, &where.keys, &trouble);
    if (err == 0 && key_parse(span_text(key), where.head_key) != 0)
        err = trouble_set(&trouble, ERR_MALFORMED, NULL, NULL, "%s is no key", key);
    if (err != 0) {
        where_fini(&where);
        return say_trouble(EXIT_OURS, "the private head", &trouble);
    }
    *out = where;
    return 0;
}

int where_again(struct where *where, uint32_t within_ms)
{
    struct found_head found;
    int err;

    if (where->finder == NULL)
        return 0;
    err = finder_ask(where->finder, clock_ms() + within_ms, &found);
    if (err == 0)
        where->address = found.address;
    return err;
}

void where_text(const struct where *where, char *out, size_t size)
{
    char text[ADDRESS_TEXT];

    if (where->finder == NULL)
        address_text(&where->address, text);
    (void)snprintf(out, size, "%s", where->finder != NULL ? finder_cluster(where->finder) : text);
}

int where_pin(const struct where *where, struct trouble *trouble)
{
    if (where->finder != NULL)
        return known_cluster_pin(finder_cluster(where->finder), where->head_key, trouble);
    return known_head_pin(&where->address, where->head_key, trouble);
}

void where_fini(struct where *where)
{
    finder_free(where->finder);
    where->finder = NULL;
    key_pair_fini(&where->keys);
    if (where->has_token)
        token_fini(&where->token);
    where->has_token = false;
}
