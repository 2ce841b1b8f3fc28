"""The page "Verify published files": its commands, in their order, and its script against what it is for."""

import re
import shutil

import pytest
from page_shell import PageShell, page_text

PAGE = page_text("verify-published-files")
BLOCKS = re.findall(r"```(sh|ini)\n(.*?)```", PAGE, re.DOTALL)
(SCRIPT,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("minisign", "curl"))),
    reason="minisign or curl is not installed (Debian: apt-get install minisign curl)",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page's commands were typed: the shell, and what each line printed."""
    folder = tmp_path_factory.mktemp("page")
    shell, said = PageShell(folder), {}
    (folder / "fetch-list").write_text(SCRIPT)
    for kind, block in BLOCKS:
        if kind == "ini":
            (folder / "yeti.conf").write_text(block)
            continue
        for line in block.splitlines():
            said[line] = shell(line)
    return shell, said


def test_every_command_works(page):
    """None fails; the checks say that all is well, and the last two that it is not."""
    said = list(page[1].items())

    assert len(said) > 12
    assert ["c2-addresses.txt: OK"] == next(text for line, text in said if "--ignore-missing" in line).splitlines()
    verified = [text for line, text in said if line.startswith("cd lists && minisign")]
    assert ["file:c2-addresses.txt\texport:c2-addresses\tversion:1\n", "file:SHA256SUMS\n"] == [
        text.split("\t", 1)[1] for text in verified
    ]
    assert "c2-addresses.txt: FAILED" in said[-2][1]
    assert "Signature verification failed" in said[-1][1]


def test_doctor_is_content(page):
    """It says which key signs."""
    (text,) = [text for line, text in page[1].items() if line == "yetictl doctor"]

    assert f"what is published is signed with {page[0].folder}/signing.key" in text
    assert "failed" not in text


@pytest.fixture
def consumer(page, tmp_path):
    """A consumer's folder, a copy of what is published, and the script that fetches from it."""
    shell = page[0]
    served = tmp_path / "served"
    shutil.copytree(shell.folder / "lists", served)
    key = shell("yetictl key public").strip()
    (tmp_path / "fetch-list").write_text(SCRIPT.replace("for pause in 1 5 0", "for pause in 0 0 0"))
    client = PageShell(tmp_path)

    def fetch(name="c2-addresses.txt", status=0):
        return client(f"sh fetch-list file://{served} {name} {key}", status)

    fetch()
    return client, served, fetch


def test_the_script_takes_a_new_version_and_no_older_one(page, consumer):
    """An old list with its old signature is signed, and refused all the same."""
    shell, (client, served, fetch) = page[0], consumer
    old = {path.name: path.read_bytes() for path in served.iterdir()}
    shell("echo 198.51.100.4 > more.txt && yetictl import more.txt --source feed --tag c2")
    shell("yetictl export run c2-addresses")
    shutil.copytree(shell.folder / "lists", served, dirs_exist_ok=True)
    fetch()
    new = (client.folder / "c2-addresses.txt").read_text()

    for name, data in old.items():
        (served / name).write_bytes(data)
    said = fetch(status=1)

    assert "198.51.100.4\n" in new
    assert new == (client.folder / "c2-addresses.txt").read_text()
    assert "is older than" in said


@pytest.mark.parametrize("damage", ["list", "signature", "no signature", "other list"])
def test_the_script_keeps_what_is_there(damage, consumer):
    """An altered list, an altered comment, no signature at all, and another list under this name."""
    client, served, fetch = consumer
    file, signature = served / "c2-addresses.txt", served / "c2-addresses.txt.minisig"
    before = (client.folder / "c2-addresses.txt").read_bytes()
    match damage:
        case "list":
            file.write_text("203.0.113.1\n")
        case "signature":
            signature.write_text(signature.read_text().replace("version:", "version:9"))
        case "no signature":
            signature.unlink()
        case "other list":
            shutil.copy(served / "SHA256SUMS", file)
            shutil.copy(served / "SHA256SUMS.minisig", signature)

    fetch(status=1)

    assert before == (client.folder / "c2-addresses.txt").read_bytes()
    assert not list(client.folder.glob("fetch.*"))
