/* test_matrix [--digests] [CELL] - the same log decides the same, for every searcher with every
 * scheduler.
 *
 * A little cluster runs an experiment of each cell to its end, and what it lived through is decided
 * again (turns.h). --digests prints, in place of that, a line a cell: two programs that were
 * compiled otherwise must print the same. With a CELL, a part of a name, only those. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/matrix/cell.h"
#include "tests/matrix/turns.h"

/* So many rows of a table are told apart. */
#define ROWS_MOST 64u

/* A searcher, or a scheduler, and what its cells came to. */
struct row {
    const void *what;
    const char *name;
    uint32_t cells;
    uint32_t told;
    bool judges;
};

struct matrix {
    bool digests;
    const char *only; /* NULL */
    uint32_t passed;
    uint32_t failed;
    uint64_t turns;
    struct row rows[ROWS_MOST];
    uint32_t row_count;
};

static void fail(struct matrix *matrix, const char *name, const char *why)
{
    (void)printf("%s: %s\n", name, why);
    matrix->failed++;
}

static struct row *row_of(struct matrix *matrix, const void *what, const char *name)
{
    uint32_t i = 0;

    while (i < matrix->row_count && matrix->rows[i].what != what)
        i++;
    if (i == ROWS_MOST) {
        (void)printf("test_matrix: more than %u searchers and schedulers\n", ROWS_MOST);
        exit(1);
    }
    if (i == matrix->row_count)
        matrix->rows[matrix->row_count++] = (struct row){.what = what, .name = name};
    return &matrix->rows[i];
}

/* Whether the two go together. */
static bool is_experiment(struct span text)
{
    struct spec_error wrong;
    struct json_error error;
    struct arena arena = {0};
    struct value value;
    struct spec spec;
    bool is = json_read(text, &arena, &value, &error) == 0 &&
              spec_parse(&value, &arena, &spec, &wrong) == 0;

    arena_fini(&arena);
    return is;
}

static void try_cell(struct matrix *matrix, const struct cell *cell, const char *experiment)
{
    struct row *scheduler = row_of(matrix, cell->type, cell->type->symbol);
    struct turns turns;
    const char *wrong = turns_live(&turns, experiment, 11);

    row_of(matrix, cell->searcher, cell->searcher)->cells++;
    scheduler->cells++;
    matrix->turns += turns.count;
    scheduler->told += turns.told;
    scheduler->judges = cell->type->judges;
    if (wrong == NULL && matrix->digests)
        (void)printf("%-48s %5" PRIu32 " turns  log %08" PRIx32 "  state %016" PRIx64 "\n",
                     cell->name, turns.count, turns.sum, turns.digest);
    else if (wrong == NULL)
        wrong = turns_check(&turns);
    if (wrong != NULL)
        fail(matrix, cell->name, wrong);
    else
        matrix->passed++;
    turns_fini(&turns);
}

static void visit(void *context, const struct cell *cell)
{
    struct matrix *matrix = context;
    struct buf text = {0};

    /* Also those of which no experiment can be made: all_are_tried names them. */
    (void)row_of(matrix, cell->searcher, cell->searcher);
    (void)row_of(matrix, cell->type, cell->type->symbol);
    cell_print(cell, &text);
    if ((matrix->only == NULL || strstr(cell->name, matrix->only) != NULL) &&
        is_experiment(buf_span(&text)))
        try_cell(matrix, cell, buf_text(&text));
    buf_fini(&text);
}

/* A matrix in which nothing is decided would always be the same. */
static void all_are_tried(struct matrix *matrix)
{
    for (uint32_t i = 0; i < matrix->row_count && matrix->only == NULL; i++) {
        const struct row *row = &matrix->rows[i];

        if (row->cells == 0)
            fail(matrix, row->name, "no experiment can be made with it: look at cell.c");
        else if (row->judges && row->told == 0)
            fail(matrix, row->name, "it has told no trial to save, to pause or to stop");
    }
}

int main(int argc, char **argv)
{
    struct matrix matrix = {.digests = argc > 1 && strcmp(argv[1], "--digests") == 0};

    if (argc > 1 + matrix.digests)
        matrix.only = argv[1 + matrix.digests];
    cells_each(visit, &matrix);
    all_are_tried(&matrix);
    if (!matrix.digests)
        (void)printf("sum: %" PRIu32 " pairs of a searcher and a scheduler, %" PRIu64
                     " turns: decided alike by replays, from an image, and anew\n"
                     "%" PRIu32 " passed, %" PRIu32 " failed\n",
                     matrix.passed, matrix.turns, matrix.passed, matrix.failed);
    return matrix.failed == 0 && matrix.passed > 0 ? 0 : 1;
}
