#include "head/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/xalloc.h"

#define LINE_BYTES  1024u
#define EQUAL_MOST  20u    /* of one line, in the window */
#define EQUAL_MS    60000u /* the window */
#define LINES       64u    /* that are remembered, to know them again */
#define WORDS       16u
#define BURST       200u
#define REFILL_MS   500u /* for one line more */
#define COMPLAIN_MS 60000u

/* A line that was said lately. */
struct said {
    char *text; /* owned; word and what follows, no time; NULL: the place is free */
    const char *word;
    uint64_t since_ms;
    uint32_t count;
};

/* How many lines of a word may be written now. */
struct allowance {
    const char *word; /* constant; NULL: the place is free */
    uint64_t filled_ms;
    uint32_t lines;
    uint32_t skipped; /* since the last one written */
};

struct audit {
    char path[LIMIT_PATH_BYTES];
    int fd; /* -1: it could not be begun anew */
    uint64_t bytes;
    uint64_t limit_bytes;
    uint64_t complained_ms; /* 0: never */
    struct said said[LINES];
    struct allowance allowances[WORDS];
};

static int begin(struct audit *audit)
{
    struct stat st;

    audit->fd = open(audit->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (audit->fd < 0 || fstat(audit->fd, &st) != 0)
        return -1;
    audit->bytes = (uint64_t)st.st_size;
    return 0;
}

struct audit *audit_open(const char *data_dir, uint64_t limit_bytes)
{
    struct audit *audit = xcalloc(1, sizeof(*audit));

    audit->fd = -1;
    audit->limit_bytes = limit_bytes;
    if (fs_join(audit->path, data_dir, "audit.log") == 0 && begin(audit) == 0)
        return audit;
    if (audit->fd >= 0)
        (void)close(audit->fd);
    free(audit);
    return NULL;
}

static void complain(struct audit *audit, uint64_t now_ms)
{
    if (audit->complained_ms != 0 && now_ms - audit->complained_ms < COMPLAIN_MS)
        return;
    audit->complained_ms = now_ms;
    log_line(LOG_ERROR, "audit-write", "cannot write %s: %s", audit->path, strerror(errno));
}

/* audit.log becomes .1, .1 becomes .2, and the oldest is gone. */
static void rotate(struct audit *audit)
{
    struct buf from;
    struct buf to;

    buf_init(&from);
    buf_init(&to);
    for (unsigned i = LIMIT_AUDIT_FILES; i > 0; i--) {
        buf_reset(&from);
        buf_reset(&to);
        if (i > 1)
            buf_printf(&from, "%s.%u", audit->path, i - 1);
        else
            buf_printf(&from, "%s", audit->path);
        buf_printf(&to, "%s.%u", audit->path, i);
        (void)rename(buf_text(&from), buf_text(&to)); /* there need not be so many yet */
    }
    buf_fini(&from);
    buf_fini(&to);
    (void)close(audit->fd);
    audit->fd = -1;
}

/* text: word and what follows. */
static void write_line(struct audit *audit, const char *text, uint64_t now_ms)
{
    time_t now = (time_t)(clock_unix_ms() / 1000);
    struct buf line;
    struct tm utc;
    char stamp[32];

    buf_init(&line);
    (void)gmtime_r(&now, &utc);
    (void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
    buf_printf(&line, "%s %s\n", stamp, text);
    if (audit->fd >= 0 && audit->bytes > 0 && audit->bytes + line.size > audit->limit_bytes)
        rotate(audit);
    if ((audit->fd < 0 && begin(audit) != 0) || fs_write_all(audit->fd, line.data, line.size) != 0)
        complain(audit, now_ms);
    else
        audit->bytes += line.size;
    buf_fini(&line);
}

/* Whether a line of this word may be written; *skipped: how many before it could not. */
static bool allow(struct audit *audit, const char *word, uint64_t now_ms, uint32_t *skipped)
{
    struct allowance *allowance = &audit->allowances[0];
    uint64_t refill;

    /* Words are few; those beyond the last share its place. */
    for (uint32_t i = 0; i < WORDS; i++) {
        allowance = &audit->allowances[i];
        if (allowance->word == NULL || strcmp(allowance->word, word) == 0)
            break;
    }
    if (allowance->word == NULL)
        *allowance = (struct allowance){.word = word, .filled_ms = now_ms, .lines = BURST};
    refill = now_ms > allowance->filled_ms ? (now_ms - allowance->filled_ms) / REFILL_MS : 0;
    allowance->filled_ms += refill * REFILL_MS;
    refill += allowance->lines;
    allowance->lines = refill < BURST ? (uint32_t)refill : BURST;
    if (allowance->lines == 0) {
        allowance->skipped++;
        return false;
    }
    allowance->lines--;
    *skipped = allowance->skipped;
    allowance->skipped = 0;
    return true;
}

/* A line, unless there were too many of its word. */
static void put_line(struct audit *audit, const char *word, struct buf *line, uint64_t now_ms)
{
    uint32_t skipped;

    if (!allow(audit, word, now_ms, &skipped))
        return;
    if (skipped > 0)
        buf_printf(line, " (and %u more lines)", skipped);
    write_line(audit, buf_text(line), now_ms);
}

/* Its time is over: say how often it was said beyond what was written. In time this is always said,
 * of LINES lines at most; to make place only where a line may be. */
static void said_end(struct audit *audit, struct said *said, bool in_time, uint64_t now_ms)
{
    struct buf line;

    if (said->count > EQUAL_MOST) {
        buf_init(&line);
        buf_printf(&line, "%s (repeated %u times)", said->text, said->count - EQUAL_MOST);
        if (in_time)
            write_line(audit, buf_text(&line), now_ms);
        else
            put_line(audit, said->word, &line, now_ms);
        buf_fini(&line);
    }
    free(said->text);
    *said = (struct said){0};
}

/* How often a line was said in its window, this time included. */
static uint32_t say_again(struct audit *audit, const char *word, const char *text, uint64_t now_ms)
{
    struct said *place = &audit->said[0];

    for (uint32_t i = 0; i < LINES; i++) {
        struct said *said = &audit->said[i];

        if (said->text != NULL && strcmp(said->text, text) == 0) {
            if (now_ms < said->since_ms + EQUAL_MS)
                return said->count < UINT32_MAX ? ++said->count : said->count;
            place = said;
            break;
        }
        /* The first free one, or else what was said least often: the loudest stay known. */
        if (place->text != NULL && (said->text == NULL || said->count < place->count))
            place = said;
    }
    said_end(audit, place, false, now_ms);
    *place = (struct said){
        .text = xstrndup(text, strlen(text)), .word = word, .since_ms = now_ms, .count = 1};
    return 1;
}

void audit_line(struct audit *audit, const char *word, const char *format, ...)
{
    uint64_t now_ms = clock_ms();
    struct buf line;
    va_list args;

    buf_init(&line);
    buf_printf(&line, "%s ", word);
    va_start(args, format);
    buf_vprintf(&line, format, args);
    va_end(args);
    if (line.size > LINE_BYTES)
        line.size = LINE_BYTES;
    /* What a peer said of itself is in here: it may not make a line of its own. */
    for (size_t i = 0; i < line.size; i++)
        if (line.data[i] < 0x20 || line.data[i] == 0x7f)
            line.data[i] = '?';
    if (say_again(audit, word, buf_text(&line), now_ms) <= EQUAL_MOST)
        put_line(audit, word, &line, now_ms);
    buf_fini(&line);
}

void audit_tend(struct audit *audit, uint64_t now_ms)
{
    for (uint32_t i = 0; i < LINES; i++)
        if (audit->said[i].text != NULL && now_ms >= audit->said[i].since_ms + EQUAL_MS)
            said_end(audit, &audit->said[i], true, now_ms);
}

void audit_close(struct audit *audit)
{
    if (audit == NULL)
        return;
    for (uint32_t i = 0; i < LINES; i++)
        said_end(audit, &audit->said[i], true, clock_ms());
    if (audit->fd >= 0)
        (void)close(audit->fd);
    free(audit);
}
