#!/usr/bin/env python3
# @VERSION@ at commit @COMMIT@, as `modelry export mlflow` gives it.
# It is written by MLflow's own client, to where MLFLOW_TRACKING_URI says:
# once as a new version of the registered model, and afterwards brought up to date.
import json
import re

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

data = json.loads(r'''@DATA@''')


def tags_of(tags):
    """What MLflow's names can hold, and what it takes of a value."""
    kept = {}
    for key, value in tags.items():
        name = re.sub(r"[^/\w.\- :]", "_", key, flags=re.ASCII)
        if name in kept or len(name) > 250 or len(value.encode()) > 5000:
            left_out.append("tag " + key)
        elif value:
            kept[name] = value
    return kept


def is_there(read, *what):
    try:
        return read(*what)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        return None


left_out = []
client = MlflowClient()
name, version = data["name"], data["version"]
try:
    client.create_registered_model(name, tags=tags_of(data["tags"]), description=data["description"])
except MlflowException as error:
    if error.error_code != "RESOURCE_ALREADY_EXISTS":
        raise
tags = tags_of(version["tags"])
found = client.search_model_versions("tags.`modelry.version` = '@VERSION@'")
found = [it for it in found if it.name == name and it.tags.get("modelry.registry") == tags["modelry.registry"]]
if not found and version["number"]:
    # It came from MLflow: where it still is, it is not made again.
    old = is_there(client.get_model_version, name, str(version["number"]))
    found = [old] if old and old.source == version["source"] else []
if found:
    there = max(found, key=lambda it: int(it.version))
    if there.source != version["source"]:
        raise SystemExit(f"version {there.version} of {name!r} has another source: {there.source!r}")
    for key, value in tags.items():
        if there.tags.get(key) != value:
            client.set_model_version_tag(name, there.version, key, value)
    if version["description"] and there.description != version["description"]:
        client.update_model_version(name, there.version, version["description"])
    state = "there"
else:
    run = version["run"] and is_there(client.get_run, version["run"])
    there = client.create_model_version(
        name,
        version["source"],
        run_id=run and run.info.run_id,
        tags=tags,
        description=version["description"],
    )
    state = "created"
before = set(there.tags.get("modelry.stages", "").split()) if state == "there" else set()
aliases = []
for alias in version["aliases"]:
    if re.fullmatch(r"[A-Za-z0-9_-]+", alias) and not re.fullmatch(r"[vV][0-9]+", alias):
        client.set_registered_model_alias(name, alias, there.version)
        aliases.append(alias)
    else:
        left_out.append("alias " + alias)
for alias in before - set(aliases):
    held = is_there(client.get_model_version_by_alias, name, alias)
    if held and int(held.version) == int(there.version):
        client.delete_registered_model_alias(name, alias)
if aliases or before:
    client.set_model_version_tag(name, there.version, "modelry.stages", " ".join(aliases))
print(json.dumps({"name": name, "version": int(there.version), "state": state, "aliases": aliases, "leftOut": left_out}))
