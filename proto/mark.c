#include "proto/mark.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"

#define MARK_BYTES 128u

/* KEY EPOCH and the end of the line. */
static int parse(struct buf *text, struct mark *out)
{
    const char *line = buf_text(text);
    char *end;

    if (text->size < KEY_TEXT || line[KEY_TEXT - 1] != ' ' || line[KEY_TEXT] < '0' ||
        line[KEY_TEXT] > '9' || key_parse(span_of(line, KEY_TEXT - 1), out->key) != 0)
        return ERR_MALFORMED;
    errno = 0;
    out->epoch = strtoull(line + KEY_TEXT, &end, 10);
    return errno == 0 && *end == '\n' ? 0 : ERR_MALFORMED;
}

int mark_read(const char *folder, struct mark *out)
{
    char path[LIMIT_PATH_BYTES];
    struct buf text = {0};
    int err = fs_join(path, folder, "cluster");

    if (err == 0)
        err = fs_read(path, MARK_BYTES, &text);
    if (err == ERR_TOO_BIG)
        err = ERR_MALFORMED;
    if (err == 0)
        err = parse(&text, out);
    buf_fini(&text);
    return err;
}

int mark_write(const char *folder, const struct mark *mark)
{
    char path[LIMIT_PATH_BYTES];
    char key[KEY_TEXT];
    char text[MARK_BYTES];
    int err = fs_join(path, folder, "cluster");

    if (err != 0)
        return err;
    key_text(mark->key, key);
    (void)snprintf(text, sizeof(text), "%s %" PRIu64 "\n", key, mark->epoch);
    return fs_write_atomic(path, 0600, text, strlen(text));
}
