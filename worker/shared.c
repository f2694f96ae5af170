#include "worker/shared.h"

#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "proto/mark.h"
#include "worker/daemon.h"

#define AGAIN_MS 10000u /* between two looks at one that is not the head's */

static const char *why_not(const char *folder, const char *heads, const uint8_t key[KEY_BYTES],
                           uint64_t epoch)
{
    struct mark mark;
    const char *why;
    int err;

    if (*heads == '\0')
        return "the head has not said which folder is its own";
    if (!fs_is_private(folder, &why))
        return why;
    err = mark_read(folder, &mark);
    if (err == ERR_NOT_FOUND)
        return "no file `cluster` is in it";
    if (err != 0)
        return "its file `cluster` cannot be read";
    if (memcmp(mark.key, key, KEY_BYTES) != 0)
        return "it is another cluster's";
    return mark.epoch != epoch ? "it is a copy, or one that the head has left" : NULL;
}

bool shared_is_heads(const char *folder, const char *heads, const uint8_t key[KEY_BYTES],
                     uint64_t epoch, struct trouble *trouble)
{
    const char *why = why_not(folder, heads, key, epoch);

    if (why == NULL)
        return true;
    (void)trouble_set(trouble, ERR_DENIED, NULL,
                      "mount the head's folder there, closed to others, or end the worker's "
                      "--checkpoints",
                      "%s is not the head's folder of checkpoints, %s: %s", folder,
                      *heads != '\0' ? heads : "?", why);
    return false;
}

static void look(struct daemon *daemon)
{
    const struct settings *settings = daemon->settings;
    struct trouble trouble;
    bool was = daemon->shares;

    daemon->shared_ms = daemon->now_ms + AGAIN_MS;
    daemon->shares = shared_is_heads(settings->checkpoints, link_head_checkpoints(daemon->link),
                                     settings->head_key, link_head_epoch(daemon->link), &trouble);
    executors_share(daemon->executors, daemon->shares ? settings->checkpoints : NULL);
    if (daemon->shares && !was)
        log_line(LOG_INFO, "checkpoints", "%s is the head's folder: none are sent",
                 settings->checkpoints);
    else if (!daemon->shares && !daemon->shared_said)
        log_line(LOG_WARNING, "checkpoints", "%s; they are sent; try: %s", trouble.why,
                 trouble.mend);
    daemon->shared_said = !daemon->shares;
}

void shared_open(struct daemon *daemon)
{
    daemon->shared_said = false;
    if (daemon->settings->checkpoints != NULL)
        look(daemon);
}

void shared_turn(struct daemon *daemon)
{
    if (daemon->now_ms >= shared_next_ms(daemon))
        look(daemon);
}

uint64_t shared_next_ms(const struct daemon *daemon)
{
    return daemon->settings->checkpoints != NULL && !daemon->shares ? daemon->shared_ms
                                                                    : UINT64_MAX;
}
