"""The store's rules: UIDs, flags, quota, names, change logs, and the maildrop's lock."""

import doctest
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mailkit import mailbox as mailbox_module
from mailkit import message as message_module
from mailkit.mailbox import MAX_FLAG_SETS, MAX_KEYWORDS, MailboxError
from mailkit.message import DELETED, FLAGGED, SEEN
from mailkit.store import MAX_MAILBOXES, Store
from tests.effort import calls_of

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def new_store(quota=None, accounts=("amy", "ben"), uidvalidity=1):
    store = Store("example.org", lambda: NOON, uidvalidity)
    for name in accounts:
        store.add_account(name, "secret", quota)
    return store


@pytest.fixture
def amy():
    return new_store().accounts["amy"]


def refusal(function, *arguments):
    with pytest.raises(MailboxError) as caught:
        function(*arguments)
    return caught.value.code, str(caught.value)


@pytest.mark.parametrize("module", [mailbox_module, message_module])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


# ---- UIDs and UIDVALIDITY (RFC 3501 §2.3.1.1)


def test_uids_ascend_and_are_never_used_again(amy):
    first, second = amy.inbox.append(b"1"), amy.inbox.append(b"2")
    amy.inbox.expunge([first.uid, second.uid])
    assert amy.inbox.append(b"3").uid == 3
    assert amy.inbox.uidnext == 4


def test_a_name_deleted_and_made_again_has_another_uidvalidity(amy):
    first = amy.create("Work").uidvalidity
    amy.delete("Work")
    assert amy.create("Work").uidvalidity > first


def test_the_first_uidvalidity_is_given():
    assert new_store(uidvalidity=77).accounts["amy"].inbox.uidvalidity == 77


def test_by_uid_finds_what_is_there(amy):
    for _ in range(5):
        amy.inbox.append(b"x")
    amy.inbox.expunge([2, 4])
    assert [amy.inbox.by_uid(uid) is not None for uid in range(7)] == [False, True, False, True, False, True, False]


def test_octets_and_date_stay_as_they_came(amy):
    message = amy.inbox.append(b"a\r\n\r\n.\xff", when=NOON.replace(year=1999))
    assert (message.octets, message.internaldate.year, message.size) == (b"a\r\n\r\n.\xff", 1999, 7)
    assert amy.inbox.append(b"").internaldate == NOON


# ---- flags (RFC 3501 §2.3.2)


def test_flags_are_spelled_one_way(amy):
    message = amy.inbox.append(b"x", ["\\sEEN", "Work"])
    assert message.flags == {SEEN, "Work"}
    amy.inbox.set_flags(message, ["WORK", "\\deleted"])
    assert message.flags == {"Work", DELETED}
    assert amy.inbox.deleted_uids() == [1]


def test_equal_sets_of_flags_are_one_object(amy):
    one, two = amy.inbox.append(b"x", [SEEN, FLAGGED]), amy.inbox.append(b"x", [FLAGGED, SEEN])
    assert one.flags is two.flags


def test_an_unknown_system_flag_is_refused_and_changes_nothing(amy):
    message = amy.inbox.append(b"x", [SEEN])
    assert refusal(amy.inbox.set_flags, message, ["\\Frog"])[0] == "CANNOT"
    assert refusal(amy.inbox.set_flags, message, ["\\Recent"])[0] == "CANNOT"
    assert message.flags == {SEEN}
    assert refusal(amy.inbox.append, b"y", ["\\Frog"])[0] == "CANNOT"
    assert len(amy.inbox) == 1


def test_keywords_are_bounded(amy):
    amy.inbox.append(b"x", [f"k{number}" for number in range(MAX_KEYWORDS)])
    assert refusal(amy.inbox.append, b"x", ["onemore"])[0] == "LIMIT"
    amy.inbox.append(b"x", ["K1"])
    assert amy.inbox.flag_set(["onemore", "K1"], new=False) == {"k1"}, "to take one away needs no place for it"


def test_unseen_is_counted(amy):
    one = amy.inbox.append(b"1")
    amy.inbox.append(b"2", [SEEN])
    assert amy.inbox.unseen == 1
    amy.inbox.set_flags(one, [SEEN])
    assert amy.inbox.unseen == 0
    amy.inbox.set_flags(one, [])
    amy.inbox.expunge([one.uid])
    assert amy.inbox.unseen == 0


# ---- quota (RFC 9208)


def test_what_does_not_fit_is_refused_and_deleting_makes_room():
    amy = new_store(quota=10).accounts["amy"]
    amy.inbox.append(b"123456")
    code, words = refusal(amy.inbox.append, b"12345")
    assert code == "OVERQUOTA"
    assert "6 of 10 octets used, 5 more do not fit" in words
    assert len(amy.inbox) == 1
    amy.inbox.expunge([1])
    assert amy.used == 0
    amy.inbox.append(b"1234567890")
    words = refusal(amy.inbox.append, b"1234567890")[1]
    assert "10 more do not fit" in words  # though what is as large as the mailbox does, once that is empty
    assert "11 octets never fit" in refusal(amy.inbox.append, b"12345678901")[1]


def test_a_copy_is_all_or_nothing_and_a_move_needs_no_room():
    amy = new_store(quota=10).accounts["amy"]
    for octets in (b"123", b"4567"):
        amy.inbox.append(octets)
    work = amy.create("Work")
    assert refusal(amy.copy, amy.inbox.messages, work)[0] == "OVERQUOTA"
    assert len(work) == 0
    amy.move(amy.inbox, list(amy.inbox.messages), work)
    assert ([one.octets for one in work.messages], len(amy.inbox), amy.used) == ([b"123", b"4567"], 0, 7)
    assert amy.quota == 10


def test_sessions_are_woken_once_for_all_that_a_copy_brings_or_a_move_takes(amy):
    """Else 200,000 messages would keep all others waiting once for each session that has the mailbox open."""
    work = amy.create("Work")
    letters = [amy.inbox.append(b"a") for _ in range(9)]
    woken = []
    for mailbox in (work, amy.inbox):
        mailbox.watch(lambda name=mailbox.name: woken.append(name))
    amy.copy(letters, work)
    assert woken == ["Work"]
    amy.move(amy.inbox, letters, work)
    assert woken == ["Work", "Work", "INBOX"]
    version = amy.store.version
    amy.copy([], work)
    assert (len(woken), amy.store.version) == (3, version)


def test_an_expunge_takes_no_steps_for_each_message_in_each_session(amy):
    def steps(sessions):
        for _ in range(100):
            amy.inbox.append(b"a")
        for _ in range(sessions):
            amy.inbox.watch(lambda: None).first_untold = amy.inbox.uidnext
        uids = [message.uid for message in amy.inbox.messages]
        return calls_of(lambda: amy.inbox.expunge(uids))

    alone = steps(0)
    assert steps(20) - alone < 20 * 20


def test_a_copy_that_is_refused_adds_no_keyword(amy):
    target = amy.create("Target")
    target.flag_set([f"k{number}" for number in range(MAX_KEYWORDS - 1)])
    for keyword in ("new", "newer"):
        amy.inbox.append(b"x", [keyword])
    assert refusal(amy.copy, amy.inbox.messages, target)[0] == "LIMIT"
    assert (len(target), len(target.keywords)) == (0, MAX_KEYWORDS - 1)


def test_messages_and_keywords_are_bounded(amy, monkeypatch):
    monkeypatch.setattr(mailbox_module, "MAX_MESSAGES", 3)
    for _ in range(2):
        amy.inbox.append(b"")
    assert refusal(amy.copy, amy.inbox.messages, amy.inbox)[0] == "LIMIT"
    amy.inbox.append(b"")
    assert refusal(amy.inbox.append, b"")[0] == "LIMIT"
    assert len(amy.inbox) == 3
    assert refusal(amy.inbox.set_flags, amy.inbox.messages[0], ["x" * 101])[0] == "LIMIT"
    assert not amy.inbox.keywords


def test_renaming_needs_no_room_for_another_mailbox(amy):
    for number in range(MAX_MAILBOXES - len(amy.mailboxes)):
        amy.create(f"m{number}")
    amy.rename("m1", "z")
    assert len(amy.mailboxes) == MAX_MAILBOXES
    assert refusal(amy.create, "one more")[0] == "LIMIT"


def test_renaming_makes_no_name_too_long(amy):
    amy.create("a/" + "b" * 250)
    assert refusal(amy.rename, "a", "c" * 100)[0] == "LIMIT"
    assert sorted(amy.mailboxes) == ["INBOX", "a", "a/" + "b" * 250]
    amy.rename("a/" + "b" * 250, "c" * 255)
    assert sorted(amy.mailboxes) == ["INBOX", "a", "c" * 255]


def test_a_copy_keeps_flags_and_date(amy):
    amy.inbox.append(b"x", [SEEN, "Work"], NOON.replace(year=2001))
    (copy,) = amy.copy(amy.inbox.messages, amy.create("Other"))
    assert (copy.uid, copy.flags, copy.internaldate.year) == (1, {SEEN, "Work"}, 2001)


# ---- names (RFC 3501 §5.1, §6.3)


def test_inbox_is_one_mailbox_in_any_case(amy):
    assert amy.get("inbox") is amy.get("InBox") is amy.inbox


def test_creating_makes_what_is_above(amy):
    assert amy.create("a/b/c/").name == "a/b/c"
    assert set(amy.mailboxes) == {"INBOX", "a", "a/b", "a/b/c"}
    assert set(amy.children("a")) == {"a/b", "a/b/c"}


@pytest.mark.parametrize(
    ("method", "names", "code"),
    [
        ("create", ("inbox",), "ALREADYEXISTS"),
        ("create", ("Work",), "ALREADYEXISTS"),
        ("create", ("",), "CANNOT"),
        ("create", ("/x",), "CANNOT"),
        ("create", ("x//y",), "CANNOT"),
        ("create", ("a\nb",), "CANNOT"),
        ("get", ("Nowhere",), "NONEXISTENT"),
        ("delete", ("INBOX",), "CANNOT"),
        ("delete", ("Nowhere",), "NONEXISTENT"),
        ("rename", ("Nowhere", "x"), "NONEXISTENT"),
        ("rename", ("Work", "INBOX"), "ALREADYEXISTS"),
        ("rename", ("Work", "Work/Sub"), "CANNOT"),
    ],
)
def test_refusals_of_names(amy, method, names, code):
    amy.create("Work")
    assert refusal(getattr(amy, method), *names)[0] == code
    assert set(amy.mailboxes) == {"INBOX", "Work"}


def test_deleting_frees_quota_and_leaves_what_is_below(amy):
    work = amy.create("Work/Old")
    work.append(b"123")
    amy.get("Work").append(b"45")
    amy.delete("Work")
    assert set(amy.mailboxes) == {"INBOX", "Work/Old"}
    assert amy.used == 3


def test_renaming_takes_along_what_is_below(amy):
    old = amy.create("a/b")
    amy.rename("a", "z/y")
    assert set(amy.mailboxes) == {"INBOX", "z", "z/y", "z/y/b"}
    assert (old.name, amy.get("z/y/b")) == ("z/y/b", old)


def test_renaming_inbox_gives_its_mail_away(amy):
    amy.inbox.append(b"x", [SEEN])
    amy.create("INBOX/Sub")
    amy.rename("inbox", "Old")
    assert (len(amy.inbox), len(amy.get("Old")), amy.inbox.name) == (0, 1, "INBOX")
    assert "INBOX/Sub" in amy.mailboxes


# ---- accounts


def test_names_and_passwords():
    store = new_store()
    amy = store.accounts["amy"]
    for user in ("amy", "AMY", "amy@example.org", "Amy@Example.ORG"):
        assert store.authenticate(user, "secret") is amy
    for user, password in (("amy", "Secret"), ("amy", ""), ("eve", "secret"), ("", ""), ("amy@example.net", "secret")):
        assert store.authenticate(user, password) is None
    assert store.authenticate("amy@example.org@example.org", "secret") is None
    assert store.authenticate("amy", "\udcff") is None
    with pytest.raises(ValueError, match="already there"):
        store.add_account("amy", "other")


def test_the_maildrop_has_one_holder_at_a_time(amy):
    one, two = object(), object()
    assert amy.lock_maildrop(one)
    assert amy.lock_maildrop(one)
    assert not amy.lock_maildrop(two)
    amy.unlock_maildrop(two)
    assert not amy.lock_maildrop(two)
    amy.unlock_maildrop(one)
    assert amy.lock_maildrop(two)


# ---- change logs


def test_a_watcher_hears_of_others_changes_not_of_its_own(amy):
    calls = []
    mine, other = amy.inbox.watch(lambda: calls.append("mine")), amy.inbox.watch(lambda: calls.append("other"))
    message = amy.inbox.append(b"x")
    assert (mine.arrived, other.arrived, sorted(calls)) == (True, True, ["mine", "other"])
    mine.arrived = other.arrived = False
    mine.first_untold = other.first_untold = 2
    amy.inbox.set_flags(message, [SEEN], by=mine)
    assert (mine.changed, other.changed) == (set(), {1})
    amy.inbox.expunge([1])
    assert (other.changed, other.expunged, mine.expunged) == (set(), {1}, {1})
    amy.inbox.append(b"x")
    amy.inbox.expunge([2])  # of which nobody was told
    assert (other.expunged, mine.expunged) == ({1}, {1})
    amy.inbox.unwatch(mine)
    calls.clear()
    amy.inbox.append(b"y")
    assert calls == ["other"]


def test_nothing_is_told_where_nothing_changes(amy):
    message = amy.inbox.append(b"x", [SEEN])
    watcher = amy.inbox.watch(lambda: pytest.fail("woken for nothing"))
    version = amy.store.version
    amy.inbox.set_flags(message, [SEEN])
    amy.inbox.expunge([99])
    assert not watcher
    assert amy.store.version == version


def test_a_list_kept_by_a_session_stays_as_it_is_when_mail_is_expunged(amy):
    for _ in range(3):
        amy.inbox.append(b"x")
    kept = amy.inbox.messages
    amy.inbox.expunge([2])
    assert [one.uid for one in kept] == [1, 2, 3]
    assert [one.uid for one in amy.inbox.messages] == [1, 3]


# ---- the same against a model


class MailboxModel(RuleBasedStateMachine):
    """Append, flag, expunge, move at random: counts and UIDs agree with a plain list."""

    def __init__(self):
        super().__init__()
        self.account = new_store(quota=200).accounts["amy"]
        self.other = self.account.create("Other")
        self.model = {}  # UID → (octets, flags)
        self.highest = 0
        self.watcher = self.account.inbox.watch(lambda: None)
        self.told_gone = set()
        for size in (30, 20, 10):
            self.append(size, {SEEN})

    @rule(size=st.integers(0, 60), flags=st.sets(st.sampled_from([SEEN, DELETED, "Work"])))
    def append(self, size, flags):
        octets = b"x" * size
        if self.account.used + size > 200:
            assert refusal(self.account.inbox.append, octets, flags)[0] == "OVERQUOTA"
            return
        uid = self.account.inbox.append(octets, flags).uid
        assert uid > self.highest
        self.highest = uid
        self.model[uid] = (octets, flags)

    @rule()
    def tell(self):
        self.watcher.first_untold = self.account.inbox.uidnext

    @rule(data=st.data(), flags=st.sets(st.sampled_from([SEEN, FLAGGED])))
    def set_flags(self, data, flags):
        if self.model:
            uid = data.draw(st.sampled_from(sorted(self.model)))
            self.account.inbox.set_flags(self.account.inbox.by_uid(uid), flags)
            self.model[uid] = (self.model[uid][0], flags)

    @rule(uids=st.sets(st.integers(1, 6), max_size=4))
    def expunge(self, uids):
        gone = {message.uid for message in self.account.inbox.expunge(uids)}
        assert gone == uids & set(self.model)
        for uid in gone:
            del self.model[uid]
        self.told_gone |= {uid for uid in gone if uid < self.watcher.first_untold}

    @rule(data=st.data())
    def move(self, data):
        uids = data.draw(st.sets(st.sampled_from(sorted(self.model)), max_size=2)) if self.model else set()
        inbox = self.account.inbox
        chosen = [message for message in inbox.messages if message.uid in uids]
        copies = self.account.move(inbox, chosen, self.other)
        assert [one.octets for one in copies] == [self.model.pop(one.uid)[0] for one in chosen]
        self.told_gone |= {one.uid for one in chosen if one.uid < self.watcher.first_untold}

    @invariant()
    def agrees(self):
        inbox = self.account.inbox
        assert {one.uid: (one.octets, set(one.flags)) for one in inbox.messages} == self.model
        assert [one.uid for one in inbox.messages] == sorted(self.model)
        assert inbox.unseen == sum(SEEN not in flags for _, flags in self.model.values())
        assert self.account.used == sum(one.size for box in (inbox, self.other) for one in box.messages)
        assert self.watcher.expunged == self.told_gone
        assert self.watcher.changed <= set(self.model)


TestMailboxModel = pytest.mark.slow(MailboxModel.TestCase)
TestMailboxModel.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


def test_mailboxes_and_subscriptions_are_bounded(amy):
    for number in range(MAX_MAILBOXES - 1):
        amy.create(f"box{number}")
    assert refusal(amy.create, "one more")[0] == "LIMIT"
    for name in list(amy.mailboxes):
        amy.subscribe(name)
    amy.delete("box1")
    assert refusal(amy.create, "two/levels")[0] == "LIMIT"
    assert len(amy.mailboxes) == MAX_MAILBOXES - 1  # none of the two was made
    amy.create("one more")
    assert refusal(amy.subscribe, "one more")[0] == "LIMIT"
    assert refusal(amy.subscribe, "nowhere")[0] == "NONEXISTENT"
    amy.subscribe("inbox")  # it is on the list already


def test_flag_sets_do_not_pile_up(amy):
    message = amy.inbox.append(b"")
    watcher = amy.inbox.watch(lambda: None)
    for number in range(3 * MAX_FLAG_SETS):
        amy.inbox.set_flags(message, [f"k{bit}" for bit in range(12) if number >> bit & 1])
    assert len(amy.inbox._flag_sets) <= MAX_FLAG_SETS + 2
    watcher.changed.clear()
    amy.inbox.set_flags(message, set(message.flags))
    assert not watcher.changed
