/* err.h - the one list of failures that cross a function boundary.
 *
 * Zero is success, every failure is negative. Failures are things the outside world did (a peer
 * vanished, a file is missing); our own mistakes are asserts and running out of memory is fatal,
 * so neither is listed here. */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#define ERR_LIST(X)                                                                                \
    X(ERR_IO, -1, "input/output error")                                                            \
    X(ERR_NOT_FOUND, -2, "not found")                                                              \
    X(ERR_MALFORMED, -3, "malformed data")                                                         \
    X(ERR_TOO_BIG, -4, "over a limit")                                                             \
    X(ERR_CLOSED, -5, "peer is gone")                                                              \
    X(ERR_EXISTS, -6, "exists already")                                                            \
    X(ERR_DENIED, -7, "not allowed")                                                               \
    X(ERR_TIMEOUT, -8, "timed out")                                                                \
    X(ERR_FULL, -9, "no space left")                                                               \
    X(ERR_VERSION, -10, "another version's format")                                                \
    X(ERR_FENCED, -11, "another head leads")                                                       \
    X(ERR_AGAIN, -12, "not now")                                                                   \
    X(ERR_AMNESIA, -13, "AMNESIA: the log has lost what was acknowledged")

#define X(name, code, text) name = code,
enum err { ERR_LIST(X) };
#undef X

/* Return a constant, human readable text for err. */
const char *err_text(int err);

/* Return the ERR_ value that stands for the current errno. */
int err_from_errno(void);

#endif
