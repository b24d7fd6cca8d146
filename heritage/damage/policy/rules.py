"""Policies: for each kind of object, which damage is filled and which is only documented."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from heritage.damage.classes import DamageClass
from heritage.errors import BadSetting

SHIPPED = Path(__file__).parent.parent / "policies.toml"
"""The policies that come with this program."""

CLASSES: Mapping[str, DamageClass] = MappingProxyType(
    {kind.name: kind for kind in DamageClass if kind}
)
"""The classes that a policy may name."""

_INK = "spares_ink"


class Action(StrEnum):
    """What is done with a region of damage."""

    FILL = "fill"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with damage of one class.

    Attributes:
        action: Filling, or documenting only.
        largest: Pixels of the largest region that is filled; None: any.
        confidence: Regions found with less, of 0..1, are documented.
    """

    action: Action = Action.DOCUMENT
    largest: int | None = None
    confidence: float = 0.0


@dataclass(frozen=True)
class Policy:
    """What is done with the damage of one kind of object.

    Attributes:
        name: The kind of object: ``painting``, ``photograph`` and so on.
        rules: By class; a class without a rule is documented.
        spares_ink: Whether regions that touch ink are documented, whatever their class.
    """

    name: str
    rules: Mapping[DamageClass, Rule]
    spares_ink: bool = False

    def rule(self, kind: DamageClass) -> Rule:
        """The rule for a class."""
        return self.rules.get(kind, Rule())


def find_policy(policies: Mapping[str, Policy], name: str) -> Policy:
    """The policy of that name.

    Raises:
        BadSetting: If there is none.
    """
    if name not in policies:
        raise BadSetting(f"there is no policy {name!r}{_hint(name, policies)}")
    return policies[name]


def with_actions(policy: Policy, actions: Mapping[DamageClass, Action]) -> Policy:
    """The same policy with other actions for some classes, as somebody asked; limits stay."""
    changed = {kind: replace(policy.rule(kind), action=do) for kind, do in actions.items()}
    return replace(policy, rules=MappingProxyType({**policy.rules, **changed}))


def read_policies(path: Path | None = None) -> Mapping[str, Policy]:
    """The shipped policies, changed and extended by a museum's own.

    Args:
        path: A TOML file of the same form as the shipped one. A policy of a shipped name changes
            only the classes it lists; one of another name is new.

    Raises:
        BadSetting: It cannot be read, or says something that is unknown or makes no sense.
    """
    policies = _changed({}, SHIPPED)
    return MappingProxyType(policies if path is None else _changed(policies, path))


def _changed(policies: Mapping[str, Policy], path: Path) -> dict[str, Policy]:
    result = dict(policies)
    for name, table in _load(path).items():
        if not isinstance(table, dict):
            raise BadSetting(f"{name} is no policy; write [{name}] and its classes below", path)
        before = result.get(name, Policy(name, {}))
        rules, ink = dict(before.rules), before.spares_ink
        for key, value in table.items():
            where = f"{name}.{key}"
            if key == _INK:
                if not isinstance(value, bool):
                    raise BadSetting(f"{where} must be true or false, not {value!r}", path)
                ink = value
            elif key in CLASSES:
                rules[CLASSES[key]] = _rule(value, where, path)
            else:
                raise BadSetting(f"{where} is no class of damage{_hint(key, CLASSES)}", path)
        result[name] = Policy(name, MappingProxyType(rules), ink)
    return result


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSetting("there is no such file of policies; check the name", path) from None
    except OSError as error:
        raise BadSetting(f"the policies cannot be read ({error.strerror})", path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"is no TOML file: {error}", path) from error


def _rule(value: object, where: str, path: Path) -> Rule:
    if not isinstance(value, dict):
        raise BadSetting(f'{where} must look like {{ action = "fill", largest = 20000 }}', path)
    for key in value:
        if key not in ("action", "largest", "confidence"):
            known = ("action", "largest", "confidence")
            raise BadSetting(f"{where}.{key} is unknown{_hint(key, known)}", path)
    action, largest, sure = value.get("action"), value.get("largest"), value.get("confidence", 0.0)
    if action not in tuple(Action):
        said = "is missing" if action is None else f"is {action!r}"
        raise BadSetting(f'{where}.action {said}; write "fill" or "document"', path)
    if largest is not None and (type(largest) is not int or largest < 1):
        words = f"{where}.largest must be a whole number of pixels above 0, not {largest!r}"
        raise BadSetting(words, path)
    if type(sure) not in (int, float) or not 0 <= sure <= 1:
        raise BadSetting(f"{where}.confidence must be from 0 to 1, not {sure!r}", path)
    return Rule(Action(action), largest, float(sure))


def _hint(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key.upper(), [name.upper() for name in known], 1)
    names = {name.upper(): name for name in known}
    return f"; did you mean {names[close[0]]}?" if close else f"; known are {', '.join(known)}"
