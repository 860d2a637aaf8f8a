# SPDX-License-Identifier: BSD-3-Clause
"""
forbidden: runs a program to which the kernel refuses io_uring.

    forbidden.py PROGRAM ARGUMENT...
"""

import ctypes
import os
import struct
import sys

IO_URING_SETUP = 425  # a number that all architectures have in common

# A classic BPF program for seccomp(2): that system call fails with EPERM.
LOAD, EQUALS, RETURN = 0x20, 0x15, 0x06
ALLOW, EPERM = 0x7fff0000, 0x00050001
FILTER = [(LOAD, 0, 0, 0), (EQUALS, 0, 1, IO_URING_SETUP),
          (RETURN, 0, 0, EPERM), (RETURN, 0, 0, ALLOW)]
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def forbid_io_uring():
    """For this process and all that it becomes, as containers do."""
    program = b"".join(struct.pack("HBBI", *row) for row in FILTER)
    program = ctypes.create_string_buffer(program)
    fprog = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(FILTER), ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                       ctypes.addressof(fprog), 0, 0) != 0):
        raise OSError(ctypes.get_errno(), "no seccomp filter")


if __name__ == "__main__":
    forbid_io_uring()
    os.execv(sys.argv[1], sys.argv[1:])
