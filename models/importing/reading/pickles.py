"""Pickles read as data: what they would build, without building any of it.

A pickle is a program for a small stack machine, and two of its instructions import and call
whatever they like. Here every instruction is carried out except those: a class or function becomes
its name, a call becomes a record of what would have been called with what. Nothing is imported,
so nothing can be called.
"""

from __future__ import annotations

import contextlib
import pickletools
from typing import IO

from models.importing.reading.machine import Machine
from models.importing.reading.records import Malformed, Program

_LARGEST = 2**25  # bytes; the pickle of a checkpoint with its optimiser is below one million


def read(file: IO[bytes]) -> Program:
    """Read one pickle, leaving the file right behind it.

    Raises:
        Malformed: If it is cut off, damaged, larger than any checkpoint's, or uses an instruction
            that none uses.
    """
    program = Program()
    _run(file, program)
    return program


def references(file: IO[bytes]) -> list[str]:
    """The classes and functions that a pickle names, as far as it can be read."""
    program = Program()
    with contextlib.suppress(Malformed):  # the beginning says enough
        _run(file, program)
    return list(dict.fromkeys(program.references))


def _run(file: IO[bytes], program: Program) -> None:
    machine = Machine(program)
    start = file.tell()
    try:
        for opcode, argument, position in pickletools.genops(file):
            if (position or 0) - start > _LARGEST:
                raise Malformed(f"its pickle is larger than {_LARGEST >> 20} MiB")
            machine.step(opcode.name, argument)
        program.value = machine.stack.pop()
    except Malformed:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as error:
        raise Malformed(f"its pickle is damaged ({type(error).__name__})") from error
