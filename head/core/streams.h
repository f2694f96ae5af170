/* streams.h - who draws from which stream of an experiment's generator.
 *
 * Below 2^32 a stream is a trial's number and belongs to the searcher that proposes it. Every other
 * purpose has a base here, to which a trial's number is added. Never change one: a replay draws
 * from it again. */
#ifndef CORE_STREAMS_H
#define CORE_STREAMS_H

#include <stdint.h>

/* ASHA: the bracket of a trial; the draw's index is how often the trial was added before. */
#define STREAM_BRACKET (UINT64_C(1) << 33)

/* PBT, by trial number: whom it takes over from, a draw a judgement; and how it explores, from
 * draw EXPLORE_DRAWS times that judgement's number on. */
#define STREAM_DONOR   (UINT64_C(9) << 33)
#define STREAM_EXPLORE (UINT64_C(10) << 33)
#define EXPLORE_DRAWS  (UINT64_C(1) << 16)

/* The core. By experiment number, with the time of its submission as the seed: its own seed where
 * the spec names none, and the keys that its trials' ids are made with. */
#define STREAM_SEED     (UINT64_C(2) << 33)
#define STREAM_TRIAL_ID (UINT64_C(3) << 33)

/* The core, by trial number: the end of its folder's name, the experiment_id of its results, and
 * the seed for its program's own generators. */
#define STREAM_FOLDER        (UINT64_C(4) << 33)
#define STREAM_EXPERIMENT_ID (UINT64_C(5) << 33)
#define STREAM_PROGRAM       (UINT64_C(6) << 33)

/* Sequences of low discrepancy: what scrambles a dimension, by its number; the seed of another
 * variation of a sequence, whose number is the draw's index. */
#define STREAM_SCRAMBLE  (UINT64_C(7) << 33)
#define STREAM_VARIATION (UINT64_C(8) << 33)

/* TPE: which of the trials that are not among the best it keeps; the draw's index is the trial. */
#define STREAM_THIN (UINT64_C(12) << 33)

#endif
