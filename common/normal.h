/* normal.h - the normal distribution. */
#ifndef COMMON_NORMAL_H
#define COMMON_NORMAL_H

/* The number below which a standard normal one lies with this probability, above 0 and below 1; to
 * about 16 digits. Uses libm, so what comes out is a decision to be logged. */
double normal_quantile(double probability);

/* A standard normal number of two that are uniform in [0, 1) (Box and Muller, A Note on the
 * Generation of Random Normal Deviates, Ann. Math. Stat. 29, 1958); the other of the pair is not
 * made. Uses libm, too. */
double normal_of_two(double one, double other);

#endif
