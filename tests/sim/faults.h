/* faults.h - what goes wrong, and when. From plan.faults_until_us on nothing does, and all that was
 * broken is whole again. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "tests/sim/world.h"

void faults_start(struct world *world);

#endif
