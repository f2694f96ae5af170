/* front.h - the clients: requests in, replies out.
 *
 * What changes something becomes an event and is answered when that is committed; what only reads
 * is answered from the view at once. A reader that asks to wait is kept in a bounded list and
 * answered when there is something, or when its time is over: so a slow reader holds nothing but
 * its line in that list. The end of an upload is answered when a thread has verified it. The join
 * plane is served here, too: HELLO and JOIN. */
#ifndef HEAD_FRONT_H
#define HEAD_FRONT_H

#include "head/audit.h"
#include "head/blobs.h"
#include "head/checkup.h"
#include "head/core/core.h"
#include "head/sink/sink.h"
#include "head/turn.h"
#include "head/view.h"
#include "proto/link.h"
#include "proto/msg.h"

struct front;

/* All borrowed. */
struct front_parts {
    void *client_socket;
    void *join_socket;
    struct view *view;
    const struct core *core;
    struct turns *turns;
    struct sinks *sinks;
    struct blobs *blobs;
    struct audit *audit;
    const uint8_t *head_key; /* public, KEY_BYTES */
    const char *name;        /* of the cluster */
    uint16_t client_port;
    uint16_t worker_port;
    uint64_t epoch;
    /* What `assay doctor` is to be told of the parts that the front does not know. */
    void (*facts)(void *context, struct checkup_facts *out);
    void *context;
};

struct front *front_new(const struct front_parts *parts);
void front_free(struct front *front);

/* A message of the client or join plane, unpacked into the open turn's arena; its role was checked.
 * principal 0: a key that nobody knows (join plane). */
void front_message(struct front *front, enum link_plane plane, const struct link_message *from,
                   const struct message *message, uint64_t now_ms, uint64_t unix_ms);

/* Refuse a message: its role, or its form. */
void front_refuse(struct front *front, void *socket, const struct link_route *route,
                  uint64_t request, uint32_t code, const char *what, const char *why,
                  const char *mend);

/* A committed REPLY. */
void front_apply(struct front *front, const struct effect_reply *reply);

/* Answer those whose code tree was verified. Costs next to nothing while there are none. */
void front_sealed(struct front *front);

/* A key may ask no more: its readers that wait are not answered. */
void front_revoke(struct front *front, uint32_t principal);

/* Answer those who wait, where there is something now or their time is over. Costs next to nothing
 * while neither the view nor the sinks' files have changed. */
void front_wake(struct front *front, uint64_t now_ms);

/* Readers that wait; requests whose event is on its way into the log. */
uint32_t front_waiting(const struct front *front);
size_t front_requests(const struct front *front);

/* When the next one's time is over, in ms of clock_ms; UINT64_MAX: nobody waits. */
uint64_t front_deadline_ms(const struct front *front);

/* Whether the log takes entries: when it does not, what would change something is refused at once.
 */
void front_set_committing(struct front *front, bool committing);

#endif
