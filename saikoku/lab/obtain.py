"""Get an Asterisk to run, without installing anything into the machine. For the lab only.

The machine's own `asterisk` comes first. Where there is none, the packages of a Debian suite are fetched through the
machine's own apt settings (mirror, proxies, keys; nothing is named here) and unpacked, not installed, into a cache
folder. The programs in it are started through the C library that came with them, so the paths inside and outside are
the same, no chroot, mount or root is needed, and nothing is left to clean up after a `kill -9`.
"""

import contextlib
import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SUITE = "forky"  # Debian 12 and 13 carry no Asterisk; this suite has 22 (LTS)
PACKAGES = ("asterisk", "asterisk-modules", "asterisk-config")
OLDEST_MAJOR = 16

_DEBIAN_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_WAY_ROUND = (
    "Install Asterisk so that `asterisk` is on PATH, or run on Debian with a package mirror within reach; "
    "everything but real calls works without it."
)


class LabUnavailable(Exception):  # noqa: N818 - it names a state the user may be in, and the demo goes on without the lab
    """No Asterisk can be had here; `str()` is one sentence with the way round."""

    code = "lab-unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"No Asterisk for the lab: {reason.rstrip('.')}. {_WAY_ROUND}")


@dataclass(frozen=True, slots=True)
class AsteriskBuild:
    """One Asterisk that can be started: how, with which modules and data, and which version it says it is."""

    command: tuple[str, ...]
    modules: Path
    data: Path
    version: str
    origin: str

    @property
    def major(self) -> int:
        """The release series: 22 for 22.10.1."""
        return int(self.version.split(".")[0])


@dataclass(frozen=True, slots=True)
class AptSource:
    """One line or stanza of the machine's apt sources."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where obtained trees are kept: $SAIKOKU_CACHE, or `saikoku` in the user's cache folder (XDG base directories)."""
    if own := environ.get("SAIKOKU_CACHE"):
        return Path(own)
    shared = environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "saikoku"


def parse_sources(text: str, *, deb822: bool) -> list[AptSource]:
    """Read one apt source file; `deb822` tells the stanza form from the one-line form (sources.list(5))."""
    return list(_stanzas(text) if deb822 else _lines(text))


def _stanzas(text: str) -> Iterator[AptSource]:
    for stanza in re.split(r"\n[ \t]*\n", text):
        kept = "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))
        unfolded = re.sub(r"\n[ \t]+", " ", kept)
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", unfolded, re.MULTILINE))
        field = {name.lower(): value.split() for name, value in fields.items()}
        if "deb" not in field.get("types", []) or field.get("enabled") == ["no"]:
            continue
        signed_by = field.get("signed-by", [])
        for uri in field.get("uris", []):
            # A key written into the stanza itself is not a path: then the distribution's own key ring serves.
            path = signed_by[0] if len(signed_by) == 1 else ""
            yield AptSource(uri, tuple(field.get("suites", ())), tuple(field.get("components", ())), path)


def _lines(text: str) -> Iterator[AptSource]:
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line.strip())
        if match:
            options, uri, suite, components = match.groups()
            key = re.search(r"signed-by=(\S+)", options or "")
            yield AptSource(uri, (suite,), tuple(components.split()), key[1] if key else "")


def debian_source(sources: list[AptSource], codename: str) -> AptSource | None:
    """The entry this machine installs Debian itself from: it carries the machine's own suite, or Debian in its name."""
    mains = [source for source in sources if "main" in source.components]
    for source in mains:
        if codename and codename in source.suites:
            return source
    return next((s for s in mains if re.search(r"debian/?$", s.uri)), None)


def _machine_sources(folder: Path) -> list[AptSource]:
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    found: list[AptSource] = []
    for file in files:
        if file.suffix in (".list", ".sources") and file.is_file():
            found += parse_sources(file.read_text(errors="replace"), deb822=file.suffix == ".sources")
    return found


def obtain(
    environ: Mapping[str, str] | None = None,
    *,
    suite: str = SUITE,
    use_system: bool = True,
    say: Callable[[str], None] = print,
) -> AsteriskBuild:
    """Find or fetch an Asterisk (about 10 s and 270 MB the first time); blocks.

    Raises LabUnavailable with the reason and the way round.
    """
    environ = os.environ if environ is None else environ
    system = shutil.which("asterisk", path=environ.get("PATH"))
    if use_system and system:
        return _system_build(system)
    tree = cache_folder(environ) / f"asterisk-{suite}"
    if not tree.is_dir():
        with _locked(tree.with_suffix(".lock")):
            if not tree.is_dir():  # another run may have built it while this one waited for the lock
                say(f"Fetching Asterisk for the demo lab from Debian {suite} into {tree} (once, about 80 MB) …")
                _build_tree(tree, suite, environ)
    return _tree_build(tree, suite)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_tree(tree: Path, suite: str, environ: Mapping[str, str]) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool, path=environ.get("PATH")) is None:
            raise LabUnavailable(f"this machine has neither `asterisk` nor `{tool}`")
    os_release = platform.freedesktop_os_release()
    source = debian_source(_machine_sources(Path("/etc/apt")), os_release.get("VERSION_CODENAME", ""))
    if os_release.get("ID") != "debian" or source is None:
        raise LabUnavailable("this machine has no `asterisk`, and its apt settings name no Debian mirror")
    with tempfile.TemporaryDirectory(prefix=".building-", dir=tree.parent) as work:
        folder = Path(work)
        _download(folder, source, suite)
        root = folder / "root"
        root.mkdir()
        for package in sorted((folder / "cache/archives").glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(root)])
        _tree_build(root, suite)  # a suite that has moved on must not become the cache
        root.rename(tree)


def _download(folder: Path, source: AptSource, suite: str) -> None:
    """Fetch the packages and all they depend on into `folder`, with an apt that believes nothing is installed."""
    for name in ("state/lists/partial", "cache/archives/partial", "sources"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    key = source.signed_by or str(_DEBIAN_KEYRING)
    (folder / "sources/lab.sources").write_text(
        f"Types: deb\nURIs: {source.uri}\nSuites: {suite}\nComponents: main\nSigned-By: {key}\n"
    )
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": folder / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Sandbox::User": "",
        "APT::Update::Error-Mode": "any",  # without it a mirror that is away is only a warning
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "1",
    }
    apt = ["apt-get", "-q", *(word for key, value in settings.items() for word in ("-o", f"{key}={value}"))]
    _run([*apt, "update"])
    _run([*apt, "-y", "--no-install-recommends", "--download-only", "install", *PACKAGES])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        complaint = next((line for line in done.stderr.splitlines() if line.startswith("E:")), done.stderr.strip())
        raise LabUnavailable(f"`{command[0]}` failed ({complaint or done.returncode})")
    return done.stdout


def _tree_build(tree: Path, suite: str) -> AsteriskBuild:
    modules = next(
        (
            path
            for path in (*tree.glob("usr/lib/*/asterisk/modules"), tree / "usr/lib/asterisk/modules")
            if path.is_dir()
        ),
        None,
    )
    loader = next(
        (path for where in ("usr/lib", "lib") for path in sorted(tree.glob(f"{where}/*/ld-linux*.so.*"))), None
    )
    if modules is None or loader is None:
        raise LabUnavailable(f"Debian {suite} no longer has Asterisk where it was (looked in {tree})")
    triple = loader.parent.name
    libraries = ":".join(str(tree / where) for where in (f"usr/lib/{triple}", f"lib/{triple}", "usr/lib"))
    command = (str(loader), "--library-path", libraries, str(tree / "usr/sbin/asterisk"))
    return _build(command, modules, tree / "usr/share/asterisk", f"Debian {suite}, {tree}")


def _system_build(program: str) -> AsteriskBuild:
    roots = [Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"), Path("/usr/local/lib64")]
    patterns = ("asterisk/modules", "*/asterisk/modules")
    modules = next((path for root in roots for pattern in patterns for path in root.glob(pattern)), None)
    if modules is None:
        raise LabUnavailable(f"{program} is here, but its modules are in none of the usual folders")
    data = next((path for path in (Path("/usr/share/asterisk"), Path("/var/lib/asterisk")) if path.is_dir()), modules)
    return _build((program,), modules, data, program)


def _build(command: tuple[str, ...], modules: Path, data: Path, origin: str) -> AsteriskBuild:
    said = _run([*command, "-V"])
    version = re.search(r"(\d+)\.[\d.]+\d", said)
    if version is None or int(version[1]) < OLDEST_MAJOR:
        raise LabUnavailable(f"{origin} says it is {said.strip()!r}; Asterisk {OLDEST_MAJOR} or newer is needed")
    return AsteriskBuild(command, modules, data, version[0], origin)
