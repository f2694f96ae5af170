#include "common/err.h"

#include <errno.h>

const char *err_text(int err)
{
    switch (err) {
    case 0:
        return "success";
#define X(name, code, text)                                                                        \
    case name:                                                                                     \
        return text;
        ERR_LIST(X)
#undef X
    default:
        return "unknown error";
    }
}

int err_from_errno(void)
{
    switch (errno) {
    case ENOENT:
    case ESRCH:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
        return ERR_FULL;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case EAGAIN:
        return ERR_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
        return ERR_CLOSED;
    case EFBIG:
    case E2BIG:
    case ENAMETOOLONG:
        return ERR_TOO_BIG;
    default:
        return ERR_IO;
    }
}
