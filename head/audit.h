/* audit.h - who was refused, who joined, who did what only admins do: <data-dir>/audit.log.
 *
 * One line each: time, word, what is known of the peer. Never a secret. What strangers can cause
 * fills neither the disk nor the log: of equal lines the first 20 in a minute are written and then
 * how often it was said; of those of one word that differ, 200 at once and two a second, and what
 * goes over is counted in the next. So a crowd at the door hides nothing that was done inside.
 * At LIMIT_AUDIT_BYTES the file is renamed to audit.log.1 and a new one begins; LIMIT_AUDIT_FILES
 * old ones are kept. */
#ifndef HEAD_AUDIT_H
#define HEAD_AUDIT_H

#include <stdint.h>

struct audit;

/* Appends to data_dir/audit.log (0600), of at most limit_bytes. NULL with errno set where it
 * cannot. */
struct audit *audit_open(const char *data_dir, uint64_t limit_bytes);

/* Writes what was only counted so far. Accepts NULL. */
void audit_close(struct audit *audit);

/* word: "refused", "joined", "token", ..., a constant text. */
void audit_line(struct audit *audit, const char *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Write how often was said what nobody says any more. Call it now and then. */
void audit_tend(struct audit *audit, uint64_t now_ms);

#endif
