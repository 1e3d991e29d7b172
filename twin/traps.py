"""The traps of YAML, told in the words of the person who fell in: what the reader says -> what to write instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trap:
    """Where (line and column from 1), what, and what to write instead."""

    line: int
    col: int
    message: str
    expected: str
    at_key: bool = False
    once: bool = False


COMMA = "a comma splits inside { } and [ ]"
COMMA_CURE = "the entry on a line of its own, or quotes around the whole value"


def split_by_comma(key: str | None, value: str, quoted: bool) -> Trap | None:
    """Return what is wrong with an entry of a flow map (key given) or a flow list (key None), or None."""
    if key is not None and value == "" and not quoted:
        if re.fullmatch(r"[A-Za-z_]\w*:\S.*", key) and "(" not in key:
            return Trap(0, 0, "a blank is missing after ':'", key.replace(":", ": ", 1), at_key=True)
        if _unbalanced(key):
            return Trap(0, 0, COMMA, COMMA_CURE, at_key=True, once=True)
        return Trap(0, 0, f"'{key}' has no value", "'key: value'; quote what holds a comma", at_key=True)
    if not quoted and _unbalanced(value):
        return Trap(0, 0, COMMA, COMMA_CURE, once=True)
    return None


def cut_by_comment(line: str, end_col: int, key: str) -> Trap | None:
    """Return what a ` #` after a plain value cuts off: prose, or a number sign; None for a real comment."""
    found = re.match(r"\s+#(.?)", line[end_col - 1 :])
    if not found:
        return None
    if not (key in ("about", "note") or found.group(1).isdigit()):
        return None
    col = end_col + found.group().index("#")
    return Trap(0, col, "' #' starts a comment and cuts the text", "quotes around the text, or no '#'")


def explain(context: str, problem: str, lines: Sequence[str], line: int, col: int, opened: tuple[int, int]) -> Trap:
    """Return the kind form of a syntax error that the YAML reader found at line, col, in what was `opened` there."""
    if "quoted scalar" in context and "end of stream" in problem:
        return Trap(*opened, "this quote is never closed", "the closing quote")
    if "flow" in context and _runs_on(problem, lines, line, opened[0]):
        bracket = "}" if "mapping" in context else "]"
        return Trap(*opened, "this bracket is never closed", f"'{bracket}'")
    here = lines[line - 1] if 0 < line <= len(lines) else ""
    rest = here[col - 1 :]
    for trap in (_scalar_errors, _flow_errors, _block_errors):
        found = trap(context, problem, lines, line, col, here, rest)
        if found:
            return found
    return Trap(line, col, f"this is not YAML: {problem or context}", "'key: value' lines, '- ' items")


def _scalar_errors(
    context: str, problem: str, lines: Sequence[str], line: int, col: int, here: str, rest: str
) -> Trap | None:
    if "block scalar" in context:
        start = max(here.rfind(">", 0, col), here.rfind("|", 0, col), 0)
        return Trap(line, start + 1, f"'{here[start : start + 1]}' opens a folded text", _compare_cure(here[start:]))
    if "cannot start any token" in problem:
        if rest[:1] == "\t" or "\\t" in problem:
            return Trap(line, col, "a tab indents this line", "blanks")
        return Trap(line, col, f"nothing may start with '{rest[:1]}'", "quotes around the text")
    if "unknown escape" in problem:
        return Trap(line, col, "no such escape in double quotes", "single quotes, or '\\\\'")
    if "mapping values are not allowed" in problem:
        return _colon(lines, line, col, here)
    if "could not find expected ':'" in problem:
        return _no_colon(lines, line, col)
    if "sequence entries are not allowed" in problem:
        return Trap(line, col, "'- ' starts a list item inside a value", "the list on lines of its own")
    if "mapping keys are not allowed" in problem:
        return Trap(line, col, "'? ' is no operator", "a -> b, and parentheses")
    if "alias" in context or "anchor" in context:
        return Trap(line, col, "'*' and '&' start an alias or an anchor", "quotes around the text, or 'and'")
    if "tag" in context:
        return Trap(line, col, "'!' starts a tag", "not")
    if "directive" in context:
        return Trap(line, col, "'%' at the start of a line is a directive", "quotes around the text")
    return None


def _flow_errors(
    context: str, problem: str, lines: Sequence[str], line: int, col: int, here: str, rest: str
) -> Trap | None:
    if "flow" not in context:
        return None
    bracket = "}" if "mapping" in context else "]"
    if "${" in here[: col + 1]:
        at = here.rfind("${", 0, col + 1) + 1
        return Trap(line, at, "a parameter is written with a plain dollar sign", _dollar(here[at - 1 :]))
    if rest[:1] in "[{":
        return Trap(line, col, f"'{rest[0]}' starts a new bracket inside {{ }} or [ ]", COMMA_CURE)
    if rest[:1] == ":":
        return Trap(line, col, "a second ': ' in one entry", "a comma between entries, or quotes around the value")
    return Trap(line, col, f"'{rest[:1]}' does not belong inside the bracket", f"',' or '{bracket}'")


def _block_errors(
    context: str, problem: str, lines: Sequence[str], line: int, col: int, here: str, rest: str
) -> Trap | None:
    if "<scalar>" in problem and _comment_before(lines, line):
        return Trap(
            line, col, "a comment line cuts the text in two", "the text on one line, or in '>-' without comments"
        )
    if "<scalar>" in problem and here[: col - 1].rstrip()[-1:] in ('"', "'"):
        return Trap(line, col, "text follows a closing quote", "quotes around the whole value, or none")
    if "<scalar>" in problem and " #" in (lines[line - 2] if line > 1 else ""):
        return Trap(line, col, "a comment cuts the text in two", "the text on one line, or in '>-' without comments")
    if "block mapping start" in problem or "block end" in problem or "document start" in problem:
        return Trap(line, col, "this line is not indented like its neighbours", "the same indentation for equal things")
    if "node content" in problem:
        return Trap(line, col, f"'{rest[:1]}' closes nothing", "a value")
    return None


def _runs_on(problem: str, lines: Sequence[str], line: int, opened: int) -> bool:
    here = lines[line - 1] if line <= len(lines) else ""
    return "stream end" in problem or (line > opened and re.match(r"[A-Za-z_]\w*:(\s|$)", here) is not None)


def _colon(lines: Sequence[str], line: int, col: int, here: str) -> Trap:
    glued = re.match(r"\s*(?:- )?([A-Za-z_]\w*):(?=[^\s:/])", lines[line - 2]) if line > 1 else None
    if glued and ": " not in lines[line - 2]:
        return Trap(line - 1, glued.end(), "a blank is missing after ':'", f"{glued.group(1)}: ...")
    if line > 1 and not re.search(r"\S:\s+\S", here[: max(col - 1, 0)]) and not re.search(r":\s*$", lines[line - 2]):
        return Trap(line, col, "this line is not indented like its neighbours", "the same indentation for equal things")
    return Trap(line, col, "': ' starts a map inside a value", "quotes around prose; no ':' in an expression")


def _no_colon(lines: Sequence[str], line: int, col: int) -> Trap:
    for number in (line, line - 1):
        text = lines[number - 1] if 0 < number <= len(lines) else ""
        glued = re.match(r"\s*(?:- )?([A-Za-z_]\w*):(?=\S)", text)
        if glued:
            return Trap(number, glued.end(), "a blank is missing after ':'", f"{glued.group(1)}: ...")
    number = line if 0 < line <= len(lines) and lines[line - 1].strip() else max(line - 1, 1)
    text = lines[number - 1] if number <= len(lines) else ""
    start = len(text) - len(text.lstrip()) + 1
    return Trap(number, start, "this line has no ':'", "key: value")


def _comment_before(lines: Sequence[str], line: int) -> bool:
    return line > 1 and lines[line - 2].lstrip().startswith("#")


def _compare_cure(text: str) -> str:
    limit = text.lstrip(">|= ").strip()
    return f"what is compared first, e.g. 'min >= {limit}' or 'time > {limit}'"


def _dollar(text: str) -> str:
    name = re.match(r"\$\{\s*(\w+)", text)
    return f"${name.group(1)}" if name else "$name"


def _unbalanced(text: str) -> bool:
    depth = 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            return True
    return depth != 0
