/* log.h - a daemon's own log: one line an event, to stderr.
 *
 * `time level code: sentence key=value`. A code is a short constant word that stays the same when
 * the sentence is reworded. Nothing secret is ever passed in. */
#ifndef SYS_LOG_H
#define SYS_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Lines below level are dropped; LOG_INFO at first. */
void log_set_level(enum log_level level);
void log_toggle_debug(void);

void log_line(enum log_level level, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The error people see: `assay: WHAT: WHY` and `  try: MEND` (mend NULL: -v says more), to stderr,
 * each one line whatever is in it. */
void log_error_for_people(const char *what, const char *why, const char *mend);

#endif
