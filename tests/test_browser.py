"""The lessons in JupyterLab and Chromium: run, looked at, and played with by mouse and by keyboard."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from mailkit.render import FONTS
from tests.browser import CURRENT, LAPTOP, WIDGET, Lab, Lesson, chromium, quiet_page, start_lab
from tests.notebooks import NAMES, as_page, code_cells, load, tags
from tests.patience import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TROUBLE = r"/error (displaying|creating) widget|loading widget|failed to load model/i"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
STICKING_OUT = """() => [...document.querySelectorAll("text")].filter(text => {
    const frame = text.closest("g.node, g.cluster")?.querySelector("path, polygon") || text.ownerSVGElement;
    const [words, room] = [text.getBoundingClientRect(), frame.getBoundingClientRect()];
    return words.left < room.left - 1 || words.right > room.right + 1;
}).map(text => text.textContent)"""
ZOOMED = {"width": LAPTOP["width"] // 2, "height": LAPTOP["height"] // 2}  # what 200 % leaves of a small laptop


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if not chromium():
        pytest.skip("no Chromium here; Debian's package chromium brings it")
    with start_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson(lab: Lab, name: str, subtests: pytest.Subtests, request: pytest.FixtureRequest) -> None:
    with lab.lesson(name) as lesson:
        lesson.unfold()
        with subtests.test("a fresh clone, not run"):
            assert_pictures(lesson.page, pictures_in(name))
            assert_no_trouble(lesson.page)
        lesson.run_all()
        with subtests.test("run"):
            meant = {one.id for one in code_cells(name) if "raises-exception" in tags(one)}
            assert set(lesson.failed()) == meant, lesson.failed()
            assert lesson.unrun() == []
            assert_no_trouble(lesson.page)
            assert_pictures(lesson.page)
        for theme in ("Dark", "Light"):
            lab.choose(theme)
            with subtests.test("for everybody", theme=theme):
                assert_accessible(lesson.page)
            if folder := request.config.getoption("screenshots"):
                lesson.photograph(Path(folder), theme)
        with subtests.test("on a small screen, and enlarged"):
            assert_fits(lesson)
        cells = lesson.cells()
        for use in USES.get(name, ()):
            with subtests.test(use.__name__):
                use(lesson)
        assert lesson.cells() == cells, "a key that was meant for a widget went to the notebook"
    assert lab.strayed == [], "the page asked for something outside this machine"


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_as_a_page(lab: Lab, name: str, tmp_path: Path) -> None:
    """What ``nbconvert --to html`` makes of it, without a kernel; its formulas' and scripts' addresses are refused."""
    file = tmp_path / "page.html"
    file.write_text(as_page(name), "utf-8")
    page, _ = quiet_page(lab.page.context.browser)
    try:
        page.goto(file.as_uri())
        assert_no_trouble(page)
        drawn = "all => all.filter(one => one.naturalWidth > 0).map(one => one.alt)"
        alts = page.locator("main img").evaluate_all(drawn)
        assert len(alts) >= pictures_in(name)
        assert all(alts)
    finally:
        page.close()


@pytest.mark.parametrize("font", ["monospace", "serif"])
def test_words_stay_in_their_frames(lab: Lab, font: str) -> None:
    """What a computer without Arial, or a font as wide, makes of every picture of the course."""
    drawn = [svg.replace(FONTS, font) for name in NAMES for svg in svgs(name)]
    page, _ = quiet_page(lab.page.context.browser)
    try:
        page.set_content("".join(drawn))
        assert page.locator("svg").count() >= len(drawn) > 100
        assert page.evaluate(STICKING_OUT) == []
    finally:
        page.close()


def svgs(name: str) -> list[str]:
    """Return the pictures of a notebook as it is committed."""
    bundles = (output.data for cell in code_cells(name) for output in cell.outputs if "data" in output)
    encoded = (re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', one.get("text/html", "")) for one in bundles)
    return [base64.b64decode(one).decode() for found in encoded for one in found]


def pictures_in(name: str) -> int:
    """Count the pictures of a notebook as it is committed."""
    texts = [cell.source for cell in load(name).cells if cell.cell_type == "markdown"]
    outputs = [output.get("data", {}).get("text/html", "") for cell in code_cells(name) for output in cell.outputs]
    return sum(text.count("![") for text in texts) + sum(html.count("<img ") for html in outputs)


def assert_pictures(page: Page, at_least: int = 0) -> None:
    pictures = page.locator(".jp-Notebook img").evaluate_all(
        """all => all.map(one => [
            one.alt || one.closest(".jupyter-widgets")?.querySelector("[role=status]").textContent || "",
            one.complete && one.naturalWidth > 0])"""
    )
    assert len(pictures) >= at_least
    assert [alt for alt, drawn in pictures if not drawn] == [], "these pictures are not drawn"
    assert all(alt.strip() for alt, _ in pictures), "a picture has no words for those who cannot see it"


def assert_no_trouble(page: Page) -> None:
    assert page.locator(f"text={TROUBLE}").all_inner_texts() == []
    assert page.locator("[title=null]").count() == 0, "a label that JavaScript has titled"


def assert_accessible(page: Page) -> None:
    """Hold every widget to WCAG 2.1, levels A and AA: names of controls, contrast, roles."""
    if page.locator(WIDGET).count():
        found = Axe().run(page, context=WIDGET, options=RULES).response["violations"]
        said = [(one["id"], node["html"], node["failureSummary"]) for one in found for node in one["nodes"]]
        assert said == []


def assert_fits(lesson: Lesson) -> None:
    """Nothing that is shown has to be scrolled sideways; who enlarges to 200 % has closed the list of files."""
    wide = []
    for size in (ZOOMED, LAPTOP):
        lesson.page.set_viewport_size(size)
        lesson.list_files(size is LAPTOP)
        wide += lesson.page.locator(f"{WIDGET}, .jp-RenderedHTMLCommon:has(img)").evaluate_all(
            "all => all.filter(one => one.scrollWidth > one.clientWidth + 1)"
            ".map(one => [one.closest('.jp-Cell').innerText.slice(0, 80), one.scrollWidth, one.clientWidth])"
        )
    assert wide == [], "words, needed and available width"


# ---- played with; nothing in a widget moves by itself, so prefers-reduced-motion has nothing to ask for


def send_letters(lesson: Lesson) -> None:
    live, form = lesson.cell("watch-live"), lesson.cell("watch-send")
    form.get_by_label("Letter").select_option("Come to my birthday")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("status")).to_contain_text("the server says 250")
    expect(told(live)).to_contain_text("→ 1 ")
    form.get_by_label("Letter").select_option("my own, as written below")
    form.get_by_label("Letter").focus()
    lesson.page.keyboard.press("Tab")  # the rest by keyboard alone
    for typed in ("Hello", "Any news?"):
        lesson.page.keyboard.type(typed)
        lesson.page.keyboard.press("Tab")
        lesson.ask("'typed faster than a hand can'")  # what waits for the kernel's ear has arrived
    lesson.page.keyboard.press("Enter")
    expect(told(live)).to_contain_text("→ 2 ")
    subjects = "[one.subject for one in toy.snapshot().mailbox('amy').letters]"
    assert lesson.ask(subjects) == "['Come to my birthday', 'Hello']"


def go_back_in_the_live_mailbox(lesson: Lesson) -> None:
    live = lesson.cell("watch-live")
    last = int(lesson.ask("watched.state.max"))
    live.get_by_label("State").fill("1")
    live.get_by_label("State").press("ArrowDown")
    expect(live).to_contain_text(f"0 of {last}: the server started")
    expect(told(live)).to_contain_text("0 letters")
    lesson.ask("toy.deliver(letters('walk')[0])")
    lesson.ask("__import__('mailkit.widgets.live').widgets.live.drawn()")
    assert lesson.ask("(watched.state.value, watched.state.max)") == f"(0, {last + 1})"  # who has gone back stays there
    live.get_by_label("State").fill(str(last + 1))
    lesson.page.keyboard.press("Tab")
    expect(told(live)).to_contain_text("→ 3 ")


def follow_in_words(lesson: Lesson) -> None:
    """Opened once, they stay open, whatever happens; of an error there are none."""
    cell = lesson.cell("watch-live")
    fold, words = cell.get_by_text("In words"), cell.locator(".jupyter-widgets pre")
    last = int(lesson.ask("watched.state.max"))
    expect(words).to_be_hidden()
    fold.click()
    expect(words).to_contain_text("Hello", use_inner_text=True)
    lesson.ask("toy.deliver(letters('french')[0])")
    expect(cell).to_contain_text(f"{last + 1} of {last + 1}")
    expect(words).to_contain_text("crêperie", use_inner_text=True)
    lesson.ask("watched.result.draw('gone')")
    expect(fold).to_be_hidden()
    cell.get_by_label("State").fill("0")
    lesson.page.keyboard.press("Tab")
    expect(words).to_contain_text("0 letters", use_inner_text=True)
    fold.click()
    expect(words).to_be_hidden()


def guess(lesson: Lesson) -> None:
    asked, answered = lesson.cell("pop-guess"), lesson.cell("pop-phone")
    asked.get_by_role("radio", name="0").check()
    wait_until(lambda: lesson.ask("pop_guess.guess") == "0")  # a question may overtake the choice
    asked.get_by_role("radio", name="3").press("Space")
    expect(asked.get_by_role("radio", name="3")).to_be_checked()
    wait_until(lambda: lesson.ask("pop_guess.guess") == "3")
    lesson.ask("exec('server = MailServer(password=\"secret\")')")  # an empty box; by now the lesson's is IMAP's
    answered.locator(".cm-content").click()
    lesson.page.keyboard.press("Shift+Enter")
    expect(answered).to_contain_text("You guessed: 3. What made you think so?")


def start_over(lesson: Lesson) -> None:
    cell = lesson.cell("progress")
    lesson.ask('exec(\'from mailkit.progress import Progress; Progress().note("00.1", "done")\')')
    cell.locator(".cm-content").click()
    lesson.page.keyboard.press("Shift+Enter")
    expect(cell).to_contain_text("1 done")
    cell.get_by_role("button", name="Start this lesson's exercises over").press("Enter")
    expect(cell.get_by_role("status")).to_contain_text("0 done")
    assert lesson.ask("__import__('mailkit.progress').progress.Progress().of('00.1')") == "open"


def go_by_keyboard(lesson: Lesson) -> None:
    """What lesson 00 tells those who have no mouse."""
    keyboard = lesson.page.keyboard
    further, exercise = lesson.cells().index("ex-further"), lesson.cells().index("ex-00-1")
    folded = f"panel.content.widgets[{further}].headingCollapsed"
    for at in (exercise, further):
        lesson.script(f"panel.content.activeCellIndex = {at}; panel.content.mode = 'command'; panel.content.activate()")
        keyboard.press("Enter")
        assert lesson.script("return panel.content.mode") == "edit"
        keyboard.press("Escape")
        assert lesson.script("return [panel.content.mode, panel.content.activeCellIndex]") == ["command", at]
    keyboard.press("Control+Enter")  # it is prose, and has shown its source
    keyboard.press("ArrowLeft")
    assert lesson.script(f"return {folded}")
    keyboard.press("ArrowDown")
    assert lesson.script("return panel.content.activeCell.model.id") == "progress-head"
    keyboard.press("ArrowUp")
    keyboard.press("ArrowRight")
    assert not lesson.script(f"return {folded}")
    keyboard.press("Control+Shift+C")
    keyboard.type("clear outputs of all")
    expect(lesson.page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text("Clear Outputs of All Cells")
    keyboard.press("Escape")
    lesson.cell("world").get_by_role("link", name="server").press("Enter")
    lesson.page.locator(".jp-MarkdownViewer:visible").wait_for()
    keyboard.press("Control+Shift+[")
    lesson.page.locator(f"{CURRENT} .jp-Cell:focus").wait_for()
    find = "[...jupyterapp.shell.widgets('main')].find(one => one.title.label === 'glossary.md')"
    lesson.page.evaluate(f"() => {find}.dispose()")


def step_both_ways(lesson: Lesson) -> None:
    cell = lesson.cell("stepper")
    cell.get_by_label("Step (1 to 6)").press("ArrowUp")
    expect(told(cell)).to_contain_text("2. You walk to the box")
    lines = "one => { const all = new Range(); all.selectNodeContents(one); return all.getClientRects().length }"
    assert told(cell).evaluate(lines) == 1, "who reads it line by line hears one word each"


def have_a_trouble(lesson: Lesson) -> None:
    cell = lesson.cell("again-play")
    cell.get_by_label("Trouble").select_option("travelling")
    expect(told(cell)).to_contain_text("Amy is travelling")
    for key in ("Space", "ArrowDown", "Enter"):  # closed, it leaves the arrow keys to JupyterLab
        cell.get_by_label("Trouble").press(key)
    expect(told(cell)).to_contain_text("second home", use_inner_text=True)  # not in the folded words alone


def leaf_through(lesson: Lesson) -> None:
    cell = lesson.cell("transcript")
    cell.get_by_label("Search").fill("dele 2")
    lines = cell.get_by_label("Lines")
    expect(lines.get_by_role("option")).to_have_count(1)
    expect(cell.get_by_role("status")).to_contain_text("RFC 1939")
    cell.get_by_label("Search").fill("")
    number = cell.get_by_label("Line", exact=True)
    expect(number).to_have_attribute("max", re.compile(r"\d\d"))
    number.press("ArrowUp")
    expect(cell.get_by_role("status")).to_contain_text("USER")
    lines.select_option(index=2)
    expect(cell.get_by_role("status")).to_contain_text("Yes: the server")


def pay_for_the_call(lesson: Lesson) -> None:
    cell = lesson.cell("dial")
    for change in (
        lambda: cell.get_by_label("Megabytes of mail").press("ArrowUp"),
        lambda: cell.get_by_label("On a weekday").press("Space"),
        lambda: cell.get_by_label("Minutes to read it").fill("0"),
    ):
        before = str(picture(cell).get_attribute("src"))
        change()
        lesson.page.keyboard.press("Tab")
        expect(picture(cell)).not_to_have_attribute("src", before)
    cell.get_by_label("Megabytes of mail").fill("2.6")
    lesson.page.keyboard.press("Tab")
    expect(told(cell)).to_contain_text("2.6 is not a whole number; take 3")


def follow_the_session(lesson: Lesson) -> None:
    cell = lesson.cell("live")
    last = int(lesson.ask("watched.state.max"))
    assert last > 5
    expect(cell.get_by_label("State")).to_have_value(str(last))
    expect(cell).to_contain_text(f"{last}: IMAP amy")


def set_the_settings(lesson: Lesson) -> None:
    cell = lesson.cell("thirty-days")
    cell.get_by_label("For at most … days").uncheck()
    expect(told(cell)).to_contain_text(re.compile("refused, because the box was full: [1-9]"))
    cell.get_by_label("Leave messages on server").press("Space")
    expect(told(cell)).to_contain_text("letters on server 0")


def sit_on_the_line(lesson: Lesson) -> None:
    cell = lesson.cell("switch")
    cell.get_by_label("Amy's program begins").select_option("TLS from the start")
    cell.get_by_label("The one on the line").select_option("swaps the certificate")
    expect(told(cell)).to_contain_text(re.compile("man in the middle .* reads nothing"))
    cell.get_by_label("Amy's program checks the certificate").press("Space")
    expect(told(cell)).to_contain_text("reads the password and the letter")


def decide(lesson: Lesson) -> None:
    cell = lesson.cell("decide-you")
    expect(cell.get_by_role("status")).to_contain_text("Take IMAP")
    cell.get_by_label("Devices you use").press("ArrowDown")
    cell.get_by_label("The box is small").check()
    cell.get_by_label("Often off line").press("Space")
    expect(cell.get_by_role("status")).to_contain_text("Take POP")


USES = {
    "00-start-here": (send_letters, go_back_in_the_live_mailbox, follow_in_words, guess, start_over, go_by_keyboard),
    "01-two-ways-to-empty-a-letterbox": (step_both_ways, have_a_trouble),
    "03-pop3-take-the-mail-home": (leaf_through, pay_for_the_call),
    "04-imap-read-it-on-the-server": (follow_the_session,),
    "06-pop3-leave-mail-on-the-server": (set_the_settings,),
    "07-lock-the-letterbox": (sit_on_the_line,),
    "08-which-one": (decide,),
}


def picture(cell: Locator) -> Locator:
    return cell.locator(".jupyter-widgets img")


def told(cell: Locator) -> Locator:
    """Return what a screen reader reads out when a widget has changed: the last status of its cell."""
    return cell.get_by_role("status").last
