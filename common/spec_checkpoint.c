/* spec_checkpoint.c - when checkpoints are taken, and which are kept. */
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/spec_read.h"

int spec_read_checkpoint_freq(struct spec_reader *reader, const struct value *value)
{
    int64_t number;
    int err = spec_read_int(reader, value, 0, INT32_MAX, &number);

    if (err == 0)
        reader->spec->checkpoint_freq = (uint32_t)number;
    return err;
}

int spec_read_checkpoint_at_end(struct spec_reader *reader, const struct value *value)
{
    if (value->type != VALUE_BOOL)
        return spec_refuse(reader, "write true or false", "must be true or false, not %s",
                           value_type_name(value->type));
    reader->spec->checkpoint_at_end = value->boolean;
    return 0;
}

int spec_read_keep_checkpoints(struct spec_reader *reader, const struct value *value)
{
    int64_t number;
    int err = spec_read_int(reader, value, 1, LIMIT_CHECKPOINTS_KEPT, &number);

    if (err == 0)
        reader->spec->keep_checkpoints = (uint32_t)number;
    return err;
}

/* Tune's words: NAME, min-NAME, and max-NAME for who likes to say it. */
int spec_read_checkpoint_score(struct spec_reader *reader, const struct value *value)
{
    struct spec *spec = reader->spec;
    int err = spec_read_text(reader, value, LIMIT_NAME_BYTES, &spec->checkpoint_score);

    if (err < 0)
        return err;
    spec->checkpoint_score_min = strncmp(spec->checkpoint_score, "min-", 4) == 0;
    if (spec->checkpoint_score_min || strncmp(spec->checkpoint_score, "max-", 4) == 0)
        spec->checkpoint_score += 4;
    if (*spec->checkpoint_score == '\0')
        return spec_refuse(reader, "write min-loss, or training_iteration", "names no field");
    return 0;
}
