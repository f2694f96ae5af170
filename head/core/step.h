/* step.h - what is at hand while one event is judged. */
#ifndef CORE_STEP_H
#define CORE_STEP_H

#include "head/core/core.h"

struct step {
    struct core *core;
    uint64_t now_ms;
    uint64_t origin;
    struct arena *scratch;   /* until the end of the step */
    struct tape *tape;       /* borrowed */
    struct effects *effects; /* borrowed */
};

/* Answer whoever asked. */
void step_reply(struct step *step, enum reply_code code, uint32_t number, enum role role);

/* Answer that it was not done. Texts are copied. Returns CORE_REFUSED. */
enum core_answer step_refuse(struct step *step, enum reply_code code, const char *what,
                             const char *why, const char *mend);

#endif
