"""What is changed in a module's text: operators of cosmic-ray, and two that it lacks."""

from collections.abc import Iterable, Iterator, Mapping

from cosmic_ray import plugins
from cosmic_ray.operators.operator import Operator
from parso.python.tree import ExprStmt, Name, PythonNode
from parso.tree import BaseNode, NodeOrLeaf

_COMPARISONS: tuple[str, ...] = (
    "Eq_NotEq",
    "NotEq_Eq",
    "Lt_LtE",
    "Lt_GtE",
    "LtE_Lt",
    "LtE_Gt",
    "Gt_GtE",
    "Gt_LtE",
)
_COMPARISONS += ("GtE_Gt", "GtE_Lt", "Is_IsNot", "IsNot_Is")
_SUMS = ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul")
_SETS = ("BitOr_BitAnd", "BitAnd_BitOr")
_OTHERS = (
    "AddNot",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "ZeroIterationForLoop",
)
_CHOSEN = (
    *(f"ReplaceComparisonOperator_{name}" for name in _COMPARISONS),
    *(f"ReplaceBinaryOperator_{name}" for name in (*_SUMS, *_SETS)),
    *_OTHERS,
)
"""Each decision and its opposite, and the limit beside it.

cosmic-ray has 250: `<` is `==`, `is`, `is not` and so on. What is wrong everywhere says nothing.
"""

NUMBERS = "NumberReplacer"
_Place = tuple[tuple[int, int], tuple[int, int]]


class _Change(Operator):
    @classmethod
    def examples(cls) -> Iterable[object]:
        return ()


class DropOperand(_Change):
    """Leaves out one condition of those that `and` or `or` join."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[_Place]:
        if isinstance(node, PythonNode) and node.type in ("and_test", "or_test"):
            for operand in node.children[::2]:
                yield operand.start_pos, operand.end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        if not isinstance(node, BaseNode):
            raise TypeError(f"{node} has no operands")
        at = 2 * index
        before = node.get_first_leaf().prefix  # type: ignore[no-untyped-call] # of parso
        node.children = (
            node.children[2:] if at == 0 else node.children[: at - 1] + node.children[at + 1 :]
        )
        first = node.get_first_leaf()  # type: ignore[no-untyped-call] # of parso
        first.prefix = before
        return node


class DropStatement(_Change):
    """Does not do what a statement does: a call whose result nobody wants, a change of a value."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[_Place]:
        if _is_call(node) or (isinstance(node, ExprStmt) and _is_change(node)):
            yield node.start_pos, node.end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        leaf = node.get_first_leaf()  # type: ignore[no-untyped-call] # of parso
        return Name("pass", node.start_pos, leaf.prefix)


def _is_call(node: NodeOrLeaf) -> bool:
    return (
        isinstance(node, PythonNode)
        and node.type == "atom_expr"
        and node.parent is not None
        and node.parent.type == "simple_stmt"
        and not node.get_code(include_prefix=False).startswith("log.")  # type: ignore[no-untyped-call] # of parso
    )


def _is_change(statement: ExprStmt) -> bool:
    """Return whether a value changes that exists: `x += 1`, `x.y = 1`, `x[y] = 1`."""
    target, sign = statement.children[0], statement.children[1]
    is_sign = sign.type == "operator"
    return is_sign and bool(target.type == "atom_expr" or getattr(sign, "value", "=") != "=")


def list_operators() -> Mapping[str, Operator]:
    """Return the operators by name."""
    found = {name: plugins.get_operator(f"core/{name}")() for name in _CHOSEN}
    return {**found, "DropOperand": DropOperand(), "DropStatement": DropStatement()}
