/* params.h - the parameters of an experiment that vary from trial to trial, as columns: for charts
 * and for the forest. */
#ifndef CLIENT_PARAMS_H
#define CLIENT_PARAMS_H

#include "client/forest.h"
#include "common/value.h"
#include "proto/msg.h"

#define PARAMS_MOST 64u /* columns; further parameters are only counted */

struct param {
    const char *name; /* its path: "net.layers" */
    bool log;         /* its domain is a logarithmic one */
    uint32_t words;   /* 0: its values are numbers; else how many, and a value is a word's place */
    const char **texts; /* the words; the last one may stand for all further ones */
    bool absent;        /* some trials do not have it */
    double low;         /* of numbers: the least and the most */
    double high;
    double *values; /* a trial each, in the order of rows; NaN: absent */
    uint32_t place; /* in the order of writing */
    double share;   /* its importance; NaN: not known */
    double error;
};

struct params {
    struct param *items;
    uint32_t count;
    uint32_t left_out; /* that vary, too */
};

/* Of the trials' configurations; space: the configuration with its markers, NULL where it is not
 * known. Everything lives in arena. Numbers that are not finite count as absent. */
void params_find(const struct msg_trial_row *rows, uint32_t count, const struct value *space,
                 struct arena *arena, struct params *out);

/* A value of a parameter as people read it. */
void params_text(const struct param *param, double value, struct buf *out);

#endif
