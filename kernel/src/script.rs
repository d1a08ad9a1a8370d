//! Signature operations of a script, counted the way blocks are limited by. No script is ever run here.

/// What a multisignature operation counts as, whatever it really does (Core `MAX_PUBKEYS_PER_MULTISIG`).
const MAX_KEYS: usize = 20;

const OP_PUSHDATA1: u8 = 0x4c;
const OP_PUSHDATA2: u8 = 0x4d;
const OP_PUSHDATA4: u8 = 0x4e;
const OP_CHECKSIG: u8 = 0xac;
const OP_CHECKSIGVERIFY: u8 = 0xad;
const OP_CHECKMULTISIG: u8 = 0xae;
const OP_CHECKMULTISIGVERIFY: u8 = 0xaf;

/// Core `CScript::GetSigOpCount(fAccurate=false)`: up to the first push that runs over the end.
pub fn count_sigops(script: &[u8]) -> usize {
    let (mut count, mut rest) = (0, script);
    while let Some((&opcode, after)) = rest.split_first() {
        let pushed = match opcode {
            ..OP_PUSHDATA1 => usize::from(opcode),
            OP_PUSHDATA1 => after.first_chunk::<1>().map_or(usize::MAX, |size| 1 + usize::from(size[0])),
            OP_PUSHDATA2 => after.first_chunk().map_or(usize::MAX, |size| 2 + usize::from(u16::from_le_bytes(*size))),
            OP_PUSHDATA4 => after
                .first_chunk()
                .and_then(|size| usize::try_from(u32::from_le_bytes(*size)).ok()?.checked_add(4))
                .unwrap_or(usize::MAX),
            OP_CHECKSIG | OP_CHECKSIGVERIFY => {
                count += 1;
                0
            }
            OP_CHECKMULTISIG | OP_CHECKMULTISIGVERIFY => {
                count += MAX_KEYS;
                0
            }
            _ => 0,
        };
        rest = after.get(pushed..).unwrap_or_default();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_count_one_and_multisignatures_twenty() {
        assert_eq!(count_sigops(&[]), 0);
        assert_eq!(count_sigops(&[OP_CHECKSIG, OP_CHECKSIGVERIFY]), 2);
        assert_eq!(count_sigops(&[0x52, OP_CHECKMULTISIG, 0x51, OP_CHECKMULTISIGVERIFY]), 40);
        assert_eq!(count_sigops(&[0x50, 0x61, 0xff, 0x00]), 0);
    }

    #[test]
    fn pushed_bytes_are_no_operations() {
        assert_eq!(count_sigops(&[2, OP_CHECKSIG, OP_CHECKSIG, OP_CHECKSIG]), 1);
        assert_eq!(count_sigops(&[OP_PUSHDATA1, 1, OP_CHECKSIG, OP_CHECKSIG]), 1);
        assert_eq!(count_sigops(&[OP_PUSHDATA2, 1, 0, OP_CHECKSIG, OP_CHECKSIG]), 1);
        assert_eq!(count_sigops(&[OP_PUSHDATA4, 1, 0, 0, 0, OP_CHECKSIG, OP_CHECKSIG]), 1);
    }

    #[test]
    fn counting_ends_at_a_push_over_the_end() {
        for push in
            [&[75_u8][..], &[OP_PUSHDATA1], &[OP_PUSHDATA1, 9], &[OP_PUSHDATA2, 9], &[OP_PUSHDATA4, 255, 255, 255, 255]]
        {
            assert_eq!(count_sigops(&[&[OP_CHECKSIG], push, &[OP_CHECKSIG]].concat()), 1, "{push:?}");
        }
    }
}
