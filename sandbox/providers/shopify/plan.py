"""Turns a validated query into a plan and runs it: graphql-core reads and checks, the walk over the data is our own.

graphql-core's own execution costs several times as much per field; a test runs it beside this one on the same data.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

#: Reads one field of one object.
Resolver = Callable[[Any, Mapping[str, Any]], Any]

#: Objects that Shopify does not charge for.
FREE = ("MoneyBag", "MoneyV2", "PageInfo")
CONNECTION_COST = 2
MUTATION_COST = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One field of a selection."""

    key: str
    name: str
    resolver: Resolver | None
    arguments: Mapping[str, Any]
    #: None for scalars and enums
    plan: "Plan | None"
    is_list: bool
    #: points per object that this field yields
    weight: int
    #: how often it counts beforehand: `first` of a connection or list
    times: int

    def cost(self) -> int:
        """Points that this field may cost at most."""
        if self.plan is None:
            return 0
        if self.weight == CONNECTION_COST:
            return self.weight + self.times * self.plan.cost()
        return self.times * (self.weight + self.plan.cost())


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read of an object, by the name of its type."""

    steps: Mapping[str, Sequence[Step]]

    def cost(self) -> int:
        """Points that one such object may cost at most, without itself."""
        return max((sum(step.cost() for step in steps) for steps in self.steps.values()), default=0)

    def of(self, source: Any) -> Sequence[Step]:
        """Return the steps for an object; abstract types are told apart by the object's own __typename."""
        if len(self.steps) == 1:
            return next(iter(self.steps.values()))
        return self.steps[source["__typename"]]


class Planner:
    """Makes the plan of one operation."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, resolvers: Mapping[tuple[str, str], Resolver],
        variables: VariableValues,
    ) -> None:  # fmt: skip
        self._schema = schema
        self._resolvers = resolvers
        self._variables = variables
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def plan(self, operation: OperationDefinitionNode) -> Sequence[Step]:
        """Return the steps of the operation's root."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None, "validation refuses operations that the schema lacks"
        return self._steps(root, [operation.selection_set])

    def _plan(self, named: Any, sets: Sequence[SelectionSetNode]) -> Plan:
        if is_abstract_type(named):
            possible = cast("Sequence[GraphQLObjectType]", self._schema.get_possible_types(named))
            return Plan({one.name: self._steps(one, sets) for one in possible})
        return Plan({named.name: self._steps(named, sets)})

    def _steps(self, parent: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> Sequence[Step]:
        fields: dict[str, list[FieldNode]] = defaultdict(list)
        for selection_set in sets:
            self._collect(parent, selection_set, fields)
        return tuple(self._step(parent, key, nodes) for key, nodes in fields.items())

    def _step(self, parent: GraphQLObjectType, key: str, nodes: Sequence[FieldNode]) -> Step:
        name = nodes[0].name.value
        if name == "__typename":
            return Step(key, name, lambda _source, _arguments: parent.name, {}, None, is_list=False, weight=0, times=1)
        definition = parent.fields[name]
        arguments = get_argument_values(definition, nodes[0], self._variables)
        named = get_named_type(definition.type)
        is_list = is_list_type(get_nullable_type(definition.type))
        resolver = self._resolvers.get((parent.name, name))
        if is_leaf_type(named):
            return Step(key, name, resolver, arguments, None, is_list, 0, 1)
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        connection = named.name.endswith("Connection")
        free = named.name in FREE or named.name.endswith("Edge")
        weight = CONNECTION_COST if connection else 0 if free else 1
        times = _times(arguments) if connection or is_list else 1
        return Step(key, name, resolver, arguments, self._plan(named, sets), is_list, weight, times)

    def _collect(
        self, parent: GraphQLObjectType, selections: SelectionSetNode, into: dict[str, list[FieldNode]]
    ) -> None:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                into[node.alias.value if node.alias else node.name.value].append(node)
                continue
            fragment: Any = node
            if isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
            condition = fragment.type_condition
            if condition is None or self._concerns(parent, condition.name.value):
                self._collect(parent, fragment.selection_set, into)

    def _concerns(self, parent: GraphQLObjectType, name: str) -> bool:
        return name == parent.name or any(interface.name == name for interface in parent.interfaces)

    def _included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and not (include and not include["if"])


class Run:
    """One walk over the data; counts what it really costs."""

    def __init__(self) -> None:
        self.cost = 0

    def object(self, steps: Iterable[Step], source: Any) -> dict[str, Any]:
        """Read an object."""
        return {step.key: self.field(step, source) for step in steps}

    def field(self, step: Step, source: Any) -> Any:
        """Read a field and what is below it."""
        value = source.get(step.name) if step.resolver is None else step.resolver(source, step.arguments)
        if step.plan is None or value is None:
            return value
        if step.is_list:
            self.cost += step.weight * sum(item is not None for item in value)
            return [None if item is None else self.object(step.plan.of(item), item) for item in value]
        self.cost += step.weight
        return self.object(step.plan.of(value), value)


def _times(arguments: Mapping[str, Any]) -> int:
    return int(arguments.get("first") or arguments.get("last") or len(arguments.get("ids") or ()) or 1)


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    """Return the operation to run: the only one, or the named one."""
    found = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None:
        return found[0] if len(found) == 1 else None
    return next((node for node in found if node.name is not None and node.name.value == name), None)
