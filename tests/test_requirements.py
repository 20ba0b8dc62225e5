"""What the standards require of a server: every requirement names what proves it, and that is there."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CONVERSATIONS = TESTS / "conversations"
STANDARDS = {
    "imap": ("RFC 3501", "RFC 2177", "RFC 2342", "RFC 2595", "RFC 2971", "RFC 3691", "RFC 4315", "RFC 4959", "RFC 6154",
             "RFC 6851", "RFC 7888", "RFC 8314", "RFC 9208"),
    "pop3": ("RFC 1939", "RFC 2449", "RFC 2595", "RFC 5034", "RFC 8314"),
    "smtp": ("RFC 5321", "RFC 6409", "RFC 1870", "RFC 2034", "RFC 2920", "RFC 3207", "RFC 4954", "RFC 6152",
             "RFC 6531", "RFC 8314"),
}  # fmt: skip
REASONS = ("not supported: ", "unproved: ")


@functools.cache
def rows(protocol: str) -> list[list[str]]:
    """Return the cells of each requirement: the section, what the server does, the proof."""
    lines = (CONVERSATIONS / protocol / "REQUIREMENTS.md").read_text("utf-8").splitlines()
    cells = [re.split(r" ?(?<!\\)\| ?", line.strip("|").strip()) for line in lines if line.startswith("| RFC ")]
    assert all(len(row) == 3 for row in cells), [row for row in cells if len(row) != 3]
    return cells


@pytest.mark.parametrize("protocol", STANDARDS)
def test_every_standard_is_there_and_no_requirement_twice(protocol: str) -> None:
    found = [(section, words) for section, words, _ in rows(protocol)]
    assert len(found) == len(set(found))
    assert all(any(section.startswith(name) for section, _ in found) for name in STANDARDS[protocol])
    assert [section for section, _ in found if not re.match(r"RFC \d+ §\d", section)] == []


@pytest.mark.parametrize("protocol", STANDARDS)
def test_every_proof_is_there(protocol: str) -> None:
    for section, words, proof in rows(protocol):
        names = re.findall(r"`([^`]+)`", proof)
        assert names or proof.startswith(REASONS), f"{section}, {words}: {proof}"
        assert [name for name in names if not is_there(name)] == [], f"{section}, {words}"


def is_there(proof: str) -> bool:
    """Tell whether a conversation or a test of this name exists."""
    file, _, test = proof.partition("::")
    if not test:
        return (CONVERSATIONS / f"{proof}.txt").is_file()
    return re.search(rf"^def {re.escape(test)}\(|^    def {re.escape(test)}\(", source(file), re.MULTILINE) is not None


@functools.cache
def source(file: str) -> str:
    """Return the text of a test file; empty where there is none."""
    return (TESTS / file).read_text("utf-8") if (TESTS / file).is_file() else ""


def test_a_proof_that_is_not_there_is_seen() -> None:
    assert is_there("pop3/dele-quit")
    assert is_there("test_requirements.py::test_every_proof_is_there")
    assert not is_there("pop3/nonsense")
    assert not is_there("test_requirements.py::test_nonsense")
    assert not is_there("test_nonsense.py::test_nonsense")
