"""Widgets without a browser: what they show, what they call, and the twin that a page without a kernel keeps."""

import poplib
import re
from html import unescape

import ipywidgets
import pytest

import mailkit.engine
from mailkit import MailServer, letters
from mailkit.plot import bars
from mailkit.scenes import play
from mailkit.transcript import Said, Transcript
from mailkit.widgets import Choice, Number, Tick, Words, conversation, form, live
from mailkit.widgets import twin as twin_module
from mailkit.widgets.conversation import explain
from mailkit.widgets.live import drawn


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: bundles."""
    bundles = []
    monkeypatch.setattr(twin_module, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


@pytest.fixture
def server():
    with MailServer(letters("three-letters"), password="secret") as server:
        yield server


# ---- form


def test_a_form_without_a_button_follows_every_change(shown):
    made = form("Add", lambda one, other: f"{one} and {other}", one=Number("One", 0, 9, 1), other=Tick("Other"))
    assert "1 and False" in made.result.shown.value
    made.controls["one"].value = 7
    made.controls["other"].value = True
    assert "7 and True" in made.result.shown.value


def test_a_form_with_a_button_waits_for_it(shown):
    posted = []
    made = form(
        "Post", lambda which: posted.append(which) or "posted", button="Send", which=Choice("Letter", ["a", "b"])
    )
    made.controls["which"].value = "b"
    assert posted == []
    made.button.click()
    assert posted == ["b"]
    assert "posted" in made.result.shown.value


def test_a_field_is_grey_without_what_it_needs(shown):
    made = form(
        "Ask", lambda **fields: str(fields), one=Tick("One", True), other=Tick("Other", needs="one"),
        third=Number("Third", 0, 9, 1, needs="other"),
    )  # fmt: skip
    grey = [name for name, control in made.controls.items() if control.disabled]
    assert grey == ["third"], "the other is not ticked"
    made.controls["other"].value = True
    made.controls["one"].value = False
    assert [name for name, control in made.controls.items() if control.disabled] == ["other", "third"]
    assert "    [ ] Other\n    [Third: 1]" in shown[0]["text/plain"]


def test_a_form_says_what_was_wrong_and_goes_on(shown):
    def refuse(number):
        if number > 3:
            raise ValueError("at most 3; take fewer")
        return "fine"

    made = form("Try", refuse, number=Number("How many", 0, 9, 1))
    made.controls["number"].value = 5
    assert "at most 3; take fewer" in made.result.shown.value
    made.controls["number"].value = 2
    assert "fine" in made.result.shown.value
    made.controls["number"].value = 2.7
    assert "How many: 2.7 is not a whole number; take 3" in made.result.shown.value


def test_a_form_whose_server_was_stopped_says_what_to_do(shown):
    server = MailServer(password="secret")
    made = form("Look", lambda: str(server.snapshot()), button="Look")
    server.stop()
    made.button.click()
    assert "RuntimeError: run this page again from “The world”" in made.result.shown.value


def test_a_forms_twin_has_fields_and_result_in_words_and_picture(shown):
    form("Cost", lambda size: bars("Minutes", {"28.8": size}, "min"), size=Number("Megabytes", 1, 9, 5))
    assert shown[0]["text/plain"].startswith("Cost\n[Megabytes: 5]\n")
    assert "Minutes" in shown[0]["text/plain"]
    assert "<strong>Cost</strong>" in shown[0]["text/html"]
    assert "<img alt=" in shown[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in shown[0]


def test_a_picture_that_a_form_redraws_is_read_out(shown):
    """By a screen reader, which leaves the picture itself out, with its alternative text."""
    made = form("Cost", lambda size: bars("A & B", {"28.8": size}), size=Number("Megabytes", 1, 9, 5))
    assert 'alt="A &amp; B. 28.8, 5."' in shown[0]["text/html"]
    for _ in range(2):
        said, drawn = re.fullmatch(
            r'<div role="status"[^>]*>([^<]*)</div>(.*)', made.result.shown.value, re.DOTALL
        ).groups()
        assert said == f"A &amp; B. 28.8, {made.controls['size'].value:.0f}."
        assert '<img alt="" ' in drawn, "nobody hears it twice"
        made.controls["size"].value = 7


def test_the_last_picture_stays_till_the_next(shown):
    """In between the page would be shorter by it, and flicker."""
    made = form("Cost", lambda size: bars("Minutes", {"28.8": size}), size=Number("Megabytes", 1, 9, 5))
    seen = []
    made.result.shown.observe(lambda change: seen.append(change["new"]), names="value")
    made.controls["size"].value = 7
    assert ["<img " in one for one in seen] == [True]


def test_a_button_shows_that_it_was_pressed(shown):
    made = form("Post", lambda: "posted", button="Send")
    seen = []
    made.result.shown.observe(lambda change: seen.append(unescape(change["new"])), names="value")
    made.button.click()
    made.button.click()
    assert [one.partition(">")[2].removesuffix("</div>") for one in seen] == ["Working …", "posted"] * 2


def test_a_forms_twin_names_every_choice(shown):
    form(
        "Ask", lambda **_: "said", one=Choice("Which", [("the first", 1), 2]), yes=Tick("Yes", True), no=Tick("No"),
        name=Words("Name"),
    )  # fmt: skip
    assert shown[0]["text/plain"] == "Ask\n[Which: the first | 2]\n[x] Yes\n[ ] No\n[Name: ]\nsaid"


def test_fields_begin_as_they_are_told():
    assert Choice("Which", ["a", "b"]).control().value == "a"
    assert Choice("Which", ["a", "b"], "b").control().value == "b"
    assert isinstance(Words("Subject").control(), ipywidgets.Text)
    assert isinstance(Words("Text", lines=3).control(), ipywidgets.Textarea)


def test_a_button_stands_before_the_result(shown):
    made = form("Post", lambda: "posted", button="Send")
    assert made.view().children[1:] == (made.button, *made.result.parts)


def test_results_are_escaped(shown):
    made = form("Echo", lambda words: words, words=Choice("Say", ["<script>"]))
    assert "<script>" not in made.result.shown.value
    assert "<script>" in unescape(made.result.shown.value)


# ---- live mailbox


def test_the_live_mailbox_follows_the_server(server, shown):
    made = live(server)
    pop = poplib.POP3(*server.pop3)
    pop.user("amy")
    pop.pass_("secret")
    pop.dele(1)
    pop.quit()
    drawn()
    assert "POP3 amy: QUIT" in made.cause.value
    assert made.state.value == made.state.max == len(server.history()) - 1


def test_the_live_mailbox_follows_a_large_one_too(server, shown):
    """Of which the server keeps no history."""
    made = live(server)
    for _ in range(150):
        server.deliver(b"Subject: more\r\n\r\n")
    drawn()
    assert made.state.value == made.state.max >= 150
    count = len(server.snapshot().mailbox("amy").letters)
    assert re.match(
        rf'<div role="status"[^>]*>What changed\. [^<]* letters → {count} \(1 new\)\.</div>', made.result.shown.value
    )
    last = len(server.history())
    assert live(server).cause.value == f'<div role="status"><code>{last} of {last}: now</code></div>', "read out"


def test_the_live_mailbox_shows_a_server_that_was_large_from_the_beginning(shown, monkeypatch):
    monkeypatch.setattr(mailkit.engine, "MAX_PICTURED", 1)
    with MailServer(letters("three-letters"), password="secret") as server:
        assert live(server).cause.value == '<div role="status"><code>0 of 0: now</code></div>'


def test_the_live_mailbox_goes_back_and_stays_there(server, shown):
    made = live(server)
    server.deliver(letters("french")[0])
    drawn()
    made.state.value = 0
    assert "the server started" in made.cause.value
    server.deliver(letters("french")[0])
    drawn()
    assert (made.state.value, made.state.max) == (0, 2)
    assert "4 letters" not in made.result.shown.value


def test_the_live_mailbox_escapes_what_a_client_said(server, shown):
    made = live(server)
    pop = poplib.POP3(*server.pop3)
    pop.user("amy")
    pop.pass_("secret")
    pop._putcmd("DELE 1 <b>")
    pop._getline()
    pop.close()
    server.wait_for_hang_up()
    drawn()
    assert "<b>" not in made.cause.value


def test_a_live_mailbox_that_left_hears_no_more(server, shown):
    made = live(server)
    made.leave()
    server.deliver(letters("french")[0])
    drawn()
    assert made.state.max == 0


# ---- conversation


def test_a_conversation_is_searched_and_explained(server, shown):
    pop = poplib.POP3(*server.pop3)
    pop.user("amy")
    pop.pass_("secret")
    pop.dele(1)
    pop.quit()
    made = conversation(server.transcript("POP3"))
    assert "secret" not in shown[0]["text/plain"]
    made.search.value = "dele"
    assert made.lines.options[0][0].strip() == "C: DELE 1"
    assert "RFC 1939" in made.meaning.value
    made.search.value = "no such words"
    assert "No line contains that." in made.meaning.value
    made.search.value = ""
    made.number.value = 2
    assert made.lines.label == "C: USER amy"
    made.lines.value = 4
    assert (made.number.value, made.number.max) == (5, len(made.lines.options))
    made.search.value = "no such words"
    assert (made.number.value, made.number.max, made.lines.value) == (1, 1, None)


def test_the_chosen_line_is_shown_whole(shown):
    """The list cuts what is too wide for it, on a phone or enlarged even a short line."""
    short, long = "+OK <3", f"+OK {'and on ' * 7}."
    made = conversation(Transcript("POP3", (Said("S", short), Said("S", long))))
    assert re.fullmatch(r'<div role="status"[^>]*><code>S: \+OK &lt;3</code><br>Yes: [^<]*</div>', made.meaning.value)
    made.number.value = 2
    assert f"<code>S: {long}</code>" in made.meaning.value


@pytest.mark.parametrize(
    ("protocol", "line", "words"),
    [
        ("POP3", Said("C", "RETR 1"), "nothing (RFC 1939 §5)."),
        ("POP3", Said("C", "USER amy"), "changes on the server: nothing"),
        ("POP3", Said("C", "PASS ********"), "locks the maildrop for this session (RFC 1939 §4)."),
        ("POP3", Said("S", "+OK server ready"), "ready"),
        (
            "IMAP",
            Said("C", "a4 FETCH 1 (BODY.PEEK[TEXT])"),
            "BODY.PEEK[…]: read a part of it. What it changes on the server: nothing (RFC 3501",
        ),
        ("IMAP", Said("C", "a4 FETCH 1 (BODY[1])"), r"sets \Seen (RFC 3501 §6.4.5)."),
        ("IMAP", Said("C", "a2 UID STORE 3 +FLAGS (\\Deleted)"), "mark for deletion"),
        ("POP3", Said("C", "stat"), "STAT: how many"),
        ("IMAP", Said("C", "a1 LOGIN amy secret"), "nothing (RFC 3501 §6.2.3)."),
        ("IMAP", Said("C", "a5 GETACL INBOX"), "GETACL: see RFC 3501 §6."),
        ("IMAP", Said("C", "AGFteQ=="), "The client goes on."),
        ("IMAP", Said("C", ""), "The client goes on."),
        ("IMAP", Said("C", "a2 UID EXPUNGE 3"), "EXPUNGE"),
        ("IMAP", Said("S", "a2 NO no such mailbox"), "refused"),
        ("POP3", Said("S", "-ERR [IN-USE] busy"), "refuses"),
        ("SMTP", Said("C", "MAIL FROM:<a@example.org>"), "goes on"),
        ("IMAP", Said("C", "a3 FETCH 1 (FLAGS)"), "RFC 3501"),
        ("IMAP", Said("C", "a3 FETCH 1 (BODY.PEEK[])"), "no trace"),
    ],
)
def test_every_line_has_a_meaning(protocol, line, words):
    assert words in explain(protocol, line)


# ---- the lessons' own


def test_a_letter_of_ones_own_is_named_as_it_was_written(server):
    assert play.post(server, subject="Été 🎉").startswith("“Été 🎉”: the server says 250")


def test_a_letter_of_ones_own_needs_a_subject(server):
    with pytest.raises(ValueError, match="needs a subject"):
        play.post(server, text="Hello")
    for text in ("It works.", "It works.\n\n"):
        assert play.post(server, subject=" Hello ", text=text).startswith("“Hello”: the server says 250")
        octets = server._engine.store.accounts["amy"].inbox.messages[-1].octets
        assert (b"Subject: Hello\r\n" in octets, octets[-13:]) == (True, b"\r\nIt works.\r\n")


@pytest.mark.parametrize("which", [which for _, which in play.LETTERS if which != play.OWN])
def test_every_sample_letter_is_posted(server, which):
    play.post(server, which)
    (octets,) = letters(which)
    assert server._engine.store.accounts["amy"].inbox.messages[3].octets.endswith(octets)


@pytest.mark.slow
def test_the_panel_words_the_settings_as_thunderbird_does(shown):
    play.settings_panel()
    words = shown[0]["text/plain"]
    for setting in (
        "[ ] Fetch headers only", "[x] Leave messages on server", "[x] For at most … days", "[x] Until I delete them"
    ):  # fmt: skip
        assert setting in words
    assert "14" in words


@pytest.mark.slow
def test_a_setting_changes_the_month():
    assert play.month(False, True, True, 14, True) != play.month(False, True, False, 14, True)
    assert "letters on server 0" in play.month(False, False, True, 14, True).words


def test_the_man_in_the_middle_reads_what_is_not_checked():
    with MailServer(letters("spare-key"), password="secret") as server:
        swapped = "TLS from the start", "swaps the certificate"
        assert play.visit(server, *swapped, checked=True).words.endswith("reads: nothing")
        assert play.visit(server, *swapped, checked=False).words.endswith("reads: the password and the letter")


@pytest.mark.slow
def test_the_helper_takes_any_provider():
    assert play.advise("", devices=2).way == "IMAP"


@pytest.mark.slow
@pytest.mark.parametrize("display", [play.stepper, play.troubles, play.dial_up_calculator, play.decision_helper])
def test_the_lessons_forms_are_drawn_at_once(shown, monkeypatch, display):
    made = []
    monkeypatch.setattr(play, "form", lambda *told, **fields: made.append(form(*told, **fields)))
    display()
    assert len(shown[0]["text/plain"].splitlines()) > 5
    assert not re.search('<img alt="[^"]', made[0].result.shown.value), "its words are read out, beside it"
