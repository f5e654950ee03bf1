"""What the workers of the tests do: functions that another process can import."""

import os
import signal
import time
from pathlib import Path

from html_classification.streams.workers import Watch


def square(number: int) -> int:
    time.sleep(0.01 * (number % 3))
    return number * number


def process_id(number: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def die_of_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail_at_three(number: int) -> int:
    if number == 3:
        message = "three"
        raise ValueError(message)
    return number


def spin(marker: Path) -> str:
    with Watch(marker, seconds=0.3) as watch:
        watch.begin(0)
        watch.begin(5)
        while True:
            pass


def spin_between(marker: Path) -> str:
    """Takes its time, but each document by itself takes little of it."""
    with Watch(marker, seconds=0.5) as watch:
        for number in range(4):
            watch.begin(number)
            until = time.process_time() + 0.2
            while time.process_time() < until:
                pass
    return "done"


def take_memory(mib: int) -> int:
    try:
        return len(bytearray(mib * 1024 * 1024))
    except MemoryError:
        return -1


def interrupt(number: int) -> int:
    """What Ctrl-C does to every process of a terminal."""
    os.kill(os.getpid(), signal.SIGINT)
    return number
