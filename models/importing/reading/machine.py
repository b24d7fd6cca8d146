"""The stack machine of pickles, without the instructions that import and call.

Instruction set: ``pickletools`` of the standard library, whose documentation describes each.
"""

from __future__ import annotations

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from typing import Any

from models.importing.reading.records import (
    Made,
    Malformed,
    Outside,
    Program,
    Reference,
    plain,
)

# Instructions that carry a value, those that are one, and those that say nothing.
_VALUES = frozenset(
    {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
    | {"STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}
    | {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BYTEARRAY8"}
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_FRESH: dict[str, type] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": list}  # no hashes
_LAST = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NOTHING = frozenset({"PROTO", "FRAME", "STOP"})


class Machine:
    """The stack, the marks and the memo.

    Attributes:
        stack: What is being worked on; after the last instruction, what the pickle describes.
        program: Where references, calls and outside things are noted.
    """

    def __init__(self, program: Program) -> None:
        self.stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self.program = program

    def step(self, name: str, argument: Any) -> None:  # noqa: ANN401 - as the opcode has it
        """Carry out one instruction, by its name in ``pickletools``."""
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _FRESH:
            self.stack.append(_FRESH[name]())
        elif name in _LAST:
            self._tuple_of(_LAST[name])
        elif name not in _NOTHING:
            action = getattr(self, f"_{name.lower()}", None)
            if action is None:
                raise Malformed(f"its pickle uses {name}, which no checkpoint does")
            action() if argument is None else action(argument)

    # Containers

    def _mark(self) -> None:
        self._marked.append(self.stack)
        self.stack = []

    def _since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self._marked.pop()
        return items

    def _list(self) -> None:
        items = self._since_mark()
        self.stack.append(items)

    _frozenset = _list

    def _tuple(self) -> None:
        items = self._since_mark()
        self.stack.append(tuple(items))

    def _tuple_of(self, count: int) -> None:
        if len(self.stack) < count:
            raise Malformed("its pickle takes more than it put down")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def _dict(self) -> None:
        items = self._since_mark()
        self.stack.append({})
        self._fill(items)

    def _setitem(self) -> None:
        items = self.stack[-2:]
        del self.stack[-2:]
        self._fill(items)

    def _setitems(self) -> None:
        self._fill(self._since_mark())

    def _fill(self, items: list[Any]) -> None:
        target = self.stack[-1]
        filled = target.items if isinstance(target, Made) else target
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not plain(key):
                raise Malformed("its pickle has keys that no checkpoint has")
            filled[key] = value

    def _append(self) -> None:
        self._extend([self.stack.pop()])

    def _appends(self) -> None:
        self._extend(self._since_mark())

    _additems = _appends

    def _extend(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)
        elif not isinstance(self.stack[-1], Made):  # what a made thing is filled with is not kept
            raise Malformed("its pickle appends to what is no list")

    # Stack and memo

    def _pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._since_mark()

    def _pop_mark(self) -> None:
        self._since_mark()

    def _dup(self) -> None:
        self.stack.append(self.stack[-1])

    def _put(self, index: int) -> None:
        self._memo[index] = self.stack[-1]

    _binput = _long_binput = _put

    def _memoize(self) -> None:
        self._put(len(self._memo))

    def _get(self, index: int) -> None:
        self.stack.append(self._memo[index])

    _binget = _long_binget = _get

    # What would import, call or fetch

    def _refer(self, module: str, name: str) -> Reference:
        if (module, name) in NAME_MAPPING:  # files of Python 2
            module, name = NAME_MAPPING[(module, name)]
        found = Reference(f"{IMPORT_MAPPING.get(module, module)}.{name}")
        self.program.references.append(found.name)
        return found

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(self._refer(module, name))

    def _stack_global(self) -> None:
        module, name = self.stack.pop(-2), self.stack.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise Malformed("its pickle refers to what is no name")
        self.stack.append(self._refer(module, name))

    def _make(self, by: object, arguments: object) -> None:
        made = Made(by, arguments)
        self.program.calls.append(made)
        self.stack.append(made)

    def _reduce(self) -> None:
        by, arguments = self.stack.pop(-2), self.stack.pop()
        self._make(by, arguments)

    _newobj = _reduce

    def _newobj_ex(self) -> None:
        by, arguments, named = self.stack[-3:]
        del self.stack[-3:]
        self._make(by, (arguments, named))

    def _inst(self, argument: str) -> None:
        arguments = tuple(self._since_mark())
        module, _, name = argument.partition(" ")
        self._make(self._refer(module, name), arguments)

    def _obj(self) -> None:
        by, *arguments = self._since_mark()
        self._make(by, tuple(arguments))

    def _build(self) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state

    def _binpersid(self) -> None:
        found = Outside(self.stack.pop())
        self.program.outside.append(found)
        self.stack.append(found)

    def _persid(self, key: str) -> None:
        self.stack.append(key)
        self._binpersid()
