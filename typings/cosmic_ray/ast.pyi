from collections.abc import Iterator

from parso.python.tree import Module
from parso.tree import NodeOrLeaf

def get_ast(source: str) -> Module: ...
def ast_nodes(node: NodeOrLeaf) -> Iterator[NodeOrLeaf]: ...
