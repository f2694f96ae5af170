/* yaml_style.c - whether a text needs quotes, and which: the rest of yaml_write.h is in
 * yaml_write.c. */
#include <assert.h>
#include <pthread.h>
#include <regex.h>
#include <string.h>

#include "client/yaml_write.h"
#include "common/xalloc.h"

/* Plain scalars that YAML 1.1, which PyYAML reads, takes for something else than a text. */
static const char *const lookalikes[] = {
    "^(yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$",
    "^[-+]?([0-9][0-9_]*)\\.[0-9_]*([eE][-+][0-9]+)?$",
    "^\\.[0-9][0-9_]*([eE][-+][0-9]+)?$",
    "^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\\.[0-9_]*$",
    "^[-+]?\\.(inf|Inf|INF)$",
    "^\\.(nan|NaN|NAN)$",
    "^[-+]?0b[01_]+$",
    "^[-+]?0[0-7_]+$",
    "^[-+]?(0|[1-9][0-9_]*)$",
    "^[-+]?0x[0-9a-fA-F_]+$",
    "^[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+$",
    "^(<<|=|~|null|Null|NULL)$",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\\.[0-9]*)?"
    "([ \t]*(Z|[-+][0-9]{1,2}(:?[0-9]{2})?))?$",
};

#define LOOKALIKES (sizeof(lookalikes) / sizeof(lookalikes[0]))
#define LONGEST    128u /* no lookalike that a result holds is longer; one that is stays a text */

static regex_t compiled[LOOKALIKES];
static pthread_once_t compile_once = PTHREAD_ONCE_INIT;

static void compile(void)
{
    for (size_t i = 0; i < LOOKALIKES; i++) {
        int rc = regcomp(&compiled[i], lookalikes[i], REG_EXTENDED | REG_NOSUB);

        assert(rc == 0);
    }
}

static bool looks_like_else(struct span text)
{
    char copy[LONGEST + 1];

    if (text.size > LONGEST)
        return false;
    (void)pthread_once(&compile_once, compile);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    for (size_t i = 0; i < LOOKALIKES; i++)
        if (regexec(&compiled[i], copy, 0, NULL, 0) == 0)
            return true;
    return false;
}

/* What stands in a text that decides how it can be written. */
struct traits {
    bool indicator;   /* means something to YAML where it stands */
    bool breaks;      /* has a newline */
    bool special;     /* has something that only escapes can write */
    bool edge;        /* begins or ends with a space or newline */
    bool break_space; /* a space right behind a newline */
    bool space_break; /* and the other way round */
};

static bool is_blank(struct span text, size_t at)
{
    const char *bytes = text.data;

    return at >= text.size || strchr(" \t\r\n", bytes[at]) != NULL;
}

static bool is_indicator(struct span text, size_t at)
{
    const char *bytes = text.data;
    char c = bytes[at];

    if (at == 0) {
        if (strchr("#,[]{}&*!|>'\"%@`", c) != NULL)
            return true;
        return strchr("?:-", c) != NULL && is_blank(text, 1);
    }
    if (c == ':')
        return is_blank(text, at + 1);
    return c == '#' && is_blank(text, at - 1);
}

static struct traits traits_of(struct span text)
{
    const char *bytes = text.data;
    struct traits traits = {0};

    if (text.size >= 3 && (memcmp(bytes, "---", 3) == 0 || memcmp(bytes, "...", 3) == 0))
        traits.indicator = true;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool ends = i == 0 || i + 1 == text.size;

        if (c != '\n' && (c < 0x20 || c > 0x7e)) {
            traits.special = true;
            continue;
        }
        traits.indicator |= is_indicator(text, i);
        traits.breaks |= c == '\n';
        traits.edge |= ends && (c == ' ' || c == '\n');
        traits.break_space |= c == ' ' && i > 0 && bytes[i - 1] == '\n';
        traits.space_break |= c == '\n' && i > 0 && bytes[i - 1] == ' ';
    }
    return traits;
}

enum yaml_style yaml_style_of(struct span text, bool key)
{
    struct traits traits = traits_of(text);

    if (traits.special || traits.space_break)
        return YAML_DOUBLE;
    if (text.size > 0 && !traits.edge && !traits.break_space && !traits.breaks &&
        !traits.indicator && !looks_like_else(text))
        return YAML_PLAIN;
    return traits.break_space || (key && traits.breaks) ? YAML_DOUBLE : YAML_SINGLE;
}
