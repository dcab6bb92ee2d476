"""The program that a vantage carries to other hosts: `lbcheck probe` as one file, for nothing but Python 3.11."""

import importlib.util
import io
import zipfile
from pathlib import Path

_FILES = ("__init__.py", "errors.py", "plain.py", "probe.py", "vantage/__init__.py", "vantage/here.py")
_FOLDERS = ("model", "wire", "probing", "sources")
_MAIN = """\
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("lbcheck probe needs Python 3.11 or newer; this host's python3 is " + sys.version.split()[0])
from lbcheck.probe import main

sys.exit(main(Path(sys.argv[0])))
"""


def build() -> bytes:
    """Return the zipapp: this package's probing half, and dnspython, which is pure Python."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("__main__.py", _MAIN)
        package = Path(__file__).parent.parent
        for part in (*_FILES, *_FOLDERS):
            _add(file, package / part, package.parent)
        found = importlib.util.find_spec("dns")
        if found and found.origin:
            _add(file, Path(found.origin).parent, Path(found.origin).parent.parent)
    return archive.getvalue()


def _add(file: zipfile.ZipFile, path: Path, root: Path) -> None:
    for source in [path] if path.is_file() else sorted(path.rglob("*.py")):
        file.write(source, source.relative_to(root))
