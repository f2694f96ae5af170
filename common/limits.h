/* limits.h - the most of everything that somebody outside can make grow.
 *
 * All of them are ceilings of the build. A count without a unit counts things; the rest say
 * theirs in the name. */
#ifndef COMMON_LIMITS_H
#define COMMON_LIMITS_H

/* Plain data: experiment files, configurations, results. */
#define LIMIT_VALUE_DEPTH 16u
#define LIMIT_NAME_BYTES  128u   /* of an experiment, node, resource, metric */
#define LIMIT_TRIAL_NAME  512u   /* a trial's name, which holds its tag */
#define LIMIT_TAG_BYTES   384u   /* of a tag's variable part: cut there */
#define LIMIT_TEXT_BYTES  65536u /* any other text */
#define LIMIT_PATH_BYTES  4096u

/* Experiments. */
#define LIMIT_SPEC_BYTES      (1u << 20) /* packed */
#define LIMIT_SPEC_ITEMS      262144u
#define LIMIT_SAMPLES         100000000u /* num_samples; trials of an experiment */
#define LIMIT_EXPERIMENTS     1000u      /* live at once */
#define LIMIT_VARIABLES       4096u      /* of a search space */
#define LIMIT_DIMENSIONS      256u       /* of halton and sobol: domains of a space that draw */
#define LIMIT_FIRST_POINTS    1000u      /* points_to_evaluate */
#define LIMIT_WARM            1000u      /* observations of warm_start */
#define LIMIT_FIRST_VALUES    16384u     /* in all of them */
#define LIMIT_MODELLED        256u       /* of tpe: domains and grids of a space */
#define LIMIT_CANDIDATES      4096u      /* of tpe: that it draws for one trial */
#define LIMIT_STOP_RULES      64u
#define LIMIT_CONFIG_BYTES    262144u /* of one trial, packed */
#define LIMIT_CUSTOM          16u     /* custom resources of a trial or node */
#define LIMIT_GPUS            64u     /* devices of a node */
#define LIMIT_ENV             256u
#define LIMIT_TRIALS_AHEAD    256u  /* proposed and not started, an experiment */
#define LIMIT_SUGGESTIONS     64u   /* the same of those that somebody suggests */
#define LIMIT_ADDED_KEYS      1024u /* that one of these may have besides config's */
#define LIMIT_BRACKETS        64u
#define LIMIT_MUTATIONS       256u        /* hyperparameters that pbt explores */
#define LIMIT_CHANGES         4096u       /* of a trial's configuration, by pbt_replay */
#define LIMIT_POLICY_BYTES    (16u << 20) /* of a file that says which */
#define LIMIT_RUNGS           64u
#define LIMIT_HYPERBAND_MAX_T 1e12
#define LIMIT_MEDIAN_VALUES   65536u     /* that medians.h keeps besides the results themselves, */
#define LIMIT_MEDIAN_SHARE    8u         /* and how many more a result */
#define LIMIT_PLACES          1024u      /* of values in one command */
#define LIMIT_EXPORT_COLUMNS  16384u     /* of a table that `assay export` writes */
#define LIMIT_DRIVE_BYTES     (1u << 20) /* a line of who talks to `assay drive`, or suggests */

#define LIMIT_LOSSES    8u     /* of a trial that gets no further, before it is given up */
#define LIMIT_REST_MS   60000u /* between two attempts of a trial */
#define LIMIT_BURNS     16u    /* failures at once, in a row, that end an experiment */
#define LIMIT_BURN_MS   10000u /* what counts as at once */
#define LIMIT_PAST      8u     /* ends of a trial's attempts that are remembered */
#define LIMIT_WHY_BYTES 8704u  /* why an experiment ended: the text of an end, and some words */
/* Checkpoints. A node that runs a trial may send as much; the head's disk has its own limit. */
#define LIMIT_CHECKPOINT_BYTES (4ull << 30)  /* of all files of one */
#define LIMIT_CHECKPOINT_FILES 10000u        /* files and folders of one */
#define LIMIT_CHECKPOINT_PATH  512u          /* bytes of a name in it */
#define LIMIT_CHECKPOINT_DEPTH 16u           /* components of such a name */
#define LIMIT_MANIFEST_BYTES   (8u << 20)    /* of the list of its files */
#define LIMIT_CHECKPOINTS_KEPT 64u           /* keep_checkpoints_num */
#define LIMIT_CHECKPOINT_BLOBS 1000000u      /* that the head keeps */
#define LIMIT_CHECKPOINT_STORE (64ull << 30) /* bytes of all of them, if the disk has so many */
#define LIMIT_HASHES_ASKED     4096u         /* in one message */
#define LIMIT_SAVE_MS          60000u /* a program that was told to stop may take to save and leave */

/* Results. */
#define LIMIT_RESULT_BYTES 65536u
#define LIMIT_RESULT_KEYS  512u
#define LIMIT_RESULT_DEPTH 8u
#define LIMIT_LINE_BYTES   65536u  /* a tagged line of a program's output */
#define LIMIT_STDERR_TAIL  4096u   /* kept of an attempt's stderr in its end record */
#define LIMIT_END_TEXT     8192u   /* of an end record: what went wrong, and that tail */
#define LIMIT_RECORD_BYTES 66560u  /* a record: a result's metrics and its other fields */
#define LIMIT_DICT_BYTES   331776u /* a result as loggers see it, configuration included */

/* The wire. */
#define LIMIT_MESSAGE_BYTES  (4u << 20)
#define LIMIT_JOIN_BYTES     1024u
#define LIMIT_MESSAGE_DEPTH  24u
#define LIMIT_MESSAGE_ITEMS  1000000u
#define LIMIT_BATCH_BYTES    262144u    /* of records in one REPORTS message */
#define LIMIT_BATCH_RECORDS  4096u      /* of one attempt in one REPORTS message */
#define LIMIT_BATCHES        4096u      /* attempts in one message */
#define LIMIT_WINDOW_BYTES   (1u << 20) /* of an attempt's records sent and not acknowledged */
#define LIMIT_SESSIONS       16384u     /* workers */
#define LIMIT_CLIENTS        256u
#define LIMIT_PRINCIPALS     65536u
#define LIMIT_TOKENS         4096u
#define LIMIT_LEASES         65536u      /* of one node */
#define LIMIT_LEASES_AHEAD   256u        /* of one node: queued there, not started */
#define LIMIT_CHUNK_BYTES    (1u << 20)  /* of a blob */
#define LIMIT_CHUNKS_ASKED   4u          /* of one blob, in flight */
#define LIMIT_ROWS_REPLY     2000u       /* trial rows in one reply */
#define LIMIT_MONITOR_EVENTS 65536       /* of a socket's connections, until the loop looks */
#define LIMIT_PEER_QUEUED    (64u << 20) /* bytes of a peer's that wait while nobody reads */
/* A table of somebody's: of curves, for `assay simulate`. */
#define LIMIT_TABLE_CELLS   50000000u
#define LIMIT_TABLE_COLUMNS 1024u
#define LIMIT_TABLE_LINE    (1u << 20) /* bytes */

/* `assay simulate`. */
#define LIMIT_SIMULATED_WORKERS 65536u
#define LIMIT_SIMULATED_RESULTS 100000000u /* of a run */
#define LIMIT_SIMULATED_REPEATS 1000u
#define LIMIT_FORMULAS          64u

#define LIMIT_LINES_BYTES   (3u << 20) /* lines of result.json in one reply: one always fits */
#define LIMIT_WAIT_MS       60000u     /* how long a request may wait at the head */
#define LIMIT_TOKEN_BYTES   1024u      /* a token as text */
#define LIMIT_STATUS_GROUPS 16u        /* states of trials */
#define LIMIT_FINDINGS      64u        /* lines of a head's look at itself */
#define LIMIT_HASH_BYTES    32u        /* BLAKE2b */
#define LIMIT_SUBMISSION    16u        /* bytes of a submission's id */
#define LIMIT_TOKEN_ID      8u         /* bytes */
#define LIMIT_TOKEN_SECRET  20u        /* bytes */

/* The head's turn and log. */
#define LIMIT_TURN_EVENTS     8192u
#define LIMIT_TURN_BYTES      (1u << 20)
#define LIMIT_PROJECTED_ROWS  65536u /* that wait to be written to Redis for people */
#define LIMIT_PROJECTED_BYTES (64u << 20)
#define LIMIT_PROJECTED_TRIALS                                                                     \
    10000u              /* of an experiment, the newest, that have a hash in Redis                 \
                         */
#define LIMIT_TURNS 16u /* turns alive at once: stepping, committing, in a sink */

/* A table or store that fills is named by `assay doctor`, in percent of its limit. */
#define LIMIT_WARN_PERCENT 70u
#define LIMIT_FULL_PERCENT 90u

/* Heads that share a Redis: one leads, the others stand by. By CLOCK_BOOTTIME. */
#define LIMIT_BEAT_MS   500u  /* a head that commits nothing says as often that it lives */
#define LIMIT_LEAD_MS   3000u /* after Redis last said that it leads, a head believes it so long */
#define LIMIT_SILENT_MS 5000u /* a standby takes over when it saw no sign of life for so long */

#define LIMIT_BLOBS       4096u        /* code trees that the head keeps, and begun ones */
#define LIMIT_BLOBS_BYTES (8ull << 30) /* of all of them */
#define LIMIT_AUDIT_BYTES (16u << 20)  /* of audit.log; then a new one begins */
#define LIMIT_AUDIT_FILES 4u           /* old ones that are kept: audit.log.1 is the newest */
#define LIMIT_ARCHIVED    (256u << 20) /* bytes of a log archive's file; then the next begins */

#define LIMIT_OUTPUT_QUEUE (8u << 20) /* bytes of trials' output that wait for a sink */
#define LIMIT_SINK_FILES   256u       /* trials whose files a sink holds open */

/* On the node. */
#define LIMIT_BLOB_BYTES      (100u << 20) /* a code tree, packed, unless the file says more */
#define LIMIT_CODE_BYTES      (1ull << 30) /* a code tree, unpacked */
#define LIMIT_CODE_FILES      100000u
#define LIMIT_BLOB_CACHE      (1ull << 30) /* bytes of code trees that a worker keeps packed */
#define LIMIT_CODE_AUTO_BYTES (50u << 20)  /* a code tree that is shipped unasked */
#define LIMIT_CODE_AUTO_FILES 2000u
#define LIMIT_DISK_LOW        (32u << 20)    /* bytes free below which a node takes no new work */
#define LIMIT_LOG_BYTES       (64u << 20)    /* kept of a trial's stdout, and of its stderr */
#define LIMIT_SPOOL_BYTES     (256ull << 20) /* of an attempt's records on disk; then it must wait */
#define LIMIT_HOLD_BYTES      (1u << 20)     /* of results past a horizon, held for a verdict */
#define LIMIT_REPORT_SOCKETS  256u           /* connections to an executor's report socket */
#define LIMIT_STARTS          32u    /* starts a zygote was asked for and has not answered */
#define LIMIT_FORK_CONFIG     65536u /* a configuration for a fork; larger: no fork */
#define LIMIT_LEAVE_MS        5000u  /* a program that was told to stop may take to leave */
#define LIMIT_LEAVE_LINES_MS  1000u  /* the same for one that need not have read it */
#define LIMIT_RESET_MS        60000u /* a process that is handed a trial may take to agree */
#define LIMIT_GRACE_MS        10000u /* between SIGTERM and SIGKILL */
#define LIMIT_PROCESSES       4096u  /* and threads, of a trial, where a cgroup counts them */
#define LIMIT_WATCH_MS        200u   /* between two looks at a trial's memory */
#define LIMIT_WORKER_AWAY_MS  60000u /* an executor without a worker ends its trials then */

#endif
