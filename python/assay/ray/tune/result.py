"""Names of a result's fields, and where results go."""

import os

TRAINING_ITERATION = "training_iteration"
TIMESTEPS_TOTAL = "timesteps_total"
TIMESTEPS_THIS_ITER = "timesteps_this_iter"
EPISODES_TOTAL = "episodes_total"
EPISODES_THIS_ITER = "episodes_this_iter"
TIME_TOTAL_S = "time_total_s"
TIME_THIS_ITER_S = "time_this_iter_s"
DONE = "done"
PID = "pid"
HOSTNAME = "hostname"
NODE_IP = "node_ip"

DEFAULT_RESULTS_DIR = os.environ.get("TUNE_RESULT_DIR") or os.path.expanduser("~/ray_results")
