/* The messages of the join plane, those of any plane, and blobs. */
#include "proto/messages.h"

#include "common/limits.h"
#include "proto/roles.h"

#define PORT_HIGHEST 65535u
#define ROLE_HIGHEST (PRINCIPAL_ROLE_COUNT - 1)

static const struct field msg_ok_fields[] = {
    FIELD(msg_ok, value, FIELD_U64, 0),
};
MESSAGE_TABLE(ok, OK);

static const struct field msg_error_fields[] = {
    FIELD(msg_error, code, FIELD_U32, 0),
    FIELD(msg_error, what, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_error, why, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(msg_error, mend, FIELD_TEXT, LIMIT_TEXT_BYTES),
};
MESSAGE_TABLE(error, ERROR);

static const struct field msg_hello_fields[] = {
    FIELD(msg_hello, version, FIELD_TEXT, LIMIT_NAME_BYTES),
};
MESSAGE_TABLE(hello, HELLO);

static const struct field msg_welcome_fields[] = {
    FIELD(msg_welcome, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_welcome, version, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(msg_welcome, client_port, FIELD_U32, PORT_HIGHEST),
    FIELD(msg_welcome, worker_port, FIELD_U32, PORT_HIGHEST),
    FIELD(msg_welcome, role, FIELD_U32, ROLE_HIGHEST),
};
MESSAGE_TABLE(welcome, WELCOME);

static const struct field msg_join_fields[] = {
    FIELD(msg_join, token, FIELD_BYTES, LIMIT_TOKEN_ID),
    FIELD(msg_join, secret, FIELD_BYTES, LIMIT_TOKEN_SECRET),
    FIELD(msg_join, name, FIELD_TEXT, LIMIT_NAME_BYTES),
};
MESSAGE_TABLE(join, JOIN);

static const struct field msg_joined_fields[] = {
    FIELD(msg_joined, role, FIELD_U32, ROLE_HIGHEST),
    FIELD(msg_joined, principal, FIELD_U32, 0),
};
MESSAGE_TABLE(joined, JOINED);

static const struct field msg_blob_get_fields[] = {
    FIELD(msg_blob_get, hash, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD(msg_blob_get, offset, FIELD_U64, 0),
    FIELD(msg_blob_get, size, FIELD_U32, LIMIT_CHUNK_BYTES),
};
MESSAGE_TABLE(blob_get, BLOB_GET);

static const struct field msg_blob_chunk_fields[] = {
    FIELD(msg_blob_chunk, hash, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD(msg_blob_chunk, offset, FIELD_U64, 0),
    FIELD(msg_blob_chunk, total, FIELD_U64, 0),
    FIELD(msg_blob_chunk, bytes, FIELD_BYTES, LIMIT_CHUNK_BYTES),
};
MESSAGE_TABLE(blob_chunk, BLOB_CHUNK);

static const struct field msg_blob_put_fields[] = {
    FIELD(msg_blob_put, hash, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD(msg_blob_put, offset, FIELD_U64, 0),
    FIELD(msg_blob_put, total, FIELD_U64, 0),
    FIELD(msg_blob_put, bytes, FIELD_BYTES, LIMIT_CHUNK_BYTES),
};
MESSAGE_TABLE(blob_put, BLOB_PUT);

static const struct field msg_blob_ask_fields[] = {
    FIELD(msg_blob_ask, hash, FIELD_BYTES, LIMIT_HASH_BYTES),
};
MESSAGE_TABLE(blob_ask, BLOB_ASK);

static const struct field msg_blob_state_fields[] = {
    FIELD(msg_blob_state, hash, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD(msg_blob_state, have, FIELD_U64, 0),
    FIELD(msg_blob_state, complete, FIELD_BOOL, 0),
};
MESSAGE_TABLE(blob_state, BLOB_STATE);
