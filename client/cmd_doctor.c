/* `assay doctor`: this machine and the head that commands would talk to. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/connection.h"
#include "client/doctor.h"
#include "client/out.h"
#include "client/say.h"
#include "client/tame.h"
#include "common/sys/clock.h"

#define HEAD    "head"
#define SKEW_MS 2000 /* dates of results that are so far apart are told apart by people */

static const char *const grades[] = {
    [FINDING_OK] = "ok", [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error"};

static void add(struct doctor *doctor, const char *of, struct span subject, uint32_t grade,
                struct span text, struct span mend)
{
    if (doctor->count == DOCTOR_ROWS)
        return;
    doctor->of[doctor->count] = of;
    doctor->rows[doctor->count++] =
        (struct msg_finding){.subject = subject, .grade = grade, .text = text, .mend = mend};
}

void doctor_add(struct doctor *doctor, const char *of, const char *subject,
                enum finding_grade grade, const char *mend, const char *format, ...)
{
    char text[2 * LIMIT_PATH_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add(doctor, of, span_text(subject), (uint32_t)grade,
        span_text(arena_strdup(doctor->arena, text)),
        span_text(grade == FINDING_OK ? "" : arena_strdup(doctor->arena, mend)));
}

void doctor_clock(struct doctor *doctor, uint64_t head_ms, uint64_t asked_ms, uint64_t heard_ms)
{
    int64_t skew = 0;

    if (head_ms > heard_ms)
        skew = (int64_t)(head_ms - heard_ms);
    else if (head_ms < asked_ms)
        skew = -(int64_t)(asked_ms - head_ms);
    if (skew < -SKEW_MS || skew > SKEW_MS)
        doctor_add(doctor, HEAD, "clock", FINDING_WARNING,
                   "let both follow a time server (timedatectl set-ntp true); only dates are wrong",
                   "the head's clock is %.1f s %s this machine's", (double)llabs(skew) / 1000,
                   skew > 0 ? "before" : "behind");
    else
        doctor_add(doctor, HEAD, "clock", FINDING_OK, "", "the same as this machine's");
}

static void check_version(struct doctor *doctor, const struct msg_findings *findings)
{
    if (span_is(findings->version, ASSAY_VERSION))
        doctor_add(doctor, HEAD, "version", FINDING_OK, "", "%.*s", SPAN(findings->version));
    else
        doctor_add(doctor, HEAD, "version", FINDING_WARNING,
                   "bring head, workers and client to the same version", "%.*s, and here is %s",
                   SPAN(findings->version), ASSAY_VERSION);
}

static int ask_head(struct doctor *doctor, struct connection *connection)
{
    const struct msg_doctor ask = {.version = span_text(ASSAY_VERSION)};
    const struct msg_findings *findings;
    const struct msg_finding *rows;
    uint64_t asked_ms = clock_unix_ms();
    void *reply;
    int rc = connection_ask(connection, MSG_DOCTOR, &ask, 0, MSG_FINDINGS, doctor->arena, &reply);

    if (rc != 0)
        return rc;
    findings = reply;
    doctor_add(doctor, HEAD, "head", FINDING_OK, "", "%.*s at %s, epoch %" PRIu64,
               SPAN(findings->name), connection_address(connection), findings->epoch);
    check_version(doctor, findings);
    doctor_clock(doctor, findings->unix_ms, asked_ms, clock_unix_ms());
    rows = findings->rows.items;
    for (uint32_t i = 0; i < findings->rows.count; i++)
        add(doctor, HEAD, rows[i].subject, rows[i].grade, rows[i].text, rows[i].mend);
    return 0;
}

/* One that was named has to be there; without that, none need be. */
static void check_head(struct doctor *doctor, const struct common_flags *flags)
{
    const char *set = flags->address != NULL ? flags->address : getenv("ASSAY_ADDRESS");
    bool told = set != NULL && set[0] != '\0';
    struct connection *connection;
    struct where where;
    int rc = where_find(flags->address, flags->token_file, true, &where);

    if (rc == 0)
        rc = connection_open(&where, CONNECT_MS, true, &connection);
    if (rc == EXIT_NO_HEAD) {
        doctor_add(doctor, HEAD, "head", told ? FINDING_ERROR : FINDING_OK,
                   "assay head there; or another --address", "none is there: %s%s",
                   told ? "nobody answers at " : "none is named, or started here by this user",
                   told ? set : "");
        return;
    }
    if (rc == 0) {
        rc = ask_head(doctor, connection);
        connection_close(connection);
    }
    if (rc != 0)
        doctor_add(doctor, HEAD, "head", FINDING_ERROR, "what standard error advises",
                   "it cannot be asked: see standard error");
}

static struct value span_value(struct span text, struct arena *arena)
{
    return value_text(arena, arena_text(arena, text));
}

static void print_json(const struct doctor *doctor, bool well)
{
    struct value_builder items;
    struct value_builder whole;
    struct value document;

    value_builder_list(&items, doctor->arena);
    for (uint32_t i = 0; i < doctor->count; i++) {
        const struct msg_finding *row = &doctor->rows[i];
        struct value_builder map;

        value_builder_map(&map, doctor->arena);
        value_builder_set(&map, "of", value_text(doctor->arena, doctor->of[i]));
        value_builder_set(&map, "subject", span_value(row->subject, doctor->arena));
        value_builder_set(&map, "state", value_text(doctor->arena, grades[row->grade]));
        value_builder_set(&map, "text", span_value(row->text, doctor->arena));
        value_builder_set(&map, "mend", span_value(row->mend, doctor->arena));
        value_builder_add(&items, value_builder_done(&map));
    }
    value_builder_map(&whole, doctor->arena);
    value_builder_set(&whole, "well", value_bool(well));
    value_builder_set(&whole, "checks", value_builder_done(&items));
    document = value_builder_done(&whole);
    out_json(&document, false, doctor->arena);
}

static void print_lines(const struct doctor *doctor)
{
    struct buf text = {0};

    for (uint32_t i = 0; i < doctor->count; i++) {
        const struct msg_finding *row = &doctor->rows[i];

        buf_printf(&text, "%-8s %-8s %.*s: %.*s\n", grades[row->grade], doctor->of[i],
                   SPAN(row->subject), SPAN(row->text));
        if (row->mend.size > 0)
            buf_printf(&text, "                  try: %.*s\n", SPAN(row->mend));
    }
    out_text(&text);
}

static int run(const struct invocation *invocation)
{
    const struct common_flags *flags = invocation->flags;
    struct doctor *doctor = arena_alloc(invocation->arena, sizeof(*doctor));
    bool well = true;

    *doctor = (struct doctor){.arena = invocation->arena};
    doctor_machine(doctor);
    check_head(doctor, flags);
    for (uint32_t i = 0; i < doctor->count; i++)
        well = well && doctor->rows[i].grade == FINDING_OK;
    if (flags->json)
        print_json(doctor, well);
    else
        print_lines(doctor);
    return well ? EXIT_DONE : EXIT_TO_MEND;
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "",
    .help = "Check this machine and the head, and say what to mend",
    .about = "A line each: whether it is ok, a warning or an error; whether it is of this machine "
             "or of the head; what was found; and what to do. Of the head it says what an "
             "acknowledgement is worth there, and what comes near a limit. Without a head the "
             "machine alone is looked at.\n\n"
             "The exit status is 0 where all is well and 1 where something is to be mended.",
    .example = "assay doctor",
    .takes = TAKES_HEAD | TAKES_JSON,
    .run = run,
};
