#!/usr/bin/env python3
# @VERSION@ at commit @COMMIT@, as `modelry export mlflow` gives it.
# It is written by MLflow's own client, to where MLFLOW_TRACKING_URI says:
# once as a new version of the registered model, and afterwards brought up to date.
import json
import os
import re
import sys

try:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
except ImportError as error:
    raise SystemExit(f"MLflow's client can't be loaded ({error}): python3 -m pip install mlflow") from None

data = json.loads(r'''@DATA@''')
left_out = []


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


def find(client, name, version, tags):
    """The version that this one is there, if it is."""
    found = client.search_model_versions("tags.`modelry.version` = '@VERSION@'")
    found = [it for it in found if it.name == name and it.tags.get("modelry.registry") == tags["modelry.registry"]]
    if not found and version["number"]:
        # It came from MLflow: where it still is, it is not made again.
        old = is_there(client.get_model_version, name, str(version["number"]))
        found = [old] if old and old.source == version["source"] else []
    there = max(found, key=lambda it: int(it.version), default=None)
    if there and there.source != version["source"]:
        raise SystemExit(f"version {there.version} of {name!r} has another source: {there.source!r}")
    return there


def create(client, name, version, tags):
    """The version, newly made, and its registered model if there is none: both or neither."""
    run = version["run"] and is_there(client.get_run, version["run"])
    model_tags = tags_of(data["tags"])
    is_new = is_there(client.get_registered_model, name) is None
    if is_new:
        client.create_registered_model(name, tags=model_tags, description=data["description"])
    try:
        return client.create_model_version(
            name,
            version["source"],
            run_id=run and run.info.run_id,
            tags=tags,
            description=version["description"],
        )
    except MlflowException:
        if is_new and not client.get_registered_model(name).latest_versions:
            client.delete_registered_model(name)
        raise


def main():
    # Without an address, MLflow's client makes a database where it is run.
    where = os.environ.get("MLFLOW_REGISTRY_URI") or os.environ.get("MLFLOW_TRACKING_URI")
    if not where and "--local" not in sys.argv[1:]:
        raise SystemExit("set MLFLOW_TRACKING_URI to the server's address; to write into this folder: python3 - --local")
    print("writes to", re.sub(r"//[^/@]*@", "//", where or "this folder"), file=sys.stderr)
    client = MlflowClient()
    name, version = data["name"], data["version"]
    tags = tags_of(version["tags"])
    there = find(client, name, version, tags)
    state = "there" if there else "created"
    if there:
        for key, value in tags.items():
            if there.tags.get(key) != value:
                client.set_model_version_tag(name, there.version, key, value)
        if version["description"] and there.description != version["description"]:
            client.update_model_version(name, there.version, version["description"])
    else:
        there = create(client, name, version, tags)
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


try:
    main()
except MlflowException as error:
    raise SystemExit(f"MLflow refuses it: {error.message}") from None
