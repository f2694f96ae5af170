/* sparkline.h - a curve in one line of text: a block a step, as high as its value is between the
 * least and the most of all. */
#ifndef CLIENT_SPARKLINE_H
#define CLIENT_SPARKLINE_H

#include "common/buf.h"

#define SPARKLINE_MOST 60u /* blocks; of more values each block is the mean of some in a row */

/* A blank where no value is a finite number; nothing for no values. */
void sparkline_write(const double *values, uint32_t count, struct buf *out);

#endif
