"""What a folder asks for, and what is told where that cannot be installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from stepworkflows_cdk.constructs.packaging import package
from stepworkflows_cdk.constructs.requirements import masked, read_requirements
from stepworkflows_cdk.constructs.wheels import Target, WheelStore
from stepworkflows_cdk.errors import PackagingError

ARM = Target("3.14", "arm64")
UV = ("uv", "pip")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def wrote(code, text, name="requirements.txt"):
    (code / name).parent.mkdir(exist_ok=True)
    (code / name).write_text(text, encoding="utf-8")
    return read_requirements(code)


@pytest.mark.parametrize("text", ["", "\n", "# none yet\n  # nor here\n", "\ufeff# saved by an editor\n"])
def test_nothing_is_asked_for(code, text):
    assert wrote(code, text) is None


@pytest.mark.parametrize(
    "line", ["-r more.txt", "-rmore.txt", "--requirement=more.txt", "-c more.txt", "--constraint more.txt"]
)
def test_included_files_count(code, line):
    (code / "more.txt").write_text("other==1.0\n", encoding="utf-8")
    before = wrote(code, f"hello==1.0\n{line}  # and these\n")
    (code / "more.txt").write_text("other==2.0\n", encoding="utf-8")
    after = read_requirements(code)
    assert "other==1.0" in before.lines
    assert "other==2.0" in after.lines


def test_files_that_include_each_other_are_read_once(code):
    (code / "more.txt").write_text("-r requirements.txt\n-r more.txt\nother==1.0\n", encoding="utf-8")
    assert wrote(code, "-r more.txt\n").lines.count("other==1.0") == 1


def test_included_files_are_sought_beside_the_file_that_includes_them(code):
    wrote(code, "other==1.0\n", "lists/other.txt")
    wrote(code, "-r other.txt\n", "lists/all.txt")
    assert "other==1.0" in wrote(code, "-r lists/all.txt\n").lines


def test_lines_that_are_continued_are_one(code):
    assert wrote(code, "hello==1.0 \\\n    --hash=sha256:abc\n").lines == ("hello==1.0      --hash=sha256:abc",)


@pytest.mark.parametrize(
    "line", ["./hello-1.0-py3-none-any.whl", "hello @ file:./hello-1.0-py3-none-any.whl", "--find-links ."]
)
def test_a_wheel_that_changed_is_another_requirement(code, line):
    wheel = code / "hello-1.0-py3-none-any.whl"
    wheel.write_bytes(b"one")
    before = wrote(code, f"{line}\nhello==1.0\n").lines
    wheel.write_bytes(b"two")
    assert read_requirements(code).lines != before


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("-e ../shop", "an editable package stays on this machine"),
        ("--editable=.", "an editable package stays on this machine"),
        ("-r missing.txt", "there is no such file"),
        ("-r https://user:s3cret@example.com/list.txt", "a list on the network can change unseen"),
        ("./lib", "a folder would have to be built"),
        ("lib @ file:./lib", "a folder would have to be built"),
        ("./lib[extra]", "a folder would have to be built"),
        ("./gone", "there is no such file"),
        ("./sdist-1.0.tar.gz", "only wheels are installed, and this is none"),
        ("https://user:s3cret@example.com/sdist-1.0.tar.gz", "only wheels are installed, and this is none"),
        ("shop @ git+https://user:s3cret@example.com/shop", "a repository would have to be built"),
        ("git+ssh://git@example.com/shop#egg=shop", "a repository would have to be built"),
        ("--no-binary :all:", "only wheels are installed"),
    ],
)
def test_what_would_have_to_be_built_is_refused_by_its_line(code, line, fault):
    (code / "lib").mkdir()
    (code / "sdist-1.0.tar.gz").write_bytes(b"x")
    with pytest.raises(PackagingError, match=fault) as error:
        wrote(code, f"hello==1.0\n{line}\n")
    assert str(error.value).startswith(str(code / "requirements.txt"))
    assert "\nfix: " in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    "line",
    [
        "hello[fast]>=1.0,<2; python_version < '4'",
        "hello @ https://example.com/hello-1.0-py3-none-any.whl#sha256=abc",
        "--index-url https://user:s3cret@example.com/simple",
        "--extra-index-url=https://example.com/simple",
        "-i https://${USER}:${TOKEN}@example.com/simple",
        "--pre",
    ],
)
def test_other_lines_are_the_installers(code, line):
    assert wrote(code, f"{line}\nhello\n").lines == (line, "hello")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[project]\nname = "x"\ndynamic = ["version", "dependencies"]\n', "its dependencies are dynamic"),
        ('[project]\ndependencies = "hello"\n', "`dependencies` under `[project]` must be a list of texts"),
        ("[project]\ndependencies = [1]\n", "must be a list of texts"),
        ("project = 1\n", "must be a list of texts"),
        ('[tool.poetry.dependencies]\npython = "^3.13"\nhello = "^1.0"\n', "under `[tool.poetry]` are not read"),
        ('[project]\ndependencies = ["lib @ file:./lib"]\n', "there is no such file"),
        ("[project\n", "not valid TOML"),
    ],
)
def test_projects_that_do_not_say_what_they_need(code, text, fault):
    with pytest.raises(PackagingError) as error:
        wrote(code, text, "pyproject.toml")
    assert fault in str(error.value)
    assert str(code / "pyproject.toml") in str(error.value)


@pytest.mark.parametrize(
    "text", ["", '[tool.ruff]\nline-length = 100\n[tool.poetry]\nname = "x"\n', "[project]\nname = 'x'\n"]
)
def test_projects_that_need_nothing(code, text):
    assert wrote(code, text, "pyproject.toml") is None


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.toml"])
def test_settings_of_uv_count(code, name):
    before = wrote(code, "hello\n").lines
    (code / name).write_text("[tool.uv]\n", encoding="utf-8")
    assert read_requirements(code).lines != before


def test_requirements_go_before_a_project(code):
    (code / "pyproject.toml").write_text('[project]\ndynamic = ["dependencies"]\n', encoding="utf-8")
    assert wrote(code, "hello\n").lines[0] == "hello"


def test_a_pipfile_is_not_read(code):
    with pytest.raises(PackagingError, match="pipenv requirements"):
        wrote(code, "[packages]\n", "Pipfile")


def test_a_list_in_another_encoding(code):
    (code / "requirements.txt").write_bytes("hello\n".encode("utf-16"))
    with pytest.raises(PackagingError, match=r"requirements\.txt: no text in UTF-8"):
        read_requirements(code)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://user:pa@ss@example.com/simple", "see https://****@example.com/simple"),
        ("https://__token__:x@example.com/a?sig=abc&x=1 failed", "https://****@example.com/a?**** failed"),
        ("nobody@example.com at https://example.com/a", "nobody@example.com at https://example.com/a"),
    ],
)
def test_credentials_of_an_index_are_masked(text, shown):
    assert masked(text) == shown


def fails_with(output, installer=UV):
    def run(command, cwd):
        return subprocess.CompletedProcess(command, 1, "", output)

    return lambda folder: WheelStore(folder, run=run, installer=lambda: installer)


@pytest.mark.parametrize(
    ("output", "fix"),
    [
        ("error: No solution found\n  cause: Because docopt==0.6.2 has no usable wheels", 'python: "3.13"'),
        ("ERROR: Could not find a version\nERROR: No matching distribution found for numpy==1.26.4", 'python: "3.13"'),
        (
            "ERROR: No version (from versions: none)\nERROR: No matching distribution found for helo",
            "the package's name",
        ),
        ("cause: Because helo was not found in the package registry", "check the package's name"),
        ("error: Request failed\n  cause: Failed to fetch: https://u:s3cret@e.com/simple/", "check the network"),
        ("WARNING: Retrying after connection broken by\nERROR: No matching distribution found", "check the network"),
        (
            "error: HTTP status client error (401 Unauthorized) for url (https://u:s3cret@e.com/)",
            "check its credentials",
        ),
        ("Because hello==2 depends on other>3 and you require other==1, unsatisfiable", "mend what it says"),
    ],
)
def test_each_failure_has_its_fix(code, tmp_path, output, fix):
    (code / "requirements.txt").write_text("hello\n", encoding="utf-8")
    with pytest.raises(PackagingError) as error:
        package(code, ARM, fails_with(output)(tmp_path / "cache"))
    said, _, told = str(error.value).partition("\nfix: ")
    assert fix in told
    assert said.startswith(f"{code}: its dependencies cannot be installed as wheels for Python 3.14 on arm64; uv says:")
    assert "s3cret" not in str(error.value)


class Asking:
    """An installer whose package asks for others."""

    def __init__(self, *asked):
        self.asked = asked

    def __call__(self, command, cwd):
        folder = Path(command[command.index("--target") + 1])
        (folder / "hello-1.0.dist-info").mkdir()
        lines = ["Name: hello", *(f"Requires-Dist: {asked}" for asked in self.asked), "", "Requires-Dist: no; os_name"]
        (folder / "hello-1.0.dist-info" / "METADATA").write_text("\n".join(lines), encoding="utf-8")
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.mark.parametrize(
    ("line", "asked", "refused"),
    [
        ("hello", [f"other; python_version == '{HERE}'"], True),
        ("hello", ["other; python_version < '3.9' or python_version > '4'"], False),
        ("hello; python_full_version >= '3.11'", [], True),
        ("hello; python_full_version >= '3.6'", [], False),
        ("hello; python_full_version >= '3.10.5'", [], True),
        ("hello", ["other; platform_machine == 'riscv'"], True),
        ("hello", [f"other; extra == 'test' and python_version == '{HERE}'"], False),
        ("hello[test]", [f"other; extra == 'test' and python_version == '{HERE}'"], True),
        ("hello", ["other>1", "third; os_name == 'nt'"], False),
    ],
)
def test_pip_is_not_asked_what_it_would_answer_for_this_machine(code, tmp_path, line, asked, refused):
    (code / "requirements.txt").write_text(f"{line}\n", encoding="utf-8")
    other = Target("3.10", "riscv")  # older than any that this library runs on
    pip = WheelStore(tmp_path / "pip", run=Asking(*asked), installer=lambda: (sys.executable, "-m", "pip"))
    uv = WheelStore(tmp_path / "uv", run=Asking(*asked), installer=lambda: UV)
    assert package(code, other, uv)
    if refused:
        with pytest.raises(PackagingError, match=r"which pip reads of this machine.*\nfix: pip install uv"):
            package(code, other, pip)
    else:
        assert package(code, other, pip)
