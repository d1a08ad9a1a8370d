"""The data directory: the only place of headway that reads and writes files (the commands of `cli` aside)."""

from headway.store.directory import Store
from headway.store.disk import DamagedFile, DiskFull, Durability

__all__ = ["DamagedFile", "DiskFull", "Durability", "Store"]
