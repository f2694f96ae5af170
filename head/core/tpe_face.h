/* tpe_face.h - one dimension of a side: the kernels' parts in it, beside one another.
 *
 * What is asked for is always: what a value is worth to every kernel, as logarithms that are added
 * to a sum a kernel. Few values have a table of that. Of a number that all kernels have, and every
 * configuration (a plain one), the square in the exponent is taken apart, (x - m)^2 = x^2 - 2xm +
 * m^2: what does not depend on x is summed up once, and a value costs one multiplication a kernel.
 */
#ifndef CORE_TPE_FACE_H
#define CORE_TPE_FACE_H

#include "head/core/tpe_choice.h"
#include "head/core/tpe_look.h"

struct tpe_face {
    const struct tpe_dimension *dimension; /* borrowed */
    uint32_t known;                        /* kernels that have it, for the bandwidth */
    bool lacking;                          /* some have not */
    bool plain;
    double same;  /* of a choice: logarithm of what kernels give the value that they have seen */
    double other; /* and any other one */
    struct tpe_pick pick;
    double spread;
    double height;  /* of a bell of that spread */
    double sharp;   /* 1 / (sqrt(2) spread): places are kept in such units, from the middle */
    double *table;  /* owned; by value, and by which value was seen; of a logarithmic domain of many
                       values of its lowest ones, by nodes on the scale. NaN is the first of a value
                       of which nothing is there yet */
    double *masses; /* owned; of kernels that stand where the table's are; NaN is the first where
                       there is none yet */
    uint32_t *seen; /* owned; by kernel: which value of a choice, or of few (NUMBER_NONE: none); of
                       a table by nodes the one before its place */
    double *beyond; /* owned; by kernel: how far it is from that node to the next; NaN: none */
    double *place;  /* owned; by kernel, in units; NaN: none */
    double *mass;   /* owned; by kernel: logarithm of what of it is within the bounds */
    double *base;   /* owned; by kernel: what a plain one adds whatever the value is; else 0 */
};

void tpe_face_init(struct tpe_face *face, const struct tpe_dimension *dimension);
void tpe_face_fini(struct tpe_face *face);

/* Room for so many kernels. */
void tpe_face_reserve(struct tpe_face *face, uint32_t kernels);

/* A number of a configuration as kernels want it: its place on the scale, or which value it is. */
double tpe_face_number(const struct tpe_dimension *dimension, double number);

/* Whether kernels have a mass here. */
bool tpe_face_has_mass(const struct tpe_face *face);

/* The bandwidth among so many kernels: part of the width, shrunk by their number in so many
 * dimensions. */
void tpe_face_spread(struct tpe_face *face, uint32_t known, double part, uint32_t together);

/* A kernel: what tpe_face_number said, NaN for none, and its mass. Returns its base. */
double tpe_face_set(struct tpe_face *face, uint32_t kernel, double number, double mass);

/* Add what a value is worth to each of so many kernels, of a plain one: beside its base. */
void tpe_face_add(const struct tpe_face *face, const struct tpe_look *look, uint32_t kernels,
                  double *sum);

/* A value of a kernel's part; NUMBER_NONE: of the prior's. */
double tpe_face_draw(const struct tpe_face *face, uint32_t kernel, struct rng *rng);

#endif
