"""no_pidfd.py PROGRAM [WORD...]: a program in a container whose filter is older than pidfds and clone3
and says of each that there is no such call."""
import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
UNKNOWN = (424, 434, 435)  # pidfd_send_signal, pidfd_open, clone3: the same on every machine
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # of BPF
ALLOW, NO_SUCH_CALL = 0x7FFF0000, 0x00050000 | 38


def filter_of(numbers):
    """Each line: what to do, where to go on if so, and if not, its operand."""
    lines = [(LOAD, 0, 0, 0)]
    lines += [(EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    lines += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, NO_SUCH_CALL)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("lines", ctypes.c_char_p)]


code = filter_of(UNKNOWN)
program = Program(len(code) // 8, code)
libc = ctypes.CDLL(None, use_errno=True)
if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0):
    sys.exit("no filter: %s" % os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
