/* messages.h - inside proto/: the list of all messages, and the tables that codec.c looks up.
 *
 * A new message is a number in msg.h, a struct there, in msg_worker.h or in msg_client.h, a row
 * here, and a table in the file of the same plane: messages.c, messages_worker.c or
 * messages_client.c. */
#ifndef PROTO_MESSAGES_H
#define PROTO_MESSAGES_H

#include "proto/msg.h"

/* X(name of the struct behind msg_, name of the number behind MSG_) */
#define MESSAGE_LIST(X)                                                                            \
    X(ok, OK)                                                                                      \
    X(error, ERROR)                                                                                \
    X(hello, HELLO)                                                                                \
    X(welcome, WELCOME)                                                                            \
    X(join, JOIN)                                                                                  \
    X(joined, JOINED)                                                                              \
    X(register, REGISTER)                                                                          \
    X(registered, REGISTERED)                                                                      \
    X(ready, READY)                                                                                \
    X(heartbeat, HEARTBEAT)                                                                        \
    X(unknown, UNKNOWN)                                                                            \
    X(experiment, EXPERIMENT)                                                                      \
    X(launch, LAUNCH)                                                                              \
    X(reports, REPORTS)                                                                            \
    X(verdicts, VERDICTS)                                                                          \
    X(release, RELEASE)                                                                            \
    X(output, OUTPUT)                                                                              \
    X(leaving, LEAVING)                                                                            \
    X(vacated, VACATED)                                                                            \
    X(blob_get, BLOB_GET)                                                                          \
    X(blob_chunk, BLOB_CHUNK)                                                                      \
    X(blob_put, BLOB_PUT)                                                                          \
    X(blob_ask, BLOB_ASK)                                                                          \
    X(blob_state, BLOB_STATE)                                                                      \
    X(submit, SUBMIT)                                                                              \
    X(submitted, SUBMITTED)                                                                        \
    X(stop, STOP)                                                                                  \
    X(remove, REMOVE)                                                                              \
    X(list, LIST)                                                                                  \
    X(experiments, EXPERIMENTS)                                                                    \
    X(status, STATUS)                                                                              \
    X(status_reply, STATUS_REPLY)                                                                  \
    X(trials, TRIALS)                                                                              \
    X(trial_rows, TRIAL_ROWS)                                                                      \
    X(show, SHOW)                                                                                  \
    X(show_reply, SHOW_REPLY)                                                                      \
    X(results, RESULTS)                                                                            \
    X(lines, LINES)                                                                                \
    X(logs, LOGS)                                                                                  \
    X(log_chunk, LOG_CHUNK)                                                                        \
    X(best, BEST)                                                                                  \
    X(nodes, NODES)                                                                                \
    X(node_rows, NODE_ROWS)                                                                        \
    X(explain, EXPLAIN)                                                                            \
    X(text, TEXT)                                                                                  \
    X(token_create, TOKEN_CREATE)                                                                  \
    X(token, TOKEN)                                                                                \
    X(token_list, TOKEN_LIST)                                                                      \
    X(token_rows, TOKEN_ROWS)                                                                      \
    X(token_revoke, TOKEN_REVOKE)                                                                  \
    X(drain, DRAIN)

#define X(name, number) extern const struct schema msg_##name##_schema;
MESSAGE_LIST(X)
#undef X

/* The table of a message whose rows stand in msg_NAME_fields. */
#define MESSAGE(name, number)                                                                      \
    const struct schema msg_##name##_schema = SCHEMA(msg_##name, MSG_##number, msg_##name##_fields)

#endif
