"""placeholder"""
from __future__ import annotations
from dataclasses import dataclass
from headway.types import Raw

@dataclass(frozen=True, slots=True)
class Frame:
    """One complete frame: its command and payload, checked as far as a frame can be.

    `fault` says why the frame must be dropped while its connection stays (wrong checksum, command not ASCII); then the payload
    is empty.
    """
    command: str
    payload: Raw
    size: int
    """Bytes on the wire, header included."""
    fault: str = ""
