#include "common/sys/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cursor.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"

#define LINE_BYTES 4096u /* a longer line is cut; up to PIPE_BUF two writers do not mix */

static atomic_int lowest = LOG_INFO;
static atomic_int lowest_before = LOG_INFO; /* what a second toggle goes back to */

void log_set_level(enum log_level level)
{
    atomic_store(&lowest, (int)level);
}

void log_toggle_debug(void)
{
    if (atomic_load(&lowest) == LOG_DEBUG) {
        atomic_store(&lowest, atomic_load(&lowest_before));
    } else {
        atomic_store(&lowest_before, atomic_load(&lowest));
        atomic_store(&lowest, LOG_DEBUG);
    }
}

static size_t put_time(char *out, size_t room)
{
    uint64_t now_ms = clock_unix_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    size_t size;

    if (gmtime_r(&seconds, &utc) == NULL)
        return 0;
    size = strftime(out, room, "%Y-%m-%dT%H:%M:%S", &utc);
    return size + (size_t)snprintf(out + size, room - size, ".%03uZ", (unsigned)(now_ms % 1000));
}

/* snprintf's answer as what is really in out. */
static size_t in_room(int size, size_t room)
{
    return size < 0 ? 0 : (size_t)size < room ? (size_t)size : room - 1;
}

/* Bytes of the printable character at text, which begins above ASCII; 0 where it is none: no UTF-8,
 * or one of the control characters U+0080 to U+009F. */
static size_t character_size(const char *text, size_t left)
{
    for (size_t size = 2; size <= 4 && size <= left; size++)
        if (cursor_text_is_utf8(span_of(text, size)))
            return size > 2 || text[0] != '\xc2' || (unsigned char)text[1] >= 0xa0 ? size : 0;
    return 0;
}

/* What came from outside cannot make a second line, or speak to a terminal. */
static void tame(char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)text[i];
        size_t passed = c < 0x80 ? c >= 0x20 && c != 0x7f : character_size(text + i, size - i);

        if (passed == 0)
            text[i] = '?';
        i += passed > 0 ? passed : 1;
    }
}

void log_line(enum log_level level, const char *code, const char *format, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    char line[LINE_BYTES];
    size_t room = sizeof(line) - 1; /* the newline's place is kept */
    size_t size;
    va_list args;

    if ((int)level < atomic_load(&lowest))
        return;
    size = put_time(line, room);
    size +=
        in_room(snprintf(line + size, room - size, " %s %s: ", names[level], code), room - size);
    va_start(args, format);
    size += in_room(vsnprintf(line + size, room - size, format, args), room - size);
    va_end(args);
    tame(line, size);
    line[size++] = '\n';
    (void)fs_write_all(STDERR_FILENO, line, size); /* where would one say that it failed? */
}

void log_error_for_people(const char *what, const char *why, const char *mend)
{
    struct buf text = {0};
    size_t second;

    buf_printf(&text, "assay: %s: %s", what, why);
    tame((char *)text.data, text.size);
    buf_append_char(&text, '\n');
    second = text.size;
    buf_printf(&text, "  try: %s", mend != NULL ? mend : "again with -v, which says more");
    tame((char *)text.data + second, text.size - second);
    buf_append_char(&text, '\n');
    (void)fs_write_all(STDERR_FILENO, text.data, text.size);
    buf_fini(&text);
}
