/* audit.h - who was refused, who joined, who did what only admins do: <data-dir>/audit.log.
 *
 * One line each: time, word, what is known of the peer. Never a secret. Lines of the same kind are
 * limited to 50 a second; what goes over is counted in the next line. */
#ifndef HEAD_AUDIT_H
#define HEAD_AUDIT_H

struct audit;

/* Appends to data_dir/audit.log (0600). NULL with errno set where it cannot. */
struct audit *audit_open(const char *data_dir);
void audit_close(struct audit *audit);

/* word: "refused", "joined", "token", ... */
void audit_line(struct audit *audit, const char *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
