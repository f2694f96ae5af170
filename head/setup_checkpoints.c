/* The folder of checkpoints at a head's start: whose it is, and that it is there. */
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "head/shell.h"
#include "proto/mark.h"

#define ANOTHER "name another folder with --checkpoints"

static int refuse(const struct head *head, const char *why, const char *mend)
{
    log_error_for_people(head->checkpoint_folder, why, mend);
    return 2;
}

/* 0, or what is wrong with whose it is; *marked: it was this cluster's before. What is in the data
 * directory is this head's, whatever it says. */
static int look_at_mark(const struct head *head, bool *marked)
{
    struct mark mark;
    int err;

    *marked = true;
    if (head->settings.checkpoints == NULL)
        return 0;
    err = mark_read(head->checkpoint_folder, &mark);
    *marked = err == 0;
    if (err == 0 && memcmp(mark.key, head->keys.public_key, KEY_BYTES) != 0)
        return refuse(head, "another cluster keeps its checkpoints there (file `cluster`)",
                      ANOTHER);
    if (err == ERR_MALFORMED)
        return refuse(head, "its file `cluster` does not say whose it is",
                      "remove that file if the folder is this cluster's alone; else " ANOTHER);
    return err == 0 || err == ERR_NOT_FOUND ? 0 : refuse(head, strerror(errno), ANOTHER);
}

int setup_checkpoints(struct head *head)
{
    const struct settings *settings = &head->settings;
    const char *why;
    bool marked;
    int rc;

    if (settings->checkpoints != NULL && strlen(settings->checkpoints) < LIMIT_PATH_BYTES / 2) {
        (void)strcpy(head->checkpoint_folder, settings->checkpoints);
    } else if (settings->checkpoints != NULL ||
               fs_join(head->checkpoint_folder, settings->data_dir, "checkpoints") != 0) {
        log_error_for_people("folder of checkpoints", "its name is too long", ANOTHER);
        return 2;
    }
    if (fs_make_dirs(head->checkpoint_folder, 0700) != 0)
        return refuse(head, strerror(errno), "make room, or " ANOTHER);
    if (settings->checkpoints != NULL && !fs_is_private(head->checkpoint_folder, &why))
        return refuse(head, why, "chmod 700 it, and own it; or " ANOTHER);
    rc = look_at_mark(head, &marked);
    if (rc != 0)
        return rc;
    head->checkpoints = checkpoint_store_open(head->checkpoint_folder);
    return head->checkpoints != NULL ? 0 : refuse(head, strerror(errno), "make room, or " ANOTHER);
}

int setup_checkpoints_mark(struct head *head)
{
    struct mark mark = {.epoch = journal_epoch(head->journal)};
    bool marked;
    int rc = look_at_mark(head, &marked);

    if (rc != 0)
        return rc;
    /* Most likely it is to be mounted there: to begin with nothing would be to give all of them
     * up. */
    if (!marked && checkpoint_store_kept(head->checkpoints) > 0)
        return refuse(head, "it has never been this cluster's, which keeps checkpoints elsewhere",
                      "mount it, or copy all of checkpoints/ in --data-dir into it, then start "
                      "again");
    memcpy(mark.key, head->keys.public_key, KEY_BYTES);
    return mark_write(head->checkpoint_folder, &mark) == 0
               ? 0
               : refuse(head, strerror(errno), "make room, or " ANOTHER);
}
