#include "common/redis/info.h"

#include <stdlib.h>
#include <string.h>

struct span info_value(const char *info, const char *name)
{
    size_t size = strlen(name);

    for (const char *line = info; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, size) == 0 && line[size] == ':') {
            line += size + 1;
            return span_of(line, strcspn(line, "\r\n"));
        }
    }
    return (struct span){0};
}

uint64_t info_number(const char *info, const char *name)
{
    struct span value = info_value(info, name);

    return value.size > 0 ? strtoull(value.data, NULL, 10) : 0;
}
