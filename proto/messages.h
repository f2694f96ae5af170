/* messages.h - inside proto/: the tables that codec.c looks up.
 *
 * A new message is a row in messages.def, a struct in msg.h, msg_worker.h or msg_client.h, and a
 * table in the file of the same plane: messages.c, messages_worker.c or messages_client.c. */
#ifndef PROTO_MESSAGES_H
#define PROTO_MESSAGES_H

#include "proto/msg.h"

#define MESSAGE(name, ...) extern const struct schema msg_##name##_schema;
#include "proto/messages.def"
#undef MESSAGE

/* The table of a message whose rows stand in msg_NAME_fields. */
#define MESSAGE_TABLE(name, number)                                                                \
    const struct schema msg_##name##_schema = SCHEMA(msg_##name, MSG_##number, msg_##name##_fields)

#endif
