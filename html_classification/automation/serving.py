"""The two user interfaces, together.

Belongs here: starting Dagster's and MLflow's servers on this machine and ending them together. Does not belong
here: how a team deploys them (`deploy/`).
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from html_classification.settings import dagster_home, load_settings
from html_classification.training.tracking import client


def serve(port: int, mlflow_port: int) -> int:
    """Run both until Ctrl-C or until one of them ends.

    Args:
        port: Port of the Dagster UI on 127.0.0.1.
        mlflow_port: Port of the MLflow UI on 127.0.0.1.

    Returns:
        The exit status: 0 after Ctrl-C, else that of the server that ended by itself.
    """
    tracking_uri = load_settings().mlflow_tracking_uri  # reads .env, which may hold DAGSTER_HOME
    home = dagster_home()
    client(tracking_uri)  # makes a local database before two processes want to
    environment = os.environ | {"DAGSTER_HOME": str(home)}
    servers = {
        "Dagster": ["dagster", "dev", "-w", str(home / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)],
        "MLflow": [
            *("mlflow", "server", "--backend-store-uri", tracking_uri),
            *("--host", "127.0.0.1", "--port", str(mlflow_port), "--workers", "1"),
        ],
    }
    if tracking_uri.startswith(("http://", "https://")):
        del servers["MLflow"]  # the team's own server is there already
    print(f"Dagster on http://127.0.0.1:{port}", flush=True)
    if "MLflow" in servers:
        print(f"MLflow on http://127.0.0.1:{mlflow_port}", flush=True)
    folder = Path(sys.executable).parent
    running = {
        name: subprocess.Popen([str(folder / command), *arguments], env=environment)  # noqa: S603
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


def _first_to_end(running: dict[str, "subprocess.Popen[bytes]"]) -> int:
    while True:
        for name, process in running.items():
            status = process.poll()
            if status is not None:
                print(f"{name} ended with status {status}", file=sys.stderr)
                return status or 1
        time.sleep(0.5)
