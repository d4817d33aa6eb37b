"""What a plug-in provides, and what is wrong with it, for `hepexp doctor`."""

from dataclasses import dataclass
from pathlib import Path

from hepexp.config import catalog, kind, plugins, targets, yaml_file
from hepexp.config.annotations import TARGET
from hepexp.config.plugins import Plugin
from hepexp.errors import HepexpError


@dataclass(frozen=True)
class Report:
    """The result of inspecting a plug-in.

    Parameters
    ----------
    found : its distribution, its folder, its options.
    faults : one line for each option that does not work, or for the package if it is missing.
    """

    found: str
    faults: tuple[str, ...]


def inspect(plugin: Plugin) -> Report:
    """Read a plug-in's configurations, and import each class that they name."""
    folder = plugins.package_dir(plugin.package)
    brought = plugin.distribution or plugin.package
    if folder is None:
        return Report(brought, tuple(line for line in plugins.missing() if line.startswith(f"plug-in {plugin.name}:")))
    conf = folder / "conf"
    options = {
        (group, name): file for group in catalog.groups([conf]) for name, file in catalog.options(group, [conf]).items()
    }
    faults = [fault for (group, name), file in options.items() if (fault := _fault(group, name, file))]
    names = ", ".join(f"{group}={name}" for group, name in options) or "no options (it has no conf folder)"
    return Report(f"{brought} in {folder}: {names}", tuple(faults))


def _fault(group: str, name: str, file: Path) -> str:
    """What is wrong with an option; empty if nothing is."""
    taken = catalog.find(group, name, catalog.folders())
    if taken != file:
        return f"{group}={name} is hidden by {taken}; give it another name"
    try:
        target = yaml_file.load(file).get(TARGET)
        if target is not None:
            targets.load(target, kind.of_group(group))
    except HepexpError as error:
        return f"{group}={name}: {error}"
    return ""
