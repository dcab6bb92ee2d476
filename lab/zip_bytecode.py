"""Lies in each host of the lab, and keeps what its Python compiles out of archives, as Python does for folders.

Ansible sends each module with all that it imports, as an archive, and Python compiles that anew at each call (and
twice, to find a module and to run it: python/cpython#141276). What that takes is told by `python -m bench.bytecode`.
Python has loaded all that is imported here anyway, for this runs at each start of Python.
"""

import marshal
import os
import zipimport

FOLDER = "/run/zip-bytecode"  # gone at the next boot


def keep(folder: str = FOLDER) -> None:
    """From here on, in this process: take bytecode from a folder, and put there what it does not hold yet."""
    compile_source = zipimport._compile_source  # type: ignore[attr-defined]

    def kept(pathname: str, source: bytes, *more: object) -> object:  # more: since Python 3.15 the module's name
        path = f"{folder}/{_key(source)}"
        try:
            with open(path, "rb") as file:
                return marshal.loads(file.read())  # noqa: S302 (root's own file)
        except OSError:
            code = compile_source(pathname, source, *more)
            _write(path, marshal.dumps(code))
            return code

    zipimport._compile_source = kept  # type: ignore[attr-defined]


def _key(source: bytes) -> str:
    from importlib.util import source_hash

    return f"{source_hash(source).hex()}-{len(source)}"


def _write(path: str, content: bytes) -> None:
    """Write a file in one step: whoever reads meanwhile finds none or the whole. Where it cannot be, it is not."""
    new = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(new, "wb") as file:
            file.write(content)
        os.replace(new, path)
    except OSError:
        if os.path.exists(new):  # begun, and then there was no room
            os.unlink(new)
