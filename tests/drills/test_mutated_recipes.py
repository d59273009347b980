"""Whatever became of a recipe, ``vicreg recipe check`` says what is wrong with it, without a traceback.

Every shipped recipe is mutated by bytes, by lines and by its values, with overrides of the same kinds.
By default 2,000 mutations are checked; ``VICREG_DRILL=1`` checks 10,000.
"""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from vicreg_core.cli.main import cli
from vicreg_core.recipes.catalogue import recipe_files

pytestmark = pytest.mark.slow

MUTATIONS = 10_000 if os.environ.get("VICREG_DRILL") == "1" else 2_000
SHIPPED = recipe_files(Path(__file__).resolve().parents[2] / "recipes")
SAID = {0, 1, 2}
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        "",
        " ",
        "null",
        "nan",
        "1e-4",
        "010",
        "auto",
        "\x00",
        "é" * 300,
        "../..",
        "~",
        "${HOME}",
    ),
    *(0, -1, 1, 2**31, 2**32, 2**63, 2**64, 10**30, 10**400, -(2**63), 0.0, -0.0, 1e300, 1e-320),
    *(float("inf"), float("-inf"), float("nan"), [], {}, [[]], [None], [1, 1], [10**6, 10**6], [1] * 1000),
    *({"a": 1}, {1: 2}, {None: None}, {"": ""}, {"name": "x"}, {"name": None}, {"name": ["x"]}, {"name": 3}),
)
TOKENS = (
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\t",
        b"\r",
        b"\n",
        b"---\n",
        b"...\n",
        b": ",
        b"- ",
        b"&a ",
        b"*a",
    ),
    *(
        b"<<: ",
        b"!!python/object/apply:os.system ",
        b"!!binary ",
        b"!!timestamp ",
        b"!!set ",
        b"? ",
        b"| ",
        b"> ",
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"'",
        b"#",
        b"%YAML 9.9\n",
        b"@",
        b"`",
        b"1e999",
        b".inf",
        b".nan",
        b"2001-13-45",
    ),
    *(
        b"0x",
        b"0b2",
        b"1:60:60",
        b"=",
        b"\xed\xa0\x80",
        b"\xe2\x80\xa8",
        b"[" * 2000,
        b"{a: " * 500,
        b"9" * 5000,
    ),
)
PATHS = (
    "",
    ".",
    "..",
    "a",
    "train",
    "train.",
    "train..lr",
    ".train",
    "evaluate.0",
    "data.name",
    "extra.x",
    "~",
    "a" * 5000,
)

Mutation = Callable[[bytes, random.Random], bytes]


def bytewise(text: bytes, draw: random.Random) -> bytes:
    """Some bytes flipped, cut, doubled or joined by what YAML means something by."""
    changed = bytearray(text)
    for _ in range(draw.choice((1, 1, 2, 5, 30))):
        at = draw.randrange(len(changed) + 1)
        length = draw.choice((1, 1, 3, 20, 200))
        match draw.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length]
            case 3:
                changed[at:at] = draw.choice(TOKENS)
            case _:
                changed[at : at + length] = draw.choice(TOKENS)
    return bytes(changed)


def linewise(text: bytes, draw: random.Random) -> bytes:
    """Some lines moved, doubled, dropped, indented otherwise or cut short."""
    lines = text.splitlines(keepends=True)
    for _ in range(draw.choice((1, 2, 8))):
        at = draw.randrange(len(lines)) if lines else 0
        line = lines.pop(at) if lines else b""
        match draw.randrange(5):
            case 0:
                lines.insert(draw.randrange(len(lines) + 1), line)
            case 1:
                lines[at:at] = [line, line]
            case 2:
                lines.insert(at, b" " * draw.randrange(1, 7) + line)
            case 3:
                lines.insert(at, line.lstrip())
            case _:
                lines.insert(at, line.partition(b":")[0] + draw.choice((b"", b":", b": ", b":\n", b"\n")))
    return b"".join(lines)


def valuewise(text: bytes, draw: random.Random) -> bytes:
    """Some values, keys or sections replaced by others of any type, and written as YAML again."""
    recipe = yaml.safe_load(text)
    for _ in range(draw.choice((1, 1, 2, 4))):
        holders = list(_holders(recipe))
        if not holders:
            break
        holder = draw.choice(holders)
        key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        match draw.randrange(5):
            case 0 if isinstance(holder, dict):
                holder[draw.choice((None, 1, True, "", "nmae", "a.b", "\x00", 1.5))] = holder.pop(key)
            case 1:
                del holder[key]
            case 2:
                holder[key] = copy.deepcopy(draw.choice(holders))
            case _:
                holder[key] = copy.deepcopy(draw.choice(VALUES))
    return yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


def _holders(value: Any) -> Iterator[dict[Any, Any] | list[Any]]:
    """Every mapping and list of a document that is not empty."""
    if not isinstance(value, dict | list) or not value:
        return
    yield value
    for each in list(value.values()) if isinstance(value, dict) else value:
        yield from _holders(each)


def overrides(text: bytes, draw: random.Random) -> list[str]:
    """Up to three ``KEY=VALUE`` of any kind, half of them with a key of the recipe."""
    found = yaml.safe_load(text)
    keys = [f"{head}.{key}" for head, rest in found.items() if isinstance(rest, dict) for key in rest] + list(
        found
    )
    made = []
    for _ in range(draw.choice((0, 0, 1, 3))):
        key = draw.choice(keys) if draw.random() < 0.5 else draw.choice(PATHS)
        value = draw.choice(
            ("", "[", "{", "*a", "&a", "null", "{name: x}", str(draw.choice(VALUES[:30]))[:200])
        )
        made.append(f"{key}={value}")
    return made


def test_a_mutated_recipe_never_ends_in_a_traceback(tmp_path: Path) -> None:
    sources = [path.read_bytes() for path in SHIPPED]
    ways: tuple[Mutation, ...] = (bytewise, linewise, valuewise)
    runner, bad, refused = CliRunner(), [], 0
    file = tmp_path / "recipe.yaml"
    for number in range(MUTATIONS):
        draw = random.Random(number)
        source = sources[number % len(sources)]
        file.write_bytes(draw.choice(ways)(source, draw))
        given = overrides(source, draw)
        result = runner.invoke(cli, ["recipe", "check", str(file), *given, *draw.choice(([], ["--json"]))])
        crashed = result.exception is not None and not isinstance(result.exception, SystemExit)
        said = result.exit_code in SAID and not any(
            word in result.output for word in ("Unexpected error", "Traceback")
        )
        refused += result.exit_code != 0
        if crashed or not said:
            bad.append((number, given, repr(result.exception), result.output[-600:]))
    print(f"{MUTATIONS} mutated recipes, {refused} refused, {len(bad)} bad")
    assert bad == []
    assert MUTATIONS // 2 < refused < MUTATIONS
