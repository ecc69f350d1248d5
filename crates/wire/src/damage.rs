//! Damage, for tests of whatever reads bytes.

/// Heads of CBOR that announce more than there is, and values that fit nowhere.
const HEADS: [u8; 14] =
    [0x00, 0x1b, 0x3b, 0x5b, 0x5f, 0x7b, 0x7f, 0x9b, 0x9f, 0xbb, 0xbf, 0xf6, 0xfb, 0xff];

/// These bytes as a broken or hostile peer may send them: cut short, with other bits, with numbers
/// that are too large and lengths that are not true, with parts missing or doubled. `draw(n)` is a
/// number below `n`.
pub fn damaged(bytes: &[u8], draw: &mut dyn FnMut(usize) -> usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=draw(3) {
        if bytes.is_empty() {
            bytes.push(HEADS[draw(HEADS.len())]);
            continue;
        }
        let at = draw(bytes.len());
        let end = at + draw((bytes.len() - at).min(24) + 1);
        match draw(7) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << draw(8),
            2 => bytes[at] = HEADS[draw(HEADS.len())],
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            5 => {
                // A head, and a number or a length of 64 bits behind it.
                let number = [u64::MAX, 1 << 63, 1 << 40, 0][draw(4)].to_be_bytes();
                let head = HEADS[draw(HEADS.len())];
                bytes.splice(at..(at + 1), [head].into_iter().chain(number));
            }
            _ => bytes[at..end].fill(0xff),
        }
    }
    bytes
}
