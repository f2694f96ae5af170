#include "client/html.h"

#include <math.h>
#include <time.h>

#include "client/tame.h"
#include "common/tag.h"

void html_text(struct span text, struct buf *out)
{
    struct buf tamed = {0};

    buf_append_span(&tamed, text);
    tame(&tamed, true);
    for (size_t i = 0; i < tamed.size; i++) {
        switch (tamed.data[i]) {
        case '&':
            buf_append_text(out, "&amp;");
            break;
        case '<':
            buf_append_text(out, "&lt;");
            break;
        case '>':
            buf_append_text(out, "&gt;");
            break;
        case '"':
            buf_append_text(out, "&quot;");
            break;
        case '\'':
            buf_append_text(out, "&#39;");
            break;
        default:
            buf_append_char(out, (char)tamed.data[i]);
        }
    }
    buf_fini(&tamed);
}

void html_short(struct span text, size_t most, struct buf *out)
{
    size_t size = tag_cut(text.data, text.size, most);

    html_text(span_of(text.data, size), out);
    if (size < text.size)
        buf_append_text(out, "\xe2\x80\xa6");
}

void html_number(double number, struct buf *out)
{
    if (isnan(number))
        buf_append_text(out, "NaN");
    else if (isinf(number))
        buf_append_text(out, number > 0 ? "\xe2\x88\x9e" : "-\xe2\x88\x9e");
    else
        buf_printf(out, "%.6g", number);
}

void html_time(uint64_t unix_ms, struct buf *out)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm local;
    char text[40];

    if (unix_ms > 0 && localtime_r(&seconds, &local) != NULL &&
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &local) > 0)
        buf_append_text(out, text);
    else
        buf_append_text(out, "-");
}

void html_table_begin(struct buf *out, const char *summary, const char *caption,
                      const char *const *columns)
{
    buf_append_text(out, summary != NULL ? "<details><summary>" : "<details open><summary>");
    html_text(span_text(summary != NULL ? summary : "Table"), out);
    buf_append_text(out, "</summary><div class=\"wide\"><table><caption>");
    html_text(span_text(caption), out);
    buf_append_text(out, "</caption><thead><tr>");
    for (; *columns != NULL; columns++) {
        buf_append_text(out, "<th scope=\"col\">");
        html_text(span_text(*columns), out);
        buf_append_text(out, "</th>");
    }
    buf_append_text(out, "</tr></thead><tbody>");
}

void html_row_begin(struct buf *out)
{
    buf_append_text(out, "\n<tr>");
}

void html_row_end(struct buf *out)
{
    buf_append_text(out, "</tr>");
}

void html_cell_text(struct buf *out, struct span text)
{
    buf_append_text(out, "<td>");
    html_text(text, out);
    buf_append_text(out, "</td>");
}

void html_cell_number(struct buf *out, double number)
{
    buf_append_text(out, "<td class=\"n\">");
    html_number(number, out);
    buf_append_text(out, "</td>");
}

void html_table_end(struct buf *out)
{
    buf_append_text(out, "</tbody></table></div></details>\n");
}
