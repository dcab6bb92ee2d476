"""A YAML file of limited size → its document: no key twice, and nothing that unfolds without end."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from yaml.constructor import ConstructorError

from lbcheck import documents
from lbcheck.errors import LbcheckError
from lbcheck.loaders.values import shown

MOST_BYTES = 2 * 2**20  # 65,535 ports, listed one by one, are 0.5 MB; PyYAML reads about 0.1 MB a second
MOST_VALUES = 1_000_000  # with what aliases repeat; no file of that size has more of its own
# What PyYAML raises where a scalar is not of the type that it looks like: 2021-13-45, 5,000 digits, !!bool x.
_NOT_OF_ITS_TYPE = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError)


class _Loader(yaml.SafeLoader):
    """PyYAML's own, which says where a scalar is that it cannot read."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        """Return the value of a node."""
        try:
            return super().construct_object(node, deep)
        except _NOT_OF_ITS_TYPE:
            raise _error(f"{shown(node.value)} cannot be read; if text is meant, write it in quotes", node) from None


def load(path: Path) -> object:
    """Return the document of a file; LbcheckError names the file and the line."""
    try:
        return _document(documents.read(path, MOST_BYTES).decode())
    except UnicodeDecodeError:
        raise LbcheckError(f"{path} is no text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise LbcheckError(f"{path}{line}: no YAML: {problem}") from None
    except RecursionError:
        raise LbcheckError(f"{path} is nested too deeply") from None


def _document(text: str) -> object:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _refuse_what_unfolds(root)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _refuse_what_unfolds(root: yaml.Node) -> None:
    """Refuse what aliases make too large, and a key that a mapping has twice: PyYAML takes the last."""
    sizes: dict[int, int] = {}
    for node in _inner_first(root):
        sizes[id(node)] = size = 1 + sum(sizes[id(part)] for part in _parts(node))
        if size > MOST_VALUES:
            raise _error(f"its aliases unfold to more than {MOST_VALUES:,} values", node)
        if isinstance(node, yaml.MappingNode):
            _refuse_twice(node)


def _refuse_twice(node: yaml.MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in seen:
                raise _error(f"the key {shown(key.value)} is there twice", key)
            seen.add((key.tag, key.value))


def _inner_first(root: yaml.Node) -> Iterator[yaml.Node]:
    """Give every node once, after all that it holds; ConstructorError where it holds itself."""
    done: set[int] = set()
    around: set[int] = set()  # the nodes that hold the present one
    todo = [root]
    while todo:
        node = todo[-1]
        if id(node) in done or id(node) in around:
            todo.pop()
            if id(node) not in done:
                done.add(id(node))
                around.remove(id(node))
                yield node
            continue
        around.add(id(node))
        inner = [part for part in _parts(node) if id(part) not in done]
        if any(id(part) in around for part in inner):
            raise _error("it contains itself", node)
        todo += inner


def _parts(node: yaml.Node) -> list[yaml.Node]:
    """Return what a node holds: items, or keys and values."""
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _error(problem: str, node: yaml.Node) -> ConstructorError:
    return ConstructorError(None, None, problem, node.start_mark)
