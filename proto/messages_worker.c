/* The messages between the head and its workers, and between a worker and its executors. */
#include "common/limits.h"
#include "common/spec.h"
#include "proto/messages.h"

static const struct field msg_register_fields[] = {
    FIELD(msg_register, version, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_register, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_register, hostname, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_register, node_ip, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_register, pid, FIELD_I64, 0),
    FIELD(msg_register, incarnation, FIELD_U64, 0),
    FIELD_OF(msg_register, capacity, FIELD_RECORD, 0, resources_schema),
    FIELD(msg_register, gpus, FIELD_U32, LIMIT_GPUS),
    FIELD(msg_register, shares_results, FIELD_BOOL, 0),
};
MESSAGE_TABLE(register, REGISTER);

static const struct field msg_registered_fields[] = {
    FIELD(msg_registered, node, FIELD_U32, 0),
    FIELD(msg_registered, epoch, FIELD_U64, 0),
    FIELD(msg_registered, heartbeat_ms, FIELD_U32, LIMIT_WAIT_MS),
    FIELD_LATER(msg_registered, checkpoints, FIELD_TEXT, LIMIT_PATH_BYTES),
};
MESSAGE_TABLE(registered, REGISTERED);

static const struct field msg_gpu_fields[] = {
    FIELD(msg_gpu, device, FIELD_U32, LIMIT_GPUS - 1),
};
static const struct schema msg_gpu_schema = SCHEMA(msg_gpu, 0, msg_gpu_fields);

static const struct field msg_held_fields[] = {
    FIELD(msg_held, experiment, FIELD_U32, 0),
    FIELD(msg_held, trial, FIELD_U32, 0),
    FIELD(msg_held, attempt, FIELD_U32, 0),
    FIELD(msg_held, last_seq, FIELD_U64, 0),
    FIELD_OF(msg_held, gpus, FIELD_LIST, LIMIT_GPUS, msg_gpu_schema),
};
static const struct schema msg_held_schema = SCHEMA(msg_held, 0, msg_held_fields);

static const struct field msg_ready_fields[] = {
    FIELD(msg_ready, credit, FIELD_U32, LIMIT_LEASES),
    FIELD_OF(msg_ready, held, FIELD_LIST, LIMIT_LEASES, msg_held_schema),
};
MESSAGE_TABLE(ready, READY);

static const struct field msg_heartbeat_fields[] = {
    FIELD(msg_heartbeat, committing, FIELD_BOOL, 0),
};
MESSAGE_TABLE(heartbeat, HEARTBEAT);

static const struct field msg_unknown_fields[] = {
    FIELD(msg_unknown, epoch, FIELD_U64, 0),
};
MESSAGE_TABLE(unknown, UNKNOWN);

static const struct field msg_env_fields[] = {
    FIELD(msg_env, name, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_env, value, FIELD_TEXT, LIMIT_TEXT_BYTES),
};
static const struct schema msg_env_schema = SCHEMA(msg_env, 0, msg_env_fields);

static const struct field msg_experiment_fields[] = {
    FIELD(msg_experiment, experiment, FIELD_U32, 0),
    FIELD(msg_experiment, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_experiment, run_kind, FIELD_U32, RUN_PYTHON),
    FIELD(msg_experiment, run, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_experiment, run_name, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_experiment, start, FIELD_U32, START_EXEC),
    FIELD(msg_experiment, code, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD(msg_experiment, folder, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_experiment, horizon_attribute, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD_OF(msg_experiment, stop, FIELD_LIST, LIMIT_STOP_RULES, stop_rule_schema),
    FIELD_OF(msg_experiment, env, FIELD_LIST, LIMIT_ENV, msg_env_schema),
    FIELD(msg_experiment, checkpoint_freq, FIELD_U32, 0),
    FIELD(msg_experiment, checkpoint_at_end, FIELD_BOOL, 0),
    FIELD_LATER(msg_experiment, time_limit_ms, FIELD_U64, 0),
    FIELD_LATER(msg_experiment, report_timeout_ms, FIELD_U64, 0),
    FIELD_LATER(msg_experiment, interpreter, FIELD_TEXT, LIMIT_PATH_BYTES),
    FIELD_LATER(msg_experiment, reuse, FIELD_BOOL, 0),
};
MESSAGE_TABLE(experiment, EXPERIMENT);

static const struct field msg_lease_fields[] = {
    FIELD(msg_lease, experiment, FIELD_U32, 0),
    FIELD(msg_lease, trial, FIELD_U32, 0),
    FIELD(msg_lease, attempt, FIELD_U32, 0),
    FIELD(msg_lease, trial_id, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_lease, trial_name, FIELD_TEXT, LIMIT_TRIAL_NAME),
    FIELD(msg_lease, folder, FIELD_TEXT, LIMIT_PATH_BYTES),
    FIELD(msg_lease, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD_OF(msg_lease, resources, FIELD_RECORD, 0, resources_schema),
    FIELD_OF(msg_lease, gpus, FIELD_LIST, LIMIT_GPUS, msg_gpu_schema),
    FIELD(msg_lease, horizon, FIELD_F64, 0),
    FIELD(msg_lease, seed, FIELD_U64, 0),
    FIELD(msg_lease, again, FIELD_BOOL, 0),
    FIELD(msg_lease, checkpoint, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD_OF(msg_lease, counters, FIELD_RECORD, 0, counters_schema),
};
static const struct schema msg_lease_schema = SCHEMA(msg_lease, 0, msg_lease_fields);

static const struct field msg_launch_fields[] = {
    FIELD(msg_launch, epoch, FIELD_U64, 0),
    FIELD_OF(msg_launch, leases, FIELD_LIST, LIMIT_BATCHES, msg_lease_schema),
};
MESSAGE_TABLE(launch, LAUNCH);

static const struct field msg_batch_fields[] = {
    FIELD(msg_batch, experiment, FIELD_U32, 0),
    FIELD(msg_batch, trial, FIELD_U32, 0),
    FIELD(msg_batch, attempt, FIELD_U32, 0),
    FIELD(msg_batch, first_seq, FIELD_U64, 0),
    FIELD(msg_batch, count, FIELD_U32, LIMIT_BATCH_RECORDS),
    FIELD(msg_batch, records, FIELD_BYTES, LIMIT_BATCH_BYTES),
};
static const struct schema msg_batch_schema = SCHEMA(msg_batch, 0, msg_batch_fields);

static const struct field msg_reports_fields[] = {
    FIELD_OF(msg_reports, batches, FIELD_LIST, LIMIT_BATCHES, msg_batch_schema),
};
MESSAGE_TABLE(reports, REPORTS);

static const struct field msg_verdict_fields[] = {
    FIELD(msg_verdict, experiment, FIELD_U32, 0),
    FIELD(msg_verdict, trial, FIELD_U32, 0),
    FIELD(msg_verdict, attempt, FIELD_U32, 0),
    FIELD(msg_verdict, acked_seq, FIELD_U64, 0),
    FIELD(msg_verdict, action, FIELD_U32, 0),
    FIELD(msg_verdict, horizon, FIELD_F64, 0),
    FIELD(msg_verdict, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD(msg_verdict, checkpoint, FIELD_BYTES, LIMIT_HASH_BYTES),
};
static const struct schema msg_verdict_schema = SCHEMA(msg_verdict, 0, msg_verdict_fields);

static const struct field msg_verdicts_fields[] = {
    FIELD(msg_verdicts, epoch, FIELD_U64, 0),
    FIELD_OF(msg_verdicts, verdicts, FIELD_LIST, LIMIT_BATCHES, msg_verdict_schema),
};
MESSAGE_TABLE(verdicts, VERDICTS);

static const struct field msg_release_fields[] = {
    FIELD(msg_release, experiment, FIELD_U32, 0),
};
MESSAGE_TABLE(release, RELEASE);

static const struct field msg_output_fields[] = {
    FIELD(msg_output, experiment, FIELD_U32, 0),
    FIELD(msg_output, trial, FIELD_U32, 0),
    FIELD(msg_output, attempt, FIELD_U32, 0),
    FIELD(msg_output, stream, FIELD_U32, OUTPUT_STDERR),
    FIELD(msg_output, offset, FIELD_U64, 0),
    FIELD(msg_output, bytes, FIELD_BYTES, LIMIT_CHUNK_BYTES),
};
MESSAGE_TABLE(output, OUTPUT);

static const struct field msg_store_ask_fields[] = {
    FIELD(msg_store_ask, experiment, FIELD_U32, 0),
    FIELD(msg_store_ask, trial, FIELD_U32, 0),
    FIELD(msg_store_ask, attempt, FIELD_U32, 0),
    FIELD(msg_store_ask, number, FIELD_U64, 0),
    FIELD(msg_store_ask, hashes, FIELD_BYTES, LIMIT_HASHES_ASKED *LIMIT_HASH_BYTES),
};
MESSAGE_TABLE(store_ask, STORE_ASK);

static const struct field msg_store_state_fields[] = {
    FIELD(msg_store_state, missing, FIELD_BYTES, LIMIT_HASHES_ASKED *LIMIT_HASH_BYTES),
};
MESSAGE_TABLE(store_state, STORE_STATE);

static const struct field msg_store_put_fields[] = {
    FIELD(msg_store_put, experiment, FIELD_U32, 0),
    FIELD(msg_store_put, trial, FIELD_U32, 0),
    FIELD(msg_store_put, attempt, FIELD_U32, 0),
    FIELD(msg_store_put, number, FIELD_U64, 0),
    FIELD(msg_store_put, hash, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD(msg_store_put, offset, FIELD_U64, 0),
    FIELD(msg_store_put, total, FIELD_U64, 0),
    FIELD(msg_store_put, bytes, FIELD_BYTES, LIMIT_CHUNK_BYTES),
    FIELD_LATER(msg_store_put, placed, FIELD_BOOL, 0),
};
MESSAGE_TABLE(store_put, STORE_PUT);

static const struct field msg_leaving_fields[] = {
    FIELD(msg_leaving, reason, FIELD_TEXT, LIMIT_NAME_BYTES),
};
MESSAGE_TABLE(leaving, LEAVING);

static const struct field msg_disk_fields[] = {
    FIELD(msg_disk, full, FIELD_BOOL, 0),
};
MESSAGE_TABLE(disk, DISK);

static const struct field msg_vacated_fields[] = {
    FIELD_OF(msg_vacated, attempts, FIELD_LIST, LIMIT_BATCHES, msg_held_schema),
};
MESSAGE_TABLE(vacated, VACATED);
