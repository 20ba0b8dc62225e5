"""Augmented BNF (RFC 5234), as far as IMAP needs it: rules are read, texts matched, texts made by chance."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from random import Random

Ends = frozenset[int]  # where a text that fits may end
Match = Callable[[str, int], Ends]
Make = Callable[[int], str]  # how deep in rules it stands → a text that fits

NOWHERE: Ends = frozenset()
DEEP = 20  # rules inside rules, from which on what is optional is left out
_TOKEN = re.compile(
    r'\s*(?:"(?P<words>[^"]*)"|<(?P<pattern>[^>]+)>|(?P<times>\d*\*\d*)|(?P<rule>[A-Za-z][A-Za-z0-9-]*)|(?P<mark>[()\[\]/]))'
)
_LITERAL = re.compile(r"\{(\d+)\+?\}\r\n")


class Grammar:
    """Rules by their names, whose case counts, the last of a name; words in quotes mean themselves in any case.

    What stands in angle brackets, where RFC 5234 has words for people, is a regular expression, and one rule is built
    in: ``literal``, IMAP's octets with their count before them (RFC 3501 §4.3).
    """

    def __init__(self, text: str, samples: Mapping[str, tuple[str, ...]] = {}, chance: Random | None = None) -> None:
        self._samples, self._chance = samples, chance or Random(0)
        self._known: dict[tuple[str, int], Ends] = {}
        self._rules: dict[str, tuple[Match, Make]] = {"literal": (_literal, lambda depth: "{3+}\r\nabc")}
        rules = re.findall(r"^(\S+) = (.*(?:\n[ \t].*)*)", re.sub(r"(?m)[ \t]+;.*$|^;.*\n", "", text), re.MULTILINE)
        for name, definition in rules:
            tokens = [found for found in _TOKEN.finditer(definition) if found.lastgroup]
            assert "".join(found[0] for found in tokens) == definition.rstrip(), definition
            self._rules[name] = self._any_of(_Tokens(tokens))

    def fits(self, rule: str, text: str) -> bool:
        """Say whether the whole text is what the rule makes, however deep the rules stand in one another."""
        self._known.clear()
        usual = sys.getrecursionlimit()
        sys.setrecursionlimit(100_000)
        try:
            return len(text) in self._match(rule, text, 0)
        finally:
            sys.setrecursionlimit(usual)

    def make(self, rule: str, depth: int = 0) -> str:
        """Return a text that fits, by chance; where there are samples of a rule, one of these."""
        if rule in self._samples:
            return self._chance.choice(self._samples[rule])
        return self._rules[rule][1](depth)

    def _match(self, rule: str, text: str, at: int) -> Ends:
        if (rule, at) not in self._known:
            self._known[rule, at] = self._rules[rule][0](text, at)
        return self._known[rule, at]

    def _any_of(self, tokens: _Tokens) -> tuple[Match, Make]:
        choices = [self._sequence(tokens)]
        while tokens.take("/"):
            choices.append(self._sequence(tokens))
        matches, makes = zip(*choices, strict=True)

        def match(text: str, at: int) -> Ends:  # by lists: Python 3.12 lets generators nest less deep
            return NOWHERE.union(*[one(text, at) for one in matches])

        return match, lambda depth: self._chance.choice(makes if depth < DEEP else makes[:1])(depth)

    def _sequence(self, tokens: _Tokens) -> tuple[Match, Make]:
        parts = [self._repeated(tokens)]
        while tokens.next and tokens.next not in ("/", ")", "]"):
            parts.append(self._repeated(tokens))

        def match(text: str, at: int) -> Ends:
            ends = frozenset((at,))
            for part, _ in parts:
                ends = NOWHERE.union(*[part(text, end) for end in ends])
            return ends

        return match, lambda depth: "".join(make(depth + 1) for _, make in parts)

    def _repeated(self, tokens: _Tokens) -> tuple[Match, Make]:
        least, most = 1, 1
        if times := tokens.take_group("times"):
            least, most = (int(times.partition("*")[0] or 0), int(times.partition("*")[2] or 999_999))
        elif tokens.next == "[":
            least = 0
        once, make_one = self._element(tokens)

        def match(text: str, at: int) -> Ends:
            ends, new, count = frozenset((at,) if not least else ()), frozenset((at,)), 0
            while new and count < most:
                new, count = NOWHERE.union(*[once(text, end) for end in new]), count + 1
                new, ends = (new - ends, ends | new) if count >= least else (new, ends)
            return ends

        def make(depth: int) -> str:
            more = 0 if depth > DEEP else self._chance.choice((0, 0, 1, 2))
            return "".join(make_one(depth + 1) for _ in range(min(least + more, most)))

        return match, make

    def _element(self, tokens: _Tokens) -> tuple[Match, Make]:
        if opening := tokens.take("(") or tokens.take("["):
            inside = self._any_of(tokens)
            assert tokens.take({"(": ")", "[": "]"}[opening]), "a bracket is not closed"
            return inside
        if (words := tokens.take_group("words")) is not None:
            pattern = re.compile(re.escape(words), re.IGNORECASE | re.ASCII)
            return _fixed(pattern), lambda depth: self._chance.choice((words, words.lower()))
        if (expression := tokens.take_group("pattern")) is not None:
            return _fixed(re.compile(expression)), lambda depth: f"<no sample of {expression}>"
        rule = tokens.take_group("rule")
        assert rule, "no element"
        return lambda text, at: self._match(rule, text, at), lambda depth: self.make(rule, depth)


class _Tokens:
    """What a definition consists of, read from left to right."""

    def __init__(self, found: list[re.Match[str]]) -> None:
        self._found = found

    @property
    def next(self) -> str:
        return self._found[0][0].strip() if self._found else ""

    def take(self, mark: str) -> str:
        return self._found.pop(0)["mark"] if self.next == mark else ""

    def take_group(self, kind: str) -> str | None:
        return self._found.pop(0)[kind] if self._found and self._found[0].lastgroup == kind else None


def _fixed(pattern: re.Pattern[str]) -> Match:
    def match(text: str, at: int) -> Ends:
        found = pattern.match(text, at)
        return frozenset((found.end(),)) if found else NOWHERE

    return match


def _literal(text: str, at: int) -> Ends:
    found = _LITERAL.match(text, at)
    end = found.end() + int(found[1]) if found else 0
    return frozenset((end,)) if found and end <= len(text) and "\0" not in text[at:end] else NOWHERE


def answers(text: str) -> Iterator[str]:
    """Cut what a server says into its answers: lines, each with the literals that it announces."""
    start = at = 0
    while start < len(text):
        at = text.index("\r\n", at) + 2
        if announced := re.search(r"\{(\d+)\}\r\n\Z", text[start:at]):
            at += int(announced[1])
        else:
            yield text[start:at]
            start = at
