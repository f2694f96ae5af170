/* runs.h - what private clusters leave behind: ASSAY_HOME/runs/ID, the data directory of a run's
 * head, whose log `assay replay` decides again. The newest are kept. */
#ifndef CLIENT_RUNS_H
#define CLIENT_RUNS_H

#define RUNS_KEPT 20

/* Remove all but the newest RUNS_KEPT; never one whose head still runs. What cannot be removed
 * stays. */
void runs_prune(void);

#endif
