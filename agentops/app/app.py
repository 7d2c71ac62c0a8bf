"""`App`: from settings and a playbook's name to a run, and from a recorded run's header back to its code."""

from __future__ import annotations

import hashlib
import inspect
import platform
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from agentops.app.settings import Settings
from agentops.app.workspace import prepare_data, roots
from agentops.errors import InvalidInput, JournalError, PlaybookError, WorkspaceError
from agentops.journal.sqlite import Journal
from agentops.kernel.agent import Agent, AgentSpec
from agentops.kernel.chat import Price
from agentops.kernel.kernel import RunSpec
from agentops.kernel.records import Start
from agentops.messages import codec
from agentops.models.base import Model, ModelSettings
from agentops.models.prices import parse_prices
from agentops.models.registry import open_model
from agentops.playbook.agents import load_catalog
from agentops.playbook.catalog import Book, Catalog
from agentops.playbook.compile import Compiled, compile_book
from agentops.playbook.inputs import parse_assignments
from agentops.playbook.loader import Library
from agentops.playbook.plan import plan_of
from agentops.playbook.program import PlaybookInputs
from agentops.playbook.yaml_source import YamlSource, parse_yaml
from agentops.retrieval.tools import index_documents, search_documents
from agentops.runtime.definition import Definition
from agentops.runtime.runtime import Runtime
from agentops.supervisor.config import Config
from agentops.supervisor.limits import parse_budget
from agentops.supervisor.redact import Redactor
from agentops.supervisor.supervisor import Supervisor
from agentops.tools.stock import STOCK_TOOLS

if TYPE_CHECKING:  # a name in annotations only
    from agentops.kernel.gate import Gate

__all__ = ["App", "agent_digest", "gate_of", "versions"]


class App:
    """Everything wired together for one invocation. Nothing is opened before it is needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redactor = Redactor(settings.secrets)
        self._models: dict[str, Model] = {}
        self._recorded_url = ""
        """The endpoint that a recorded run names, where no setting does."""

    # --- what there is --------------------------------------------------------------------------------------------

    @cached_property
    def catalog(self) -> Catalog:
        """The agents and tools of the workspace and of the stock."""
        return load_catalog(roots(self.settings.workspace), (index_documents, search_documents, *STOCK_TOOLS))

    @cached_property
    def library(self) -> Library:
        """The playbooks of the workspace and of the stock."""
        return Library(roots(self.settings.workspace))

    def agents(self) -> list[type[Agent]]:
        """Every agent, by name."""
        return [agent for _, agent in sorted(self.catalog.agents.items())]

    def load(self, name: str, *, base: Path | None = None) -> Compiled:
        """A playbook by name or path, checked with all that it calls. Relative paths count from ``base``."""
        return compile_book(self._book(name, base), self.catalog)

    def _book(self, name: str, base: Path | None) -> Book:
        return self.library.open(name, base or Path.cwd())

    # --- runs -----------------------------------------------------------------------------------------------------

    def prepare(
        self,
        playbook: str,
        inputs: Iterable[str] | Mapping[str, Any],
        *,
        budget: Iterable[str] = (),
        base: Path | None = None,
    ) -> tuple[Definition, PlaybookInputs]:
        """A run of a playbook, ready to start. ``inputs``: ``NAME=VALUE`` texts, or values by name."""
        base = base or Path.cwd()
        book = self._book(playbook, base)
        compiled = compile_book(book, self.catalog)
        given = inputs if isinstance(inputs, Mapping) else parse_assignments(inputs)
        message = compiled.message(given, base=base, workspace=self.settings.workspace)
        model = self.settings.model
        if self.settings.sources.get("model") in ("default", "agentops.yaml") and compiled.plan.model:
            model = compiled.plan.model
        config = msgspec.structs.replace(
            compiled.config,
            limits=compiled.config.limits.updated(parse_budget(budget)),
            prices=self.prices({model, *(spec.model for spec in compiled.agents)} - {""}),
        )
        return self._definition(book, compiled, config, model), message

    def redefine(self, start: Start) -> Definition:
        """A recorded run's definition: its playbook, policy and budgets as recorded, its agents as they are now."""
        header = start.header
        if self.settings.sources.get("base_url", "default") == "default":
            self._recorded_url = str(header.get("base_url", ""))
        if "agent" in header:
            from agentops.app.embed import agent_definition

            return agent_definition(self, header)
        try:
            config = msgspec.convert(header["config"], Config)
            book = _book_from(header["playbook"])
            model = str(header["model"])
        except (KeyError, TypeError, msgspec.ValidationError) as error:
            msg = f"the header of run {start.run} does not say what the run was made of: {error}"
            raise JournalError(msg, hint="It was written by another version, or not by the command line.") from error
        compiled = compile_book(book, self.catalog)
        return self._definition(book, compiled, config, model)

    def changed(self, start: Start) -> list[str]:
        """What is not as it was when the run was recorded: agents by name, versions."""
        recorded = start.header.get("agents", {})
        now = {spec.name: agent_digest(spec) for spec in self.redefine(start).spec.agents}
        found = [f"agent {name}" for name, digest in now.items() if recorded.get(name) != digest]
        found += [f"agent {name} (gone)" for name in recorded if name not in now]
        before = start.header.get("versions", {})
        return found + [
            f"{key} {before.get(key)} -> {new}" for key, new in versions().items() if before.get(key) != new
        ]

    def _definition(self, book: Book, compiled: Compiled, config: Config, model: str) -> Definition:
        """A run's definition, with the header that lets it be made again."""
        header = {
            "playbook": _book_record(book),
            "config": msgspec.to_builtins(config),
            "model": model,
            "base_url": self.settings.base_url or self._recorded_url,
            "agents": {spec.name: agent_digest(spec) for spec in compiled.agents},
            "versions": versions(),
        }
        returns = codec(compiled.returns) if compiled.returns is not None else None
        return self.definition(
            RunSpec(compiled.agents, compiled.name, model, config.limits.seconds),
            lambda: Supervisor.from_config(config, guardrails=compiled.guardrails),
            playbook=compiled.name,
            header=header,
            returns=returns,
        )

    def definition(
        self, spec: RunSpec, gate: Any, *, playbook: str, header: dict[str, Any], returns: Any
    ) -> Definition:
        """A definition with this app's models and folders."""
        return Definition(
            spec,
            gate,
            self.model,
            playbook=playbook,
            header=header,
            returns=returns,
            workspace=self.settings.workspace,
            data=self.settings.data,
        )

    # --- models ---------------------------------------------------------------------------------------------------

    def model(self, name: str) -> Model:
        """A model, opened once."""
        if name not in self._models:
            if name.startswith("openai/"):
                self._refuse_to_hand_over_key()
            settings = ModelSettings(
                base_url=self.settings.base_url or self._recorded_url,
                api_key=self.settings.api_key,
                prices=parse_prices(self.settings.prices),
                folder=self.settings.workspace,
            )
            self._models[name] = open_model(name, settings)
        return self._models[name]

    def _refuse_to_hand_over_key(self) -> None:
        """A record, which may have been imported, must not say where this machine's key is sent."""
        url = self._recorded_url
        if url and not self.settings.base_url and self.settings.api_key:
            msg = f"the run was recorded with the endpoint {url}, and a key is set here that it would get"
            raise InvalidInput(msg, hint=f"If it may have the key, say so: --base-url {url}", base_url=url)

    def prices(self, names: set[str]) -> dict[str, Price]:
        """The known prices of models, by full name."""
        found = {name: self.model(name).price for name in sorted(names)}
        return {name: price for name, price in found.items() if price is not None}

    def model_label(self, name: str) -> str:
        """What an honest page says wrote it."""
        return self.model(name).label

    # --- journal and runtime ----------------------------------------------------------------------------------------

    def journal(self, *, must_exist: bool = False) -> Journal:
        """The journal, opened; made where there is none, unless it ``must_exist``."""
        path = self.settings.journal
        if not path.exists():
            if must_exist:
                msg = f"there is no journal at {path}"
                raise JournalError(msg, hint="Start a run first, or name the file with --journal.", path=str(path))
            if path.parent == self.settings.data:
                self.prepare_data()
        return Journal(path, durability=self.settings.durability)

    def prepare_data(self) -> None:
        """Make the folder for the workspace's data."""
        try:
            prepare_data(self.settings.data)
        except OSError as error:
            msg = f"{self.settings.data} cannot be made: {error.strerror}"
            raise WorkspaceError(msg, hint="Name a folder that can be written with --workspace.") from error

    @asynccontextmanager
    async def runtime(self) -> AsyncIterator[Runtime]:
        """A runtime on the journal; models are closed on leaving."""
        self.prepare_data()
        self.journal().close()
        try:
            path, durability = self.settings.journal, self.settings.durability
            async with Runtime.open(path, durability=durability, redact=self.redactor.json) as runtime:
                yield runtime
        finally:
            models, self._models = self._models, {}
            for model in models.values():
                await model.aclose()


def agent_digest(spec: AgentSpec) -> str:
    """Of an agent's code and prompt: the source of its module, what it is told, and which model."""
    try:
        module = inspect.getmodule(spec.cls)
        source = inspect.getsource(module if module is not None else spec.cls)
    except (OSError, TypeError):
        source = spec.cls.__qualname__
    return hashlib.sha256(f"{source}\0{spec.instructions}\0{spec.model}".encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """What a run's behaviour may depend on besides its own code."""
    from agentops.app.version import version

    return {"agentops": version(), "python": platform.python_version()}


def _book_record(book: Book) -> dict[str, Any]:
    """A playbook and all that it calls, as text, for the header."""
    files = {}
    for file, plan in book.plans.items():
        source = plan.source
        if not isinstance(source, YamlSource):
            msg = f"{file} was not read from YAML"
            raise PlaybookError(msg)
        files[file] = {"shown": source.file, "text": source.text}
    calls = [[file, step, called] for (file, step), called in book.calls.items()]
    return {"root": book.root, "files": files, "calls": calls}


def _book_from(record: Mapping[str, Any]) -> Book:
    plans = {
        file: plan_of(parse_yaml(said["text"].encode(), file=said["shown"])) for file, said in record["files"].items()
    }
    calls = {(file, step): called for file, step, called in record["calls"]}
    return Book(record["root"], plans, calls)


def gate_of(config: Config) -> Gate:
    """A supervisor from its configuration alone."""
    return Supervisor.from_config(config)
