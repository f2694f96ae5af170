/* Where the head is, by which key it is known, and who we are to it. */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "proto/known.h"
#include "worker/settings_inside.h"

#define FIND_MS 2000u

static int trouble_say(const char *what, const struct trouble *trouble, int status)
{
    log_error_for_people(what, trouble->why, trouble_mend_text(trouble));
    return status;
}

/* By a Redis: whoever leads there. It may be away for now; the worker asks until somebody does. */
static int find_by_redis(const char *text, struct settings *settings, bool *last,
                         const struct last_head *head, struct trouble *trouble)
{
    char fingerprint[KEY_FINGERPRINT] = "";
    struct found_head found;

    if (finder_new(text, &settings->finder, trouble) != 0)
        return trouble_say("--address", trouble, EXIT_USAGE);
    if (finder_ask(settings->finder, clock_ms() + FIND_MS, &found) != 0) {
        log_line(LOG_WARNING, "head-away", "%s: %s", finder_cluster(settings->finder),
                 finder_why(settings->finder));
        return 0;
    }
    settings->address = found.address;
    if (head != NULL)
        key_fingerprint(head->key, fingerprint);
    *last = head != NULL && strcmp(found.key, fingerprint) == 0;
    return 0;
}

/* Where the head is. *last: it is the one that this user started last on this machine. */
static int find_address(const struct given *given, struct settings *settings, bool *last,
                        struct last_head *head, struct trouble *trouble)
{
    const char *text = given->address != NULL ? given->address : getenv("ASSAY_ADDRESS");
    int err = last_head_load(NULL, head, trouble);
    bool known = err == 0;

    if (text == NULL || *text == '\0') {
        if (!known && err != ERR_NOT_FOUND)
            return trouble_say("last head", trouble, err == ERR_DENIED ? EXIT_DENIED : EXIT_USAGE);
        if (!known) {
            log_error_for_people("head", "none is named, and none was started here by this user",
                                 "assay worker --address HOST:PORT --token-file FILE");
            return EXIT_NOHEAD;
        }
        settings->address = head->address;
    } else if (finder_is_meant(text)) {
        return find_by_redis(text, settings, last, known ? head : NULL, trouble);
    } else if (address_parse(span_text(text), ADDRESS_PORT, &settings->address, trouble) != 0) {
        return trouble_say("--address", trouble, EXIT_USAGE);
    }
    *last = known && head->address.port == settings->address.port &&
            strcmp(head->address.host, settings->address.host) == 0;
    return 0;
}

static int load_token(const struct given *given, struct settings *settings, struct trouble *trouble)
{
    const char *path = given->token_file != NULL ? given->token_file : getenv("ASSAY_TOKEN_FILE");

    if (path == NULL || *path == '\0')
        return 0;
    if (token_read(path, &settings->token, trouble) != 0)
        return trouble_say("token", trouble, EXIT_USAGE);
    settings->has_token = true;
    return 0;
}

/* The head's key: as it is pinned, as the token says, or as this user's own head left it. */
static int find_head_key(struct settings *settings, bool last, const struct last_head *head,
                         struct trouble *trouble)
{
    int rc = settings->finder != NULL
                 ? known_cluster_load(finder_cluster(settings->finder), settings->head_key, trouble)
                 : known_head_load(&settings->address, settings->head_key, trouble);

    if (rc != 0 && rc != ERR_NOT_FOUND)
        return trouble_say("known head", trouble, EXIT_DENIED);
    settings->may_ask_token = last && !settings->has_token;
    if (last && !settings->has_token) {
        memcpy(settings->head_key, head->key, KEY_BYTES);
        return 0;
    }
    if (rc == ERR_NOT_FOUND && !settings->has_token) {
        log_error_for_people("head", "its key is not known here, so anybody could play it",
                             "assay token create --role worker, there; then here: --token-file F");
        return EXIT_DENIED;
    }
    if (rc == 0 && settings->has_token &&
        memcmp(settings->token.head_key, settings->head_key, KEY_BYTES) != 0) {
        log_error_for_people("token", "it is of another head than the one known at this address",
                             "a token of this head; or remove its file in known_heads, if it "
                             "was made anew");
        return EXIT_DENIED;
    }
    if (settings->has_token)
        memcpy(settings->head_key, settings->token.head_key, KEY_BYTES);
    return 0;
}

static int load_keys(const struct given *given, struct settings *settings, struct trouble *trouble)
{
    char dir[LIMIT_PATH_BYTES];
    int rc;

    if (given->key_file != NULL) {
        rc = key_pair_load(given->key_file, &settings->keys, trouble);
    } else {
        if (fs_join(dir, settings->data_dir, "keys") != 0)
            return settings_wrong("--data-dir", "the path is too long");
        rc = key_pair_load_or_make(dir, "worker.key", &settings->keys, NULL, trouble);
    }
    return rc == 0 ? 0 : trouble_say("worker's key", trouble, EXIT_DENIED);
}

int settings_set_keys(const struct given *given, struct settings *settings)
{
    struct last_head head;
    struct trouble trouble;
    bool last = false;
    int rc;

    key_library_init();
    if (given->head_key != NULL) {
        rc = given->address == NULL || key_parse(span_text(given->head_key), settings->head_key)
                 ? settings_wrong("--head-key", "it takes 64 hex digits, and --address with it")
                 : 0;
        if (rc == 0 && address_parse(span_text(given->address), ADDRESS_PORT, &settings->address,
                                     &trouble) != 0)
            rc = trouble_say("--address", &trouble, EXIT_USAGE);
    } else {
        rc = find_address(given, settings, &last, &head, &trouble);
        if (rc == 0)
            rc = load_token(given, settings, &trouble);
        if (rc == 0)
            rc = find_head_key(settings, last, &head, &trouble);
    }
    if (rc == 0)
        rc = load_keys(given, settings, &trouble);
    return rc;
}
