"""What every notebook keeps to: executed, plain, short, linked, the same on every machine."""

from __future__ import annotations

import json
import re
import statistics
from functools import partial
from itertools import pairwise
from urllib.parse import unquote

import pytest

from tests import notebooks
from tests.execute import METADATA, WIDGET_VIEW
from tests.notebooks import FOLDER, LESSONS, NAMES, code_cells, load, markdown_cells, tags

PAGES = sorted(path.name for path in FOLDER.glob("*.md"))
LABELS = ["**The question.**", "**You will be able to**", "**Time.**", "**You need.**"]
ENDS = ["Exercises", "Key points", "Terms", "Next"]
STATEMENTS = {f"S{number}" for number in range(1, 23)}

# What may not stand in a page, because it differs from run to run or from machine to machine.
MACHINE = {
    "a path": r"(?<![\w/.])/(?:home|root|tmp|usr|var|Users|private)/|\b[A-Z]:\\\\?Users|site-packages",
    "an object's address": r"\b0x[0-9a-fA-F]{6,}",
    "a port": r"(?:127\.0\.0\.1|localhost|::1)['\")\]]*[:,]\s*\d+|\bport\W{1,3}\d{5}\b",
    "a registry": r"\bpypi\.|files\.pythonhosted|registry\.npmjs",
    "a saved widget": re.escape(WIDGET_VIEW),
}
DISHONEST = {
    "magic": r"^\s*[%!?]|\?\s*$|get_ipython",
    "a star import": r"^\s*from \S+ import \*",
    "a hidden output": r";\s*$|clear_output|update_display|\bOutput\(",
    "chance, time or the network": r"\brandom\b|urlopen|requests\.|time\.time|\bsleep\(",
}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
IMAGE = re.compile(r"<img\b[^>]*>|!\[(?P<alt>[^\]]*)\]\(")
ADDRESS = re.compile(r"[\w.+-]+@((?:[\w-]+\.)+[a-z]{2,})\b", re.IGNORECASE)


def texts(output):
    """Yield every text of an output, whatever its mime type; pictures' data left out."""
    parts = [output.get("text"), output.get("evalue"), *output.get("traceback", []), *output.get("data", {}).values()]
    for part in filter(None, parts):
        yield re.sub(r"base64,[\w+/=]+", "", part if isinstance(part, str) else json.dumps(part))


def all_outputs(name):
    """Yield (cell, output) of a notebook."""
    return ((cell, output) for cell in code_cells(name) for output in cell.outputs)


@pytest.mark.parametrize("name", NAMES)
def test_is_committed_executed_from_top_to_bottom(name):
    counts = [cell.execution_count for cell in code_cells(name)]
    assert counts == list(range(1, len(counts) + 1)), "run: python -m tests.execute"
    assert all(cell.source.strip() for cell in load(name).cells)


@pytest.mark.parametrize("name", NAMES)
def test_metadata_says_nothing_of_the_machine(name):
    assert load(name).metadata == METADATA, "run: python -m tests.execute"
    assert load(name).nbformat_minor >= 5
    for cell in load(name).cells:
        assert set(cell.metadata) <= {"tags", "jp-MarkdownHeadingCollapsed"}, cell.id
        assert "attachments" not in cell, cell.id


@pytest.mark.parametrize("name", NAMES)
def test_cell_ids_are_readable_and_stable(name):
    ids = [cell.id for cell in load(name).cells]
    assert len(set(ids)) == len(ids)
    for cell_id in ids:
        assert re.fullmatch(r"(?=.{2,40}$)[a-z0-9]+(-[a-z0-9]+)*", cell_id), cell_id
        assert not re.fullmatch(r"[0-9a-f]{8}", cell_id), f"{cell_id} looks generated; name what the cell is about"


@pytest.mark.parametrize("name", NAMES)
def test_code_is_honest_python(name):
    for cell in code_cells(name):
        for what, pattern in DISHONEST.items():
            assert not re.search(pattern, cell.source, re.MULTILINE), f"{cell.id}: {what}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("what", MACHINE)
def test_nothing_differs_elsewhere(name, what):
    for cell in load(name).cells:
        assert not re.search(MACHINE[what], cell.source), cell.id
    for cell, output in all_outputs(name):
        for text in texts(output):
            assert not re.search(MACHINE[what], text), cell.id


@pytest.mark.parametrize("name", NAMES)
def test_errors_are_deliberate(name):
    for cell in code_cells(name):
        raised = [output for output in cell.outputs if output.output_type == "error"]
        assert bool(raised) == ("raises-exception" in tags(cell)), cell.id
        assert all(output.traceback == [f"{output.ename}: {output.evalue}"] for output in raised), cell.id
        assert not any(output.get("name") == "stderr" for output in cell.outputs), cell.id


@pytest.mark.parametrize("name", NAMES)
def test_every_output_has_words(name):
    for cell, output in all_outputs(name):
        if "data" in output:
            assert output.data.get("text/plain", "").strip(), cell.id
            assert set(output.data) <= {"text/plain", "text/html"}, f"{cell.id}: hidden in an untrusted notebook"
            assert not re.search(r"^<?\w+(\(| object at )", output.data["text/plain"]), f"{cell.id} shows a bare repr"


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_has_alt_text(name):
    pages = [cell.source for cell in markdown_cells(name)]
    pages += [output.data["text/html"] for _, output in all_outputs(name) if "text/html" in output.get("data", {})]
    for page in pages:
        for image in IMAGE.finditer(page):
            assert image["alt"] or re.search(r'alt="[^"]{10,}', image[0]), image[0][:200]
        assert not re.search(r"<script|<svg|<iframe|<style", page)


@pytest.mark.parametrize("name", NAMES)
def test_every_column_has_a_head(name):
    for cell in markdown_cells(name):
        for heads in re.findall(r"^\|(.*)\|\n\|[-:| ]+\|$", cell.source, re.MULTILINE):
            assert all(head.strip() for head in heads.split("|")), cell.id


@pytest.mark.parametrize("name", NAMES)
def test_no_line_hangs_on_a_style(name):
    """A viewer such as GitHub's leaves styles out, and lines without tags run together."""
    for cell, output in all_outputs(name):
        assert "white-space" not in output.get("data", {}).get("text/html", ""), cell.id


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_code_is_cut(name):
    """In a window of 1280 px, beside the list of files; JupyterLab does not wrap code."""
    wide = [(cell.id, line) for cell in code_cells(name) for line in cell.source.splitlines() if len(line) > 108]
    assert wide == []


@pytest.mark.parametrize("name", NAMES)
def test_code_cells_are_short(name):
    lengths = [len(re.findall(r"^\s*[^\s#]", cell.source, re.MULTILINE)) for cell in code_cells(name)]
    assert statistics.median(lengths) <= 3
    assert max(lengths) <= 12, [cell.id for cell, lines in zip(code_cells(name), lengths, strict=True) if lines > 12]


@pytest.mark.parametrize("name", NAMES)
def test_prose_is_short(name):
    lengths = {cell.id: notebooks.words(notebooks.without_folds(cell.source)) for cell in markdown_cells(name)}
    assert statistics.median(count for count in lengths.values() if count) <= 60
    assert not {cell_id: count for cell_id, count in lengths.items() if count > 150}


@pytest.mark.parametrize("name", LESSONS)
def test_the_core_takes_25_minutes(name):
    assert notebooks.minutes(name) <= 25


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_takes_no_longer_than_it_says(name):
    said = re.search(r"\*\*Time\.\*\* (\d+) minutes", load(name).cells[0].source)
    assert notebooks.minutes(name) <= int(said[1])


def test_the_short_route_takes_as_long_as_is_said():
    """It is the lessons marked on the map, without exercises; README names the same."""
    marked = re.findall(r"\((.*?)\.ipynb\).*\| yes \|", notebooks.cell("00-start-here", "map").source)
    route = ["00-start-here", *marked]
    for page in (notebooks.cell("00-start-here", "route").source, (FOLDER.parent / "README.md").read_text("utf-8")):
        paragraph = re.search(r"\*\*Little time\?\*\*(.*?)(\n\n|$)", page, re.DOTALL)[1]
        assert "an hour and a half" in paragraph
        assert "exercises" in paragraph
    assert re.findall(r"\(notebooks/(.*?)\.ipynb\)", paragraph) == route  # README's, which came last
    assert 60 < sum(notebooks.minutes(name, exercises=False) for name in route) <= 90


def test_one_hour_takes_an_hour():
    """It is the short route with each page left early; of the first, all up to the map but one section."""
    numbers = ("00", "01", "03", "05", "08")
    first, *others = (next(name for name in LESSONS if name.startswith(number)) for number in numbers)
    for page in (notebooks.cell(first, "route").source, (FOLDER.parent / "README.md").read_text("utf-8")):
        hour = " ".join(re.search(r"\*\*One hour\?\*\*(.*?)\n\n", page, re.DOTALL)[1].split())
        assert re.findall(r"\b\d\d\b", hour) == list(numbers)
        skipped, *ends = re.findall("“(.*?)”", hour)
        titles = [title for cell in markdown_cells(first) for _, title in notebooks.headings(cell.source)]
        before = titles[titles.index(skipped) - 1]
        to_the_end_of = partial(notebooks.minutes, exercises=False)
        taken = [to_the_end_of(name, until=end) for name, end in zip(others, ends, strict=True)]
        taken += [to_the_end_of(first, until="The map"), to_the_end_of(first, until=before)]
        assert sum(taken) - to_the_end_of(first, until=skipped) <= 60


@pytest.mark.parametrize("name", LESSONS)
def test_the_frame(name):
    first = load(name).cells[0]
    assert first.id == "title"
    found = [heading for cell in markdown_cells(name) for heading in notebooks.headings(cell.source)]
    assert [level for level, _ in found].count(1) == 1
    assert found[0][0] == 1
    assert all(after <= before + 1 for (before, _), (after, _) in pairwise(found)), "a heading skips a level"
    at = [first.source.find(label) for label in LABELS]
    assert at == sorted(at), LABELS
    assert at[0] > 0, LABELS
    assert code_cells(name)[0].id == "setup"
    titles = [title for level, title in found if level == 2]
    assert [title for title in titles if title in ENDS] == ENDS
    assert titles[-3:] == ENDS[1:]


@pytest.mark.parametrize("name", LESSONS)
def test_at_least_three_exercises_and_a_progress_line(name):
    assert len(notebooks.exercise_keys(name)) >= 3
    assert all(key.startswith(name[:2] + ".") for key in notebooks.exercise_keys(name))
    assert notebooks.cell(name, "progress").source.startswith("progress_line(")
    assert "progress" in [cell.id for cell in notebooks.core_cells(name)], "nobody sees it without unfolding"


@pytest.mark.parametrize("name", NAMES)
def test_who_meets_an_error_is_told_how_to_get_the_advice(name):
    """A cell that stops with an error never comes to its last line, and much advice is written for just that."""
    heads = [cell.source for cell in markdown_cells(name) if (2, "Exercises") in notebooks.headings(cell.source)]
    assert re.search(r"A red box.*`box\.check\(\)` alone", heads[0])


@pytest.mark.parametrize("name", LESSONS)
def test_every_prediction_is_answered(name):
    source = "\n".join(cell.source for cell in code_cells(name) if not notebooks.EXERCISE.fullmatch(cell.id))
    for guess in re.findall(r"^(\w+) = predict\(", source, re.MULTILINE):
        assert re.search(rf"^{guess}\.reveal\(", source, re.MULTILINE), guess
    assert source.count("predict(") <= source.count(".reveal(")
    assert "predict(" in source


@pytest.mark.parametrize("name", NAMES)
def test_who_skips_the_question_changes_nothing(name):
    """A cell that goes on from an earlier one cannot be run twice, so it stops at its first line."""
    for cell in code_cells(name):
        asked = re.search(r"^(\w+)\.reveal\(", cell.source, re.MULTILINE)
        if asked and "# needs: " in cell.source.lower():
            assert re.match(rf"{asked[1]}(\.reveal\(|  # needs: the question above)", cell.source), cell.id


def test_questions_are_asked_once():
    """A guess is remembered under its question."""
    asked = [
        question
        for name in NAMES
        for cell in code_cells(name)
        for question in re.findall(r'predict\(\s*"([^"]*)"', cell.source)
    ]
    assert sorted(set(asked)) == sorted(asked)


@pytest.mark.parametrize("name", NAMES)
def test_only_example_addresses(name):
    pages = [cell.source for cell in load(name).cells]
    pages += [text for _, output in all_outputs(name) for text in texts(output)]
    domains = {domain.lower() for page in pages for domain in ADDRESS.findall(page)}
    assert not {domain for domain in domains if not re.search(r"(^|\.)example(\.(org|net|com))?$", domain)}


@pytest.mark.parametrize("name", NAMES)
def test_statements_are_claimed_by_cells_that_assert(name):
    for cell in load(name).cells:
        if claimed := set(tags(cell)) & STATEMENTS:
            assert cell.cell_type == "code", cell.id
            assert re.search(r"^\s*assert |\.reveal\(", cell.source, re.MULTILINE), f"{cell.id} claims {claimed}"
        known = STATEMENTS | {"raises-exception", "further"}
        assert set(tags(cell)) <= known, cell.id


@pytest.mark.skipif(len(LESSONS) < 10, reason="until all ten lessons are there")
def test_every_statement_is_claimed():
    claimed = {tag for name in LESSONS for cell in code_cells(name) for tag in tags(cell)}
    assert not STATEMENTS - claimed


def anchors(page):
    """Return the fragments that a page can be linked by."""
    if page.endswith(".ipynb"):
        text = "\n\n".join(cell.source for cell in markdown_cells(page.removesuffix(".ipynb")))
    else:
        text = (FOLDER / page).read_text("utf-8")
    titles = [title for _, title in notebooks.headings(text)]
    return {*re.findall(r'<a (?:id|name)="([^"]+)"', text), *(title.replace(" ", "-") for title in titles)}


def check_links(text):
    for target in LINK.findall(text):
        if target.startswith("https://"):
            continue
        page, _, fragment = unquote(target).partition("#")
        assert ":" not in page, f"{target}: only https links and links inside the course"
        assert (FOLDER / page).exists(), target
        if fragment:
            assert fragment in anchors(page), f"{target}: no such place"


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    for cell in markdown_cells(name):
        check_links(cell.source)


@pytest.mark.parametrize("page", PAGES)
def test_links_of_pages_lead_somewhere(page):
    check_links((FOLDER / page).read_text("utf-8"))


@pytest.mark.parametrize("name", LESSONS)
def test_terms_are_linked_to_the_glossary(name):
    terms = [cell.source for cell in markdown_cells(name) if (2, "Terms") in notebooks.headings(cell.source)]
    lines = re.findall(r"^\s*[-*] .*$|^\|(?! *-).*\|$", terms[0], re.MULTILINE) or terms[0].split(" · ")
    assert all("(glossary.md#" in line for line in lines if not line.startswith("| Term")), lines


@pytest.mark.parametrize(("name", "following"), list(pairwise(LESSONS)))
def test_each_lesson_names_the_next(name, following):
    last = [cell.source for cell in markdown_cells(name) if (2, "Next") in notebooks.headings(cell.source)]
    assert f"({following}.ipynb)" in last[0]
