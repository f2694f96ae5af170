/* The messages of the client plane. */
#include "common/limits.h"
#include "common/spec.h"
#include "proto/messages.h"
#include "proto/roles.h"

#define ROLE_HIGHEST (PRINCIPAL_ROLE_COUNT - 1)

static const struct field msg_submit_fields[] = {
    FIELD(msg_submit, submission, FIELD_BYTES, LIMIT_SUBMISSION),
    FIELD(msg_submit, spec, FIELD_PACKED, LIMIT_SPEC_BYTES),
    FIELD(msg_submit, code, FIELD_BYTES, LIMIT_HASH_BYTES),
};
MESSAGE_TABLE(submit, SUBMIT);

static const struct field msg_submitted_fields[] = {
    FIELD(msg_submitted, experiment, FIELD_U32, 0),
    FIELD(msg_submitted, name, FIELD_TEXT, LIMIT_NAME_BYTES),
};
MESSAGE_TABLE(submitted, SUBMITTED);

static const struct field msg_stop_fields[] = {
    FIELD(msg_stop, experiment, FIELD_U32, 0),
    FIELD(msg_stop, trial, FIELD_U32, 0),
};
MESSAGE_TABLE(stop, STOP);

static const struct field msg_pause_fields[] = {
    FIELD(msg_pause, experiment, FIELD_U32, 0),
    FIELD(msg_pause, trial, FIELD_U32, 0),
};
MESSAGE_TABLE(pause, PAUSE);

static const struct field msg_resume_fields[] = {
    FIELD(msg_resume, experiment, FIELD_U32, 0),
    FIELD(msg_resume, trial, FIELD_U32, 0),
};
MESSAGE_TABLE(resume, RESUME);

static const struct field msg_extend_fields[] = {
    FIELD(msg_extend, experiment, FIELD_U32, 0),
    FIELD(msg_extend, samples, FIELD_U32, LIMIT_SAMPLES),
    FIELD(msg_extend, total, FIELD_U32, 0),
    FIELD(msg_extend, stop, FIELD_PACKED, LIMIT_SPEC_BYTES),
};
MESSAGE_TABLE(extend, EXTEND);

static const struct field msg_remove_fields[] = {
    FIELD(msg_remove, experiment, FIELD_U32, 0),
};
MESSAGE_TABLE(remove, REMOVE);

static const struct field msg_list_fields[] = {
    FIELD(msg_list, limit, FIELD_U32, LIMIT_ROWS_REPLY),
};
MESSAGE_TABLE(list, LIST);

static const struct field msg_experiment_row_fields[] = {
    FIELD(msg_experiment_row, experiment, FIELD_U32, 0),
    FIELD(msg_experiment_row, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_experiment_row, state, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_experiment_row, owner, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_experiment_row, submitted_ms, FIELD_U64, 0),
    FIELD(msg_experiment_row, ended_ms, FIELD_U64, 0),
    FIELD(msg_experiment_row, total, FIELD_U32, 0),
    FIELD(msg_experiment_row, created, FIELD_U32, 0),
    FIELD(msg_experiment_row, pending, FIELD_U32, 0),
    FIELD(msg_experiment_row, running, FIELD_U32, 0),
    FIELD(msg_experiment_row, paused, FIELD_U32, 0),
    FIELD(msg_experiment_row, terminated, FIELD_U32, 0),
    FIELD(msg_experiment_row, error, FIELD_U32, 0),
    FIELD(msg_experiment_row, results, FIELD_U64, 0),
    FIELD(msg_experiment_row, folder, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_experiment_row, metric, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_experiment_row, mode, FIELD_U32, MODE_MIN),
    FIELD_LATER(msg_experiment_row, why, FIELD_TEXT, LIMIT_WHY_BYTES),
};
const struct schema msg_experiment_row_schema =
    SCHEMA(msg_experiment_row, 0, msg_experiment_row_fields);

static const struct field msg_experiments_fields[] = {
    FIELD_OF(msg_experiments, rows, FIELD_LIST, LIMIT_ROWS_REPLY, msg_experiment_row_schema),
};
MESSAGE_TABLE(experiments, EXPERIMENTS);

static const struct field msg_trial_row_fields[] = {
    FIELD(msg_trial_row, experiment, FIELD_U32, 0),
    FIELD(msg_trial_row, trial, FIELD_U32, 0),
    FIELD(msg_trial_row, id, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_trial_row, name, FIELD_TEXT, LIMIT_TRIAL_NAME),
    FIELD(msg_trial_row, tag, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_trial_row, state, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_trial_row, attempt, FIELD_U32, 0),
    FIELD(msg_trial_row, failures, FIELD_U32, 0),
    FIELD(msg_trial_row, node, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_trial_row, hostname, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_trial_row, pid, FIELD_I64, 0),
    FIELD(msg_trial_row, started_ms, FIELD_U64, 0),
    FIELD(msg_trial_row, ended_ms, FIELD_U64, 0),
    FIELD(msg_trial_row, results, FIELD_U64, 0),
    FIELD(msg_trial_row, reason, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_trial_row, status, FIELD_I64, 0),
    FIELD(msg_trial_row, text, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_trial_row, has_best, FIELD_BOOL, 0),
    FIELD(msg_trial_row, best, FIELD_F64, 0),
    FIELD(msg_trial_row, best_at, FIELD_I64, 0),
    FIELD(msg_trial_row, folder, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_trial_row, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD(msg_trial_row, last, FIELD_PACKED, LIMIT_DICT_BYTES),
    FIELD(msg_trial_row, summary, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_trial_row, version, FIELD_U64, 0),
};
const struct schema msg_trial_row_schema = SCHEMA(msg_trial_row, 0, msg_trial_row_fields);

static const struct field msg_trials_fields[] = {
    FIELD(msg_trials, experiment, FIELD_U32, 0),
    FIELD(msg_trials, after_version, FIELD_U64, 0),
    FIELD(msg_trials, limit, FIELD_U32, LIMIT_ROWS_REPLY),
    FIELD(msg_trials, wait_ms, FIELD_U32, LIMIT_WAIT_MS),
    FIELD(msg_trials, state, FIELD_TEXT, LIMIT_NAME_BYTES),
};
MESSAGE_TABLE(trials, TRIALS);

static const struct field msg_trial_rows_fields[] = {
    FIELD_OF(msg_trial_rows, rows, FIELD_LIST, LIMIT_ROWS_REPLY, msg_trial_row_schema),
    FIELD(msg_trial_rows, version, FIELD_U64, 0),
    FIELD(msg_trial_rows, more, FIELD_BOOL, 0),
    FIELD(msg_trial_rows, ended, FIELD_BOOL, 0),
};
MESSAGE_TABLE(trial_rows, TRIAL_ROWS);

static const struct field msg_status_fields[] = {
    FIELD(msg_status, experiment, FIELD_U32, 0),
    FIELD(msg_status, whole, FIELD_BOOL, 0),
};
MESSAGE_TABLE(status, STATUS);

static const struct field msg_status_group_fields[] = {
    FIELD(msg_status_group, state, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_status_group, count, FIELD_U32, 0),
    FIELD(msg_status_group, shown_first, FIELD_U32, LIMIT_ROWS_REPLY),
    FIELD_OF(msg_status_group, rows, FIELD_LIST, LIMIT_ROWS_REPLY, msg_trial_row_schema),
};
static const struct schema msg_status_group_schema =
    SCHEMA(msg_status_group, 0, msg_status_group_fields);

static const struct field msg_usage_fields[] = {
    FIELD(msg_usage, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_usage, used, FIELD_F64, 0),
    FIELD(msg_usage, total, FIELD_F64, 0),
};
static const struct schema msg_usage_schema = SCHEMA(msg_usage, 0, msg_usage_fields);

static const struct field msg_status_reply_fields[] = {
    FIELD_OF(msg_status_reply, experiment, FIELD_RECORD, 0, msg_experiment_row_schema),
    FIELD(msg_status_reply, scheduler, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD_OF(msg_status_reply, usage, FIELD_LIST, LIMIT_ROWS_REPLY, msg_usage_schema),
    FIELD(msg_status_reply, memory_used, FIELD_U64, 0),
    FIELD(msg_status_reply, memory_total, FIELD_U64, 0),
    FIELD(msg_status_reply, nodes, FIELD_U32, 0),
    FIELD(msg_status_reply, committing, FIELD_BOOL, 0),
    FIELD_OF(msg_status_reply, groups, FIELD_LIST, LIMIT_STATUS_GROUPS, msg_status_group_schema),
    FIELD(msg_status_reply, hostname, FIELD_TEXT, LIMIT_NAME_BYTES),
};
MESSAGE_TABLE(status_reply, STATUS_REPLY);

static const struct field msg_show_fields[] = {
    FIELD(msg_show, experiment, FIELD_U32, 0),
    FIELD(msg_show, trial, FIELD_U32, 0),
};
MESSAGE_TABLE(show, SHOW);

static const struct field msg_attempt_row_fields[] = {
    FIELD(msg_attempt_row, attempt, FIELD_U32, 0),
    FIELD(msg_attempt_row, node, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_attempt_row, restored, FIELD_BOOL, 0),
    FIELD(msg_attempt_row, from_iteration, FIELD_I64, 0),
    FIELD(msg_attempt_row, ran_ms, FIELD_U64, 0),
    FIELD(msg_attempt_row, ended_ms, FIELD_U64, 0),
    FIELD(msg_attempt_row, reason, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_attempt_row, status, FIELD_I64, 0),
    FIELD(msg_attempt_row, results, FIELD_U64, 0),
};
static const struct schema msg_attempt_row_schema =
    SCHEMA(msg_attempt_row, 0, msg_attempt_row_fields);

static const struct field msg_show_reply_fields[] = {
    FIELD_OF(msg_show_reply, experiment, FIELD_RECORD, 0, msg_experiment_row_schema),
    FIELD(msg_show_reply, spec, FIELD_PACKED, LIMIT_SPEC_BYTES),
    FIELD_OF(msg_show_reply, trials, FIELD_LIST, 1, msg_trial_row_schema),
    FIELD_OF_LATER(msg_show_reply, attempts, FIELD_LIST, LIMIT_PAST, msg_attempt_row_schema),
};
MESSAGE_TABLE(show_reply, SHOW_REPLY);

static const struct field msg_results_fields[] = {
    FIELD(msg_results, experiment, FIELD_U32, 0),
    FIELD(msg_results, trial, FIELD_U32, 0),
    FIELD(msg_results, cursor, FIELD_U64, 0),
    FIELD(msg_results, limit_bytes, FIELD_U32, LIMIT_CHUNK_BYTES),
    FIELD(msg_results, wait_ms, FIELD_U32, LIMIT_WAIT_MS),
};
MESSAGE_TABLE(results, RESULTS);

static const struct field msg_lines_fields[] = {
    FIELD(msg_lines, lines, FIELD_TEXT, LIMIT_LINES_BYTES),
    FIELD(msg_lines, cursor, FIELD_U64, 0),
    FIELD(msg_lines, ended, FIELD_BOOL, 0),
};
MESSAGE_TABLE(lines, LINES);

static const struct field msg_logs_fields[] = {
    FIELD(msg_logs, experiment, FIELD_U32, 0),
    FIELD(msg_logs, trial, FIELD_U32, 0),
    FIELD(msg_logs, stream, FIELD_U32, OUTPUT_STDERR),
    FIELD(msg_logs, offset, FIELD_U64, 0),
    FIELD(msg_logs, limit_bytes, FIELD_U32, LIMIT_CHUNK_BYTES),
    FIELD(msg_logs, wait_ms, FIELD_U32, LIMIT_WAIT_MS),
};
MESSAGE_TABLE(logs, LOGS);

static const struct field msg_log_chunk_fields[] = {
    FIELD(msg_log_chunk, bytes, FIELD_BYTES, LIMIT_CHUNK_BYTES),
    FIELD(msg_log_chunk, offset, FIELD_U64, 0),
    FIELD(msg_log_chunk, ended, FIELD_BOOL, 0),
};
MESSAGE_TABLE(log_chunk, LOG_CHUNK);

static const struct field msg_best_fields[] = {
    FIELD(msg_best, experiment, FIELD_U32, 0),
    FIELD(msg_best, count, FIELD_U32, LIMIT_ROWS_REPLY),
};
MESSAGE_TABLE(best, BEST);

static const struct field msg_nodes_fields[] = {
    FIELD(msg_nodes, verbose, FIELD_BOOL, 0),
};
MESSAGE_TABLE(nodes, NODES);

static const struct field msg_node_row_fields[] = {
    FIELD(msg_node_row, node, FIELD_U32, 0),
    FIELD(msg_node_row, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_node_row, hostname, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_node_row, node_ip, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_node_row, state, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD_OF(msg_node_row, capacity, FIELD_RECORD, 0, resources_schema),
    FIELD_OF(msg_node_row, used, FIELD_RECORD, 0, resources_schema),
    FIELD(msg_node_row, gpus, FIELD_U32, LIMIT_GPUS),
    FIELD(msg_node_row, running, FIELD_U32, 0),
    FIELD(msg_node_row, ahead, FIELD_U32, 0),
    FIELD(msg_node_row, heard_ms_ago, FIELD_U64, 0),
};
const struct schema msg_node_row_schema = SCHEMA(msg_node_row, 0, msg_node_row_fields);

static const struct field msg_node_rows_fields[] = {
    FIELD_OF(msg_node_rows, rows, FIELD_LIST, LIMIT_SESSIONS, msg_node_row_schema),
};
MESSAGE_TABLE(node_rows, NODE_ROWS);

static const struct field msg_explain_fields[] = {
    FIELD(msg_explain, experiment, FIELD_U32, 0),
    FIELD(msg_explain, trial, FIELD_U32, 0),
};
MESSAGE_TABLE(explain, EXPLAIN);

static const struct field msg_text_fields[] = {
    FIELD(msg_text, text, FIELD_TEXT, LIMIT_CHUNK_BYTES),
};
MESSAGE_TABLE(text, TEXT);

static const struct field msg_token_create_fields[] = {
    FIELD(msg_token_create, role, FIELD_U32, ROLE_HIGHEST),
    FIELD(msg_token_create, uses, FIELD_U32, LIMIT_PRINCIPALS),
    FIELD(msg_token_create, expires_s, FIELD_U64, 0),
};
MESSAGE_TABLE(token_create, TOKEN_CREATE);

static const struct field msg_token_fields[] = {
    FIELD(msg_token, token, FIELD_TEXT, LIMIT_TOKEN_BYTES),
    FIELD(msg_token, expires_ms, FIELD_U64, 0),
};
MESSAGE_TABLE(token, TOKEN);

static const struct field msg_token_list_fields[] = {
    FIELD(msg_token_list, limit, FIELD_U32, LIMIT_TOKENS),
};
MESSAGE_TABLE(token_list, TOKEN_LIST);

static const struct field msg_token_row_fields[] = {
    FIELD(msg_token_row, id, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_token_row, role, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_token_row, uses_left, FIELD_U32, 0),
    FIELD(msg_token_row, expires_ms, FIELD_U64, 0),
    FIELD(msg_token_row, revoked, FIELD_BOOL, 0),
};
static const struct schema msg_token_row_schema = SCHEMA(msg_token_row, 0, msg_token_row_fields);

static const struct field msg_token_rows_fields[] = {
    FIELD_OF(msg_token_rows, rows, FIELD_LIST, LIMIT_TOKENS, msg_token_row_schema),
};
MESSAGE_TABLE(token_rows, TOKEN_ROWS);

static const struct field msg_token_revoke_fields[] = {
    FIELD(msg_token_revoke, id, FIELD_TEXT, LIMIT_NAME_BYTES),
};
MESSAGE_TABLE(token_revoke, TOKEN_REVOKE);

static const struct field msg_drain_fields[] = {
    FIELD(msg_drain, node, FIELD_U32, 0),
    FIELD(msg_drain, on, FIELD_BOOL, 0),
};
MESSAGE_TABLE(drain, DRAIN);

static const struct field msg_doctor_fields[] = {
    FIELD(msg_doctor, version, FIELD_TEXT, LIMIT_NAME_BYTES),
};
MESSAGE_TABLE(doctor, DOCTOR);

static const struct field msg_suggest_fields[] = {
    FIELD(msg_suggest, experiment, FIELD_U32, 0),
    FIELD(msg_suggest, number, FIELD_U64, 0),
    FIELD(msg_suggest, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
};
MESSAGE_TABLE(suggest, SUGGEST);

static const struct field msg_suggested_fields[] = {
    FIELD(msg_suggested, trial, FIELD_U32, 0),
};
MESSAGE_TABLE(suggested, SUGGESTED);

static const struct field msg_want_fields[] = {
    FIELD(msg_want, experiment, FIELD_U32, 0),
    FIELD(msg_want, wait_ms, FIELD_U32, LIMIT_WAIT_MS),
};
MESSAGE_TABLE(want, WANT);

static const struct field msg_wanted_fields[] = {
    FIELD(msg_wanted, count, FIELD_U32, 0),
    FIELD(msg_wanted, over, FIELD_BOOL, 0),
};
MESSAGE_TABLE(wanted, WANTED);

static const struct field msg_finding_fields[] = {
    FIELD(msg_finding, subject, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_finding, grade, FIELD_U32, FINDING_ERROR),
    FIELD(msg_finding, text, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_finding, mend, FIELD_TEXT, LIMIT_TEXT_BYTES),
};
static const struct schema msg_finding_schema = SCHEMA(msg_finding, 0, msg_finding_fields);

static const struct field msg_findings_fields[] = {
    FIELD(msg_findings, version, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_findings, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_findings, epoch, FIELD_U64, 0),
    FIELD(msg_findings, unix_ms, FIELD_U64, 0),
    FIELD_OF(msg_findings, rows, FIELD_LIST, LIMIT_FINDINGS, msg_finding_schema),
};
MESSAGE_TABLE(findings, FINDINGS);
