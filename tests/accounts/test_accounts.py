"""Users, passwords and keys: who is who, what is refused, and what is put down of changes."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from core.accounts import accounts, callers, keys, passwords
from core.accounts.tokens import tokens_of
from core.errors import AlreadyExists, NotAuthenticated, NotFound, RefusedValue, TooManyAttempts
from core.schemas.instant import DAY
from core.store import audit, open_store, users

NOW = 1_790_000_000_000_000
GOOD = "correct horse battery"


@pytest.fixture
def store(database_url):
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def lena(store):
    """An admin."""
    return accounts.add_user(store, "lena", "admin", GOOD, by="root", now=NOW)


def test_a_password_lets_its_user_in(store, lena):
    """Whatever the case of the name; no other password does, and no other user's."""
    accounts.add_user(store, "max", "reader", "another good one", by="lena", now=NOW)

    assert "lena" == accounts.by_password(store, "LENA", GOOD).name
    for name, password in (("lena", "another good one"), ("lena", ""), ("max", GOOD), ("nobody", GOOD)):
        assert None is accounts.by_password(store, name, password)


@pytest.mark.sqlite
def test_what_is_kept_is_no_password(store, lena, tmp_path):
    """Not in the database, not in the record of changes."""
    text, _ = accounts.add_key(store, "lena", "firewall", by="lena", now=NOW)
    accounts.set_password(store, "lena", "a third good one", by="lena", now=NOW)
    store.close()

    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("yeti.db*"))

    assert b"$argon2id$" in kept
    for secret in (GOOD, "a third good one", text, text.rpartition("_")[2]):
        assert secret.encode() not in kept


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("max", "short", "at least 12 characters"),
        ("max", "x" * 300, "at most 256"),
        ("max", "aaaaaaaaaaaaaaaa", "too few different characters"),
        ("maximilian", "i-am-Maximilian!", "name of the user is in the password"),
        ("", GOOD, "a user's name has"),
        ("-max", GOOD, "a user's name has"),
        ("max\n", GOOD, "a user's name has"),
        ("../max", GOOD, "a user's name has"),
        ("Me", GOOD, "that is whoever asks"),
        ("m" * 65, GOOD, "a user's name has"),
    ],
)
def test_what_is_refused(store, name, password, reason):
    """In words; nobody is added."""
    with pytest.raises(RefusedValue, match=reason):
        accounts.add_user(store, name, "reader", password, by="root", now=NOW)

    assert [] == users.users(store)


def test_names_are_told_apart_by_more_than_case(store, lena):
    """Nobody can be added who looks like somebody."""
    with pytest.raises(AlreadyExists, match="there is a user 'Lena' already"):
        accounts.add_user(store, "Lena", "reader", GOOD, by="root", now=NOW)


def test_a_key_lets_a_program_in(store, lena):
    """It is shown once; whoever has it is its user, with its scopes; what looks like one is none."""
    text, made = accounts.add_key(
        store, "lena", "firewall", scopes=("read", "read"), expires_at=NOW + DAY, by="lena", now=NOW
    )

    user, key = accounts.by_key(store, text)

    assert ("lena", "firewall", ("read",), NOW + DAY) == (user.name, key.name, key.scopes, key.expires_at)
    assert made == key
    assert text.startswith(key.begin)
    other = keys.new_key().text
    for wrong in (other, text[:-1], text + "x", text.upper(), "", key.begin, f"{key.begin}_{'A' * 43}"):
        assert None is accounts.by_key(store, wrong)


def test_keys_are_exchanged(store, lena):
    """Two of different names are valid at once; one that is removed is not."""
    old, _ = accounts.add_key(store, "lena", "old", by="lena", now=NOW)
    new, _ = accounts.add_key(store, "lena", "new", by="lena", now=NOW)
    with pytest.raises(AlreadyExists, match="has a key 'new' already"):
        accounts.add_key(store, "lena", "new", by="lena", now=NOW)
    assert accounts.by_key(store, old)
    assert accounts.by_key(store, new)

    users.remove_key(store, "lena", "old", by="lena", now=NOW)

    assert None is accounts.by_key(store, old)
    assert accounts.by_key(store, new)
    with pytest.raises(NotFound, match="has no key 'old'"):
        users.remove_key(store, "lena", "old", by="lena", now=NOW)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": ""}, "a key's name"),
        ({"name": "a\nb"}, "a key's name"),
        ({"scopes": ("everything",)}, "no scope 'everything'; there are read, observables, exports, admin"),
        ({"scopes": ()}, "a key has a scope; there are read, observables, exports, admin"),
        ({"expires_at": NOW}, "would have ended already"),
    ],
)
def test_what_is_no_key(store, lena, fields, reason):
    """In words; none is made."""
    given = {"name": "x"} | fields
    with pytest.raises(RefusedValue, match=reason):
        accounts.add_key(store, "lena", given.pop("name"), by="lena", now=NOW, **given)

    assert [] == users.keys(store)


@pytest.mark.parametrize(
    "call",
    [
        lambda store: accounts.change(store, "lena", role="editor", by="lena", now=NOW),
        lambda store: accounts.change(store, "lena", is_enabled=False, by="lena", now=NOW),
        lambda store: accounts.remove(store, "lena", by="lena", now=NOW),
    ],
    ids=["role", "disable", "remove"],
)
def test_somebody_stays_who_may_do_everything(store, lena, call):
    """The last admin can be neither lowered, nor switched off, nor removed; with another one it is fine."""
    with pytest.raises(RefusedValue, match="lena is the only admin there is"):
        call(store)
    assert accounts.has_admin(store)

    accounts.add_user(store, "max", "admin", GOOD, by="lena", now=NOW)
    call(store)
    assert accounts.has_admin(store)


def test_a_user_that_is_removed_takes_the_keys_along(store, lena):
    """Nobody gets in by them."""
    accounts.add_user(store, "max", "reader", None, by="lena", now=NOW)
    text, _ = accounts.add_key(store, "max", "x", by="lena", now=NOW)

    accounts.remove(store, "max", by="lena", now=NOW)

    assert None is accounts.by_key(store, text)
    assert [] == users.keys(store)


def test_every_change_is_put_down(store, lena):
    """Who, what, of whom; and nothing that was refused."""
    accounts.add_user(store, "max", "reader", None, by="lena", now=NOW + 1)
    accounts.add_key(store, "max", "x", scopes=("read",), by="lena", now=NOW + 2)
    accounts.change(store, "max", role="editor", by="lena", now=NOW + 3)
    accounts.set_password(store, "max", GOOD, by="max", now=NOW + 4)
    with pytest.raises(RefusedValue):
        accounts.set_password(store, "max", "x", by="max", now=NOW + 5)
    users.remove_key(store, "max", "x", by="lena", now=NOW + 6)
    accounts.remove(store, "max", by="lena", now=NOW + 7)

    found = [(item.actor, item.action, item.subject) for item in reversed(audit.entries(store))]

    assert [
        ("root", "user added", "lena"),
        ("lena", "user added", "max"),
        ("lena", "key added", "max"),
        ("lena", "user changed", "max"),
        ("max", "password set", "max"),
        ("lena", "key removed", "max"),
        ("lena", "user removed", "max"),
    ] == found
    assert {"role": "editor"} == audit.entries(store)[3].detail


def test_weaker_hashes_are_made_anew(store, lena):
    """A password that was kept with less effort, years ago, is kept with today's after a login."""
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8_192).hash(GOOD)
    users.keep_password(store, lena, weak)

    assert accounts.by_password(store, "lena", GOOD)

    kept = users.get_user(store, "lena").password
    assert weak != kept
    assert passwords.is_right(GOOD, kept)
    assert json.dumps([item.action for item in audit.entries(store)]) == '["user added"]'


@pytest.mark.parametrize("kept", ["", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
def test_a_hash_that_is_damaged_lets_nobody_in(kept):
    """Nor does an empty one, which is that of a user without a password."""
    assert not passwords.is_right(GOOD, kept)
    assert not passwords.is_right("nobody has this password", kept)


def test_who_logs_in_at_the_same_time_is_let_in(store, lena):
    """From one address, as behind a proxy: whose turn comes later may have looked at the clock before."""
    names = [callers.log_in(store, "lena", GOOD, "192.0.2.1", NOW - earlier).name for earlier in range(3)]

    assert ["lena"] * 3 == names


def test_two_admins_are_not_both_gone_at_once(store, lena, monkeypatch):
    """Each is the other's other admin until one of the changes is made."""
    accounts.add_user(store, "max", "admin", None, by="lena", now=NOW)
    change_user = users.change_user

    def later(*given, **changes):
        monkeypatch.setattr(users, "change_user", change_user)
        accounts.change(store, "max", role="reader", by="lena", now=NOW)
        return change_user(*given, **changes)

    monkeypatch.setattr(users, "change_user", later)
    with pytest.raises(RefusedValue, match="lena is the only admin"):
        accounts.change(store, "lena", is_enabled=False, by="max", now=NOW)

    assert accounts.has_admin(store)


def test_a_hash_made_anew_takes_no_new_password_back(store, lena):
    """Between the login with the old one and the write somebody may have set another."""
    accounts.set_password(store, "lena", "a third good one", by="lena", now=NOW)
    users.keep_password(store, lena, passwords.hashed(GOOD))

    assert None is accounts.by_password(store, "lena", GOOD)


def test_passwords_are_looked_at_by_few_at_once(monkeypatch):
    """Each takes 64 MiB, and anybody may try."""
    kept = passwords.hashed(GOOD)
    verify, lock = PasswordHasher.verify, threading.Lock()
    now, most = 0, 0

    def counted(self, *given):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        try:
            return verify(self, *given)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: passwords.is_right(GOOD, kept), range(12)))

    assert [True] * 12 == found
    assert 1 < most <= 4


def test_a_network_of_ipv6_is_one_who_fails(store, lena):
    """Whoever has one address there has 2 to the 64 of them."""
    for number in range(5):
        with pytest.raises(NotAuthenticated):
            callers.log_in(store, "lena", "wrong", f"2001:db8::{number:x}", NOW)
    with pytest.raises(TooManyAttempts):
        callers.log_in(store, "lena", GOOD, "2001:db8::ffff", NOW)

    assert "lena" == callers.log_in(store, "lena", GOOD, "2001:db8:0:1::1", NOW).name


def test_failed_logins_leave_a_trace(store, lena, caplog):
    """Each is a line with who was tried and from where; a pause is put down, once when it begins."""
    for _ in range(6):
        with pytest.raises((NotAuthenticated, TooManyAttempts)):
            callers.log_in(store, "Lena", "wrong", "192.0.2.1", NOW)
    callers.log_in(store, "lena", GOOD, "192.0.2.2", NOW)

    told = [vars(record) for record in caplog.records if record.getMessage() == "login failed"]
    assert [("lena", "192.0.2.1")] * 5 == [(item["user"], item["address"]) for item in told]
    (entry,) = audit.entries(store, action="login")
    assert ("(unknown)", "login blocked", "lena") == (entry.actor, entry.action, entry.subject)
    assert {"address": "192.0.2.1", "seconds": 2} == dict(entry.detail)


def test_what_is_no_user_is_in_no_trace(store, lena, caplog):
    """It may be a password, typed into the wrong field."""
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            callers.log_in(store, "Hunter2secret", "lena", "192.0.2.1", NOW)

    told = [vars(record) for record in caplog.records if record.getMessage() == "login failed"]
    assert [("(no such user)", "192.0.2.1")] * 5 == [(item["user"], item["address"]) for item in told]
    (entry,) = audit.entries(store, action="login")
    assert "(no such user)" == entry.subject


def test_a_user_removed_while_a_key_is_looked_up_is_nobody(store, lena, monkeypatch):
    """401, on which clients ask anew, and not 404: key and user are of one moment."""
    text, _ = accounts.add_key(store, "lena", "x", by="lena", now=NOW)
    token = tokens_of(store, "", NOW).make(lena, NOW, 60, key=text[:13])
    accounts.add_user(store, "max", "admin", None, by="lena", now=NOW)
    get_user = users.get_user

    def gone_afterwards(store, name):
        found = get_user(store, name)
        if name == "lena":
            monkeypatch.setattr(users, "get_user", get_user)
            accounts.remove(store, name, by="max", now=NOW)
        return found

    monkeypatch.setattr(users, "get_user", gone_afterwards)
    known = callers.by_key(store, text, NOW)[0]
    with pytest.raises(NotAuthenticated):
        callers.by_token(store, tokens_of(store, "", NOW), token, NOW)
    with pytest.raises(NotAuthenticated):
        callers.by_key(store, text, NOW)

    assert "lena (x)" == known.name
