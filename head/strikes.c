#include "head/strikes.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define KEYS 256u /* remembered; the one that failed longest ago is forgotten first */

struct strike {
    uint8_t key[32];
    uint32_t count;     /* in the window; 0: the place is free */
    uint64_t since_ms;  /* the window's beginning */
    uint64_t last_ms;   /* of the last bad message */
    uint64_t ignore_ms; /* until then; 0: it is listened to */
};

struct strikes {
    struct strike all[KEYS];
    uint64_t ignore_ms; /* nobody is ignored after this */
};

struct strikes *strikes_new(void)
{
    return xcalloc(1, sizeof(struct strikes));
}

void strikes_free(struct strikes *strikes)
{
    free(strikes);
}

static struct strike *find(struct strikes *strikes, const uint8_t key[32])
{
    for (uint32_t i = 0; i < KEYS; i++)
        if (strikes->all[i].count > 0 &&
            memcmp(strikes->all[i].key, key, sizeof(strikes->all[i].key)) == 0)
            return &strikes->all[i];
    return NULL;
}

static struct strike *take_place(struct strikes *strikes, const uint8_t key[32], uint64_t now_ms)
{
    struct strike *place = &strikes->all[0];

    for (uint32_t i = 1; i < KEYS && place->count > 0; i++)
        if (strikes->all[i].count == 0 || strikes->all[i].last_ms < place->last_ms)
            place = &strikes->all[i];
    *place = (struct strike){.since_ms = now_ms};
    memcpy(place->key, key, sizeof(place->key));
    return place;
}

bool strikes_add(struct strikes *strikes, const uint8_t key[32], uint64_t now_ms)
{
    struct strike *strike = find(strikes, key);

    if (strike == NULL)
        strike = take_place(strikes, key, now_ms);
    if (now_ms - strike->since_ms >= STRIKES_WINDOW_MS) {
        strike->since_ms = now_ms;
        strike->count = 0;
    }
    strike->last_ms = now_ms;
    if (++strike->count < STRIKES_MOST)
        return false;
    strike->count = 1; /* its place stays taken */
    strike->since_ms = now_ms;
    strike->ignore_ms = strikes->ignore_ms = now_ms + STRIKES_WINDOW_MS;
    return true;
}

bool strikes_ignored(struct strikes *strikes, const uint8_t key[32], uint64_t now_ms)
{
    const struct strike *strike;

    if (now_ms >= strikes->ignore_ms)
        return false;
    strike = find(strikes, key);
    return strike != NULL && now_ms < strike->ignore_ms;
}
