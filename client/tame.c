#include "client/tame.h"

#include <string.h>

#include "common/cursor.h"

/* How many bytes the character at the beginning of a text has; 0 where it is none. */
static size_t character(struct span text)
{
    const unsigned char *at = text.data;
    size_t size = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;

    return size <= text.size && cursor_text_is_utf8(span_of(at, size)) ? size : 0;
}

void tame(struct buf *text, bool lines)
{
    size_t size;

    for (size_t i = 0; i < text->size; i += size) {
        unsigned char *at = (unsigned char *)text->data + i;
        bool kept = lines && (*at == '\n' || *at == '\t');
        bool control = *at < 0x20 || *at == 0x7f;

        size = character(span_of(at, text->size - i));
        /* U+0080 to U+009F: some terminals obey them, too. */
        control |= size == 2 && at[0] == 0xc2 && at[1] < 0xa0;
        if (size == 0) {
            control = true;
            size = 1;
        }
        if (control && !kept)
            memset(at, '?', size);
    }
}
