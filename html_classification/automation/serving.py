"""The two user interfaces, together.

Belongs here: starting Dagster's and MLflow's servers on this machine and ending them together. Does not belong
here: how a team deploys them (`deploy/`).
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

from html_classification.automation.dead_runs import close_dead_runs
from html_classification.settings import SettingsError, dagster_home, load_settings
from html_classification.training.tracking import client

#: Remarks of Dagster and MLflow about themselves, and MLflow's job runner, which takes a gigabyte and is not used.
_QUIET = {
    "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded,ignore:starlette.middleware.wsgi is deprecated",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def serve(port: int, mlflow_port: int) -> int:
    """Run both until Ctrl-C or until one of them ends.

    Args:
        port: Port of the Dagster UI on 127.0.0.1.
        mlflow_port: Port of the MLflow UI on 127.0.0.1.

    Returns:
        The exit status: 0 after Ctrl-C, else that of the server that ended by itself.

    Raises:
        SettingsError: A port is taken, or there is no dagster.yaml.
    """
    tracking_uri = load_settings().mlflow_tracking_uri  # reads .env, which may hold DAGSTER_HOME
    home = dagster_home()
    _require_free(port, "--port")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        close_dead_runs(instance)
    own_mlflow = not tracking_uri.startswith(("http://", "https://"))
    if own_mlflow:
        _require_free(mlflow_port, "--mlflow-port")
        client(tracking_uri)  # makes a local database before two processes want to
    # By the environment and not as an argument, which everyone on the machine can see: it may hold a password.
    environment = os.environ | {"DAGSTER_HOME": str(home), "MLFLOW_BACKEND_STORE_URI": tracking_uri} | _QUIET
    servers = {
        "Dagster": ["dagster", "dev", "-w", str(home / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)],
    }
    if own_mlflow:
        servers["MLflow"] = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(mlflow_port), "--workers", "1"]
    print(f"Dagster on http://127.0.0.1:{port}, with the instance of {home}", flush=True)
    print(f"MLflow on http://127.0.0.1:{mlflow_port}" if own_mlflow else "MLflow on the team's server", flush=True)
    folder = Path(sys.executable).parent
    # SIGINT too: a shell that starts a program in the background has it ignored.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    # In sessions of their own: a terminal's Ctrl-C reaches this process only, which then ends them in order.
    running = {
        name: subprocess.Popen([str(folder / command), *arguments], env=environment, start_new_session=True)  # noqa: S603
        for name, (command, *arguments) in servers.items()
    }
    try:
        return _first_to_end(running)
    except KeyboardInterrupt:
        return 0
    finally:
        for process in running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in running.values():
            process.wait(timeout=30)


def _require_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            message = f"port {port} is taken, perhaps by another 'dev': end that one, or give another port by {option}"
            raise SettingsError(message) from None


def _first_to_end(running: dict[str, "subprocess.Popen[bytes]"]) -> int:
    while True:
        for name, process in running.items():
            status = process.poll()
            if status is not None:
                print(f"{name} ended with status {status}", file=sys.stderr)
                return status or 1
        time.sleep(0.5)
