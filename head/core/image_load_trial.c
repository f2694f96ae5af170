/* A trial that has not ended, out of an image. */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/pack.h"
#include "common/xalloc.h"
#include "head/core/image.h"

static bool load_gpus(struct gpu_share *share, struct cursor *in)
{
    int64_t amount;
    uint32_t count;

    if (!cursor_list(in, &count) || count < 1 || count > LIMIT_GPUS + 1 ||
        !cursor_int(in, &amount) || amount < 0 || amount > RESOURCE_ONE)
        return false;
    share->amount = (int32_t)amount;
    share->count = count - 1;
    for (uint32_t i = 0; i < share->count; i++)
        if (!cursor_u32(in, &share->device[i]) || share->device[i] >= LIMIT_GPUS)
            return false;
    return true;
}

static bool load_texts(struct trial *trial, struct cursor *in)
{
    struct span name, tag, folder, config, last;

    if (!cursor_text(in, &name) || !cursor_text(in, &tag) || !cursor_text(in, &folder) ||
        !cursor_bytes(in, &config) || !cursor_bytes(in, &last))
        return false;
    trial->name = xstrndup(name.data, name.size);
    trial->tag = xstrndup(tag.data, tag.size);
    if (folder.size > 0)
        trial->folder = xstrndup(folder.data, folder.size);
    buf_append_span(&trial->config, config);
    buf_append_span(&trial->last_result, last);
    return true;
}

/* Lists that are read lie in scratch: the trial gets its own, or none. */
static bool load_numbers(struct core *core, struct trial *trial, struct cursor *in)
{
    int err = schema_unpack(&image_trial_schema, in, &core->scratch, trial, NULL);

    trial->past = err < 0 ? (struct record_list){0} : past_copy(&trial->past);
    return err == 0;
}

static bool load_checkpoint(struct core *core, struct cursor *in, struct checkpoint *out)
{
    struct checkpoint checkpoint = {0};
    struct span manifest, last;
    uint32_t parts;

    if (!cursor_list(in, &parts) || parts != 3 ||
        schema_unpack(&image_checkpoint_schema, in, &core->scratch, &checkpoint, NULL) < 0 ||
        !cursor_bytes(in, &manifest) || manifest.size != LIMIT_HASH_BYTES ||
        !cursor_bytes(in, &last))
        return false;
    memcpy(checkpoint.manifest, manifest.data, LIMIT_HASH_BYTES);
    buf_append_span(&checkpoint.last_result, last);
    *out = checkpoint;
    return true;
}

bool image_load_checkpoints(struct core *core, struct cursor *in, struct checkpoints *list)
{
    uint32_t count;

    if (!cursor_list(in, &count) || count > LIMIT_CHECKPOINTS_KEPT + 1)
        return false;
    if (count > 0)
        list->items = xcalloc(count, sizeof(struct checkpoint));
    for (; list->count < count; list->count++)
        if (!load_checkpoint(core, in, &list->items[list->count]))
            return false;
    return true;
}

static bool load_marks(struct core *core, struct cursor *in, struct trial *trial)
{
    for (uint32_t i = 0; i < CHECKPOINT_MARKS; i++) {
        if (cursor_peek(in) == CURSOR_NIL) {
            (void)cursor_nil(in);
            continue;
        }
        trial->marks[i] = xcalloc(1, sizeof(struct checkpoint));
        if (!load_checkpoint(core, in, trial->marks[i]))
            return false;
    }
    return true;
}

/* An image of before does not say what the donor was: it is a trial of no configuration then. */
static bool load_donor(struct cursor *in, bool is_there, struct exploit *exploit)
{
    struct span tag = {0}, config = {0};

    if (is_there && (!cursor_text(in, &tag) || tag.size > LIMIT_TEXT_BYTES ||
                     !cursor_bytes(in, &config) || config.size > LIMIT_CONFIG_BYTES))
        return false;
    exploit->donor_tag = xstrndup(is_there ? tag.data : "", tag.size);
    if (is_there)
        buf_append_span(&exploit->donor_config, config);
    else
        pack_map(&exploit->donor_config, 0);
    return true;
}

static bool load_exploit(struct core *core, struct cursor *in, struct trial *trial)
{
    struct exploit *exploit = trial->exploit = xcalloc(1, sizeof(*exploit));
    struct span config, tag;
    uint32_t parts, state;

    if (!cursor_list(in, &parts) || (parts != 6 && parts != 8) || !cursor_u32(in, &state) ||
        state >= EXPLOIT_STATE_COUNT || !cursor_u32(in, &exploit->donor) ||
        !cursor_uint(in, &exploit->donor_rows) || !cursor_bytes(in, &config) ||
        config.size > LIMIT_CONFIG_BYTES || !cursor_text(in, &tag))
        return false;
    exploit->state = (enum exploit_state)state;
    buf_append_span(&exploit->config, config);
    exploit->tag = xstrndup(tag.data, tag.size);
    if (state == EXPLOIT_READY)
        exploit->from = xcalloc(1, sizeof(*exploit->from));
    return (exploit->from != NULL ? load_checkpoint(core, in, exploit->from) : cursor_nil(in)) &&
           load_donor(in, parts > 6, exploit);
}

bool image_load_trial(struct core *core, struct experiment *experiment, struct cursor *in)
{
    struct trial *trial = xcalloc(1, sizeof(*trial));
    uint32_t parts;

    if (!cursor_list(in, &parts) ||
        (parts != IMAGE_TRIAL_PARTS && parts != IMAGE_TRIAL_PARTS + 1) ||
        !load_numbers(core, trial, in) || !load_texts(trial, in) || !load_gpus(&trial->gpus, in) ||
        !image_load_checkpoints(core, in, &trial->checkpoints) || !load_marks(core, in, trial) ||
        (parts > IMAGE_TRIAL_PARTS && !load_exploit(core, in, trial)) ||
        trial->number >= experiment->created || trial->added_before > trial->number ||
        experiment->rows[trial->number].state != TRIAL_NONE ||
        experiment->rows[trial->number].live != NULL || trial->state == TRIAL_NONE ||
        trial_is_final(trial->state) ||
        (experiment->last != NULL && trial->number <= experiment->last->number)) {
        trial_free(trial);
        return false;
    }
    trial->experiment = experiment;
    experiment_trial_id(experiment, trial->number, trial->id);
    experiment->counts[trial->state]++;
    experiment->moving += trial_is_moving(trial);
    experiment->ahead += trial->ahead;
    experiment_adopt(experiment, trial);
    return true;
}
