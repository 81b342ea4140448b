"""A workspace more on the list of a stack file, edited as text, so that comments and formatting stay.

Owns `warren:workspaces` in Pulumi.<stack>.yaml. What was made is read again, and is given out only where it says what
it said before and the new name at the end of the list.
"""

from __future__ import annotations

import re

import yaml

from config.files.project_file import config_of
from config.files.stack_file import canonical
from config.load import child, parse_yaml
from config.mistakes import Mistakes

KEY = "warren:workspaces"
_NOTHING_MORE = re.compile(r"[ \t]*(,?)[ \t]*(#[^\r\n]*)?(?=\r?\n)")
"""What may follow the last item of a list that has a line for each."""


def listed(text: str, name: str) -> str:
    """The text of a stack file with `name` on its list; the same text where it is there already.

    Args:
        text: The whole file.
        name: What a workspace may be called.

    Raises:
        ValueError: the list is not there, or not written in a way that is edited here; says what to write by hand.
    """
    data = parse_yaml(text, "").data
    before = config_of(data)
    key = next((key for key in before if canonical(key) == KEY), KEY)
    names = before.get(key)
    if isinstance(names, list) and name in names:
        return text
    wanted = [*(names if isinstance(names, list) else [] if names is None else ["..."]), name]
    try:
        edited = _edited(text, key, name)
        if parse_yaml(edited, "").data == {**data, "config": {**before, key: wanted}}:
            return edited
    except (Mistakes, yaml.YAMLError, LookupError):
        pass
    shown = ", ".join(str(each) for each in wanted)
    raise ValueError(f"is not written in a way that a program should edit; write: {KEY}: [{shown}]")


def _edited(text: str, key: str, name: str) -> str:
    """The text with the name where it looks right, whatever that makes of it.

    Raises:
        LookupError: there is no place for it.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    config = child(yaml.compose(text, yaml.SafeLoader), "config")
    if not isinstance(config, yaml.MappingNode) or not config.value:
        raise LookupError
    names = child(config, key)
    if names is None:
        first = config.value[0][0].start_mark
        return _insert(text, first.index, f"{key}: [{name}]{newline}{' ' * first.column}")
    if isinstance(names, yaml.ScalarNode) and not names.value:
        return _insert(text, names.start_mark.index, f" [{name}]")
    if not isinstance(names, yaml.SequenceNode):
        raise LookupError
    if not names.value:
        return _insert(text, names.start_mark.index + 1, name)
    last = names.value[-1]
    end, column = last.end_mark.index, last.start_mark.column
    if not names.flow_style:
        line_end = re.compile(r"\r?\n|\Z").search(text, end)
        assert line_end is not None
        return _insert(text, line_end.start(), f"{newline}{' ' * names.start_mark.column}- {name}")
    before = names.value[-2].end_mark if len(names.value) > 1 else names.start_mark
    rest = _NOTHING_MORE.match(text, end) if last.start_mark.line > before.line else None
    if rest is None:
        return _insert(text, end, f", {name}")
    comma = rest.group(1)
    return _insert(_insert(text, rest.end(), f"{newline}{' ' * column}{name}{comma}"), end, "" if comma else ",")


def _insert(text: str, at: int, more: str) -> str:
    return text[:at] + more + text[at:]
