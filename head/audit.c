#include "head/audit.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/xalloc.h"

#define LINES_A_SECOND 50u
#define LINE_BYTES     1024u

struct audit {
    int fd;
    uint64_t second;  /* of clock_ms */
    uint32_t lines;   /* in it */
    uint32_t skipped; /* since the last line written */
};

struct audit *audit_open(const char *data_dir)
{
    char path[LIMIT_PATH_BYTES];
    struct audit *audit;
    int fd;

    if (fs_join(path, data_dir, "audit.log") != 0)
        return NULL;
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return NULL;
    audit = xcalloc(1, sizeof(*audit));
    audit->fd = fd;
    return audit;
}

void audit_close(struct audit *audit)
{
    if (audit == NULL)
        return;
    (void)close(audit->fd);
    free(audit);
}

void audit_line(struct audit *audit, const char *word, const char *format, ...)
{
    time_t now = (time_t)(clock_unix_ms() / 1000);
    uint64_t second = clock_ms() / 1000;
    struct buf line;
    struct tm utc;
    char stamp[32];
    va_list args;

    if (second != audit->second) {
        audit->second = second;
        audit->lines = 0;
    }
    if (audit->lines++ >= LINES_A_SECOND) {
        audit->skipped++;
        return;
    }
    buf_init(&line);
    (void)gmtime_r(&now, &utc);
    (void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
    buf_printf(&line, "%s %s ", stamp, word);
    va_start(args, format);
    buf_vprintf(&line, format, args);
    va_end(args);
    if (line.size > LINE_BYTES)
        line.size = LINE_BYTES;
    /* What a peer said of itself is in here: it may not make a line of its own. */
    for (size_t i = 0; i < line.size; i++)
        if (line.data[i] < 0x20 || line.data[i] == 0x7f)
            line.data[i] = '?';
    if (audit->skipped > 0)
        buf_printf(&line, " (and %u more lines)", audit->skipped);
    audit->skipped = 0;
    buf_append_char(&line, '\n');
    if (fs_write_all(audit->fd, line.data, line.size) != 0)
        log_line(LOG_ERROR, "audit-write", "cannot write the audit log: %s", buf_text(&line));
    buf_fini(&line);
}
