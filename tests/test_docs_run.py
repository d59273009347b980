"""Every command and Python block of README and docs, run as printed, page by page in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.documentation import PAGES, Block, blocks_of
from tests.readers_files import plant

RUN = [page for page in PAGES if any(block.language in ("bash", "python") for block in blocks_of(page))]
BY_CI = ("make ", "pip install '.")
"""Commands that set up an environment from a checkout: what CI itself begins with."""

VICREG = """\
#!{python}
import sys
from vicreg_core.cli.main import main
if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A virtual environment over this one, for pages that install something."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    below = sysconfig.get_path("purelib")
    site.joinpath("below.pth").write_text(f"import site; site.addsitedir({below!r})\n")
    script = folder / "bin" / "vicreg"
    script.write_text(VICREG.format(python=python))
    script.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VICREG_", "PYTHON"))}
    # Nothing is fetched: the build backend and the dependencies are those of the environment below.
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    return {**kept, **offline, "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])}


def run(block: Block, folder: Path, environment: dict[str, str]) -> Path:
    """Run a block; returns the folder it leaves its reader in."""
    if block.language == "python":
        command = ["python", "-c", block.text]
    else:
        lines = [line for line in block.lines if not line.startswith(BY_CI)]
        command = ["bash", "-euc", "\n".join([*lines, "pwd >&3"])]
    read, write = os.pipe()
    shell = ["bash", "-c", f'exec "$@" 3>&{write}', "bash", *command]
    done = subprocess.run(
        shell,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        pass_fds=[write],
    )
    os.close(write)
    with os.fdopen(read) as stream:
        left = stream.read().strip()
    said = f"{block.text}\n{done.stdout}{done.stderr}"
    if block.mark == "fails":
        assert done.returncode != 0, said
        assert block.words in done.stdout + done.stderr, said
    else:
        assert done.returncode == 0, said
    return Path(left) if left else folder


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_a_page_runs_as_printed(page: Path, tmp_path: Path, environment: dict[str, str]):
    pytest.importorskip("torchvision")
    plant(tmp_path)
    folder = tmp_path
    for block in blocks_of(page):
        if block.language in ("bash", "python") and block.mark != "not run":
            folder = run(block, folder, environment)


def test_what_is_not_run_says_why():
    marked = [block for page in PAGES for block in blocks_of(page) if block.mark]
    assert marked
    assert all(len(block.words.split()) > 1 for block in marked)


def test_the_readme_shows_the_commands_there_are():
    (readme,) = [page for page in PAGES if page.name == "README.md"]
    shown = {line.split()[1] for b in blocks_of(readme) for line in b.lines if line.startswith("vicreg ")}
    assert shown >= {"train", "evaluate", "embed", "recipe", "plugin"}
