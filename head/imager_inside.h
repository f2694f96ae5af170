/* imager_inside.h - what imager.c writes and imager_load.c reads. */
#ifndef HEAD_IMAGER_INSIDE_H
#define HEAD_IMAGER_INSIDE_H

/* Parts of an image: number, the turn's time, core, view, sinks; and which rows of ended trials
 * Redis has beside it (head/store/rows.h), which images of format 1 lack. */
#define IMAGER_PARTS   6u
#define IMAGER_PARTS_1 5u

#endif
