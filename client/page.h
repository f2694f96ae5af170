/* page.h - the page of `assay export --html`: one file that needs nothing else. Each part of it is
 * a file page_*.c; page.c puts them together.
 *
 * A page stays at a few megabytes however many trials there are: each chart draws at most as many
 * of them as stands here, the best always among them, and says so where it leaves some out. */
#ifndef CLIENT_PAGE_H
#define CLIENT_PAGE_H

#include "client/export.h"
#include "client/params.h"
#include "common/spec.h"

#define PAGE_POINTS     2000u /* of the history of the search */
#define PAGE_CURVES     100u  /* learning curves */
#define PAGE_CURVE_MOST 120u  /* points of one */
#define PAGE_LINES      400u  /* of parallel coordinates */
#define PAGE_AXES       9u    /* parameters of them */
#define PAGE_SLICE      500u  /* points of a slice */
#define PAGE_SLICES     24u   /* parameters */
#define PAGE_ROWS       500u  /* of the table of trials */
#define PAGE_COLUMNS    20u   /* parameters in it */
#define PAGE_FOREST     500u  /* trials that importance is told from */

struct page {
    const struct export *of;
    const struct msg_experiment_row *experiment;
    struct arena *arena;
    struct buf *out;
    bool has_spec; /* spec is what was asked for */
    struct spec spec;
    const char *metric;
    bool least; /* the metric's best value is the least */
    const char *time_attr;
    struct params params; /* the most important first, once that is known */
    uint32_t *ranked;     /* rows with a finite best value: their places, the best first */
    uint32_t ranked_count;
    uint32_t forest_rows; /* trials that importance was told from; 0: it was not */
    double explained;     /* by the forest, of trials it has not seen */
};

/* A row by its rank. */
const struct msg_trial_row *page_ranked(const struct page *page, uint32_t rank);

/* At most `most` ranks, in arena, rising: the best quarter of them, and of the others every so
 * many. */
uint32_t *page_choose(const struct page *page, uint32_t most, uint32_t *count);

/* "Best 500 of 9,000 trials": what a chart leaves out; nothing where it draws all. */
void page_say_chosen(const struct page *page, uint32_t drawn, const char *things);

/* A range for the metric's best values, as plot_fit has it; false where there are none. */
struct plot_fit;
bool page_fit(const struct page *page, struct plot_fit *out);

/* The metric as an axis is called: "loss, less is better". */
const char *page_metric_name(const struct page *page);

/* The beginning of a part: its heading, which may be linked to. */
void page_section(const struct page *page, const char *id, const char *heading);

/* A sentence between tags of a paragraph. */
void page_say(const struct page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* In page_style.c: everything before and behind the parts, the colours and the script. */
void page_open(struct page *page);
void page_close(struct page *page);

/* In the file of each. page_learn tells the importance, and sorts the parameters by it. */
void page_learn(struct page *page);
void page_head(struct page *page);
void page_again(struct page *page);
void page_history(struct page *page);
int page_curves(struct page *page);
void page_rungs(struct page *page);
void page_importance(struct page *page);
void page_parallel(struct page *page);
void page_slices(struct page *page);
void page_trials(struct page *page);

#endif
