/* spec_space.c - what a search asks of its space. */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/spec_read.h"

int spec_refuse_space(struct spec_reader *reader, const struct space_error *error)
{
    reader->path_size = 0;
    (void)spec_enter(reader, error->path);
    return spec_refuse(reader, error->mend, "%s", error->what);
}

/* Sequences have only so many dimensions, and a domain takes one. */
static int check_dimensions(struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;
    struct space_error error = {0};
    const struct member **markers;
    uint32_t count;

    if (space_markers(&spec->config, "config", LIMIT_DIMENSIONS, reader->arena, &markers, &count,
                      &error) == 0)
        return 0;
    (void)snprintf(error.what, sizeof(error.what),
                   "%s has %u dimensions, and this domain would be one more", spec->search.type,
                   LIMIT_DIMENSIONS);
    (void)snprintf(error.mend, sizeof(error.mend), "use search: random, or choose less");
    return spec_refuse_space(reader, &error);
}

int spec_finish_space(struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;
    bool sequence =
        strcmp(spec->search.type, "halton") == 0 || strcmp(spec->search.type, "sobol") == 0;

    return sequence ? check_dimensions(reader) : 0;
}
