#include "common/redis/lead.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"

enum { FIELD_EPOCH, FIELD_ENDPOINT, FIELD_KEY, FIELD_BEAT, FIELDS };

void lead_ask(struct store *store, const char *name)
{
    char key[STORE_KEY_BYTES];

    store_send(store,
               STORE_WORDS(span_text("HMGET"), store_key(key, name, "head"), span_text(LEAD_EPOCH),
                           span_text(LEAD_ENDPOINT), span_text(LEAD_KEY), span_text(LEAD_BEAT)));
}

/* Printable ASCII that fits, or nothing. */
static bool read_text(const struct redisReply *reply, char *out, size_t size)
{
    struct span text = store_reply_text(reply);
    const char *at = text.data;

    if (text.size >= size)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (at[i] <= ' ' || at[i] > '~')
            return false;
    (void)snprintf(out, size, "%.*s", SPAN(text));
    return true;
}

static bool read_epoch(const struct redisReply *reply, uint64_t *out)
{
    char text[LOG_ID_BYTES];
    char id[LOG_ID_BYTES + 2];
    struct log_id read = {0, 0};

    if (!read_text(reply, text, sizeof(text)))
        return false;
    (void)snprintf(id, sizeof(id), "%s-0", text);
    if (text[0] != '\0' && !log_id_parse(span_text(id), &read))
        return false;
    *out = read.epoch;
    return true;
}

int lead_read(const struct redisReply *reply, struct lead *out)
{
    struct lead lead = {.epoch = 0};
    struct span beat;

    if (store_reply_is_error(reply, "LOADING"))
        return ERR_AGAIN;
    if (store_reply_is_error(reply, NULL))
        return ERR_DENIED;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != FIELDS)
        return ERR_MALFORMED;
    beat = store_reply_text(reply->element[FIELD_BEAT]);
    if (!read_epoch(reply->element[FIELD_EPOCH], &lead.epoch) ||
        !read_text(reply->element[FIELD_ENDPOINT], lead.endpoint, sizeof(lead.endpoint)) ||
        !read_text(reply->element[FIELD_KEY], lead.key, sizeof(lead.key)) ||
        (beat.size > 0 && !log_id_parse(beat, &lead.beat)))
        return ERR_MALFORMED;
    if (lead.epoch == 0 && lead.beat.epoch == 0)
        return ERR_NOT_FOUND;
    *out = lead;
    return 0;
}
