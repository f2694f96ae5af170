/* preview_page.h - all that `assay preview` tells of one experiment, and the two ways of telling
 * it: for people in preview_text.c, for programs in preview_json.c. */
#ifndef CLIENT_PREVIEW_PAGE_H
#define CLIENT_PREVIEW_PAGE_H

#include "client/code_tree.h"
#include "head/core/preview.h"

struct preview_page {
    struct preview *preview; /* owned */
    struct forecast forecast;
    struct code_tree code; /* owned; empty: nothing is shipped */
    uint64_t code_packed;  /* bytes */
    bool stays;            /* `assay run` uses it where it is: nothing is shipped on this machine */
};

/* As many of its trials as most says. everything: what is shown in part otherwise, too. */
void preview_text(const struct preview_page *page, uint32_t most, bool everything,
                  struct arena *arena);

/* A JSON object, with nothing behind it. */
void preview_json(const struct preview_page *page, uint32_t most, struct arena *arena);

#endif
