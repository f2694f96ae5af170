/* normal.h - the normal distribution. */
#ifndef COMMON_NORMAL_H
#define COMMON_NORMAL_H

/* The number below which a standard normal one lies with this probability, above 0 and below 1; to
 * about 16 digits. Uses libm, so what comes out is a decision to be logged. */
double normal_quantile(double probability);

#endif
