/* An image at a start: core, rows and files as they were. */
#include "common/err.h"
#include "common/pack.h"
#include "common/sys/log.h"
#include "head/imager.h"
#include "head/imager_inside.h"
#include "head/sink/writer.h"
#include "head/store/images.h"
#include "head/store/rows.h"

struct parts {
    struct buf bytes; /* owned; what the others borrow from */
    struct span core;
    struct span view;
    struct span files;
    struct cursor rows; /* three numbers each */
    uint32_t row_count;
};

/* What of it could not be loaded. */
static int bad_part(const struct imager_start *start, int err, const char *part,
                    struct trouble *trouble)
{
    char id[LOG_ID_BYTES];

    (void)log_id_print(start->id, id);
    return trouble_set(trouble, err, "image of the log",
                       err == ERR_VERSION ? "go on with the version of Assay that wrote it"
                                          : "restore the data of this Redis from a backup",
                       "image %s: %s: %s", id, part,
                       err == ERR_VERSION ? "it was written by another version" : err_text(err));
}

static int cut_up(struct parts *parts, struct imager_start *out, struct trouble *trouble)
{
    struct cursor cursor;
    uint32_t count;

    cursor_init(&cursor, buf_span(&parts->bytes));
    if (!cursor_list(&cursor, &count) || (count != IMAGER_PARTS && count != IMAGER_PARTS_1) ||
        !cursor_uint(&cursor, &out->number) || !cursor_uint(&cursor, &out->now_ms) ||
        !cursor_bytes(&cursor, &parts->core) || !cursor_bytes(&cursor, &parts->view) ||
        !cursor_bytes(&cursor, &parts->files) ||
        (count == IMAGER_PARTS &&
         (!cursor_list(&cursor, &parts->row_count) || parts->row_count % 3 != 0)))
        return bad_part(out, ERR_MALFORMED, "its list of parts", trouble);
    parts->rows = cursor;
    return 0;
}

static int read_parts(const struct imager_load *load, struct store *store, struct parts *parts,
                      struct imager_start *out, struct trouble *trouble)
{
    int err = images_find(store, load->name, &out->found, &out->id, trouble);

    if (err == 0 && out->found)
        err = images_read(store, load->name, out->id, &parts->bytes, trouble);
    return err == 0 && out->found ? cut_up(parts, out, trouble) : err;
}

static int not_leading(struct trouble *trouble)
{
    return trouble_set(trouble, ERR_TIMEOUT, "this head", "start it again when Redis is well",
                       "whether it still leads was not known while its image was read");
}

/* Asked now and then, which also says to those that stand by that this head lives. */
static bool leads(const struct imager_load *load)
{
    return load->epoch == 0 || load->leads == NULL || load->leads(load->context);
}

/* Rows of ended trials that another head had. What Redis has lost of them is missed by people
 * alone. */
static int bring_rows(const struct imager_load *load, struct store *store, struct parts *parts,
                      const struct imager_start *start, struct trouble *trouble)
{
    const char *folder = view_folder(load->view);
    int err = 0;

    for (uint32_t i = 0; err == 0 && folder != NULL && i < parts->row_count; i += 3) {
        struct rows_part part;

        if (!cursor_u32(&parts->rows, &part.experiment) || !cursor_uint(&parts->rows, &part.size) ||
            !cursor_u32(&parts->rows, &part.crc))
            return bad_part(start, ERR_MALFORMED, "its list of rows", trouble);
        err = rows_fetch(store, load->name, start->id.epoch, &part, folder, trouble);
        if (err == 0 && !leads(load))
            return not_leading(trouble);
        if (err != ERR_MALFORMED)
            continue;
        log_line(LOG_WARNING, "ended-rows", "experiment %u: %s: %s", part.experiment, trouble->what,
                 trouble->why);
        err = 0;
    }
    return err;
}

static int load_rows(const struct imager_load *load, struct store *store, struct parts *parts,
                     const struct imager_start *start, struct trouble *trouble)
{
    int err = load->shared ? bring_rows(load, store, parts, start, trouble) : 0;

    if (err < 0)
        return err;
    err = view_load(load->view, load->core, parts->view);
    return err < 0 ? bad_part(start, err, "rows", trouble) : 0;
}

static int load_files(const struct imager_load *load, const struct parts *parts,
                      const struct imager_start *start, struct trouble *trouble)
{
    const struct writer_lead lead = {load->leads, load->context};
    int err = sinks_load(load->sinks, parts->files, load->shared ? &lead : NULL);

    if (err == ERR_FENCED)
        return not_leading(trouble);
    return err < 0 ? bad_part(start, err, "files", trouble) : 0;
}

/* Behind the epoch's claim and before any file is touched. */
static int say_start(const struct imager_load *load, struct store *store,
                     const struct imager_start *start, struct trouble *trouble)
{
    if (load->epoch == 0)
        return 0;
    return images_start(store, load->name, load->epoch,
                        start->found ? start->id : (struct log_id){0, 0}, trouble);
}

static int load_parts(const struct imager_load *load, struct store *store, struct parts *parts,
                      const struct imager_start *start, struct trouble *trouble)
{
    int err = core_load(load->core, parts->core);

    if (err < 0)
        return bad_part(start, err, "the core", trouble);
    if (load->view != NULL)
        err = load_rows(load, store, parts, start, trouble);
    if (err == 0)
        err = say_start(load, store, start, trouble);
    if (err == 0 && load->sinks != NULL)
        err = load_files(load, parts, start, trouble);
    return err;
}

int imager_load(const struct imager_load *load, struct imager_start *out, struct trouble *trouble)
{
    struct store *store = store_new(load->address);
    struct parts parts = {0};
    int err;

    *out = (struct imager_start){0};
    err = read_parts(load, store, &parts, out, trouble);
    if (err == 0)
        err = out->found ? load_parts(load, store, &parts, out, trouble)
                         : say_start(load, store, out, trouble);
    store_free(store);
    buf_fini(&parts.bytes);
    return err;
}
