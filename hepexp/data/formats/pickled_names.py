"""Lists of names that pandas pickles into HDF5 attributes, read without running the pickle.

A pickle is a program; these hold only a list of strings. Its opcodes are taken one by one from the standard library's
disassembler, which runs nothing, and any opcode that does more than build such a list is refused.
"""

from __future__ import annotations

import pickletools

from hepexp.errors import DataError

_MOST_BYTES = 2**20
_STRINGS = {"STRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"}
_MEMO = {"PUT", "BINPUT", "LONG_BINPUT"}  # give the last value a number
_RECALL = {"GET", "BINGET", "LONG_BINGET"}  # the value of that number once more
_LIST = {"MARK", "LIST", "EMPTY_LIST", "APPEND", "APPENDS", "STOP", "PROTO", "FRAME"}


def names_in(pickled: bytes, where: str) -> list[str]:
    """The strings of a pickled list of strings.

    Parameters
    ----------
    pickled : a pickle of any protocol.
    where : file and attribute, for the message.

    Raises
    ------
    DataError : it holds anything but one list of strings, or is no pickle at all.
    """
    refusal = DataError(
        f"{where}: not a plain list of column names; expected what pandas writes, and nothing is executed"
    )
    if len(pickled) > _MOST_BYTES:
        raise refusal
    names: list[str] = []
    memo: dict[int, str | None] = {}
    last: str | None = None  # None stands for the list itself
    lists = 0
    try:
        for opcode, argument, _ in pickletools.genops(pickled):
            if opcode.name in _STRINGS:
                last = argument
                names.append(last)
            elif opcode.name in _MEMO:
                memo[argument] = last
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = last
            elif opcode.name in _RECALL and memo.get(argument) is not None:
                last = memo[argument]
                names.append(last)
            elif opcode.name in ("LIST", "EMPTY_LIST"):
                lists += 1
                if lists > 1 or names:
                    raise refusal
            elif opcode.name not in _LIST:
                raise refusal
    except (ValueError, UnicodeError, IndexError, OverflowError, AttributeError):
        raise refusal from None
    if lists != 1 or not all(isinstance(name, str) for name in names):
        raise refusal
    return names
