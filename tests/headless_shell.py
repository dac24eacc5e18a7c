#!/usr/bin/env python3
"""Becomes Chromium's headless shell, which cannot see when the machine's network changes.

The shell ends navigations with ERR_NETWORK_CHANGED when a bridge of anybody's comes or goes, and
the tests beside it make many. Chromium is told of that by a netlink socket, and without one it
takes the network as it is: net/base/address_tracker_linux.cc, AbortAndForceOnline.
"""

import ctypes
import errno
import os
import platform
import sys

_SHELL = "/usr/lib/chromium/chromium-headless-shell"
_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""The audit name of each architecture, and its number of socket(2)."""
_NETLINK = 16
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOWED, _FAILS = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Where in struct seccomp_data; see seccomp(2)."""
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2


class _Step(ctypes.Structure):
    """struct sock_filter."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def refuse_netlink() -> None:
    """Let no socket of netlink be made by this process and those that it starts."""
    architecture, socket = _CALLS[platform.machine()]
    steps = (
        _Step(_LOAD, 0, 0, _ARCHITECTURE),
        _Step(_EQUAL, 0, 5, architecture),
        _Step(_LOAD, 0, 0, _NUMBER),
        _Step(_EQUAL, 0, 3, socket),
        _Step(_LOAD, 0, 0, _FIRST_ARGUMENT),
        _Step(_EQUAL, 0, 1, _NETLINK),
        _Step(_RETURN, 0, 0, _FAILS | errno.EAFNOSUPPORT),
        _Step(_RETURN, 0, 0, _ALLOWED),
    )
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in (
        (_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        (_SECCOMP, _FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    refuse_netlink()
    os.execv(_SHELL, [_SHELL, *sys.argv[1:]])
