"""Withhold files, processes, the network and signals from a Linux process, without any privilege.

Landlock (Linux 5.13 and later) limits which files a process may open. Seccomp refuses system calls: here, calls that
start processes, reach the network, signal other processes, change the attributes of files, or leave something behind in
the kernel. Nobody can undo either, not even root. Python has no module for them, so this file uses the C library and
the kernel's numbers.

Sources: the manual pages landlock(7) and seccomp(2), and the kernel's tables of system calls.
"""

import ctypes
import os
import platform

NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER, DIE_WITH_PARENT = 38, 22, 2, 1  # of prctl
KILLED = 9  # the signal


def die_with_parent():
    """Ask the kernel to kill this process as soon as its parent ends."""
    _call("prctl", DIE_WITH_PARENT, KILLED, 0, 0, 0)


def _call(name, *arguments):
    """Call a function of the C library; raise OSError if it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = getattr(libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


# --- capabilities -----------------------------------------------------------------------------------------------------


def drop_capabilities():
    """Give up the special rights of root; for any other user, this changes nothing."""
    VERSION_3 = 0x20080522
    _call("capset", (ctypes.c_uint32 * 2)(VERSION_3, 0), (ctypes.c_uint32 * 6)())


# --- Landlock: files --------------------------------------------------------------------------------------------------

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system call numbers, the same on every processor
VERSION, PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
FIRST_RIGHTS = (1 << 13) - 1  # all rights of version 1: those above, and to create and remove files of every kind
LATER_RIGHTS = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # to link, to truncate, and to control devices
TCP, SCOPES = 0b11, 0b11  # to bind and to connect; abstract sockets and signals


def landlock_version():
    """Return the version of Landlock that the kernel has; 0 if it has none."""
    try:
        return _call("syscall", CREATE_RULESET, None, 0, VERSION)
    except OSError:
        return 0


def limit_files(readable, writable):
    """Let this process read only what lies in `readable`, and write only in `writable`: lists of files and folders.

    From Landlock version 4 on, it cannot use TCP either; from version 6 on, it cannot signal processes outside.
    """
    version = landlock_version()
    rights = FIRST_RIGHTS | sum(right for since, right in LATER_RIGHTS.items() if since <= version)
    fields = [rights, *[TCP] * (version >= 4), *[SCOPES] * (version >= 6)]
    ruleset = _call("syscall", CREATE_RULESET, (ctypes.c_uint64 * len(fields))(*fields), 8 * len(fields), 0)
    for allowed, paths in ((READ_FILE | READ_DIR | EXECUTE, readable), (rights, writable)):
        for path in filter(os.path.exists, paths):
            _allow(ruleset, path, allowed if os.path.isdir(path) else allowed & (READ_FILE | WRITE_FILE))
    _call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _call("syscall", RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def _allow(ruleset, path, rights):
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    _call("syscall", ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(_PathBeneath(rights, folder)), 0)
    os.close(folder)


# --- seccomp: system calls --------------------------------------------------------------------------------------------

REFUSED = {  # call numbers on x86-64 and 64-bit ARM; None if the processor lacks the call
    # processes
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281), "unshare": (272, 97),
    "setns": (308, 268),
    # the network, and a way around this filter
    "socket": (41, 198), "socketpair": (53, 199), "io_uring_setup": (425, 425),
    # other processes
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "setpriority": (141, 140), "sched_setaffinity": (203, 122),
    # the attributes of files, which Landlock leaves alone
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    # memory that no limit counts, or that outlives the process
    "memfd_create": (319, 279), "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "keyctl": (250, 219), "add_key": (248, 217), "memfd_secret": (447, 447), "mq_unlink": (241, 181),
    "shmat": (30, 196), "shmctl": (31, 195), "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192),
    "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    # what others do with their files
    "inotify_init": (253, None), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
}  # fmt: skip
PRLIMIT, PRCTL = (302, 261), (157, 167)  # refused for other processes, and for DIE_WITH_PARENT
CLONE, CLONE3 = (56, 220), (435, 435)  # these also start threads, so only part of their work is refused
THREAD = 0x10000  # the flag of clone that asks for a thread
PROCESSORS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # a column of REFUSED, and the kernel's number
NOT_PERMITTED, NOT_IMPLEMENTED = 1, 38  # error numbers
ALLOW, ERROR, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, PROCESSOR, FIRST_ARGUMENT = 0, 4, 16  # byte offsets in the record that the filter reads
LOAD, EQUAL, AT_LEAST, HAS_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # the filter's instructions


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("skip_if", ctypes.c_uint8), ("skip_else", ctypes.c_uint8),
                ("k", ctypes.c_uint32)]  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction))]


def can_refuse_calls():
    """Return whether the filter supports this processor."""
    return platform.machine() in PROCESSORS


def refuse_calls():
    """Refuse the calls of REFUSED from now on, with "operation not permitted"."""
    column, processor = PROCESSORS[platform.machine()]
    refuse = [(RETURN, 0, 0, ERROR | NOT_PERMITTED)]
    filter_ = [(LOAD, 0, 0, PROCESSOR), (EQUAL, 1, 0, processor), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    filter_ += [(AT_LEAST, 0, 1, 0x40000000), *refuse]  # the second set of numbers, on x86-64
    for number in (numbers[column] for numbers in REFUSED.values() if numbers[column] is not None):
        filter_ += [(EQUAL, 0, 1, number), *refuse]
    allow = [(RETURN, 0, 0, ALLOW)]
    first = (LOAD, 0, 0, FIRST_ARGUMENT)
    filter_ += [(EQUAL, 0, 4, PRLIMIT[column]), first, (EQUAL, 0, 1, 0), *allow, *refuse]
    filter_ += [(EQUAL, 0, 4, PRCTL[column]), first, (EQUAL, 0, 1, DIE_WITH_PARENT), *refuse, *allow]
    filter_ += [(EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, ERROR | NOT_IMPLEMENTED)]  # so libc falls back to clone
    filter_ += [(EQUAL, 0, 3, CLONE[column]), first, (HAS_BITS, 1, 0, THREAD), *refuse]
    filter_ += allow
    instructions = (_Instruction * len(filter_))(*filter_)
    _call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _call("prctl", SET_SECCOMP, FILTER, ctypes.byref(_Program(len(filter_), instructions)), 0, 0)
