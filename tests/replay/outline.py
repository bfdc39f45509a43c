"""The outline of the commands that workflow code gives: what a replay holds against a recorded history.

It is made from the source of `workflows/`: for each function that gives commands, or calls one that does, the
commands in order, the branches and loops around them, and the ways out. Names of variables, comments, types,
timeouts and everything that gives no command do not show, so the outline changes when the order of commands may.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WORKFLOWS: Final = Path(__file__).parents[2] / "workflows"

COMMANDS: Final = frozenset(
    {
        "execute_activity",
        "execute_activity_class",
        "execute_activity_method",
        "start_activity",
        "start_activity_class",
        "start_activity_method",
        "execute_local_activity",
        "execute_local_activity_class",
        "execute_local_activity_method",
        "start_local_activity",
        "start_local_activity_class",
        "start_local_activity_method",
        "execute_child_workflow",
        "start_child_workflow",
        "get_external_workflow_handle",
        "get_external_workflow_handle_for",
        "create_nexus_client",
        "sleep",
        "wait_condition",
        "upsert_search_attributes",
        "upsert_memo",
        "continue_as_new",
        "patched",
        "deprecate_patch",
    }
)
"""What of `temporalio.workflow` makes events, or decides when the next one is made."""

LOOP: Final = frozenset({"sleep", "gather", "wait_for", "create_task", "timeout"})
"""The same of `asyncio`, which runs on workflow time."""

_INDENT: Final = "    "
_EXITS: Final = (ast.Return, ast.Raise, ast.Break, ast.Continue)


class Module:
    """One file of workflow code and its functions by name."""

    def __init__(self, file: Path) -> None:
        self.name = file.stem
        self.tree = ast.parse(file.read_text())
        nodes = [
            node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        self.functions = {node.name: node for node in sorted(nodes, key=lambda node: node.lineno)}


def modules() -> list[Module]:
    return [Module(file) for file in sorted(WORKFLOWS.rglob("*.py")) if file.read_text().strip()]


def outline() -> str:
    """The outline of all workflow code, as text that can be compared line by line."""
    found = modules()
    speaking = speaking_functions(found)
    sections = []
    for module in found:
        for name, function in module.functions.items():
            if f"{module.name}.{name}" in speaking:
                writer = _Writer(module.name, speaking)
                sections.append("\n".join([f"{module.name}.{name}", *writer.block(function.body, 1)]))
    return "\n\n".join(sections) + "\n"


def command_of(call: ast.Call) -> str | None:
    """The name of the command that this call gives: `workflow.sleep(…)` gives `sleep`."""
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        of_temporal = function.value.id == "workflow" and function.attr in COMMANDS
        of_the_loop = function.value.id == "asyncio" and function.attr in LOOP
        return function.attr if of_temporal or of_the_loop else None
    return None


def calls(node: ast.AST) -> list[ast.Call]:
    """The calls below a node, in the order in which they are made."""
    found = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    return sorted(found, key=lambda call: (call.end_lineno or 0, call.end_col_offset or 0))


def speaking_functions(found: Sequence[Module]) -> set[str]:
    """The functions, as `module.name`, that give commands, themselves or through others."""
    functions = {
        (module.name, name): function for module in found for name, function in module.functions.items()
    }
    speaking = {
        f"{module}.{name}"
        for (module, name), function in functions.items()
        if any(map(command_of, calls(function)))
    }
    while True:
        more = {
            f"{module}.{name}"
            for (module, name), function in functions.items()
            if any(called(call, module) in speaking for call in calls(function))
        }
        if more <= speaking:
            return speaking
        speaking |= more


def called(call: ast.Call, module: str) -> str | None:
    """The function of ours that is called: `self._open()` and `_open()` are of this module."""
    function = call.func
    if isinstance(function, ast.Name):
        return f"{module}.{function.id}"
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        owner = function.value.id
        return f"{module if owner in ('self', 'cls') else owner}.{function.attr}"
    return None


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the lines of one function."""

    module: str
    speaking: set[str]

    def block(self, body: Sequence[ast.stmt], depth: int) -> list[str]:
        return [line for statement in body for line in self._statement(statement, depth)]

    def _statement(self, node: ast.stmt, depth: int) -> list[str]:
        """The lines of one statement; none if it neither gives commands nor leads around them."""
        margin = _INDENT * depth
        parts = _parts(node)
        if not parts:
            lines = self._commands(node, margin)
            return [*lines, f"{margin}{type(node).__name__.lower()}"] if isinstance(node, _EXITS) else lines
        lines, weighty = list[str](), False
        for title, head, body in parts:
            before = [] if head is None else self._commands(head, margin)
            inside = self.block(body, depth + 1)
            weighty = weighty or bool(before) or bool(inside)
            lines += [*before, f"{margin}{title}", *inside]
        return lines if weighty else []

    def _commands(self, node: ast.AST, margin: str) -> list[str]:
        lines = []
        for call in calls(node):
            name = called(call, self.module)
            if (command := command_of(call)) is not None:
                lines.append(f"{margin}{command} {_subject(command, call)}".rstrip())
            elif name in self.speaking:
                lines.append(f"{margin}→ {name}({', '.join(_words(call))})")
        return lines


def _parts(node: ast.stmt) -> list[tuple[str, ast.AST | None, Sequence[ast.stmt]]]:
    """A compound statement as (title, expression that is evaluated first, body)."""
    other: list[tuple[str, ast.AST | None, Sequence[ast.stmt]]] = []
    match node:
        case ast.If():
            if node.orelse:
                other = [("else", None, node.orelse)]
            return [(f"if {ast.unparse(node.test)}", node.test, node.body), *other]
        case ast.While():
            return [(f"while {ast.unparse(node.test)}", node.test, node.body)]
        case ast.For() | ast.AsyncFor():
            return [(f"for each of {ast.unparse(node.iter)}", node.iter, node.body)]
        case ast.With() | ast.AsyncWith():
            what = ", ".join(ast.unparse(item.context_expr) for item in node.items)
            return [(f"with {what}", None, node.body)]
        case ast.Try():
            for one in node.handlers:
                title = "except" if one.type is None else f"except {ast.unparse(one.type)}"
                other.append((title, None, one.body))
            for title, body in (("else", node.orelse), ("finally", node.finalbody)):
                if body:
                    other.append((title, None, body))
            return [("try", None, node.body), *other]
        case ast.Match():
            return [(f"case {ast.unparse(case.pattern)}", node.subject, case.body) for case in node.cases]
    return []


def _subject(command: str, call: ast.Call) -> str:
    """What a command is about. Timeouts and policies are left out: they may change at any time."""
    if not call.args:
        return ""
    if command in ("patched", "deprecate_patch", "wait_condition") or "activity" in command:
        timer = any(keyword.arg == "timeout" for keyword in call.keywords)
        return ast.unparse(call.args[0]) + (" or a timer" if timer else "")
    return ast.unparse(call.args[0]) if command.endswith("child_workflow") else ""


def _words(call: ast.Call) -> Iterator[str]:
    """The arguments of a helper that name an activity, and those that are given by name."""
    for one in call.args:
        if isinstance(one, ast.Attribute):
            yield ast.unparse(one)
    for keyword in call.keywords:
        yield f"{keyword.arg}={ast.unparse(keyword.value)}"
