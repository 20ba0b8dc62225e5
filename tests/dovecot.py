"""A private Dovecot to compare with: its own directory, loopback ports, and user, gone when it is stopped.

It is told to keep POP3's letter: a session locks the maildrop, RETR leaves flags alone, a unique-id is
UIDVALIDITY and UID. It runs unprivileged, also where the tests run as root.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
from collections import deque
from pathlib import Path

import trustme

PASSWORD = "secret"
START_SECONDS = 20

CONFIGURATION = """\
base_dir = {home}/run
state_dir = {home}/state
log_path = /dev/stderr
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
ssl = yes
auth_failure_delay = 0
auth_mechanisms = plain
mail_fsync = never
mail_max_userip_connections = 100
pop3_lock_session = yes
pop3_no_flag_updates = yes
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Archive {{
    special_use = \\Archive
  }}
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Junk {{
    special_use = \\Junk
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap {{
  {requests} = 500
}}
service pop3 {{
  {requests} = 500
}}
service imap-login {{
  chroot =
  {requests} = {unlimited}
  process_min_avail = 1
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  chroot =
  {requests} = {unlimited}
  process_min_avail = 1
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
"""
BY_VERSION = {  # what each spells in its own way
    "2.3": """\
ssl_cert = <{home}/certificate.pem
ssl_key = <{home}/key.pem
disable_plaintext_auth = no
mail_location = sdbox:~/mail
pop3_uidl_format = %v.%u
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {home}/passwords
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/home/%n
}}
""",
    "2.4": """\
dovecot_config_version = {version}
dovecot_storage_version = {version}
ssl_server_cert_file = {home}/certificate.pem
ssl_server_key_file = {home}/key.pem
auth_allow_cleartext = yes
mail_attachment_detection_options =
mail_driver = sdbox
mail_path = ~/mail
pop3_uidl_format = %{{uidvalidity}}.%{{uid}}
passdb passwd-file {{
  passwd_file_path = {home}/passwords
  default_password_scheme = PLAIN
}}
userdb static {{
  fields {{
    uid = {user}
    gid = {group}
    home = {home}/home/%{{user | username}}
  }}
}}
""",
}
REQUESTS = {  # that one process serves: the setting's name, and how to say "no limit"
    "2.3": ("service_count", "0"),
    "2.4": ("restart_request_count", "unlimited"),
}


def installed() -> bool:
    """Tell whether there is a Dovecot to run that we can configure."""
    return version()[:3] in BY_VERSION


def version() -> str:
    """Return the version of the Dovecot that is installed, such as 2.4.5; nothing where there is none."""
    program = find_program()
    if program is None:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"[\d.]+", done.stdout)  # Debian 13 says 2.4.1-4, which no configuration may name
    return found[0] if found else ""


def reaches(version: str, since: str) -> bool:
    """Tell whether a version, such as 2.4.5, is of the series 2.3 or 2.4 that another begins, and no earlier."""
    return version.startswith(since[:3]) and numbers(since) <= numbers(version)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, by which it is earlier or later than another."""
    return tuple(int(number) for number in version.split(".") if number)


def find_program() -> str | None:
    """Return the path of the server, which Debian keeps where only root's PATH looks."""
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")


class Dovecot:
    """A running Dovecot. ``pop3``, ``imap`` and, TLS from the start, ``pop3s``, ``imaps`` are address pairs."""

    def __init__(self) -> None:
        program, self.version = find_program(), version()
        if program is None or self.version[:3] not in BY_VERSION:
            raise RuntimeError("no Dovecot 2.3 or 2.4 here; install the packages dovecot-imapd and dovecot-pop3d")
        self.home = Path(tempfile.mkdtemp(prefix="dovecot-"))
        names = ("pop3", "pop3s", "imap", "imaps")
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.pop3, self.pop3s, self.imap, self.imaps = (("127.0.0.1", ports[name]) for name in names)
        authority = trustme.CA()
        self.ssl_context = ssl.create_default_context()
        authority.configure_trust(self.ssl_context)
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        certificate.private_key_pem.write_to_path(str(self.home / "key.pem"))
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(str(self.home / "certificate.pem"), append=True)
        passwords = [f"{name}{at}:{PASSWORD}::::::\n" for name in ("amy", "ben") for at in ("", "@example.org")]
        (self.home / "passwords").write_text("".join(passwords))
        import grp  # Windows has neither, and must still be able to import this module
        import pwd

        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        configuration = self.home / "dovecot.conf"
        requests, unlimited = REQUESTS[self.version[:3]]
        configuration.write_text(
            (BY_VERSION[self.version[:3]] + CONFIGURATION).format(
                version=self.version, home=self.home, user=account.pw_name, group=grp.getgrgid(account.pw_gid).gr_name,
                requests=requests, unlimited=unlimited, **ports,
            )
        )  # fmt: skip
        as_user = {}
        if os.geteuid() == 0:
            for path in (self.home, *self.home.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
            as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.process = subprocess.Popen(
            [program, "-F", "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env={**os.environ, "TZ": "UTC"},  # the zone it tells dates in; else it is the machine's
            preexec_fn=die_with_parent,
            **as_user,
        )
        self.log: deque[str] = deque(maxlen=1000)  # its last words
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self._ready.wait(START_SECONDS)
        if not any("starting up" in line for line in self.log):
            self.stop()
            raise RuntimeError(f"Dovecot did not start; it said: {''.join(self.log)}")

    def _read_log(self) -> None:
        """Read the log to its end, or Dovecot would stand still; its ports are open when it tells of its start."""
        for line in self.process.stderr:
            self.log.append(line.decode("utf-8", "replace"))
            if b"starting up" in line:
                self._ready.set()
        self._ready.set()

    def empty(self) -> None:
        """Take away all mail; nobody may be logged in."""
        shutil.rmtree(self.home / "home", ignore_errors=True)

    def stop(self) -> None:
        """Stop it and remove its directory."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(10)
        self.process.stderr.close()
        shutil.rmtree(self.home, ignore_errors=True)


def start(attempts: int = 5) -> Dovecot:
    """Start one; again where another program has taken a port that was free a moment ago."""
    for left in reversed(range(attempts)):
        try:
            return Dovecot()
        except RuntimeError as error:
            if not left or "Address already in use" not in str(error):
                raise
    raise AssertionError("the last attempt returns or raises")


def die_with_parent() -> None:
    """Have Linux end this process when the tests are killed (prctl(2), PR_SET_PDEATHSIG)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that are free now, all different."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
