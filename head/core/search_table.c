#include <string.h>

#include "head/core/search.h"

/* One line to add a searcher. */
static const struct {
    const char *name;
    const struct search_ops *ops;
} rows[] = {
    {"random", &search_random},     {"grid", &search_grid},   {"list", &search_list},
    {"halton", &search_halton},     {"sobol", &search_sobol}, {"tpe", &search_tpe},
    {"external", &search_external},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

const struct search_ops *search_find(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].ops;
    return NULL;
}

const char *const *search_names(size_t *count)
{
    static const char *const names[] = {"random", "grid", "list",    "halton",
                                        "sobol",  "tpe",  "external"};

    _Static_assert(sizeof(names) / sizeof(names[0]) == ROW_COUNT, "a name a row");
    *count = ROW_COUNT;
    return names;
}
