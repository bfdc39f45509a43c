"""Mutants of the workflow code: copies in which one place gives its commands in another order.

Two kinds, both made from the source: one command more, just before a place that gives one; and two neighbouring
statements that give commands, swapped. A history that passes the place must refuse to be replayed by the mutant;
a mutant that all histories accept shows a place that no history passes.
"""

import ast
import copy
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.replay.outline import WORKFLOWS, Module, called, calls, command_of, modules, speaking_functions

_ONE_MORE: Final = ast.parse("workflow.upsert_memo({'mutant': 1})").body
_BODIES: Final = ("body", "orelse", "finalbody")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed copy of one module. `place` is what a person looks for in the source, `kind` what was done."""

    module: str
    function: str
    kind: str
    place: str
    tree: ast.Module

    def names(self) -> dict[str, Any]:
        """The names that the changed source defines."""
        made = types.ModuleType(f"workflows.{self.module}")
        code = compile(ast.fix_missing_locations(self.tree), str(WORKFLOWS / f"{self.module}.py"), "exec")
        exec(code, vars(made))
        return vars(made)


def mutants() -> list[Mutant]:
    found = modules()
    speaking = speaking_functions(found)
    return [
        mutant
        for module in found
        for make in (_with_one_more, _with_two_swapped)
        for mutant in make(module, speaking)
    ]


def _with_one_more(module: Module, speaking: set[str]) -> Iterator[Mutant]:
    """At each place that gives a command itself."""
    for function, body, index in _places(module, lambda node: any(map(command_of, _own_calls(node)))):
        node = body[index]
        with _changed(body, index, 1, [*_ONE_MORE, node]):
            yield _mutant(module, function, "one more", f"one more command before line {node.lineno}")


def _with_two_swapped(module: Module, speaking: set[str]) -> Iterator[Mutant]:
    """Two statements that give commands, themselves or through functions that they call."""

    def speaks(node: ast.stmt) -> bool:
        return any(command_of(call) or called(call, module.name) in speaking for call in calls(node))

    for function, body, index in _places(module, speaks):
        if index + 1 < len(body) and speaks(body[index + 1]):
            first, second = body[index], body[index + 1]
            with _changed(body, index, 2, [second, first]):
                place = f"lines {first.lineno} and {second.lineno} swapped"
                yield _mutant(module, function, "swapped", place)


@contextmanager
def _changed(body: list[ast.stmt], index: int, length: int, new: Sequence[ast.stmt]) -> Iterator[None]:
    """The block with other statements, as long as it takes to copy the tree."""
    kept = list(body)
    body[index : index + length] = new
    yield
    body[:] = kept


def _mutant(module: Module, function: str, kind: str, place: str) -> Mutant:
    where = f"workflows/{module.name}.py {function}: {place}"
    return Mutant(module.name, function, kind, where, copy.deepcopy(module.tree))


def _places(module: Module, wanted: Callable[[ast.stmt], bool]) -> Iterator[tuple[str, list[ast.stmt], int]]:
    """The functions, the blocks in them and the positions in those where a wanted statement stands."""
    for title, function in module.functions.items():
        for node in ast.walk(function):
            for name in _BODIES:
                body = getattr(node, name, None)
                if isinstance(body, list):
                    yield from ((title, body, index) for index, one in enumerate(body) if wanted(one))


def _own_calls(node: ast.stmt) -> list[ast.Call]:
    """The calls of a statement without those of the blocks in it."""
    inner = {
        call
        for name in (*_BODIES, "handlers", "cases")
        for one in getattr(node, name, ())
        for call in calls(one)
    }
    return [call for call in calls(node) if call not in inner]
