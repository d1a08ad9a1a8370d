"""Signature operations of a script, counted the way blocks are limited by. No script is ever run here.

Called by `scan` for scripts that are of no standard shape.
"""

from __future__ import annotations

from typing import Final

MAX_KEYS: Final = 20
"""What a multisignature operation counts as, whatever it really does (Core MAX_PUBKEYS_PER_MULTISIG)."""

OP_PUSHDATA1: Final = 0x4C
OP_PUSHDATA4: Final = 0x4E
OP_CHECKSIG: Final = 0xAC
OP_CHECKSIGVERIFY: Final = 0xAD
OP_CHECKMULTISIGVERIFY: Final = 0xAF


def count_sigops(script: bytes) -> int:
    """Core CScript::GetSigOpCount(fAccurate=false): up to the first push that runs over the end."""
    count, at, end = 0, 0, len(script)
    while at < end:
        opcode = script[at]
        at += 1
        if opcode < OP_PUSHDATA1:
            at += opcode
        elif opcode <= OP_PUSHDATA4:
            width = 1 << opcode - OP_PUSHDATA1
            at += width + int.from_bytes(script[at : at + width], "little")
        elif OP_CHECKSIG <= opcode <= OP_CHECKMULTISIGVERIFY:  # the four follow one another
            count += 1 if opcode <= OP_CHECKSIGVERIFY else MAX_KEYS
    return count
