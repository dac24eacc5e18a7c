from abc import ABC, abstractmethod
from collections.abc import Iterable

from parso.tree import NodeOrLeaf

Place = tuple[int, int]

class Operator(ABC):
    @abstractmethod
    def mutation_positions(self, node: NodeOrLeaf) -> Iterable[tuple[Place, Place]]: ...
    @abstractmethod
    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf | None: ...
    @classmethod
    @abstractmethod
    def examples(cls) -> Iterable[object]: ...
