/* curves_inside.h - the two kinds of curves, behind one face; for curve_*.c only. */
#ifndef CLIENT_CURVES_INSIDE_H
#define CLIENT_CURVES_INSIDE_H

#include "client/curves.h"

struct curves_ops {
    void (*begin)(struct curves *curves, uint64_t seed);
    void (*give)(struct curves *curves, uint32_t trial, const struct value *config);
    bool (*seconds)(struct curves *curves, uint32_t trial, int64_t past, double *out);
    void (*step)(struct curves *curves, uint32_t trial, int64_t past, struct arena *arena,
                 struct curve_step *out);
    void (*describe)(const struct curves *curves, struct buf *out);
    void (*destroy)(struct curves *curves);
    int64_t (*longest)(const struct curves *curves);
};

/* The first member of either kind. */
struct curves {
    const struct curves_ops *ops;
};

/* A part of a configuration that is no map itself: "model/size". */
struct curve_key {
    const char *name;
    const struct value *marker; /* in the space */
};

/* Those of a space, depth first; of a map that is a marker only its path. At most `most`. */
uint32_t curve_keys(const struct value *space, struct arena *arena, struct curve_key *keys,
                    uint32_t most);

/* The value at "model/size" of a configuration; NULL where it has none. */
const struct value *curve_key_value(const struct value *config, const char *name);

#endif
