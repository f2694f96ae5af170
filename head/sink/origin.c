#include "head/sink/origin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"

#define NAME ".origin"

int origin_make(const char *folder, char out[ORIGIN_BYTES])
{
    char path[LIMIT_PATH_BYTES];
    char text[ORIGIN_BYTES];
    uint8_t random[(ORIGIN_BYTES - 1) / 2];
    int err;
    int fd;

    if (fs_join(path, folder, NAME) != 0) {
        errno = ENAMETOOLONG;
        return ERR_IO;
    }
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return ERR_IO;
    for (size_t i = 0; i < sizeof(random); i++)
        (void)snprintf(text + 2 * i, 3, "%02x", random[i]);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return ERR_IO;
    err = fs_write_all(fd, text, strlen(text));
    fs_close(fd);
    if (err == 0)
        memcpy(out, text, sizeof(text));
    return err == 0 ? 0 : ERR_IO;
}

bool origin_is(const char *folder, const char *origin)
{
    char path[LIMIT_PATH_BYTES];
    struct buf text = {0};
    bool same;

    if (origin[0] == '\0')
        return true;
    same = fs_join(path, folder, NAME) == 0 && fs_read(path, ORIGIN_BYTES, &text) == 0 &&
           span_is(buf_span(&text), origin);
    buf_fini(&text);
    return same;
}
