"""Lists of names that pandas pickles into HDF5 attributes, read without executing the pickle.

A pickle is a program; these contain only a list of strings. The opcodes are read one by one with the standard library's
disassembler, which executes nothing, and any opcode not needed to build such a list is refused.
"""

from __future__ import annotations

import pickletools

from hepexp.errors import DataError

_MOST_BYTES = 2**20
_STRINGS = {"STRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"}
_MEMO = {"PUT", "BINPUT", "LONG_BINPUT"}  # store the last value under a number
_RECALL = {"GET", "BINGET", "LONG_BINGET"}  # recall the value stored under a number
_LIST = {"MARK", "LIST", "EMPTY_LIST", "APPEND", "APPENDS", "STOP", "PROTO", "FRAME"}


def names_in(pickled: bytes, where: str) -> list[str]:
    """The strings of a pickled list of strings.

    Parameters
    ----------
    pickled : a pickle of any protocol.
    where : file and attribute, for the message.

    Raises
    ------
    DataError : it contains anything other than one list of strings, or is not a pickle.
    """
    refusal = DataError(
        f"{where}: not a plain list of column names as written by pandas; it is refused, as pickles can execute code"
    )
    if len(pickled) > _MOST_BYTES:
        raise refusal
    names: list[str] = []
    memo: dict[int, str | None] = {}
    last: str | None = None  # None stands for the list itself
    lists = 0
    try:
        for opcode, argument, _ in pickletools.genops(pickled):
            if opcode.name in _STRINGS and isinstance(argument, str):
                last = argument
                names.append(last)
            elif opcode.name in _MEMO and isinstance(argument, int):
                memo[argument] = last
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = last
            elif opcode.name in _RECALL and isinstance(argument, int) and (known := memo.get(argument)) is not None:
                last = known
                names.append(last)
            elif opcode.name in ("LIST", "EMPTY_LIST"):
                lists += 1
                if lists > 1 or names:
                    raise refusal
            elif opcode.name not in _LIST:
                raise refusal
    except (ValueError, UnicodeError, IndexError, OverflowError, AttributeError):
        raise refusal from None
    if lists != 1:
        raise refusal
    return names
